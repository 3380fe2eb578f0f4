"""Histograms of tensors and arrays: copied on the training thread, counted by the pump.

A copy of 100,000 float32 values costs the training thread about 20 µs, counting them exactly about 200 µs: so the copy
is all that happens where the training waits. Copies go into memory that is used again, because memory fresh from the
system costs more than the copy (a page fault for each 4 kB).
"""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bidviz_core.binning import Counted, count
from bidviz_core.counting_together import count_many, groups_of
from bidviz_core.errors import MetricError
from bidviz_core.values import Histogram

MAX_BINS = 100_000
#: Bytes of copies kept for use again; more is given back to the system.
_MAX_KEPT = 64 * 1024 * 1024


def histogram(values: Any, bins: int = 64, range: tuple[float, float] | None = None) -> Histogram:  # noqa: A002
    """Counts values into bins of equal width, each count as comparing in float64 would give it.

    The edges are `np.linspace(low, high, bins + 1)`; bin i holds the x with `edges[i] <= x < edges[i + 1]`, and the
    last bin its upper edge too. NaN, ±Inf and what lies outside `range` is in no bin; the result's `nan`, `below` and
    `above` say how many there were.

    Args:
        values: numbers of any shape: a torch tensor on any device, a numpy array, or a sequence. Integers are counted
            as the float64 they become.
        bins: how many bins, 1 to 100,000.
        range: the lowest and the highest edge; by default the smallest and the largest finite value. Equal values get a
            range of one around them, no values the range 0 to 1.

    Raises:
        MetricError: the values are no real numbers, or `bins` or `range` make no bins.
    """
    _check(bins, range)
    return Histogram(*count(_flat(values), bins, range))


def pending(
    values: Any,
    bins: int = 64,
    range: tuple[float, float] | None = None,  # noqa: A002
    *,
    copy: bool = True,
) -> PendingHistogram:
    """The same as `histogram`, of a copy made now and counted when `resolve()` is called.

    Args:
        values: numbers of any shape.
        bins: how many bins.
        range: the lowest and the highest edge, or none.
        copy: false where nobody writes to the values any more; they are then counted as they are.
    """
    _check(bins, range)
    if not copy and _is_tensor(values) and _can_wait(values):
        return PendingHistogram(values.detach(), None, bins, range)
    return PendingHistogram(*_copy(values), bins, range)


class PendingHistogram:
    """A copy of values that has still to be counted; stands for a `Histogram`.

    Args:
        copied: the copy, a tensor or an array, which belongs to this alone.
        release: what takes the copy's memory back, or none.
        bins: how many bins.
        limits: the lowest and the highest edge, or none.
    """

    __slots__ = ("_bins", "_copied", "_limits", "_release", "_result", "nbytes")

    def __init__(
        self, copied: Any, release: Callable[[Any], None] | None, bins: int, limits: tuple[float, float] | None
    ) -> None:
        self._copied = copied
        self._release = release
        self._bins = bins
        self._limits = limits
        self._result: Histogram | None = None
        #: How many bytes wait here.
        self.nbytes = int(copied.nbytes)

    def resolve(self) -> Histogram:
        """Counts, on the first call; may wait for a device. One thread at a time."""
        made = self._result
        return made if made is not None else self.settle(count(_flat(self._copied), self._bins, self._limits))

    def together(self) -> tuple[int, int] | None:
        """Its bins and its number of values, if it can be counted together with others of as many bins."""
        copied = self._copied
        if self._limits is not None or not _is_tensor(copied):
            return None
        torch = sys.modules["torch"]
        flat = copied.dtype is torch.float32 and copied.is_cpu and copied.is_contiguous()
        return (int(self._bins), copied.numel()) if flat and copied.numel() else None

    def settle(self, counted: Counted) -> Histogram:
        """Takes the counts, and gives the copy's memory back."""
        made = self._result = Histogram(*counted)
        if self._release is not None:
            self._release(self._copied)
        self._copied = self._release = None
        return made

    @property
    def counts(self) -> NDArray[np.int64]:
        """The counts; asking for them counts at once."""
        counts: NDArray[np.int64] = self.resolve().counts
        return counts

    @property
    def edges(self) -> NDArray[np.float64]:
        """The edges; asking for them counts at once."""
        edges: NDArray[np.float64] = self.resolve().edges
        return edges


def resolve_together(values: Iterable[Any]) -> None:
    """Counts those of the values that are histograms in waiting, many in one call, which a training notices less.

    Args:
        values: anything. What cannot be counted with others, and what fails, is left to its own `resolve()`.
    """
    groups: dict[int, dict[PendingHistogram, int]] = {}  # one may be logged under two names
    for one in values:
        if isinstance(one, PendingHistogram) and (found := one.together()) is not None:
            bins, size = found
            groups.setdefault(bins, {})[one] = size
    for bins, sizes in groups.items():
        group = list(sizes)
        for part in groups_of(list(sizes.values())):
            _resolve_group(group[part], bins)


