"""Counts several float32 tensors together: the same counts and edges as one by one, in two calls for all.

Each time that the pump takes the interpreter lock, it may be that the training waits for it, and once it sleeps it
takes about a tenth of a millisecond until it runs again: that is what a training pays for, not the arithmetic beside
it. Counting 100,000 values with numpy is thirty short calls, at each of which the lock is let go and taken again.
TorchScript runs whole loops without it: here one call finds the extremes of all tensors, and one counts them all, in
pieces that stay in a core's second cache. Rows for which `bidviz_core.binning` has another way than by position are
left to it.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bidviz_core import binning
from bidviz_core.binning import Counted

#: Elements of a piece; the memory for them is twelve bytes each, and stays.
PIECE = 131_072
#: Rows and elements of one call: their tables stay small, and the pump comes back to its other work.
MOST_ROWS, MOST_ELEMENTS = 64, 4_000_000
#: Elements from which it pays to have it compiled.
LEAST = 2_000

_FLOAT32 = np.dtype(np.float32)


class _Plans(NamedTuple):
    """What `binning._Plan` holds, of each row.

    Args:
        usable: whether the row can be counted by position.
        edges: rows × (bins + 1).
        scale: cells in one unit of the values.
        shift: what brings the row's lowest edge to 0.
        uncertain: rows × (bins - 1): the inner edges under which a number may lie too close.
    """

    usable: NDArray[np.bool_]
    edges: NDArray[np.float64]
    scale: NDArray[np.float64]
    shift: NDArray[np.float64]
    uncertain: NDArray[np.bool_]


def groups_of(sizes: Sequence[int]) -> Iterator[slice]:
    """Cuts tensors of these sizes into groups that one call counts; none if it would be in vain."""
    if sum(sizes) < LEAST:
        return
    start = elements = 0
    for place, size in enumerate(sizes):
        if place > start and (place - start == MOST_ROWS or elements + size > MOST_ELEMENTS):
            yield slice(start, place)
            start, elements = place, 0
        elements += size
    yield slice(start, len(sizes))


def count_many(parts: Sequence[Any], bins: int) -> list[Counted]:
    """Counts tensors, each within its own smallest and largest finite value.

    Args:
        parts: flat float32 tensors on the CPU, of one element or more; only read.
        bins: how many bins, from 1.

    Returns:
        What `binning.count` gives for each.
    """
    cell_bits = binning.CELLS_BITS - (bins - 1).bit_length()
    if cell_bits >= binning.LEAST_CELL_BITS and (script := _script()) is not None:
        with _on_this_thread() as alone:
            if alone:
                return _count_rows(script, parts, bins, cell_bits)
    return [binning.count(part.numpy(), bins, None) for part in parts]


def _count_rows(script: Any, parts: Sequence[Any], bins: int, cell_bits: int) -> list[Counted]:
    import torch

    cells = bins << cell_bits
    least, most = script.extremes(list(parts)).numpy()
    plans = _plans(least, most, bins, cells)
    doubts = plans.uncertain.sum(axis=1)
    counted = np.flatnonzero(plans.usable & (doubts <= binning.FEW_EDGES)).tolist()
    found = script.count(
        [parts[row] for row in counted],
        plans.scale[counted].tolist(),
        torch.from_numpy(plans.shift[counted]),
        *_work_space(),
        cells + 2,
    ).numpy()
    counts = found[:, :cells].reshape(len(counted), bins, 1 << cell_bits).sum(axis=2)
    counts[:, -1] += found[:, cells:].sum(axis=1)
    results: dict[int, Counted] = {}
    for row, made in zip(counted, counts, strict=True):
        edges = plans.edges[row]
        if doubts[row]:
            uncertain = (np.flatnonzero(plans.uncertain[row]) + 1).tolist()
            made = binning.settle_edges(made, parts[row].numpy(), edges, uncertain)
        results[row] = Counted(made, edges, 0, 0, 0)
    return [
        results[row] if row in results else binning.count(part.numpy(), bins, None) for row, part in enumerate(parts)
    ]


_SOURCE = """
def extremes(rows: List[Tensor]) -> Tensor:
    found = torch.empty([2, len(rows)], dtype=torch.float64)
    for row in range(len(rows)):
        found[0, row] = torch.amin(rows[row])  # both at once, `aminmax`, takes four times as long
        found[1, row] = torch.amax(rows[row])
    return found

