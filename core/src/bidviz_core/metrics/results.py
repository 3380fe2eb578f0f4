"""Takes what a metric returned and gives scalars and arrays that may wait for the pump, or says what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from bidviz_core.errors import MetricError
from bidviz_core.values import Histogram, Image, Matrix, Nothing, Table, Text

if TYPE_CHECKING:
    from torch import Tensor

MAX_NUMBERS = 1_000_000
MAX_NAMES = 1_000
MAX_TEXT = 200_000

_EXPECTED = (
    "expected a number, a tensor or array of up to two dimensions, a mapping of names to numbers, None, or one of "
    "bidviz.Histogram, Matrix, Image, Table, Text"
)


class Observed(dict[str, Any]):
    """What was kept of modules' calls, by their names.

    Args:
        seconds: how long looking at them took.
    """

    seconds = 0.0


class Results:
    """What one metric gave at one step.

    Args:
        names: series of the scalars.
        values: as many floats or 0-d tensors on a device.
        arrays: series and value of everything else; tensors in it are copies that nobody changes.
        reason: why there is nothing, in a sentence.
    """

    __slots__ = ("arrays", "names", "reason", "values")

    def __init__(
        self, names: tuple[str, ...], values: list[Any], arrays: list[tuple[str, Any, int]], reason: str = ""
    ) -> None:
        self.reason = reason
        self.names = names
        self.values = values
        self.arrays = arrays


NOTHING = Results((), [], [])


def take_results(name: str, value: Any) -> Results:
    """Sorts a metric's value into scalars and arrays.

    Args:
        name: the metric's name, which is the series' name too, or its prefix for a mapping.
        value: what the metric returned.

    Returns:
        The results; scalars of tensors on the CPU are read at once (under 1 µs), others stay where they are.

    Raises:
        MetricError: it is nothing that can be recorded.
    """
    if value is None:
        return NOTHING
    if type(value) is float:
        return Results((name,), [value], [])
    if type(value) is Nothing:
        return Results((), [], [], str(value.reason)[:500])
    # Tensors first: asking whether one is a mapping costs more than reading its number.
    if type(value) is dict or (not is_tensor(value) and isinstance(value, Mapping)):
        return _take_mapping(name, value)
    scalar = _scalar(value)
    if scalar is not None:
        return Results((name,), [scalar], [])
    array, size = snapshot(value)
    return Results((), [], [(name, array, size)])


def _take_mapping(name: str, value: Mapping[Any, Any]) -> Results:
    if len(value) > MAX_NAMES:
        raise MetricError(f"returned a mapping of {len(value):,} names; at most {MAX_NAMES:,} series can be told apart")
    names, values, arrays = [], [], []
    for key, inner in value.items():
        series = f"{name}/{key}"
        scalar = _scalar(inner)
        if scalar is None and inner is not None:
            array, size = snapshot(inner)
            arrays.append((series, array, size))
        elif scalar is not None:
            names.append(series)
            values.append(scalar)
    return Results(tuple(names), values, arrays)


def _scalar(value: Any) -> Any:
    """A float, a 0-d tensor on a device, or none when the value is no single number."""
    if type(value) is float:
        return value
    if is_tensor(value):  # first, because the checks below are slow on what is no number
        if value.dim() != 0:
            return None
        if value.is_complex():
            raise MetricError("returned a complex number; return its .abs() or its real and imaginary parts by name")
        return float(value.item()) if value.is_cpu else value.detach()
    if isinstance(value, np.ndarray):
        return _scalar(value[()]) if value.ndim == 0 else None
    if isinstance(value, (float, int, np.generic, Real)):
        try:
            return float(value)
        except (OverflowError, TypeError, ValueError) as error:
            raise MetricError(
                f"returned {type(value).__name__} {value!r:.80}, which is no real number: {error}"
            ) from None
    return None


def snapshot(value: Any) -> tuple[Any, int]:
    """Copies an array value as it is now, on its own device.

    Returns:
        The value with copies in place of what others may change, and its size in bytes.

    Raises:
        MetricError: it cannot be recorded.
    """
    match value:
        case Histogram():
            counts, edges = _copy(value.counts, 1), _copy(value.edges, 1)
            if len(edges) != len(counts) + 1:
                raise MetricError(
                    f"returned a Histogram of {len(counts)} counts and {len(edges)} edges; there is one edge more"
                )
            return replace(value, counts=counts, edges=edges), _bytes(counts) + _bytes(edges)
        case Matrix():
            inner = _copy(value.values, 2)
            if len(inner.shape) != 2:
                raise MetricError(f"returned a Matrix of shape {tuple(inner.shape)}; expected two dimensions")
            return Matrix(inner, tuple(map(str, value.rows)), tuple(map(str, value.columns))), _bytes(inner)
        case Image():
            inner = _copy(value.data, 4)
            if len(inner.shape) < 2:
                raise MetricError(f"returned an Image of shape {tuple(inner.shape)}; expected H×W, H×W×3 or N×H×W[×3]")
            return Image(inner, tuple(map(str, value.labels))), _bytes(inner)
        case Table():
            rows = tuple(tuple(_cell(cell) for cell in row) for row in value.rows)
            if len(rows) * max(1, len(value.columns)) > MAX_NUMBERS // 10:
                raise MetricError(
                    f"returned a Table of {len(rows):,} rows; at most {MAX_NUMBERS // 10:,} cells are kept"
                )
            wrong = next((row for row in rows if len(row) != len(value.columns)), None)
            if wrong is not None:
                raise MetricError(f"returned a Table with {len(value.columns)} columns and a row of {len(wrong)} cells")
            return Table(tuple(map(str, value.columns)), rows), 64 * len(rows) * len(value.columns)
        case Text():
            if len(value.text) > MAX_TEXT:
                raise MetricError(f"returned a Text of {len(value.text):,} characters; at most {MAX_TEXT:,} are kept")
            return value, len(value.text)
        case str() | bytes():
            raise MetricError(f"returned a {type(value).__name__}; {_EXPECTED} (a text: bidviz.Text(...))")
        case _ if hasattr(value, "resolve"):
            return value, int(getattr(value, "nbytes", 0))
        case _:
            array = _copy(value, 2)
            return array, _bytes(array)


def _copy(value: Any, dimensions: int) -> Any:
    if is_tensor(value):
        if value.is_complex():
            raise MetricError("returned complex numbers; return their .abs(), or real and imaginary parts by name")
        _check_shape(tuple(value.shape), value.numel(), dimensions)
        tensor: Tensor = value.detach()
        return tensor.to_dense() if tensor.is_sparse else tensor.clone()
    if not isinstance(value, (np.ndarray, list, tuple)):
        raise MetricError(f"returned {_what(value)}; {_EXPECTED}")
    if isinstance(value, (list, tuple)):
        if len(value) > MAX_NUMBERS:
            _check_shape((len(value),), len(value), dimensions)
        value = [float(item) if is_tensor(item) and item.dim() == 0 else item for item in value]
    try:
        array = np.array(value)
    except ValueError:
        raise MetricError("returned a ragged list: its rows have different lengths; give every row the same") from None
    if array.dtype.kind == "b":
        array = array.astype(np.float64)
    if array.dtype.kind not in "fiu":
        raise MetricError(f"returned an array of {array.dtype}, which are no numbers; {_EXPECTED}")
    _check_shape(array.shape, array.size, dimensions)
    return array


def _check_shape(shape: tuple[int, ...], numbers: int, dimensions: int) -> None:
    if numbers > MAX_NUMBERS:
        raise MetricError(
            f"returned {numbers:,} numbers; at most {MAX_NUMBERS:,} are kept: reduce them "
            "(bidviz.Histogram.of(x), x.mean(0), x[:100])"
        )
    if len(shape) > dimensions:
        raise MetricError(f"returned an array of shape {shape}; expected at most {dimensions} dimensions here")


def _cell(cell: Any) -> Any:
    if cell is None or isinstance(cell, (str, bool, int, float)):
        return cell
    scalar = _scalar(cell)
    return float(scalar) if scalar is not None else str(cell)


def _bytes(array: Any) -> int:
    return int(array.nbytes)


def _what(value: Any) -> str:
    kind = type(value)
    return f"{'an' if kind.__name__[0] in 'aeiou' else 'a'} {kind.__name__}"


def is_tensor(value: Any) -> bool:
    """Whether a value is a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)
