"""First runs of metrics, which are guarded in full: one copy and one comparison of the model for all of a boundary."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from bidviz_core.errors import MetricError, TrainingStopped
from bidviz_core.metrics.arguments import check_arguments
from bidviz_core.metrics.definition import Metric
from bidviz_core.metrics.failure import NotYet, describe_failure
from bidviz_core.metrics.results import Results, take_results
from bidviz_core.metrics.slot import GUARDED_RUNS, Slot

if TYPE_CHECKING:
    from bidviz_core.metrics.engine import Engine


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


def suspect(slots: Sequence[Slot], changes: Sequence[str], step: int) -> None:
    """One of these metrics changed the training, which was put back; none of their values is to be believed."""
    names = ", ".join(slot.metric.name for slot in slots)
    for slot in slots:
        slot.suspected = True
        slot.reason = (
            f"No value of step {step:,}: one of {names} changed the training there ({', '.join(changes[:4])}), "
            "which was put back. The next run of each is watched by itself."
        )


def trial(engine: Engine, metric: Metric, step: int, moment: float) -> tuple[Results, dict[str, Any]]:
    """Runs a metric once with every guard and records nothing.

    Returns:
        Its results, and `seconds`, `memory` (bytes, at most at once), `printed` and `changes` (put back).

    Raises:
        MetricError: it failed; with the line and the traceback.
    """
    check_arguments(metric.name, metric.arguments)
    if "series" in metric.arguments and not engine.series.by_metrics:
        # Nobody has asked for other metrics' values yet, so none were kept; they are from here on.
        engine.series.require(True)
        raise NotYet("the values of other metrics come with the next step")
    slot = Slot(metric, ())
    slot.getters = tuple(engine.getter(slot, argument) for argument in metric.arguments)
    try:
        arguments = [get() for get in slot.getters]
        with engine.fence:
            value, changes, printed, seconds, memory = engine.fence.call(metric, arguments, full=True)
            results = take_results(metric.name, value)
    except (TrainingStopped, KeyboardInterrupt, NotYet):
        raise
    except BaseException as error:  # noqa: BLE001 - a fence: it is reported, and the training goes on
        failure = describe_failure(metric, step, error)
        raise MetricError(
            failure.message,
            line=failure.line,
            column=failure.column,
            end_column=failure.end_column,
            traceback=failure.traceback,
        ) from None
    return results, {
        "seconds": seconds,
        "memory": memory,
        "printed": printed,
        "changes": changes,
    }