def _resolve_group(group: list[PendingHistogram], bins: int) -> None:
    try:
        counted = count_many([one._copied.detach().reshape(-1) for one in group], bins)
    except Exception:  # noqa: BLE001 - a fence: each is counted alone then, and its error told with its name
        return
    for one, made in zip(group, counted, strict=True):
        one.settle(made)


def _check(bins: Any, limits: Any) -> None:
    if isinstance(bins, bool) or not isinstance(bins, (int, np.integer)) or not 1 <= bins <= MAX_BINS:
        raise MetricError(f"A histogram has a whole number of bins from 1 to {MAX_BINS:,}, got bins={bins!r}.")
    if limits is None:
        return
    try:
        low, high = map(float, limits)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise MetricError(f"A histogram's range is a pair of finite numbers, the lower first, got range={limits!r}.")


def _is_tensor(values: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(values, torch.Tensor)


def _flat(values: Any) -> NDArray[Any]:
    """A flat float32 or float64 array of the same numbers."""
    if _is_tensor(values):
        import torch

        tensor = values.detach()
        if tensor.is_complex():
            raise MetricError("A histogram counts real numbers, got complex ones: give their .abs() or .real.")
        if tensor.layout is not torch.strided:
            tensor = tensor.to_dense()
        if tensor.is_quantized:
            tensor = tensor.dequantize()
        # Sixteen and eight bits of any kind are exact in float32, all else is taken as float64.
        if tensor.dtype is not torch.float64:
            narrow = tensor.dtype is torch.float32 or tensor.element_size() <= 2
            tensor = tensor.to(torch.float32 if narrow else torch.float64)
        flat: NDArray[Any] = tensor.cpu().reshape(-1).numpy()
        return flat
    array = _array(values)
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32 if array.dtype.itemsize <= 2 else np.float64)
    return np.ascontiguousarray(array.reshape(-1)).astype(array.dtype.newbyteorder("="), copy=False)


def _array(values: Any) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.empty(0, object)
    if array.dtype.kind not in "biuf":
        raise MetricError(
            f"A histogram counts real numbers, got {type(values).__name__} of {array.dtype}: "
            "give a tensor, an array or a list of numbers."
        )
    return array


class _Memory:
    """Copies' memory that waits for being used again, by kind and size. Any thread may take and give."""

    def __init__(self) -> None:
        self._free: dict[tuple[Any, int], deque[Any]] = {}
        self._kept = 0

    def take(self, kind: Any, size: int) -> Any | None:
        """Memory of a kind with that many elements, or none."""
        free = self._free.get((kind, size))
        try:
            found = free.pop() if free else None
        except IndexError:
            return None
        if found is not None:
            self._kept -= int(found.nbytes)
        return found

    def give(self, copied: Any) -> None:
        """Takes memory back. Two threads at once may miscount `_kept` by a copy, which matters to nobody."""
        if self._kept + copied.nbytes > _MAX_KEPT:
            self._free.clear()
            self._kept = 0
            return
        self._kept += int(copied.nbytes)
        key = (copied.dtype, math.prod(copied.shape))
        self._free.setdefault(key, deque()).append(copied)


_tensors = _Memory()
_arrays = _Memory()


def _can_wait(tensor: Any) -> bool:
    """Whether a tensor can be counted as it is, without what `_copy` makes of others."""
    import torch

    return tensor.layout is torch.strided and not tensor.is_complex() and not tensor.is_quantized


def _copy(values: Any) -> tuple[Any, Callable[[Any], None] | None]:
    """A copy of its own, and what takes its memory back."""
    if not _is_tensor(values):
        array = _array(values)
        if array is not values and not isinstance(values, np.ndarray):
            return array, None  # made from a list just now
        kept = _arrays.take(array.dtype, array.size)
        if kept is None:
            kept = np.empty(array.size, array.dtype)
        np.copyto(kept.reshape(array.shape), array)
        return kept, _arrays.give
    import torch

    tensor = values.detach()
    if tensor.is_complex():
        raise MetricError("A histogram counts real numbers, got complex ones: give their .abs() or .real.")
    if tensor.layout is not torch.strided:
        return tensor.to_dense(), None
    if not tensor.is_cpu or tensor.is_quantized:
        return tensor.clone(), None  # the device's own allocator uses memory again
    memory = _tensors.take(tensor.dtype, tensor.numel())
    if memory is None:
        with torch.inference_mode(False):  # such memory could not be written outside that mode
            memory = torch.empty(tensor.numel(), dtype=tensor.dtype, device="cpu")
    memory.view(tensor.shape).copy_(tensor)
    return memory, _tensors.give
