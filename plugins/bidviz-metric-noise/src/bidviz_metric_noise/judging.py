"""What the spread of the examples' gradients says: the noise scale and the tests of sampling, as plain arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """How n of a batch's B examples' gradients g_i lie about the batch's gradient G.

    Args:
        examples: B, at least 2.
        norm: |G|².
        squares: |g_i - G|² of n examples.
        products: (g_i - G)·G of n examples.
        signal_to_noise: the mean over the parameters of G² by the variance of g_i.
    """

    examples: int
    norm: float
    squares: Sequence[float]
    products: Sequence[float]
    signal_to_noise: float

    @property
    def variance(self) -> float:
        """The sum over the parameters of the variance of an example's gradient (unbiased)."""
        return _mean(self.squares) * self.examples / (self.examples - 1)


def noise_scale(spreads: Iterable[Spread]) -> float:
    """The simple noise scale: the batch size at which noise and signal are of like size (examples).

    McCandlish, Kaplan, Amodei et al., "An Empirical Model of Large-Batch Training", arXiv:1812.06162, equation 2.9 with
    the unbiased estimates of appendix A.1: `variance / (|G|² - variance / B)`, where both parts are averaged before
    they are divided.

    Args:
        spreads: those of the last runs; of a run whose loss was no number nothing is taken, unless it is the last.

    Returns:
        Infinity where the gradient cannot be told from noise.
    """
    noise, signal = math.nan, math.nan
    for spread in spreads:
        one = spread.variance
        other = spread.norm - one / spread.examples
        if not math.isfinite(noise + signal) or not math.isfinite(one + other):
            noise, signal = one, other
        else:
            noise, signal = noise + one, signal + other
    if math.isnan(signal) or math.isnan(noise):
        return math.nan
    return noise / signal if signal > 0 else math.inf


def norm_test(spread: Spread) -> float:
    """The least θ for which the norm test passes: the error of the batch's gradient as a share of its norm.

    Byrd, Chin, Nocedal and Wu, "Sample size selection in optimization methods for machine learning", 2012:
    `sqrt(variance / B) / |G|`.
    """
    return _root(spread.variance / spread.examples, spread.norm)


def inner_product_test(spread: Spread) -> float:
    """The least θ for which the inner-product test passes: how the examples vary along the batch's gradient.

    Bollapragada, Byrd and Nocedal, "Adaptive sampling strategies for stochastic optimization", 2018:
    `sqrt(sum of ((g_i - G)·G)² / (B (B - 1))) / |G|²`.
    """
    return _root(_mean([one * one for one in spread.products]) / (spread.examples - 1), spread.norm * spread.norm)


def orthogonality_test(spread: Spread) -> float:
    """The least ν for which the orthogonality test passes: how the examples vary across the batch's gradient.

    The same paper: `sqrt(sum of |g_i - G|² - ((g_i - G)·G)² / |G|² over B (B - 1)) / |G|`.
    """
    if not spread.norm:
        return math.nan
    pairs = zip(spread.squares, spread.products, strict=True)
    across = [max(square - product * product / spread.norm, 0.0) for square, product in pairs]
    return _root(_mean(across) / (spread.examples - 1), spread.norm)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _root(part: float, whole: float) -> float:
    return math.sqrt(part / whole) if whole > 0 else math.nan
