"""First runs of metrics, which are guarded in full: one copy and one comparison of the model for all of a boundary."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bidviz_core.metrics.fence import Fence
from bidviz_core.metrics.results import Results
from bidviz_core.metrics.slot import GUARDED_RUNS, Slot


class Done(NamedTuple):
    """A run that went well.

    Args:
        slot: the metric.
        results: what it gave.
        began: when, by `perf_counter`.
        looked: seconds that looking at modules took in the forward pass.
        own: seconds of its own code where it was guarded in full: copies and comparisons are not what it will cost.
    """

    slot: Slot
    results: Results
    began: float
    looked: float
    own: float | None

    def seconds(self) -> float:
        """What the run cost, up to now where it was not guarded in full."""
        return self.looked + (time.perf_counter() - self.began if self.own is None else self.own)


def is_guarded(slot: Slot) -> bool:
    """Whether the next run of a metric is guarded in full."""
    return slot.runs < GUARDED_RUNS or slot.suspected


def together(due: Sequence[Slot]) -> list[Slot]:
    """Those of the due metrics that share one comparison of the model.

    With 25 million parameters a comparison takes 50 ms, and the bundles together bring some thirty metrics: one by one
    their first runs would hold up a single step by more than a second. What changed is put back all the same; only if
    something did is it not known who it was, and each is compared by itself from then on. One that reads what others
    gave is no such metric, since they give nothing before they are cleared.
    """
    first = [slot for slot in due if slot.enabled and slot.runs < GUARDED_RUNS and not slot.suspected]
    first = [slot for slot in first if "series" not in slot.metric.arguments]
    return first if len(first) > 1 else []


def run_together(slots: Sequence[Slot], fence: Fence, call: Callable[[Slot], Done | None], step: int) -> list[Done]:
    """Runs several metrics for the first time, inside a fence, with as few comparisons of the model as can be.

    Args:
        slots: what `together` gave.
        fence: the fence, raised.
        call: runs one of them with `together`; gives nothing where it did not go well.
        step: the step.

    Returns:
        The runs that went well, and of which it is known that they changed nothing.
    """
    ran: list[Done] = []
    unclear: list[Slot] = []
    for slot in slots:
        unclear.append(slot)
        if (done := call(slot)) is not None:
            ran.append(done)
        if fence.doubts:
            _suspect(unclear, fence.doubts, step)
            fence.doubts = []
        if not fence.unclear:
            unclear = []
    if changes := fence.compare():
        _suspect(unclear, changes, step)
    return [done for done in ran if not done.slot.suspected]


def _suspect(slots: Sequence[Slot], changes: Sequence[str], step: int) -> None:
    """One of these metrics changed the training, which was put back; none of their values is to be believed."""
    names = ", ".join(slot.metric.name for slot in slots)
    for slot in slots:
        slot.suspected = True
        slot.reason = (
            f"No value of step {step:,}: one of {names} changed the training there ({', '.join(changes[:4])}), "
            "which was put back. The next run of each is watched by itself."
        )
