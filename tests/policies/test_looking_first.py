"""Previews against what then happens, and dry runs against what did."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

import bidviz_core as bidviz
from bidviz_core.errors import FormulaError
from bidviz_core.policies.dry_run import dry_run
from bidviz_core.store import StoreReader

SCHEDULERS: dict[str, Callable[[Any], Any]] = {
    "cosine": lambda one: lr_scheduler.CosineAnnealingLR(one, 40),
    "one cycle": lambda one: lr_scheduler.OneCycleLR(one, 0.2, total_steps=60, cycle_momentum=False),
    "chained": lambda one: lr_scheduler.ChainedScheduler(
        [lr_scheduler.ExponentialLR(one, 0.95), lr_scheduler.ConstantLR(one, 0.5, 12)]
    ),
    "sequential": lambda one: lr_scheduler.SequentialLR(
        one, [lr_scheduler.LinearLR(one, 0.1, 1.0, 10), lr_scheduler.ExponentialLR(one, 0.9)], [10]
    ),
    "lambda": lambda one: lr_scheduler.LambdaLR(one, lambda step: 0.97**step),
}


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_base_is_run_ahead_as_it_then_goes(train: Callable[..., Any], kind: str) -> None:
    training = train(scheduler=SCHEDULERS[kind])
    training.run(6)
    states = torch.get_rng_state().clone(), training.scheduler.state_dict(), training.optimizer.state_dict()
    curve = training.session.policies.preview("lr", "base * 0.5", steps=20)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert training.optimizer.state_dict() == states[2]
    training.session.policies.add("lr", "base * 0.5")
    rates = training.run(21)
    assert curve.step.tolist() == list(range(6, 27))
    assert curve.value.tolist() == pytest.approx(rates)


def test_at_a_step_boundary_the_scheduler_has_yet_to_step(train: Callable[..., Any]) -> None:
    training = train(scheduler=SCHEDULERS["cosine"])
    session = training.session
    curves = []
    session.boundary.watch(
        lambda step: curves.append(session.policies.preview("lr", "base", 10)) if step == 5 else None
    )
    rates = training.run(16)
    assert curves[0].step.tolist() == list(range(5, 16))
    assert curves[0].value.tolist() == pytest.approx(rates[5:])


def test_far_ahead_only_the_scheduler_goes_through_every_step(train: Callable[..., Any]) -> None:
    training = train(scheduler=lambda one: lr_scheduler.LambdaLR(one, lambda step: 1.0 / (1.0 + step)))
    training.run(1)
    asked = []

    @bidviz.policy(target="lr")
    def half(base: float) -> float:
        asked.append(base)
        return base / 2.0

    curve = training.session.policies.preview("lr", half, 12_000)
    assert curve.step.tolist() == list(range(1, 12_002, 6))
    assert curve.value.tolist() == pytest.approx([0.05 / (1.0 + step) for step in curve.step.tolist()])
    assert len(asked) == len(curve.step)  # the training waits for it: nothing is computed that is not drawn


def test_a_scheduler_that_steps_by_epochs(train: Callable[..., Any]) -> None:
    training = train()
    scheduler = lr_scheduler.StepLR(training.optimizer, 1, 0.5)
    for _ in range(3):
        training.run(4)
        scheduler.step()
    curve = training.session.policies.preview("lr", "base", 12)
    assert curve.value.tolist() == pytest.approx([0.0125] * 4 + [0.00625] * 4 + [0.003125] * 4 + [0.0015625])


def test_dependencies_are_run_ahead(train: Callable[..., Any]) -> None:
    training = train()
    policies = training.session.policies
    policies.add("lr", "0.1 / (1 + step)")
    curve = policies.preview("weight_decay", "0.1 * lr", 10)
    assert curve.value.tolist() == pytest.approx([0.01 / (1 + step) for step in range(11)])
    assert curve.note == ""
    assert policies.preview("momentum", "0.1 + weight_decay", 3).note == "weight_decay is held at its present value 0."
    policies.add("weight_decay", "0.1 * lr")
    with pytest.raises(FormulaError, match="circle"):
        policies.preview("lr", "weight_decay", 10)


def test_what_will_go_wrong_is_said(train: Callable[..., Any]) -> None:
    curve = train().session.policies.preview("lr", "0.1 / (5 - step)", 10)
    assert "At step 5 it divides by zero" in curve.note
    assert curve.value[5:].tolist() == [curve.value[4]] * 6
    with pytest.raises(FormulaError, match="divides by zero"):
        train().session.policies.preview("lr", "0.1 / step", 10)


def test_metrics_are_held_and_far_horizons_are_sampled(train: Callable[..., Any]) -> None:
    training = train(lr=0.01)
    training.run(3)
    curve = training.session.policies.preview("lr", 'abs(mean("loss", 2)) * 0 + 1e-9 * step', 1_000_000)
    assert "mean(loss) is held at its present value" in curve.note
    assert len(curve.step) <= 2_001
    assert curve.step[-1] == 3 + 1_000_000 - (1_000_000 % 500)
    assert training.session.policies._around.readings._readings == {}  # nothing is kept of it


def test_elapsed_epoch_and_progress(train: Callable[..., Any]) -> None:
    training = train(config={"max_steps": 20})
    training.run(4)
    training.session.epoch_done()
    policies = training.session.policies
    assert policies.preview("lr", "0.01 * epoch", 8).value.tolist() == pytest.approx([0.01] * 4 + [0.02] * 4 + [0.03])
    assert policies.preview("lr", "progress", 30).value.tolist() == pytest.approx(
        [min(1.0, step / 20) for step in range(4, 35)]
    )
    elapsed = policies.preview("lr", "elapsed", 3)
    assert "A step is taken to last" in elapsed.note
    assert np.all(np.diff(elapsed.value) > 0)


def test_a_dry_run_gives_what_would_have_been(train: Callable[..., Any]) -> None:
    training = train(lr=0.01)
    session = training.session
    training.run(40)
    formula = '0.01 * mean("loss", 5) + 0.001 * since_best("loss") + step * 0'
    session.expose("free", lambda: 0.0, lambda value: None)
    session.policies.add("free", "0.5 * step")
    training.run(1)
    losses = session.history("loss").value
    curve = session.policies.dry_run("free", formula)
    assert curve.step.tolist() == list(range(42))
    assert math.isnan(curve.value[0])
    for step in range(1, 42):
        mean = losses[max(0, step - 5) : step].mean()
        best = int(losses[:step].argmin()) + 1
        assert curve.value[step] == pytest.approx(0.01 * mean + 0.001 * (step - best)), step
    assert session.policies.dry_run("free", "lr * 2").value[5] == pytest.approx(0.02)
    assert session.policies.dry_run("weight_decay", "0.1 + 0 * free").value[-1] == pytest.approx(0.1)
    broken = session.policies.dry_run("free", "1 / (20 - step)")
    assert "At step 20 the formula divides by zero" in broken.note
    with pytest.raises(FormulaError, match="did you mean 'loss'"):
        session.policies.dry_run("free", "last('losss')")
    session.close()
    again = dry_run(StoreReader(session.run_dir), "free", formula)  # of a run that is over
    assert np.array_equal(again.value, curve.value, equal_nan=True)


def test_dry_run_equals_the_live_policy(train: Callable[..., Any]) -> None:
    training = train(lr=0.01)
    session = training.session
    session.expose("free", lambda: 0.0, lambda value: None)
    formula = 'ewma("loss", 0.9) + best("loss") - last("loss")'
    session.policies.add("free", formula)
    training.run(30)
    live = session.history("hp/free")
    dry = session.policies.dry_run("free", formula)
    assert dry.value[1:].tolist() == live.value.tolist()
