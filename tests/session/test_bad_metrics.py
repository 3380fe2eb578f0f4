"""Metrics that misbehave: each is set aside with a sentence, the training goes on, the others go on."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from bidviz_core.errors import MetricError


def failure_of(session: Any, name: str) -> str:
    failure = session.engine.slots[name].failure
    return failure.message if failure else ""


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("'text'", "returned a str"),
        ("[[1, 2], [3]]", "ragged"),
        ("torch.zeros(1).expand(100_000_000)", "100,000,000 numbers"),
        ("1 / 0", r"ZeroDivisionError: division by zero \(line 1\)"),
        ("x = 1\nreturn x / 0", r"line 2"),
        ("import sys\nsys.exit(3)\nreturn 1", "sys.exit"),
        ("raise KeyError('no')\nreturn 1", "KeyError"),
        ("params['nowhere']", "no tensor 'nowhere'"),
        ("series['nowhere'].last", "no series 'nowhere'"),
        ("for tensor in params.tensors: tensor.add_(1)\nreturn 1", "changed the training .*put back"),
        ("model.eval()\nreturn 1", "changed the training"),
    ],
)
def test_a_bad_metric_is_set_aside_with_a_sentence(train: Callable[..., Any], code: str, words: str) -> None:
    training = train()
    training.session.metrics.add("grads.norm()", name="good")
    training.session.metrics.add(code, name="bad")
    training.run(3)
    import re

    assert re.search(words, failure_of(training.session, "bad")), failure_of(training.session, "bad")
    # Of step 1 it was known that one of two wrote in place, and not yet which.
    steps = [2, 3] if "add_" in code else [1, 2, 3]
    assert training.session.history("good").step.tolist() == steps
    assert training.session.step == 3
    assert training.model.training


def test_one_that_raises_late_has_its_history(train: Callable[..., Any]) -> None:
    training = train()
    training.session.metrics.add("1 / (step - 100)", name="late")
    training.run(110)
    assert training.session.history("late").step.tolist() == list(range(1, 100))
    assert training.session.engine.slots["late"].failure.step == 100


def test_it_can_be_retried_after_it_was_mended(train: Callable[..., Any]) -> None:
    training = train()
    training.session.metrics.add("1 / 0", name="m")
    training.run(2)
    training.session.metrics.replace("m", "7")
    training.run(2)
    assert training.session.history("m").value.tolist() == [7, 7]


def test_a_tensor_that_needs_grad_and_nan_are_values(train: Callable[..., Any]) -> None:
    training = train()
    training.session.metrics.add("(model[0].weight * 0 + 2).mean()", name="needs_grad")
    training.session.metrics.add("float('nan')", name="nan")
    training.run(2)
    assert training.session.history("needs_grad").value.tolist() == [2, 2]
    assert np.isnan(training.session.history("nan").value).all()


def test_random_numbers_drawn_by_a_metric_are_put_back(train: Callable[..., Any]) -> None:
    training = train()
    training.run(1)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    code = "import random\ntorch.randn(5); np.random.randn(3); random.random()\nreturn torch.rand(())"
    training.session.metrics.add(code, name="draws")
    training.session.boundary.tick()  # a boundary without a pass draws nothing of its own
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()
    assert before[2] == random.getstate()


def test_weights_changed_on_a_first_run_are_put_back_to_the_bit(train: Callable[..., Any]) -> None:
    training = train()
    training.run(1)
    before = [parameter.detach().clone() for parameter in training.model.parameters()]
    training.session.metrics.add("model[0].weight.data.mul_(2)\nreturn 1", name="changes")
    training.session.boundary.tick()
    for old, new in zip(before, training.model.parameters(), strict=True):
        assert torch.equal(old, new)
    assert "put back" in failure_of(training.session, "changes")


def test_what_it_prints_stays_with_it(train: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    training = train()
    training.session.metrics.add("print('x' * 3_000_000)\nreturn 1", name="prints")
    training.run(2)
    assert "xxx" not in capsys.readouterr().out
    assert "3,000,001 characters in all" in training.session.engine.slots["prints"].printed


def test_two_metrics_of_one_name_are_refused(train: Callable[..., Any]) -> None:
    training = train()
    training.session.metrics.add("1", name="m")
    with pytest.raises(MetricError, match="There is a metric 'm' already"):
        training.session.metrics.add("2", name="m")


def test_one_that_takes_long_runs_more_seldom_and_says_so(train: Callable[..., Any]) -> None:
    training = train()
    training.run(5)
    training.session.metrics.add("import time\ntime.sleep(0.3)\nreturn 1", name="slow")
    training.run(20)
    slot = training.session.engine.slots["slow"]
    assert slot.effective_every > 20
    assert "instead of every 1" in slot.note
    assert slot.runs <= 2


@pytest.mark.parametrize("code", ["while True: pass\nreturn 1", "import time\ntime.sleep(1000)\nreturn 1"])
def test_one_that_never_returns_can_be_interrupted(train: Callable[..., Any], code: str) -> None:
    training = train()
    training.session.metrics.add(code, name="endless")
    running = training.session.interruptible
    stop = threading.Event()

    def interrupt() -> None:
        while not stop.is_set():
            if running.seconds() > 0.2 and running.name == "endless" and training.session.interrupt():
                return
            stop.wait(0.05)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    training.run(3)
    stop.set()
    thread.join()
    assert "interrupted by a person" in failure_of(training.session, "endless")
    assert training.session.step == 3


def test_what_cannot_be_had_is_said_with_the_way_to_give_it(train: Callable[..., Any]) -> None:
    training = train()
    training.session.metrics.add("targets.float().mean()", name="found")
    training.run(1)
    assert len(training.session.history("found").step) == 1
    optimizer, model = training.optimizer, training.model
    training.session.metrics.add("targets.float().mean()", name="missing")
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.randn(2, 4)).pow(2).mean().backward()  # a loss that has no targets
        optimizer.step()
    assert "loss_fn=criterion" in failure_of(training.session, "missing")
