"""A first-party bundle in real trainings: every metric at every step, and what it left of the training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from support.loops import LOOPS

import bidviz_core as bidviz
from bidviz_core.errors import PluginError
from bidviz_core.specs import chart_from_dict, chart_to_dict
from bidviz_core.store import StoreReader


class Watched:
    """Sessions of a test, each with one bundle, all of whose metrics run at each step.

    Args:
        bundle: the bundle's module.
        folder: where runs are put.
    """

    def __init__(self, bundle: ModuleType, folder: Path) -> None:
        self.bundle = bundle
        self.folder = folder
        self.sessions: list[Any] = []
        self.refused: list[str] = []

    def __call__(self, model: Any, optimizer: Any = None, every: int = 1, **options: Any) -> Any:
        session = bidviz.watch(
            model, optimizer, dashboard=None, run_dir=self.folder, plugins=(), budget=None, **options
        )
        self.sessions.append(session)
        try:
            session.plugins.register(self.bundle, self.bundle.__name__)
        except PluginError as error:
            self.refused.append(str(error))
        for metric in self.bundle.register_metrics():
            if metric.name in session.metrics:
                session.metrics.change(metric.name, every=every)
        return session

    def close(self) -> None:
        """Closes them all."""
        for session in self.sessions:
            session.close()


def watching(bundle: ModuleType, folder: Path) -> Iterator[Watched]:
    """What a fixture of a bundle's tests yields from."""
    watched = Watched(bundle, folder)
    yield watched
    watched.close()


def last(session: Any, name: str) -> float:
    """The latest value of a series."""
    return float(session.history(name).value[-1])


def latest(session: Any, name: str) -> Any:
    """The latest value of a series of arrays, as it was stored."""
    session.pump.flush()
    return StoreReader(session.run_dir).arrays(name)[-1].value


def series(session: Any, metric: str) -> list[str]:
    """The series that a metric has given so far."""
    return list(session.metrics.slots[metric].series)


def changes_nothing(name: str, watched: Watched, steps: int = 24) -> Any:
    """Runs a loop bare and watched, compares them to the bit, and gives the session."""
    torch.set_num_threads(1)
    bare = LOOPS[name](steps, lambda *_, **__: None)
    seen = LOOPS[name](steps, watched)
    assert_same(bare, seen)
    session = watched.sessions[-1]
    assert session.failures == []
    return session


def assert_same(one: Any, other: Any) -> None:
    """Compares nested states to the bit."""
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    else:
        assert one == other or (one != one and other != other)


def check_charts(bundle: ModuleType) -> None:
    """Charts are plain data with a title, a help text, and series of a metric of the bundle."""
    metrics = bundle.register_metrics()
    charts = [chart for metric in metrics for chart in metric.charts]
    assert charts
    for chart in charts:
        assert chart.title
        assert "Healthy:" in chart.help
        assert "Sick:" in chart.help
        assert chart_from_dict(chart_to_dict(chart)) == chart
        assert all(any(name.startswith(f"{metric.name}/") for metric in metrics) for name in chart.series)
    for metric in metrics:
        assert metric.help
        assert metric.code


LOOP_NAMES = pytest.mark.parametrize("name", LOOPS)
