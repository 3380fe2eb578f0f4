"""Counts several float32 tensors of one size together: the same counts and edges as one by one, without the lock.

Counting 100,000 values takes about thirty short calls, and at each the pump lets go of the interpreter lock and takes
it again. That is what a training pays for, 5 to 12 µs a time, not the arithmetic beside it. So the arithmetic is given
to torch as a program: it lets go of the lock once and works through all tensors, in pieces that stay in the cache.
Tensors for which `bidviz_core.binning` has another way than by position are left to it.
"""

from __future__ import annotations

import functools
import math
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bidviz_core import binning
from bidviz_core.binning import Counted

#: Elements and tensors counted at once: their copies are given back together.
AT_ONCE = 4_194_304
MOST_ROWS = 64
#: Elements from which it pays: with fewer, numpy keeps the lock, and one by one is quicker.
LEAST = 500

#: Elements that torch works through on the calling thread: for more it wakes others, which spin beside the training.
_PIECE = 32_000
#: In the part of Python that torch runs without Python. Both extremes at once, `aminmax`, take longer.
_PROGRAM = """
def extremes(parts: List[Tensor], size: int) -> Tensor:
    ends = torch.empty([2, len(parts)], dtype=torch.float64)
    for row, part in enumerate(parts):
        least, most = part[:size].amin(), part[:size].amax()
        for start in range(size, part.numel(), size):
            piece = part[start : start + size]
            least, most = torch.minimum(least, piece.amin()), torch.maximum(most, piece.amax())
        ends[0, row] = least
        ends[1, row] = most
    return ends

def fill(parts: List[Tensor], usable: List[bool], scale: List[float], shift: List[float], bins: int, cells: int,
         position: Tensor, found: Tensor) -> Tensor:
    counts = torch.zeros([len(parts), bins], dtype=torch.int64)
    for row, part in enumerate(parts):
        if usable[row]:
            table = torch.zeros([cells + 2], dtype=torch.int64)
            for start in range(0, part.numel(), position.numel()):
                piece = part[start : start + position.numel()]
                place = position[: piece.numel()]
                cell = found[: piece.numel()]
                place.copy_(piece)
                place.mul_(scale[row]).add_(shift[row])
                cell.copy_(place)
                table.add_(torch.bincount(cell, None, cells + 2))
            counts[row].copy_(table[:cells].reshape([bins, -1]).sum(1))
            counts[row, -1].add_(table[cells:].sum())
    return counts
"""

_FLOAT32 = np.dtype(np.float32)


class _Plans(NamedTuple):
    """What `binning._Plan` holds, of each tensor.

    Args:
        usable: whether the tensor can be counted by position.
        edges: rows × (bins + 1).
        scale: cells in one unit of the values.
        shift: what brings the lowest edge to 0.
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
        parts: flat float32 tensors on the CPU, all of one size from 1; only read.
        bins: how many bins, from 1.

    Returns:
        What `binning.count` gives for each.
    """
    cell_bits = binning.CELLS_BITS - (bins - 1).bit_length()
    program = _program() if cell_bits >= binning.LEAST_CELL_BITS else None
    if program is None:
        return [binning.count(part.numpy(), bins, None) for part in parts]
    cells, work, tensors = bins << cell_bits, _work_space(), list(parts)
    least, most = program.extremes(tensors, _PIECE).numpy()
    plans = _plans(least, most, bins, cells)
    how = plans.usable.tolist(), plans.scale.tolist(), plans.shift.tolist()
    counts = program.fill(tensors, *how, bins, cells, work.position, work.cells).numpy()
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


@functools.cache
def _program() -> Any | None:
    """The program, made ready for torch at its first use; none where this torch runs none."""
    import torch

    try:
        return torch.jit.CompilationUnit(_PROGRAM)
    except Exception:  # noqa: BLE001 - whatever it is, all can be counted without it
        return None


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
            position, cells = (torch.empty(_PIECE, dtype=kind, device="cpu") for kind in (torch.float64, torch.int32))
        space = _kept.space = _WorkSpace(position, cells)
    return space
