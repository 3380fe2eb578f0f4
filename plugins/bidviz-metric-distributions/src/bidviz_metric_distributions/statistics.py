"""The maths: moments and quantiles of a vector, on whatever device it lies, without waiting for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

MOMENTS = ("mean", "std", "skewness", "kurtosis")
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
#: Numbers that OpenBLAS multiplies on the calling thread: it asks others for help from 10,000 on.
_DOT = 8192
QUANTILE_NAMES = tuple(f"{100 * quantile:g} %" for quantile in QUANTILES)


def moments_of(values: Tensor) -> list[Tensor] | list[float]:
    """Mean, standard deviation, skewness and excess kurtosis, the population's (`scipy.stats.skew`, `kurtosis`).

    With m_k = mean((x - mean)^k): std = m_2^(1/2), skewness = m_3 / m_2^(3/2), kurtosis = m_4 / m_2^2 - 3, which are 0
    for a normal distribution; NaN where all values are the same. In float64, where the device has it.

    Args:
        values: a vector of any floating type, with at least one value.

    Returns:
        Four numbers, or four 0-d tensors on an accelerator.
    """
    return _on_the_host(values) if values.is_cpu else moments_on_a_device(values)


def moments_on_a_device(values: Tensor) -> list[Tensor]:
    """The same as four 0-d tensors, without a wait for the device."""
    import torch  # only now: a learner without torch never comes here

    wide = values.to(torch.float32 if values.device.type == "mps" else torch.float64)
    mean = wide.mean()
    centred = wide - mean
    square = centred.square()
    variance = square.mean()
    skewness = (square * centred).mean() / variance**1.5
    kurtosis = square.square().mean() / variance.square() - 3.0
    return [mean, variance.sqrt(), skewness, kurtosis]


def _on_the_host(values: Tensor) -> list[float]:
    wide = values.double().numpy()
    count = len(wide)
    with np.errstate(all="ignore"):  # Inf and what comes of it are values
        mean = wide.mean()
        centred = wide - mean
        square = centred * centred
        variance = _dot(centred, centred) / count  # half the time of a mean of squares
        skewness = _dot(square, centred) / count / variance**1.5
        kurtosis = _dot(square, square) / count / (variance * variance) - 3.0
    return [float(mean), float(np.sqrt(variance)), float(skewness), float(kurtosis)]


def _dot(one: np.ndarray, other: np.ndarray) -> np.float64:
    """The sum of products of two vectors, on this thread alone.

    Longer vectors OpenBLAS cuts up for its threads, and where other processes have the cores it waits some milliseconds
    for each of them, where the sum takes microseconds.
    """
    total = np.float64(0.0)
    for start in range(0, len(one), _DOT):
        total += np.dot(one[start : start + _DOT], other[start : start + _DOT])
    return total


def quantiles_of(values: Tensor) -> Tensor | np.ndarray:
    """The quantiles of `QUANTILES`, with straight lines between the values' ranks, as numpy's; NaN where one is NaN.

    Args:
        values: a vector of any floating type, with at least one value.

    Returns:
        A vector of as many numbers: an array, or a tensor on an accelerator.
    """
    if not values.is_cpu:
        return quantiles_on_a_device(values)
    # Sixteen bits are exact in float32.
    numbers = (values if values.element_size() >= 4 else values.float()).numpy()
    ordered = np.sort(numbers)
    if np.isnan(ordered[-1]):
        return np.full(len(QUANTILES), np.nan)
    place = np.array(QUANTILES) * (len(ordered) - 1)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, len(ordered) - 1)
    below, above = ordered[low].astype(np.float64), ordered[high].astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(below == above, below, below + (above - below) * (place - low))


def quantiles_on_a_device(values: Tensor) -> Tensor:
    """The same as a tensor, without a wait for the device."""
    import torch  # only now: a learner without torch never comes here

    wide = values.float()
    return torch.quantile(wide, torch.tensor(QUANTILES, device=wide.device))
