"""Counts values into equal bins: quickly, and with every count equal to the definition in float64.

The definition: the edges are `np.linspace(low, high, bins + 1)`, and bin i holds the x with
`edges[i] <= x < edges[i + 1]`, the last bin its upper edge as well. Comparing every value with float64 edges costs 5 ms
for 100,000 values. Computing the bin in the values' own precision costs 0.2 ms and errs for a few values near an edge.
So each bin is cut into cells finer than the possible error: what falls in the two cells around an edge is compared with
the edge itself, and everything else needs no comparison.

Nothing here holds the interpreter lock for long, so that another thread can do it beside the training.
"""

from __future__ import annotations

import math
import sys
import threading
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
Counts = NDArray[np.int64]

#: Cells in all: their table fits into a core's second-level cache, and most increments hit another entry.
_CELLS_BITS = 14
_LEAST_CELL_BITS = 4
_AT_ONCE = 262_144
#: Up to so many elements torch works on the calling thread; for more it wakes others, which then spin for a while.
_SERIAL = 32_768
_FEW = 2_000


class Counted(NamedTuple):
    """How many values fell where.

    Args:
        counts: for each bin.
        edges: one more than bins, in float64.
        nan: values that are no number.
        below: values under the lowest edge, -Inf among them.
        above: values over the highest edge, +Inf among them.
    """

    counts: Counts
    edges: NDArray[np.float64]
    nan: int
    below: int
    above: int


def count(values: Floats, bins: int, limits: tuple[float, float] | None) -> Counted:
    """Counts values.

    Args:
        values: a flat float32 or float64 array; it is only read.
        bins: how many bins, from 1.
        limits: the lowest and highest edge; by the smallest and largest finite value when none.

    Returns:
        The counts. Without limits, equal values are given a range of one around them, as numpy does.
    """
    total = len(values)
    least, most = _extremes(values)
    nan = below = above = 0
    if not (math.isfinite(least) and math.isfinite(most)):
        nan = int(np.isnan(values).sum())
        below, above = int((values == -np.inf).sum()), int((values == np.inf).sum())
        values = values[np.isfinite(values)]
        least, most = _extremes(values)
    edges = edges_of(*(limits or _limits(least, most, len(values))), bins)
    if len(values) and (least < edges[0] or most > edges[-1]):
        low, high = _at_least(edges[:1], values.dtype)[0], _at_most(edges[-1], values.dtype)
        inside = (values >= low) & (values <= high)
        below += int((values < low).sum())
        values = values[inside]
        above = total - nan - below - len(values)
    return Counted(_count_inside(values, edges), edges, nan, below, above)


def edges_of(low: float, high: float, bins: int) -> NDArray[np.float64]:
    """The edges of equal bins; also where the range itself is more than a float64 can say."""
    if math.isfinite(high - low):
        return np.linspace(low, high, bins + 1)
    return np.linspace(low / 2, high / 2, bins + 1) * 2


def by_definition(values: Floats, edges: NDArray[np.float64]) -> Counts:
    """Counts values that lie within the edges by comparing each with the edges, in float64."""
    bins = len(edges) - 1
    found = np.searchsorted(edges, values.astype(np.float64), side="right") - 1
    return np.bincount(np.minimum(found, bins - 1), minlength=bins)


def _extremes(values: Floats) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)


def _limits(least: float, most: float, number: int) -> tuple[float, float]:
    if not number:
        return 0.0, 1.0
    if least < most:
        return least, most
    half = max(0.5, abs(least) * 2.0**-20)  # at 1e20 a range of one would be no range
    return least - half, least + half


def _at_least(edges: NDArray[np.float64], kind: Any) -> Floats:
    """The smallest numbers of a type that are not below the edges: a comparison with them is one in float64."""
    with np.errstate(over="ignore"):
        near = edges.astype(kind)
    return np.where(near < edges, np.nextafter(near, kind.type(np.inf)), near).astype(kind)


def _at_most(edge: float, kind: Any) -> Any:
    with np.errstate(over="ignore"):
        near = kind.type(edge)
    return np.nextafter(near, kind.type(-np.inf)) if near > edge else near


def _count_inside(values: Floats, edges: NDArray[np.float64]) -> Counts:
    """Counts values that all lie within the edges."""
    bins = len(edges) - 1
    if len(values) <= _FEW:
        return by_definition(values, edges)
    cell_bits = _CELLS_BITS - (bins - 1).bit_length()
    if cell_bits >= _LEAST_CELL_BITS:
        for kind in (values.dtype, np.dtype(np.float64)):
            plan = _plan(edges, bins, cell_bits, kind)
            if plan is not None:
                return _by_cells(values.astype(kind, copy=False), edges, plan)
    return by_definition(values, edges)


