"""From the device to the host, on the pump's thread: the only place where BIDViz may wait for a device."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bidviz_core.values import Histogram, HostValue, Image, Matrix, Table, Text

#: Values larger than this make an image or a matrix that no page can show; numpy copies them anyway.
_FLOATS = np.float64


def to_host_scalars(rows: Sequence[Sequence[Any]], width: int) -> NDArray[np.float64]:
    """Gives the values of n rows as one `width × n` array.

    Args:
        rows: n rows of `width` floats or 0-d tensors; tensors of one device are copied together, one copy a tick.
        width: how many values a row has.
    """
    try:
        return np.ascontiguousarray(np.array(rows, _FLOATS).T)
    except (TypeError, ValueError, RuntimeError):
        return _mixed_scalars(rows, width)


def _mixed_scalars(rows: Sequence[Sequence[Any]], width: int) -> NDArray[np.float64]:
    values = np.full((width, len(rows)), np.nan)
    waiting: list[tuple[int, int, Any]] = []
    torch = sys.modules.get("torch")
    for column, row in enumerate(rows):
        for line, value in enumerate(row):
            if torch is not None and isinstance(value, torch.Tensor):
                waiting.append((line, column, value))
            else:
                values[line, column] = value
    devices: dict[Any, list[tuple[int, int, Any]]] = {}
    for item in waiting:
        devices.setdefault(item[2].device, []).append(item)
    for items in devices.values():
        assert torch is not None
        stacked = torch.stack([tensor.detach().reshape(()).to(torch.float64) for _, _, tensor in items]).cpu().numpy()
        for (line, column, _), value in zip(items, stacked, strict=True):
            values[line, column] = value
    return values


def to_host(value: Any) -> HostValue:
    """Gives an array value with host data only.

    Args:
        value: an array, a tensor on any device, a value type that holds such, or an object with `resolve()`.
    """
    if hasattr(value, "resolve"):
        value = value.resolve()
    match value:
        case Histogram():
            if _on_host(value.counts) and _on_host(value.edges):
                return value
            return replace(value, counts=_numpy(value.counts), edges=_numpy(value.edges))
        case Matrix():
            return Matrix(_numpy(value.values), value.rows, value.columns)
        case Image():
            return Image(_numpy(value.data), value.labels)
        case Table() | Text():
            return value
        case _:
            return _numpy(value)


def _on_host(value: Any) -> bool:
    return type(value) is np.ndarray and value.dtype.kind in "fiu"


def _numpy(value: Any) -> NDArray[Any]:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        if value.dtype in (torch.bfloat16, torch.float16):
            value = value.float()
        elif value.dtype is torch.bool:
            value = value.double()
        return np.asarray(value.cpu().numpy())
    array = np.asarray(value)
    return array.astype(_FLOATS) if array.dtype.kind == "b" else array
