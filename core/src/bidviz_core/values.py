"""What a metric may return beside a number: the value types, and their one wire form.

On the host every value is a `float`, a numpy array of one or two dimensions, or one of the frozen types below.
`to_parts` and `from_parts` turn any of them into a JSON-able header and numpy buffers and back; store, link and
browser all use that form (`bidviz_core.frames`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bidviz_core.errors import BidvizError

if TYPE_CHECKING:
    from bidviz_core.histograms import PendingHistogram

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts between edges.

    Args:
        counts: n numbers, how many values fell between `edges[i]` and `edges[i + 1]`.
        edges: n + 1 ascending numbers in the unit of the values.
        nan: how many values were no number, and so are in no bin.
        below: how many values lay under the lowest edge, -Inf among them.
        above: how many values lay over the highest edge, +Inf among them.
    """

    counts: Any
    edges: Any
    nan: int = 0
    below: int = 0
    above: int = 0

    @staticmethod
    def of(
        values: Any,
        bins: int = 64,
        range: tuple[float, float] | None = None,  # noqa: A002
        *,
        copy: bool = True,
    ) -> PendingHistogram:
        """The histogram of a tensor or array as it is now; counted off the training thread, exactly.

        Args:
            values: numbers of any shape: a torch tensor on any device, a numpy array, or a sequence.
            bins: how many bins of equal width.
            range: the lowest and the highest edge; by default the smallest and the largest finite value.
            copy: false says that nobody will write to these values any more: a metric that has just computed them
                saves the copy. Of a layer's own weights and gradients a copy is needed.

        Returns:
            What a metric can return, and `session.log` can take, like a `Histogram`.

        Raises:
            MetricError: the values are no real numbers, or `bins` or `range` make no bins.
        """
        from bidviz_core.histograms import pending

        return pending(values, bins, range, copy=copy)


@dataclass(frozen=True, eq=False)
class Matrix:
    """A table of numbers drawn as colours.

    Args:
        values: r × c numbers.
        rows: r names, or none.
        columns: c names, or none.
    """

    values: Any
    rows: Sequence[str] = ()
    columns: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Image:
    """One picture or several.

    Args:
        data: `H × W`, `H × W × 3`, or `N × H × W [× 3]` numbers; `uint8` is taken as 0 to 255, anything else is
            scaled from its own smallest to its own largest value.
        labels: N captions, or none.
    """

    data: Any
    labels: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of text and numbers.

    Args:
        columns: c names.
        rows: r sequences of c values (numbers, texts, booleans or `None`).
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]] = field(default_factory=tuple)


@dataclass(frozen=True, eq=False)
class Text:
    """Plain text, drawn in a monospace."""

    text: str


@dataclass(frozen=True)
class Nothing:
    """Nothing this time, and why; the page shows the sentence beside the metric.

    Args:
        reason: a sentence (`"This model has no embedding."`).
    """

    reason: str


HostValue: TypeAlias = float | Array | Histogram | Matrix | Image | Table | Text

KINDS = ("array", "histogram", "matrix", "image", "table", "text")


def to_parts(value: HostValue) -> tuple[dict[str, Any], list[Array]]:
    """Turns a host value (not a plain number) into a header and buffers.

    Args:
        value: a numpy array or one of the value types, with host data.

    Returns:
        `{"kind": one of KINDS, …}` and the numpy buffers, for `pack_frame`.
    """
    match value:
        case Histogram():
            outside = {"nan": value.nan, "below": value.below, "above": value.above}
            return {"kind": "histogram", **outside}, [_floats(value.counts), _floats(value.edges)]
        case Matrix():
            header = {"kind": "matrix", "rows": list(value.rows), "columns": list(value.columns)}
            return header, [_floats(value.values)]
        case Image():
            return {"kind": "image", "labels": list(value.labels)}, [np.asarray(value.data)]
        case Table():
            return {"kind": "table", "columns": list(value.columns), **_cells(value.rows)}, []
        case Text():
            return {"kind": "text", "text": value.text}, []
        case _:
            return {"kind": "array"}, [_floats(value)]


def from_parts(header: dict[str, Any], buffers: Sequence[Array]) -> HostValue:
    """Turns `to_parts`' result back into the value.

    Raises:
        BidvizError: the header names a kind that is not known.
    """
    match header.get("kind"):
        case "array":
            return buffers[0]
        case "histogram":
            outside = (int(header.get(name, 0)) for name in ("nan", "below", "above"))
            return Histogram(buffers[0], buffers[1], *outside)
        case "matrix":
            return Matrix(buffers[0], header["rows"], header["columns"])
        case "image":
            return Image(buffers[0], header["labels"])
        case "table":
            rows = [list(row) for row in header["rows"]]
            for row, column, word in header.get("odd", ()):
                rows[row][column] = float(word)
            return Table(header["columns"], rows)
        case "text":
            return Text(header["text"])
        case kind:
            raise BidvizError(f"A value of kind {kind!r} is not known; expected one of {', '.join(KINDS)}.")


def kind_of(value: HostValue) -> str:
    """The kind of a host value: `"scalar"` or one of `KINDS`."""
    if isinstance(value, (int, float)):
        return "scalar"
    return str(to_parts(value)[0]["kind"])


def _cells(rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Rows as JSON, which has no NaN and no infinities: those stand beside, with their places."""
    cells = [list(row) for row in rows]
    odd = []
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            if isinstance(cell, float) and not math.isfinite(cell):
                odd.append([i, j, "NaN" if math.isnan(cell) else "Infinity" if cell > 0 else "-Infinity"])
                row[j] = None
    return {"rows": cells, "odd": odd} if odd else {"rows": cells}


def _floats(values: ArrayLike) -> Array:
    array = np.asarray(values)
    return array if array.dtype.kind in "fiu" else array.astype(np.float64)
