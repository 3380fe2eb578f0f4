"""What watching costs, as the status tells it: over the last half minute of training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bidviz_core.messages.notifications import CostsMessage


def cost(training: Any) -> float:
    return float(training.session.report.status(0, 1).cost)


def test_the_cost_is_that_of_the_last_half_minute_of_training(train: Callable[..., Any]) -> None:
    training = train()
    boundary = training.session.boundary
    assert cost(training) == 0.0
    boundary.account = (1.0, 10.0, 10)
    assert cost(training) == pytest.approx(0.1)
    for second in range(11, 60):  # nothing of ours from here on
        boundary.account = (1.0, float(second), second)
        told = cost(training)
        assert told == (pytest.approx(1 / second) if second < 40 else 0.0)
    assert cost(training) == 0.0  # a pause adds nothing to the account, and changes nothing


def test_a_metric_that_runs_now_and_then_does_not_make_the_cost_jump(train: Callable[..., Any]) -> None:
    training = train()
    told = []
    for step in range(1, 601):  # steps of a tenth of a second; each hundredth has half a second of ours
        training.session.boundary.account = (0.5 * (step // 100), 0.1 * step, step)
        told.append(cost(training))
    assert all(0.0 < one < 0.1 for one in told[400:])
    assert max(told[400:]) - min(told[400:]) <= 0.5 / 30 + 1e-9


def test_the_account_has_what_is_ours_within_the_steps_it_is_part_of(train: Callable[..., Any]) -> None:
    training = train()
    training.session.metrics.add("sum(range(20_000))", name="work", every=1)
    training.run(20)
    own, total, steps = training.session.boundary.account
    assert 0.0 < own < total
    assert steps == training.session.step - 1  # the first has no beginning
    assert 0.0 < cost(training) < 1.0


def test_a_pause_is_in_neither_part_of_the_account(train: Callable[..., Any]) -> None:
    training = train()
    training.run(20)
    boundary = training.session.boundary
    boundary._waited += 3600.0  # as if the last boundary had been waited at for an hour
    boundary._marked_at -= 3600.0
    training.session.boundary.pulse.calm_until = 0
    training.run(1)
    assert boundary.account[1] < 600.0


def test_a_metric_s_share_is_of_the_steps_that_the_cost_is_of(train: Callable[..., Any]) -> None:
    """A few slow steps before a catalogue is sent must not colour the shares of all metrics."""
    training = train()
    session = training.session
    session.metrics.add("sum(range(2_000))", name="work", every=1)
    training.run(20)
    slot = session.engine.slots["work"]
    session.boundary.account = (0.0, 0.0, 0)
    for step in range(1, 400):  # steps of 10 ms
        session.boundary.account = (0.001 * step, 0.01 * step, step)
        cost(training)
    session.boundary.step_time = 1.0  # as if the last ones had taken long
    [info] = [one for one in session.report.catalogue({}).metrics if one.name == "work"]
    assert info.share == pytest.approx(slot.cost / 0.01)


def test_what_metrics_cost_is_told_while_it_changes(train: Callable[..., Any]) -> None:
    training = train()
    session = training.session
    session.metrics.add("sum(range(2_000))", name="work", every=1)

    def told() -> list[dict[str, Any]]:
        news = [notice for _ in range(8) for notice in session.report.on_beat()]
        return [notice.content.costs for notice in news if isinstance(notice, CostsMessage)]

    training.run(20)
    [costs] = told()
    assert costs["work"].cost == session.engine.slots["work"].cost > 0
    assert told() == []
    training.run(20)
    assert len(told()) == 1
