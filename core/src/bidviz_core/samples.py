"""Samples: series as they stand in a bundle's description, and how values are written as JSON.

Numbers are JSON numbers, but for `"NaN"`, `"Infinity"` and `"-Infinity"`; every other value is the header that it has
on the wire with its buffers in it:
`{"kind": "histogram", …, "buffers": [{"dtype": "<f8", "shape": [64], "data": […]}]}`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bidviz_core.description import Sample
from bidviz_core.errors import SpecError
from bidviz_core.values import HostValue, from_parts, kind_of, to_parts


def sample_of(steps: Sequence[int], values: Sequence[HostValue]) -> Sample:
    """A series as a description holds it.

    Args:
        steps: n steps, ascending.
        values: n values of one kind.

    Raises:
        SpecError: there are not as many steps as values, there are none, or the values are of several kinds.
    """
    if len(steps) != len(values) or not len(values):
        raise SpecError(
            f"A sample has a step for each value, and one at the least: got {len(steps)} and {len(values)}."
        )
    kinds = sorted({kind_of(value) for value in values})
    if len(kinds) > 1:
        raise SpecError(f"The values of a sample are of one kind, got {', '.join(kinds)}.")
    return Sample(kinds[0], tuple(int(step) for step in steps), tuple(value_to_json(value) for value in values))


def value_to_json(value: HostValue) -> Any:
    """A value as JSON: a number, a word for what is no number, or a header with its buffers."""
    if isinstance(value, (int, float)):
        return _number(float(value))
    header, buffers = to_parts(value)
    return {**header, "buffers": [_buffer(buffer) for buffer in buffers]}


def value_from_json(data: Any) -> HostValue:
    """Reads what `value_to_json` wrote.

    Raises:
        SpecError: it is no such thing.
    """
    try:
        if not isinstance(data, dict):
            return float(data)
        buffers = [
            np.array([float(one) for one in buffer["data"]]).astype(buffer["dtype"]).reshape(buffer["shape"])
            for buffer in data.get("buffers", ())
        ]
        return from_parts(data, buffers)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise SpecError(f"A sample's value is a number, or a kind with its buffers: {error}.") from error


def _number(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _buffer(buffer: Any) -> dict[str, Any]:
    # Bytes stay bytes, for a picture of them is drawn from 0 to 255; every other number is a double's.
    kept = buffer if buffer.dtype == np.uint8 else buffer.astype(np.float64)
    flat = kept.ravel()
    data = flat.tolist() if np.isfinite(flat).all() else [_number(value) for value in flat.tolist()]
    return {"dtype": kept.dtype.str, "shape": list(kept.shape), "data": data}