def count(
    rows: List[Tensor], scale: List[float], shift: Tensor, positions: Tensor, cells: Tensor, size: int
) -> Tensor:
    tables = torch.zeros([len(rows), size], dtype=torch.int64)
    for row in range(len(rows)):
        values = rows[row]
        for start in range(0, values.numel(), positions.numel()):
            part = values[start : start + positions.numel()]
            position = positions[: part.numel()]
            cell = cells[: part.numel()]
            position.copy_(part)  # into float64
            torch.add(shift[row], position, alpha=scale[row], out=position)
            cell.copy_(position)
            tables[row].add_(torch.bincount(cell, minlength=size))
    return tables
"""


@functools.cache
def _script() -> Any | None:
    """The two functions, compiled; none where this torch has no TorchScript any more."""
    import torch

    try:
        return torch.jit.CompilationUnit(_SOURCE)
    except Exception:  # noqa: BLE001 - whatever it may be: each is counted alone then, which only costs more
        return None


def _plans(least: NDArray[np.float64], most: NDArray[np.float64], bins: int, cells: int) -> _Plans:
    """Plans all rows, with the arithmetic of `binning.edges_of`, `_plan` and `_uncertain`."""
    usable = np.isfinite(least) & np.isfinite(most) & (least < most)
    low, high = np.where(usable, least, 0.0)[:, None], np.where(usable, most, 1.0)[:, None]
    # The extremes of float32 leave no step of a float64 that is infinite, or too small to be exact.
    edges = binning.whole_numbers(bins + 1) * ((high - low) / bins)
    edges += low
    edges[:, -1:] = high
    scale = cells / (high - low)
    farthest = scale * np.maximum(np.abs(low), np.abs(high))
    error = 16 * sys.float_info.epsilon * (farthest + cells) + scale * binning.SMALLEST[_FLOAT32]
    usable &= error[:, 0] < 0.1
    shift = 3 * error - low * scale
    inner = edges[:, 1:-1]
    near = inner.astype(np.float32)
    gap = inner - near
    gap = np.where(gap > 0, gap, np.abs(near) * binning.SPACING[_FLOAT32])
    return _Plans(usable, edges, scale[:, 0], shift[:, 0], gap <= 6 * error / scale)


class _WorkSpace(NamedTuple):
    """Memory that is used again and again: taking it anew would cost more than the arithmetic in it."""

    position: Any
    cells: Any


_kept = threading.local()


def _work_space() -> _WorkSpace:
    space: _WorkSpace | None = getattr(_kept, "space", None)
    if space is None:
        import torch

        with torch.inference_mode(False):  # such memory could not be written outside that mode
            position, cells = (torch.empty(PIECE, dtype=kind, device="cpu") for kind in (torch.float64, torch.int32))
        space = _kept.space = _WorkSpace(position, cells)
    return space


@contextlib.contextmanager
def _on_this_thread() -> Iterator[bool]:
    """Has torch work on the calling thread alone, for a while; gives false where that cannot be had.

    For more than a few elements torch would wake other threads, which then spin beside the training. How many it may
    use, OpenMP keeps for each thread that calls it: so this changes nothing for the thread that trains, as
    `torch.set_num_threads` would.
    """
    import torch

    threads = torch.get_num_threads()  # asked first: it takes over what was set for the process
    if threads == 1:
        yield True
        return
    set_threads = _openmp()
    if set_threads is None:
        yield False
        return
    set_threads(1)
    try:
        yield torch.get_num_threads() == 1
    finally:
        set_threads(threads)


@functools.cache
def _openmp() -> Callable[[int], Any] | None:
    """OpenMP's `omp_set_num_threads`, of the library that torch has loaded, called under the interpreter lock."""
    try:
        set_threads = ctypes.PyDLL(None).omp_set_num_threads
    except (AttributeError, OSError, TypeError):  # torch has threads of another kind, or the system none such to ask
        return None
    set_threads.argtypes, set_threads.restype = [ctypes.c_int], None
    return set_threads
