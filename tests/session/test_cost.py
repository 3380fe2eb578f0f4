"""What watching costs, as the status tells it: over the last half minute of training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def cost(training: Any) -> float:
    return float(training.session.report.status(0, 1).cost)


def test_the_cost_is_that_of_the_last_half_minute_of_training(train: Callable[..., Any]) -> None:
    training = train()
    boundary = training.session.boundary
    assert cost(training) == 0.0
    boundary.account = (1.0, 10.0)
    assert cost(training) == pytest.approx(0.1)
    for second in range(11, 60):  # nothing of ours from here on
        boundary.account = (1.0, float(second))
        told = cost(training)
        assert told == (pytest.approx(1 / second) if second < 40 else 0.0)
    assert cost(training) == 0.0  # a pause adds nothing to the account, and changes nothing


def test_a_metric_that_runs_now_and_then_does_not_make_the_cost_jump(train: Callable[..., Any]) -> None:
    training = train()
    told = []
    for step in range(1, 601):  # steps of a tenth of a second; each hundredth has half a second of ours
        training.session.boundary.account = (0.5 * (step // 100), 0.1 * step)
        told.append(cost(training))
    assert all(0.0 < one < 0.1 for one in told[400:])
    assert max(told[400:]) - min(told[400:]) <= 0.5 / 30 + 1e-9


def test_the_account_has_what_is_ours_within_the_steps_it_is_part_of(train: Callable[..., Any]) -> None:
    training = train()
    training.session.metrics.add("sum(range(20_000))", name="work", every=1)
    training.run(20)
    own, total = training.session.boundary.account
    assert 0.0 < own < total
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
