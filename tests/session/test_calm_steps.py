"""Steps at which nothing is due but numbers to be read: what is left out, and what is known all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_a_forward_pass_is_listened_to_only_where_something_is_made_of_it(train: Callable[..., Any]) -> None:
    training = train()
    training.session.engine.change("accuracy", every=5)
    listened = []
    for _ in range(15):
        listened.append(len(training.model._forward_hooks))
        training.run(1)
    assert listened == [0, 0, 0, 0, 1] * 3
    assert training.session.history("accuracy").step.tolist() == [5, 10, 15]
    training.session.log("mine", 1.0)  # from here on it matters when a step begins
    listened.clear()
    for _ in range(5):
        listened.append(len(training.model._forward_hooks))
        training.run(1)
    assert listened == [1] * 5


def test_a_forward_pass_that_is_never_seen_is_said_at_the_second_step_at_the_latest(train: Callable[..., Any]) -> None:
    training = train()
    training.session.metrics.add("outputs.mean()", name="mean", every=3)
    for _ in range(6):
        training.optimizer.zero_grad()
        (training.model[2].weight.sum() * 2).backward()
        training.optimizer.step()
    failure = training.session.engine.slots["mean"].failure
    assert "forward pass was not seen" in failure.message


def test_the_time_of_a_step_is_that_of_late_also_between_two_that_are_measured(train: Callable[..., Any]) -> None:
    training = train()
    training.session.metrics.remove("accuracy")
    training.run(150)
    boundary = training.session.boundary
    assert boundary.pace() == boundary.step_time
    training.run(1)
    made = boundary.step - boundary._marked_step
    assert made > 0
    boundary._marked_at -= 10.0 * made  # as if these had taken ten seconds each
    assert 10.0 <= boundary.pace() < 11.0
    assert training.session.report.status(0, 1).step_time == boundary.pace()
    boundary._waited += 10.0 * made  # as if it had been a pause
    assert boundary.pace() == boundary.step_time
