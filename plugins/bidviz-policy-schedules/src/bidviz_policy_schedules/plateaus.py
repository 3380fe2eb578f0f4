"""A schedule that reads a metric and goes down when it no longer gets better."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import bidviz_core as bidviz


@bidviz.policy(
    target="lr",
    params={
        "metric": "loss",
        "window": 100,
        "every": 100,
        "factor": 0.1,
        "patience": 10,
        "threshold": 1e-4,
        "cooldown": 0,
        "floor": 0.0,
        "greatest": False,
    },
)
def plateau(
    step: float,
    base: float,
    mean: Callable[[str, int], float],
    state: dict[str, Any],
    metric: str,
    window: int,
    every: int,
    factor: float,
    patience: int,
    threshold: float,
    cooldown: int,
    floor: float,
    greatest: bool,
) -> float:
    """Is multiplied by `factor` when a metric has not got better for more than `patience` looks.

    It looks each `every` steps at the mean of the metric's last `window` values; better means lower by more than
    `threshold` of the best so far, or higher with `greatest`. It rests for `cooldown` looks after each fall and never
    goes below `floor`. As torch's `ReduceLROnPlateau`.

    Args:
        metric: the series it looks at.
        window: how many of the last values a look takes the mean of.
        every: steps between two looks.
        factor: what each fall multiplies the value by.
        patience: looks without anything better that it bears before it falls.
        threshold: by what share of the best a value has to be better to count.
        cooldown: looks after a fall that are not counted.
        floor: the least value it goes down to.
        greatest: whether greater is better, as for an accuracy; otherwise smaller is, as for a loss.
    """
    value = mean(metric, window)
    if math.isfinite(value) and step - state.get("looked", -math.inf) >= every:
        state["looked"] = step
        best = state.get("best")
        if best is None or (value > best * (1.0 + threshold) if greatest else value < best * (1.0 - threshold)):
            state["best"], state["bad"] = value, 0
        else:
            state["bad"] = state.get("bad", 0) + 1
        if state.get("rest", 0) > 0:
            state["rest"] -= 1
            state["bad"] = 0
        if state["bad"] > patience:
            state["scale"] = state.get("scale", 1.0) * factor
            state["rest"], state["bad"] = cooldown, 0
    return max(base * state.get("scale", 1.0), min(floor, base))
