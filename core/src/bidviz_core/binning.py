"""Counts values into equal bins: quickly, and with every count equal to the definition in float64.

The definition: the edges are `np.linspace(low, high, bins + 1)`, and bin i holds the x with
`edges[i] <= x < edges[i + 1]`, the last bin its upper edge as well. Comparing every value with float64 edges costs 5 ms
for 100,000 values. Computing a value's position among the bins costs 0.2 ms and errs for a few values near an edge. But
the position grows with the value: where the two numbers next to each edge, of the values' own type, are put on the
right sides of it, every value is. That is tried. It holds for float32 and positions in float64, but for edges next to
0, below which values are counted by comparing. Float64 values may come closer to any edge than positions can tell: so
each bin is cut into cells, and what falls into the two cells around an edge is compared with it.
"""

from __future__ import annotations

import functools
import math
import sys
import threading
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
Counts = NDArray[np.int64]

#: Cells in all: their table fits into a core's first cache, and two increments in a row hit different entries.
CELLS_BITS = 12
LEAST_CELL_BITS = 3
_AT_ONCE = 262_144
_IN_CACHE = 16_384
#: Up to so many elements torch works on the calling thread; for more it wakes others, which then spin for a while.
_SERIAL = 32_768
_FEW = 2_000
FEW_EDGES = 3


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
    step = (high - low) / bins
    if not math.isfinite(step):
        return np.linspace(low / 2, high / 2, bins + 1) * 2
    if step < sys.float_info.min:
        return np.linspace(low, high, bins + 1)
    edges: NDArray[np.float64] = whole_numbers(bins + 1) * step  # what np.linspace does, in a fifth of its time
    edges += low
    edges[-1] = high
    return edges


@functools.lru_cache(maxsize=16)
def whole_numbers(count: int) -> NDArray[np.float64]:
    return np.arange(count, dtype=np.float64)


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
    if len(values) <= _FEW:
        return by_definition(values, edges)
    plan = _plan(edges, values.dtype)
    if plan is None:
        return by_definition(values, edges)
    uncertain = _uncertain(edges, plan, values.dtype)
    if len(uncertain) <= FEW_EDGES:
        return _by_rule(values, edges, plan, uncertain)
    return _by_cells(values, edges, plan)


class _Plan(NamedTuple):
    """How to compute cells: `cell = int(x * scale + shift)` in float64, where the lowest edge comes to lie at 0.

    Args:
        bins: how many bins.
        cell_bits: a bin has two to the power of so many cells.
        scale: cells in one unit of the values.
        shift: what brings the lowest edge to 0.
        error: how far a computed position may be off, in cells, at most.
    """

    bins: int
    cell_bits: int
    scale: float
    shift: float
    error: float


#: The smallest number that is not flushed to zero in a program that asks for that.
SMALLEST = {np.dtype(kind): float(np.finfo(kind).smallest_normal) for kind in (np.float32, np.float64)}
#: Half of the smallest distance between numbers, as a share of them.
SPACING = {np.dtype(np.float32): 2.0**-25, np.dtype(np.float64): 2.0**-54}


def _plan(edges: NDArray[np.float64], kind: Any) -> _Plan | None:
    bins = len(edges) - 1
    cell_bits = CELLS_BITS - (bins - 1).bit_length()
    low, high = float(edges[0]), float(edges[-1])
    if cell_bits < LEAST_CELL_BITS or not 0 < high - low < math.inf:
        return None
    cells = bins << cell_bits
    scale = cells / (high - low)
    farthest = scale * max(abs(low), abs(high))
    # Four roundings, with room to spare, and what is lost where a program has small numbers flushed to zero.
    error = 16 * sys.float_info.epsilon * (farthest + cells) + scale * SMALLEST[kind]
    if not error < 0.1:
        return None
    # Positions are a little too far up: so a number that lies on an edge, or above it, comes to lie above it.
    return _Plan(bins, cell_bits, scale, 3 * error - low * scale, error)


def _uncertain(edges: NDArray[np.float64], plan: _Plan, kind: Any) -> list[int]:
    """The inner edges under which a number of that type could lie so close that its position comes out above."""
    inner = edges[1:-1]
    with np.errstate(over="ignore"):
        near = inner.astype(kind)
    gap = inner - near
    # Where the nearest number is not under the edge, the next one under it is half the numbers' spacing away.
    gap = np.where(gap > 0, gap, np.abs(near) * SPACING[kind])
    limit = 6 * plan.error / plan.scale
    return (np.flatnonzero(gap <= limit) + 1).tolist() if inner.size and gap.min() <= limit else []


