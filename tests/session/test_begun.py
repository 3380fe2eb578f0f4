"""To which step a logged value belongs, with the forward pass listened to and without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def _loop(training: Any, steps: int, between: Callable[[], None] | None = None) -> None:
    """Steps that log their number when they are over, and perhaps something between forward and backward."""
    session = training.session
    for _ in range(steps):
        training.optimizer.zero_grad()
        loss = nn.functional.cross_entropy(training.model(torch.randn(8, 4)), torch.randint(0, 3, (8,)))
        if between is not None:
            between()
        loss.backward()
        training.optimizer.step()
        session.log("after", float(session.step))


def _listens(training: Any) -> bool:
    training.session.engine.change("accuracy", enabled=False)
    return bool(training.model._forward_hooks)


def _right(session: Any, name: str) -> bool:
    history = session.history(name)
    return bool(len(history.step)) and history.value.tolist() == history.step.tolist()


def test_a_loop_that_logs_after_its_steps_is_not_listened_to_for_long(train: Callable[..., Any]) -> None:
    training = train()
    _loop(training, 10)
    assert _listens(training)
    _loop(training, 70)
    assert not _listens(training)
    assert _right(training.session, "after")


def test_the_first_value_between_forward_and_backward_belongs_to_the_coming_step(train: Callable[..., Any]) -> None:
    training = train()
    session = training.session
    _loop(training, 80)
    assert not _listens(training)
    _loop(training, 5, lambda: session.log("between", session.step + 1.0))
    assert _listens(training)
    assert _right(session, "between")
    assert session.history("between").step.tolist() == [81, 82, 83, 84, 85]
    assert _right(session, "after")


def test_a_running_sum_is_no_forward_pass(train: Callable[..., Any]) -> None:
    training = train()
    session = training.session
    _loop(training, 80)
    total = torch.zeros((), requires_grad=True)
    for _ in range(3):
        _loop(training, 1)
        total = total + 1.0
        session.log("total", float(session.step))
    assert session.history("total").step.tolist() == [81, 82, 83]
    assert _right(session, "after")


def test_a_loop_that_logs_between_forward_and_backward_is_always_listened_to(train: Callable[..., Any]) -> None:
    training = train()
    session = training.session
    _loop(training, 100, lambda: session.log("between", session.step + 1.0))
    assert _listens(training)
    assert _right(session, "after")
    assert _right(session, "between")
