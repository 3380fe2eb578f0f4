"""A worker with what it told, and a way to give it one snapshot after the other."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from support.warm import TRAININGS

from bidviz_core.messages.notifications import FailureContent
from bidviz_core.metrics.source import compile_metric
from bidviz_core.worker import Worker

PATIENCE = 120.0  # a machine may be busy; importing torch takes seconds on a good day


@pytest.fixture(scope="session", autouse=True)
def warm_start() -> None:
    """Workers are forked from a process that is there before: what it holds here is none of theirs."""
    if hasattr(os, "fork"):
        TRAININGS.begin()


class Told(NamedTuple):
    name: str
    step: int
    time: float
    value: Any
    cost: float
    failure: FailureContent | None


class Bench:
    """Drives a worker as a training would, but waits for it."""

    def __init__(self, **options: Any) -> None:
        self.told: queue.Queue[Told] = queue.Queue()
        self.worker = Worker(lambda *told: self.told.put(Told(*told)), **options)
        self.step = 0

    def add(self, code: str, name: str = "m", **options: Any) -> None:
        self.worker.add(compile_metric(code, name=name, where="worker", **options))

    def submit(self, **arguments: Any) -> int:
        """Gives a snapshot as soon as the worker is free; returns its step."""
        assert self.worker.wait(PATIENCE), self.worker.output
        self.step += 1
        assert self.worker.submit(self.step, time.time(), arguments)
        return self.step

    def next(self) -> Told:
        return self.told.get(timeout=PATIENCE)

    def value(self, **arguments: Any) -> Any:
        step = self.submit(**arguments)
        told = self.next()
        assert told.failure is None, told.failure
        assert told.step == step
        return told.value

    def failure(self, **arguments: Any) -> FailureContent:
        self.submit(**arguments)
        told = self.next()
        assert told.failure is not None, told
        assert told.value is None
        return told.failure


@pytest.fixture
def make_bench() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(**options: Any) -> Bench:
        made.append(Bench(**options))
        return made[-1]

    yield make
    for bench in made:
        bench.worker.close()


@pytest.fixture(scope="module")
def shared_bench() -> Iterator[Bench]:
    """One for tests that leave the process alive and their metrics removed."""
    bench = Bench()
    yield bench
    bench.worker.close()


@pytest.fixture
def bench(shared_bench: Bench) -> Iterator[Bench]:
    yield shared_bench
    for member in list(shared_bench.worker._members.values()):
        shared_bench.worker.remove(member.metric.name)
