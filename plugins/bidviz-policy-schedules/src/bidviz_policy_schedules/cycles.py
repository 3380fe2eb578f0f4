"""Schedules that rise and fall: restarts, one cycle, many cycles."""

from __future__ import annotations

import math

import bidviz_core as bidviz
from bidviz_policy_schedules.decays import since


@bidviz.policy(target="lr", params={"period": 1000, "growth": 1, "floor": 0.0, "begin": 0})
def cosine_restarts(step: float, base: float, period: int, growth: int, floor: float, begin: int) -> float:
    """Falls along a cosine from the script's value to `floor` within `period` steps, and begins again.

    Each period is `growth` times as long as the one before. As torch's `CosineAnnealingWarmRestarts`.

    Args:
        period: steps of the first fall.
        growth: how many times as long each period is as the one before; 1 keeps them alike.
        floor: the value at the end of each period.
        begin: the step at which it begins: until then it stays where it starts.
    """
    done, length = since(step, begin), float(max(1, period))
    if growth <= 1:
        done %= length
    while done >= length:
        done -= length
        length *= growth
    return floor + (base - floor) * (1.0 + math.cos(math.pi * done / length)) / 2.0


@bidviz.policy(
    target="lr",
    params={"peak": 0.1, "steps": 10000, "rise": 0.3, "start_divisor": 25.0, "end_divisor": 10000.0, "begin": 0},
)
def one_cycle(
    step: float, peak: float, steps: int, rise: float, start_divisor: float, end_divisor: float, begin: int
) -> float:
    """Rises along a cosine to `peak` in the first `rise` of `steps` steps, then falls to far below where it began.

    It begins at `peak / start_divisor` and ends at that divided by `end_divisor`. As torch's `OneCycleLR`.

    Args:
        peak: the greatest value.
        steps: steps of the whole cycle; after them the last value stays.
        rise: the share of `steps` in which it rises.
        start_divisor: it starts at `peak` divided by this.
        end_divisor: it ends at its first value divided by this.
        begin: the step at which it begins: until then it stays where it starts.
    """
    start = peak / start_divisor
    end = start / end_divisor
    top, last = rise * steps - 1.0, steps - 1.0
    done = min(since(step, begin), last)
    if done <= top:
        return _along_cosine(start, peak, done / top if top > 0 else 1.0)
    return _along_cosine(peak, end, (done - top) / (last - top) if last > top else 1.0)


@bidviz.policy(
    target="lr",
    params={"low": 0.001, "high": 0.1, "up": 2000, "down": 2000, "shape": "triangular", "gamma": 1.0, "begin": 0},
)
def cyclic(step: float, low: float, high: float, up: int, down: int, shape: str, gamma: float, begin: int) -> float:
    """Goes in lines from `low` to `high` within `up` steps and back within `down` steps, again and again.

    `shape` is `triangular`, `triangular2` (each cycle half as high as the one before) or `exp_range` (its height is
    multiplied by `gamma` at each step). As torch's `CyclicLR`.

    Args:
        low: the least value, at which each cycle starts and ends.
        high: the greatest value of the first cycle.
        up: steps from `low` to `high`.
        down: steps back to `low`.
        shape: `triangular`, `triangular2` or `exp_range`.
        gamma: what `exp_range` multiplies the height by at each step; the other shapes leave it aside.
        begin: the step at which it begins: until then it stays where it starts.
    """
    done, total = since(step, begin), max(1, up) + max(1, down)
    cycle, within = divmod(done, total)
    height = within / max(1, up) if within <= max(1, up) else (total - within) / max(1, down)
    if shape == "triangular2":
        height /= 2.0**cycle
    elif shape == "exp_range":
        height *= gamma**done
    elif shape != "triangular":
        raise ValueError(f"shape is triangular, triangular2 or exp_range, got {shape!r}")
    return low + (high - low) * height


def _along_cosine(start: float, end: float, done: float) -> float:
    return end + (start - end) / 2.0 * (math.cos(math.pi * done) + 1.0)