class _Plan(NamedTuple):
    """`cell = int(x * scale + shift)`, in the values' precision; the shift is one cell more than the lowest edge's."""

    bins: int
    cell_bits: int
    scale: float
    shift: float
    at_least: Floats


def _plan(edges: NDArray[np.float64], bins: int, cell_bits: int, kind: Any) -> _Plan | None:
    """Says how to compute cells, or nothing where the error could be as large as a cell."""
    low, high = float(edges[0]), float(edges[-1])
    cells = bins << cell_bits
    if not high > low or not math.isfinite(high - low):
        return None
    scale = cells / (high - low)
    limits = np.finfo(kind)
    if not scale * max(abs(low), abs(high), 1.0) < float(limits.max) / 4:
        return None
    # Roundings of the scale, the product, the shift and the sum, each of half a unit in the last place, twice over;
    # the edges' own; and what is lost where small numbers are flushed to zero.
    largest = cells + scale * max(abs(low), abs(high))
    error = 4 * float(limits.eps) * largest + 8 * float(np.finfo(np.float64).eps) * largest
    error += 4 * scale * float(limits.smallest_normal)
    if error > 0.5:
        return None
    return _Plan(bins, cell_bits, scale, 1.0 - low * scale, _at_least(edges, kind))


def _by_cells(values: Floats, edges: NDArray[np.float64], plan: _Plan) -> Counts:
    cells = plan.bins << plan.cell_bits
    table = np.zeros(cells + 2, np.int64)
    doubtful = np.zeros(plan.bins, np.int64)
    work = _work_space(values.dtype, min(_AT_ONCE, len(values)))
    for start in range(0, len(values), _AT_ONCE):
        part = values[start : start + _AT_ONCE]
        where = _find_cells(part, plan, work)
        table += _count_cells(work.cells[: len(part)], len(table))
        if len(where):
            _settle(part, where, work.cells, plan, doubtful)
    counts: Counts = table[:cells].reshape(plan.bins, -1)[:, 2:].sum(axis=1) + doubtful
    # All values lie within the edges, so around the first and the last edge there is no doubt.
    counts[0] += table[0] + table[1]
    counts[-1] += table[cells:].sum()
    return counts


def _find_cells(part: Floats, plan: _Plan, work: _WorkSpace) -> Counts:
    """Fills in `work.cells`, and says which of the values fell next to an edge."""
    scaled, cells, within, near = (array[: len(part)] for array in work)
    kind = part.dtype.type
    np.multiply(part, kind(plan.scale), out=scaled)
    np.add(scaled, kind(plan.shift), out=scaled)
    np.copyto(cells, scaled, casting="unsafe")
    np.bitwise_and(cells, (1 << plan.cell_bits) - 1, out=within)
    np.less_equal(within, 1, out=near)
    return near.nonzero()[0]


def _count_cells(cells: NDArray[np.int32], size: int) -> Counts:
    torch = sys.modules.get("torch")
    if torch is None:
        return np.bincount(cells, minlength=size)
    # torch's is twice as quick, and lets go of the interpreter lock.
    at_once = len(cells) if torch.get_num_threads() == 1 else _SERIAL
    first, *others = torch.from_numpy(cells).split(at_once)
    table = torch.bincount(first, minlength=size)
    for other in others:
        table += torch.bincount(other, minlength=size)
    counts: Counts = table.numpy()
    return counts


def _settle(part: Floats, where: Counts, cells: NDArray[np.int32], plan: _Plan, doubtful: Counts) -> None:
    """Compares the values around inner edges with the edge itself."""
    found = cells[where]
    inner = (found > 1) & (found < plan.bins << plan.cell_bits)
    edge = found[inner] >> plan.cell_bits
    bin_ = edge - (part[where[inner]] < plan.at_least[edge])
    doubtful += np.bincount(bin_, minlength=plan.bins)


class _WorkSpace(NamedTuple):
    """Memory that is used again and again: taking it anew would cost more than the arithmetic in it."""

    scaled: Floats
    cells: NDArray[np.int32]
    within: NDArray[np.int32]
    near: NDArray[np.bool_]


_kept = threading.local()


def _work_space(kind: Any, size: int) -> _WorkSpace:
    kept: dict[Any, _WorkSpace] = _kept.__dict__.setdefault("spaces", {})
    space = kept.get(kind)
    if space is None or len(space.cells) < size:
        integers = np.int32
        space = _WorkSpace(
            np.empty(size, kind), np.empty(size, integers), np.empty(size, integers), np.empty(size, bool)
        )
        kept[kind] = space
    return space
