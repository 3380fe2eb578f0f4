"""Version 1 of the protocol: records as single `data_point` messages, made of the frames that all others get."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bidviz_core.frames import unpack_frame
from bidviz_core.messages.notifications import DataPoint, DataPointContent, encode
from bidviz_core.values import Histogram, HostValue, Image, Matrix, Table, Text, from_parts
from bidviz_dashboard.sockets import WireFrame

#: The word for a chart where the client gave none.
WORDS = {
    "scalar": "LineChart",
    "histogram": "ColumnChart",
    "image": "Conv",
    "matrix": "Heatmap",
    "table": "Table",
    "text": "Text",
}


def points(frame: WireFrame, type_of: Callable[[str], str]) -> bytes:
    """The data points of a frame.

    Args:
        frame: a batch or an array.
        type_of: gives the client's word for a series' chart; empty for none.

    Returns:
        The messages, encoded and separated by commas; empty for a frame without records.
    """
    header, buffers = unpack_frame(frame.payload)
    if header["type"] == "batch":
        found = _scalars(header, buffers, type_of)
    elif header["type"] == "array":
        value = from_parts(header["value"], buffers)
        found = iter([_array(header["name"], int(header["step"]), value, type_of(header["name"]))])
    else:
        found = iter(())
    return b",".join(encode(DataPoint(content)) for content in found)


def spell(number: float) -> float | str:
    """A number, or the word for one that JSON has no word for."""
    if math.isfinite(number):
        return number
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def _scalars(header: dict[str, Any], buffers: list[Any], type_of: Callable[[str], str]) -> Iterator[DataPointContent]:
    for block in header["blocks"]:
        steps, values = buffers[block["at"]], buffers[block["at"] + 2]
        kinds = [type_of(name) or WORDS["scalar"] for name in block["names"]]
        # Step by step, as they were computed.
        for column, step in enumerate(steps.tolist()):
            for row, (name, kind) in enumerate(zip(block["names"], kinds, strict=True)):
                number = spell(float(values[row, column]))
                yield DataPointContent(name, int(step), [1, 1], [number], kind)


def _array(name: str, step: int, value: HostValue, kind: str) -> DataPointContent:
    match value:
        case Histogram(counts=counts, edges=edges):
            # Rows of left edge and count.
            return _numbers(name, step, np.column_stack([np.asarray(edges)[:-1], counts]), kind or WORDS["histogram"])
        case Matrix(values=values):
            return _numbers(name, step, values, kind or WORDS["matrix"])
        case Image(data=data):
            return _numbers(name, step, data, kind or WORDS["image"])
        case Table(columns=columns, rows=rows):
            cells = [spell(cell) if isinstance(cell, float) else cell for row in rows for cell in row]
            return DataPointContent(name, step, [len(rows), len(columns)], cells, kind or WORDS["table"])
        case Text(text=text):
            return DataPointContent(name, step, [1, 1], [text], kind or WORDS["text"])
        case _:
            return _numbers(name, step, value, kind or WORDS["scalar"])


def _numbers(name: str, step: int, values: Any, kind: str) -> DataPointContent:
    array = np.asarray(values)
    shape = list(array.shape) if array.ndim >= 2 else [1, array.size]
    flat = array.ravel()
    if flat.dtype.kind == "f" and not np.isfinite(flat).all():
        data: list[Any] = [spell(number) for number in flat.tolist()]
    else:
        data = flat.tolist()
    return DataPointContent(name, step, shape, data, kind)
