"""Which layers vanish or explode: the thresholds, and the judgement."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

VANISHING, EXPLODING, NOT_FINITE, HEALTHY = "vanishing", "exploding", "not finite", "healthy"

#: Sick states, the worst first.
SICK = (NOT_FINITE, EXPLODING, VANISHING)

#: A gradient this small, as root mean square of its values, is lost in the rounding of float32 weights of usual size.
LEAST_RMS = 1e-8
#: A layer whose root mean square is this share of the median layer's learns so much more slowly.
LEAST_SHARE = 1e-4
#: A layer whose root mean square is so many times the median layer's takes the whole of a clipped gradient.
MOST_SHARE = 1e3
#: A jump over the layer's own average, in times.
MOST_JUMP = 100.0
#: The weight of a new value in that average, which is one of logarithms: a spike does not lift it for long.
AVERAGE_WEIGHT = 0.05


def judge(norms: Sequence[float], counts: Sequence[int], averages: Sequence[float | None]) -> list[str]:
    """Says of each layer how it is.

    Args:
        norms: k L2 norms of gradients.
        counts: k numbers of values.
        averages: the usual norm of each layer, or none where nothing is known yet.

    Returns:
        For each layer `"healthy"`, `"vanishing"`, `"exploding"` or `"not finite"`.
    """
    sizes = [norm / math.sqrt(count) if count else 0.0 for norm, count in zip(norms, counts, strict=True)]
    known = [size for size in sizes if math.isfinite(size) and size > 0]
    usual = median(known) if known else 0.0
    return [_state(norm, size, usual, average) for norm, size, average in zip(norms, sizes, averages, strict=True)]


def renew_average(average: float | None, norm: float) -> float | None:
    """The layer's usual norm after one more value; what is 0 or not finite does not count."""
    if not math.isfinite(norm) or norm <= 0:
        return average
    if average is None:
        return norm
    return math.exp((1 - AVERAGE_WEIGHT) * math.log(average) + AVERAGE_WEIGHT * math.log(norm))


def _state(norm: float, size: float, usual: float, average: float | None) -> str:
    if not math.isfinite(norm):
        return NOT_FINITE
    if size < LEAST_RMS or size < LEAST_SHARE * usual:
        return VANISHING
    if size > MOST_SHARE * usual or (average is not None and norm > MOST_JUMP * average):
        return EXPLODING
    return HEALTHY
