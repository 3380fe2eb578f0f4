"""Counts several float32 tensors of one size together: the same counts and edges as one by one, in fewer calls.

Counting 100,000 values takes about thirty short calls, and at each the pump lets go of the interpreter lock and takes
it again. That is what a training pays for, 5 to 12 µs a time, not the arithmetic beside it. Here a few calls do for all
tensors: each row's positions are moved behind those of the row before, and one table holds the cells of all. Rows
for which `bidviz_core.binning` has another way than by position are left to it.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import math
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bidviz_core import binning
from bidviz_core.binning import Counted

#: Elements counted at once; the memory for them is twelve bytes each, and stays.
AT_ONCE = 524_288
#: Rows counted at once: so their table stays small beside the values.
MOST_ROWS = 16
#: Elements from which it pays: with fewer, numpy keeps the lock, and one by one is quicker.
LEAST = 500

_FLOAT32 = np.dtype(np.float32)


class _Plans(NamedTuple):
    """What `binning._Plan` holds, of each row, and where the row's part of the table begins.

    Args:
        usable: whether the row can be counted by position.
        edges: rows × (bins + 1).
        scale: cells in one unit of the values.
        shift: what brings the row's lowest edge to the beginning of its part.
        uncertain: rows × (bins - 1): the inner edges under which a number may lie too close.
    """

    usable: NDArray[np.bool_]
    edges: NDArray[np.float64]
    scale: NDArray[np.float64]
    shift: NDArray[np.float64]
    uncertain: NDArray[np.bool_]


def groups_of(number: int, size: int) -> Iterator[slice]:
    """Cuts so many tensors of a size into few groups that can be counted at once, all about equal; none if in vain."""
    most = min(MOST_ROWS, AT_ONCE // max(size, 1))
    if most < 2 or size < LEAST:
        return
    pieces = math.ceil(number / most)
    for piece in range(pieces):
        yield slice(number * piece // pieces, number * (piece + 1) // pieces)


def count_many(parts: Sequence[Any], bins: int) -> list[Counted]:
    """Counts tensors, each within its own smallest and largest finite value.

    Args:
        parts: flat float32 tensors on the CPU, all of one size from 1, at most `AT_ONCE` elements together; only read.
        bins: how many bins, from 1.

    Returns:
        What `binning.count` gives for each.
    """
    cell_bits = binning.CELLS_BITS - (bins - 1).bit_length()
    if len(parts) < 2 or cell_bits < binning.LEAST_CELL_BITS:
        return [binning.count(part.numpy(), bins, None) for part in parts]
    with _on_this_thread() as alone:
        if not alone:
            return [binning.count(part.numpy(), bins, None) for part in parts]
        return _count_rows(parts, bins, cell_bits)


def _count_rows(parts: Sequence[Any], bins: int, cell_bits: int) -> list[Counted]:
    import torch

    rows, size, cells = len(parts), parts[0].numel(), bins << cell_bits
    work = _work_space()
    position = work.position[: rows * size].view(rows, size)
    found = work.cells[: rows * size]
    torch.stack(list(parts), out=position)  # into float64 at once
    # Both at once, `aminmax`, takes four times as long.
    least, most = torch.amin(position, 1).numpy(), torch.amax(position, 1).numpy()
    plans = _plans(least, most, bins, cells)
    for row in np.flatnonzero(~plans.usable).tolist():
        position[row].zero_()
    position.mul_(torch.from_numpy(plans.scale[:, None])).add_(torch.from_numpy(plans.shift[:, None]))
    found.copy_(position.view(-1))
    table = torch.bincount(found, minlength=rows * (cells + 2)).numpy().reshape(rows, cells + 2)
    counts = table[:, :cells].reshape(rows, bins, -1).sum(axis=2)
    counts[:, -1] += table[:, cells:].sum(axis=1)
    doubts = plans.uncertain.sum(axis=1)
    results = []
    for row, part in enumerate(parts):
        if not plans.usable[row] or doubts[row] > binning.FEW_EDGES:
            results.append(binning.count(part.numpy(), bins, None))
            continue
        counted, edges = counts[row], plans.edges[row]
        if doubts[row]:
            uncertain = (np.flatnonzero(plans.uncertain[row]) + 1).tolist()
            counted = binning.settle_edges(counted, part.numpy(), edges, uncertain)
        results.append(Counted(counted, edges, 0, 0, 0))
    return results


def _plans(least: NDArray[np.float64], most: NDArray[np.float64], bins: int, cells: int) -> _Plans:
    """Plans all rows, with the arithmetic of `binning.edges_of`, `_plan` and `_uncertain`."""
    rows = len(least)
    usable = np.isfinite(least) & np.isfinite(most) & (least < most)
    low, high = np.where(usable, least, 0.0)[:, None], np.where(usable, most, 1.0)[:, None]
    # The extremes of float32 leave no step of a float64 that is infinite, or too small to be exact.
    edges = binning.whole_numbers(bins + 1) * ((high - low) / bins)
    edges += low
    edges[:, -1:] = high
    scale = cells / (high - low)
    # A row's positions lie behind those of the rows before, and are rounded there.
    farthest = scale * np.maximum(np.abs(low), np.abs(high)) + rows * (cells + 2)
    error = 16 * sys.float_info.epsilon * farthest + scale * binning.SMALLEST[_FLOAT32]
    usable &= error[:, 0] < 0.1
    shift = 3 * error - low * scale
    scale_or_none, shift_or_none = np.where(usable, scale[:, 0], 0.0), np.where(usable, shift[:, 0], 0.0)
    shift_or_none += np.arange(rows) * (cells + 2.0)
    inner = edges[:, 1:-1]
    near = inner.astype(np.float32)
    gap = inner - near
    gap = np.where(gap > 0, gap, np.abs(near) * binning.SPACING[_FLOAT32])
    return _Plans(usable, edges, scale_or_none, shift_or_none, gap <= 6 * error / scale)


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
            position, cells = (torch.empty(AT_ONCE, dtype=kind, device="cpu") for kind in (torch.float64, torch.int32))
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
