"""What gives nothing alone gives its samples beside the rest of its bundle."""

from __future__ import annotations

from typing import Any

import bidviz_core as bidviz
from bidviz_core.plugins.dispatch import Hooks
from bidviz_core.plugins.loading import collect
from bidviz_core.testing.examining import Began, MetricDone, examine
from bidviz_core.testing.metric_checks import NOTHING, Trial

COUNTS: dict[int, int] = {}


@bidviz.metric(name="counting")
def counting(step: int, learner: Any) -> int:
    """Counts the steps."""
    COUNTS[id(learner)] = step
    return step


@bidviz.metric(name="counted", every=100)
def counted(learner: Any) -> dict[str, float] | None:
    """What the other one has counted, and the half of it."""
    count = COUNTS.get(id(learner))
    return None if count is None else {"all": count, "half": count / 2}


@bidviz.metric(name="nothing")
def nothing(step: int) -> None:
    """Never gives anything."""
    COUNTS.clear()  # the learner of one trial may lie where another's was


class Bundle:
    @bidviz.hookimpl
    def register_metrics(self) -> list[bidviz.Metric]:
        return [nothing, counting, counted]


def trials() -> tuple[dict[str, Trial], list[Any]]:
    events: list[Any] = []
    examine(collect("bundle 1", {"bundle": Bundle()}, Hooks(lambda *about: None)), events.append)
    return {event.trial.name: event.trial for event in events if isinstance(event, MetricDone)}, events


def test_it_is_run_beside_the_others_and_its_samples_and_cost_are_from_there() -> None:
    found, events = trials()
    assert found["counting"].together == ""
    trial = found["counted"]
    assert (trial.learners, trial.together) == ((), "mlp")
    assert list(trial.samples) == ["counted/all", "counted/half"]
    assert trial.samples["counted/all"].step[:3] == (20, 40, 60)  # oftener than it runs in a training
    assert trial.samples["counted/half"].value[0] == 10.0
    assert trial.cost is not None
    assert [one.level for one in trial.findings] == ["note"]
    assert "its samples are from the whole bundle" in trial.findings[0].what
    # One that never gives anything is still told of.
    assert [one.what for one in found["nothing"].findings] == [NOTHING]
    assert Began("together, mlp") in events
