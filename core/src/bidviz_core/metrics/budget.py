"""How much of a step a metric may take: its own budget, and its part of what bundles' metrics may take together."""

from __future__ import annotations

from collections.abc import Iterable

from bidviz_core.metrics.slot import Slot

#: Who asked for just this metric; whoever loads a bundle gets all that it brings.
SINGLY = frozenset({"built-in", "script", "person"})
#: What bundles bring may take so many budgets together.
_TOGETHER = 2
#: Seconds; of steps shorter than this nobody sees each: there they do not take more, however cheap each metric is.
_SHORT_STEP = 1e-3


def budget_of(slot: Slot, active: Iterable[Slot], step_time: float, budget: float) -> tuple[float, float]:
    """The share of a step that a metric may take.

    What each metric wants counts as it was last judged, at the cadence that was asked for, so that those that run more
    seldom by now do not bring each other back; and no more than a budget, which it is kept to in any case.

    Args:
        slot: the metric.
        active: all that run.
        step_time: the usual seconds a step takes.
        budget: the share that one metric may take.

    Returns:
        The share, and the one that bundles' metrics want together; 0 where that is no reason for less than a budget.
    """
    if slot.metric.origin in SINGLY or step_time >= _SHORT_STEP:
        return budget, 0.0
    wanted = {id(one): _wanted(one, step_time, budget) for one in active if one.metric.origin not in SINGLY}
    together = sum(wanted.values())
    if together <= _TOGETHER * budget:
        return budget, 0.0
    return wanted.get(id(slot), budget) * _TOGETHER * budget / together, together


def _wanted(slot: Slot, step_time: float, budget: float) -> float:
    return min(budget, slot.median / (slot.metric.every * step_time))
