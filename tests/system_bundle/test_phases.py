"""The account of a step's time, against clocks that the training itself reads at the same moments."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.loops import LOOPS
from torch import nn

import bidviz_core as bidviz
from bidviz_core.learners.phases import PhaseTimes

#: What is taken to be the same moment: hooks of ours, of others, and a busy machine lie between.
SLACK = 0.25


def busy(seconds: float) -> None:
    """Takes time as a loader or a layer does, without sleeping."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


class Slow(nn.Module):
    """A layer that takes so long forward, and with its gradient so long backward."""

    def __init__(self, forward: float, backward: float) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 1)
        self.seconds = forward, backward

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        busy(self.seconds[0])
        outputs = self.linear(inputs)
        if outputs.requires_grad:
            outputs.register_hook(lambda gradient: busy(self.seconds[1]))
        return outputs


class SlowSGD(torch.optim.SGD):
    """An optimizer that takes so long."""

    def step(self, closure: Any = None) -> Any:
        busy(0.008)
        return super().step(closure)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    opened: list[Any] = []

    def attach(model: Any, optimizer: Any, **options: Any) -> Any:
        options = {"dashboard": None, "plugins": (), "run_dir": tmp_path, "budget": None, **options}
        opened.append(bidviz.watch(model, optimizer, **options))
        return opened[-1]

    yield attach
    for session in opened:
        session.close()


@bidviz.metric(name="readings")
def readings(phases: PhaseTimes, state: dict[str, Any]) -> float:
    """Keeps every reading."""
    state.setdefault("all", []).append(phases)
    return phases.seconds


def kept(session: Any) -> list[PhaseTimes]:
    found: list[PhaseTimes] = session.engine.slots["readings"].state["all"]
    return found


def test_each_phase_is_what_the_training_measures_itself(watch: Callable[..., Any]) -> None:
    model = Slow(0.004, 0.006)
    optimizer = SlowSGD(model.parameters(), lr=0.01)
    session = watch(model, optimizer, metrics=[readings])
    own = {"data": 0.0, "forward": 0.0, "backward": 0.0, "update": 0.0}
    marks = [time.perf_counter()]

    def book(phase: str) -> None:
        now = time.perf_counter()
        own[phase] += now - marks[0]
        marks[0] = now

    steps = 12
    for number in range(steps):
        if number == 2:  # the first steps carry the guards' copies and cold caches
            own = dict.fromkeys(own, 0.0)
        marks[0] = time.perf_counter()
        busy(0.010)
        inputs = torch.randn(5, 4)
        book("data")
        loss = model(inputs).square().mean()
        book("forward")
        loss.backward()
        book("backward")
        optimizer.step()
        book("update")
    spent = kept(session)[-1].since(kept(session)[1])
    assert (spent.steps, spent.passes, spent.examples) == (10, 10, 50)
    for phase in ("data", "forward", "backward"):
        assert getattr(spent, phase) == pytest.approx(own[phase], rel=SLACK), phase
    # The test's own clock sees update and step boundary as one.
    assert spent.update + spent.ours == pytest.approx(own["update"], rel=SLACK)
    assert spent.update >= 10 * 0.008
    assert spent.other < 0.1 * spent.seconds


def test_no_time_is_missed(watch: Callable[..., Any]) -> None:
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    session = watch(model, optimizer, metrics=[readings])
    ends: list[float] = []
    optimizer.register_step_post_hook(lambda *_: ends.append(time.perf_counter()))
    for _ in range(30):
        optimizer.zero_grad()
        model(torch.randn(5, 4)).square().mean().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    spent = kept(session)[-1].since(kept(session)[9])
    assert min(spent[:6]) > 0  # clipping is the other
    assert spent.seconds == pytest.approx(ends[-1] - ends[9], abs=0.02)