def _by_rule(values: Floats, edges: NDArray[np.float64], plan: _Plan, uncertain: list[int]) -> Counts:
    """Counts where the computed position tells the bin, as it does for float32 but for edges next to 0.

    The position grows with the value, and there is room between each edge and the numbers under it.
    """
    cells = plan.bins << plan.cell_bits
    table: Any = 0
    work = _work_space()
    for start in range(0, len(values), _AT_ONCE):
        part = values[start : start + _AT_ONCE]
        _find_cells(part, plan, work)
        table = table + _count_cells(work.cells[: len(part)], cells + 2)
    counts: Counts = table[:cells].reshape(plan.bins, -1).sum(axis=1)
    counts[-1] += table[cells:].sum()
    return settle_edges(counts, values, edges, uncertain) if uncertain else counts


def settle_edges(counts: Counts, values: Floats, edges: NDArray[np.float64], uncertain: list[int]) -> Counts:
    """Corrects counts at the edges by whose position alone a value may have come to lie on the wrong side."""
    under = np.cumsum(counts)
    for edge, least in zip(uncertain, _at_least(edges[uncertain], values.dtype), strict=True):
        under[edge - 1] = np.count_nonzero(values < least)
    settled: Counts = np.diff(under, prepend=0)
    return settled


def _by_cells(values: Floats, edges: NDArray[np.float64], plan: _Plan) -> Counts:
    """Counts where values may lie closer to any edge than arithmetic can tell: those are compared with it."""
    cells = plan.bins << plan.cell_bits
    plan = plan._replace(shift=plan.shift + 1.0)  # the two cells around an edge are then the first two of its bin
    table = np.zeros(cells + 3, np.int64)
    doubtful = np.zeros(plan.bins, np.int64)
    at_least = _at_least(edges, values.dtype)
    work = _work_space()
    for start in range(0, len(values), _AT_ONCE):
        part = values[start : start + _AT_ONCE]
        _find_cells(part, plan, work)
        found = work.cells[: len(part)]
        table += _count_cells(found, len(table))
        where = np.flatnonzero((found & ((1 << plan.cell_bits) - 1)) <= 1)
        if len(where):
            _settle(part, where, found, plan, at_least, doubtful)
    counts: Counts = table[:cells].reshape(plan.bins, -1)[:, 2:].sum(axis=1) + doubtful
    # All values lie within the edges, so around the first and the last edge there is no doubt.
    counts[0] += table[0] + table[1]
    counts[-1] += table[cells:].sum()
    return counts


def _find_cells(values: Floats, plan: _Plan, work: _WorkSpace) -> None:
    """Fills in `work.cells`, piece by piece, so that what is in between stays in the cache."""
    for start in range(0, len(values), _IN_CACHE):
        part = values[start : start + _IN_CACHE]
        position = work.position[: len(part)]
        np.copyto(position, part)  # twice as quick as a product of mixed types
        np.multiply(position, plan.scale, out=position)
        np.add(position, plan.shift, out=position)
        np.copyto(work.cells[start : start + len(part)], position, casting="unsafe")


def _count_cells(cells: NDArray[np.int32], size: int) -> Counts:
    torch = sys.modules.get("torch")
    if torch is None:
        return np.bincount(cells, minlength=size)
    # torch's is quicker, and lets go of the interpreter lock.
    pieces = [torch.from_numpy(cells)]
    if torch.get_num_threads() > 1:
        pieces = pieces[0].split(_SERIAL)
    tables: list[Counts] = [torch.bincount(piece, minlength=size).numpy() for piece in pieces]
    return tables[0] if len(tables) == 1 else np.add.reduce(tables)


def _settle(
    part: Floats, where: Counts, cells: NDArray[np.int32], plan: _Plan, at_least: Floats, doubtful: Counts
) -> None:
    """Compares the values around inner edges with the edge itself."""
    found = cells[where]
    inner = (found > 1) & (found < plan.bins << plan.cell_bits)
    edge = found[inner] >> plan.cell_bits
    bin_ = edge - (part[where[inner]] < at_least[edge])
    doubtful += np.bincount(bin_, minlength=plan.bins)


class _WorkSpace(NamedTuple):
    """Memory that is used again and again: taking it anew would cost more than the arithmetic in it."""

    position: NDArray[np.float64]
    cells: NDArray[np.int32]


_kept = threading.local()


def _work_space() -> _WorkSpace:
    space: _WorkSpace | None = getattr(_kept, "space", None)
    if space is None:
        space = _kept.space = _WorkSpace(np.empty(_IN_CACHE), np.empty(_AT_ONCE, np.int32))
    return space