def test_evaluation_and_unseen_passes_are_other(watch: Callable[..., Any]) -> None:
    model = Slow(0.005, 0.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    session = watch(model, optimizer, metrics=[readings])
    for number in range(8):
        if number % 2:
            with torch.no_grad():
                for _ in range(3):
                    model(torch.randn(7, 4))
        model(torch.randn(5, 4)).square().mean().backward()
        optimizer.step()
    spent = kept(session)[-1].since(kept(session)[1])
    assert spent.passes == 6
    assert spent.examples == 30
    assert spent.other > 3 * 3 * 0.005
    assert spent.data < spent.other
    before = kept(session)[-1]
    for _ in range(4):  # a part of the model is called, so its own pass is not seen
        busy(0.005)
        model.linear(torch.randn(5, 4)).square().mean().backward()
        optimizer.step()
    spent = kept(session)[-1].since(before)
    assert (spent.passes, spent.forward) == (0, 0.0)
    assert spent.other > 4 * 0.005 > spent.data


def test_accumulated_batches_are_data_and_passes(watch: Callable[..., Any]) -> None:
    model = Slow(0.0, 0.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    session = watch(model, optimizer, metrics=[readings])
    for _ in range(6):
        for _ in range(3):
            busy(0.004)
            model(torch.randn(2, 4)).square().mean().backward()
        optimizer.step()
    spent = kept(session)[-1].since(kept(session)[1])
    assert (spent.steps, spent.passes, spent.examples) == (4, 12, 24)
    assert spent.data > 12 * 0.004


def test_a_pause_is_nobodys_time(watch: Callable[..., Any]) -> None:
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    session = watch(model, optimizer, metrics=[readings])

    def step() -> None:
        model(torch.randn(5, 4)).square().mean().backward()
        optimizer.step()

    for _ in range(4):
        step()
    session.pause()

    def resume_later() -> None:
        while not session.boundary.paused:
            busy(0.01)
        busy(0.5)
        session.resume()

    resumer = threading.Thread(target=resume_later)
    began = time.perf_counter()
    resumer.start()
    step()
    step()
    resumer.join()
    paused = time.perf_counter() - began
    assert paused > 0.5
    assert session.learner.waited > 0.4
    spent = kept(session)[-1].since(kept(session)[3])
    assert spent.seconds <= paused - session.learner.waited + 0.05


def test_hooks_are_there_only_while_somebody_asks(watch: Callable[..., Any]) -> None:
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    backward = torch.autograd.backward
    session = watch(model, optimizer)
    for metric in list(session.metrics):
        session.metrics.remove(metric.name)
    assert not model._forward_pre_hooks
    assert torch.autograd.backward is backward
    session.metrics.add(readings)
    assert len(model._forward_pre_hooks) == 1
    for _ in range(5):
        model(torch.randn(5, 4)).square().mean().backward()
        optimizer.step()
    assert kept(session)[-1].steps == 5
    session.metrics.remove("readings")
    assert not model._forward_pre_hooks
    assert not optimizer._optimizer_step_pre_hooks
    assert session.learner.boundary is session.boundary.tick
    session.metrics.add(readings)
    session.close()
    assert not model._forward_pre_hooks
    assert torch.autograd.backward is backward


@pytest.mark.parametrize("name", LOOPS)
def test_trainings_are_the_same_to_the_bit(name: str, tmp_path: Path) -> None:
    plain = LOOPS[name](30, lambda *_, **__: None)
    sessions: list[Any] = []

    def attach(model: Any, optimizer: Any, **options: Any) -> None:
        options = {"dashboard": None, "plugins": (), "run_dir": tmp_path, "metrics": [readings], **options}
        sessions.append(bidviz.watch(model, optimizer, **options))

    watched = LOOPS[name](30, attach)
    found = kept(sessions[0])
    sessions[0].close()
    assert not sessions[0].failures, sessions[0].failures
    assert len(found) >= 25
    spent = found[-1]
    assert spent.steps == len(found)
    assert min(spent[1:]) >= 0
    assert spent.backward > 0
    assert same(plain, watched)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)
