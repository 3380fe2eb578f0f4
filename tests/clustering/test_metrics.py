"""The metrics of the bundle in real k-means trainings, without torch and with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.cluster import MiniBatchKMeans
from sklearn.datasets import load_digits
from support.bundles import LOOP_NAMES, Watched, changes_nothing, check_charts, last, latest, series
from torch import nn

import bidviz_core as bidviz
import bidviz_metric_clustering

ROOT = Path(__file__).parents[2]
POINTS = load_digits().data / 16


def test_scikit_learns_mini_batches(watched: Watched) -> None:
    model = MiniBatchKMeans(10, random_state=0, n_init=1)
    session = watched(model)
    random = np.random.default_rng(0)
    before = None
    for _ in range(5):
        batch = POINTS[random.integers(len(POINTS), size=256)]
        before = None if before is None else model.cluster_centers_.copy()
        model.partial_fit(batch)
        before = model.cluster_centers_.copy() if before is None else before
        session.step_done(minibatch=batch)
    centres = model.cluster_centers_
    assert last(session, "clustering/fit/distortion") == pytest.approx(-model.score(batch) / 256, rel=1e-6)
    sizes = np.bincount(model.predict(batch), minlength=10)
    assert latest(session, "clustering/sizes/points").tolist() == sizes.tolist()
    assert last(session, "clustering/sizes/empty") == (sizes == 0).sum()
    moved = np.linalg.norm(centres - before, axis=1)
    np.testing.assert_allclose(latest(session, "clustering/movement/centres"), moved, rtol=1e-6)
    assert last(session, "clustering/movement/largest") == pytest.approx(moved.max(), rel=1e-6)
    pairs = np.linalg.norm(centres[:, None] - centres, axis=2)
    np.testing.assert_allclose(latest(session, "clustering/distances/between").values, pairs, rtol=1e-5, atol=1e-6)
    least = (pairs + np.diag([np.inf] * 10)).min(1)
    assert last(session, "clustering/distances/least") == pytest.approx(least.min(), rel=1e-6)
    assert session.failures == []


def test_movement_is_per_step(watched: Watched) -> None:
    learner = SimpleNamespace(centroids=np.zeros((3, 2)))
    session = watched(learner, every=4)
    for _ in range(9):
        learner.centroids = learner.centroids + 1.0
        session.step_done()
    assert last(session, "clustering/movement/mean") == pytest.approx(np.sqrt(2))
    assert len(session.history("clustering/movement/mean").step) == 1


def test_what_is_missing_is_said(watched: Watched) -> None:
    learner = SimpleNamespace()
    session = watched(learner)
    session.step_done(loss=1.0)
    fit = session.metrics.slots["clustering/fit"]
    assert "No centres have been found" in fit.info(0.01).note
    assert "minibatch=points" in fit.info(0.01).note
    learner.centres = [[0.0, 0.0], [1.0, 1.0]]
    session.step_done(loss=1.0)
    assert "points of the step are not known" in fit.info(0.01).note
    session.step_done(minibatch=np.ones((3, 5)))  # of another width
    assert "do not fit the centres" in fit.info(0.01).note
    assert series(session, "clustering/fit") == []
    session.step_done(minibatch=(np.ones((3, 2)), "targets"))
    assert fit.info(0.01).note == ""
    assert last(session, "clustering/fit/distortion") == 0.0
    assert session.failures == []


class Stubborn:
    """Whose property fails before it is ready."""

    @property
    def centers(self) -> Any:
        raise RuntimeError("not yet")


@pytest.mark.parametrize(
    "model", [None, Stubborn(), SimpleNamespace(centres="text"), SimpleNamespace(centres=np.zeros(3)), {"centres": 1}]
)
def test_learners_of_other_kinds_do_no_harm(watched: Watched, model: Any) -> None:
    session = watched(model)
    session.step_done(loss=1.0, minibatch=np.zeros((2, 2)))
    assert session.failures == []


class Codebook(nn.Module):
    """A torch model with centres, as a vector quantiser has."""

    def __init__(self) -> None:
        super().__init__()
        self.codebook = nn.Parameter(torch.randn(8, 3))

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        return torch.cdist(points, self.codebook).min(1).values.square().mean()


def test_a_torch_model_with_centres(watched: Watched) -> None:
    torch.manual_seed(0)
    model = Codebook()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    session = watched(model, optimizer)
    for _ in range(3):
        before = model.codebook.detach().clone()
        optimizer.zero_grad()
        model(torch.randn(20, 3)).backward()
        optimizer.step()
    moved = (model.codebook.detach() - before).norm(dim=1)
    assert last(session, "clustering/movement/mean") == pytest.approx(float(moved.mean()), rel=1e-5)
    assert session.failures == []


@LOOP_NAMES
def test_other_torch_models_are_left_alone(name: str, watched: Watched) -> None:
    changes_nothing(name, watched, steps=4)
    assert "the model has no centres" in watched.refused[0]


def test_k_means_is_the_same_to_the_bit_and_needs_no_torch(tmp_path: Path) -> None:
    program = f"""
import runpy, sys
import numpy as np
import bidviz_core as bidviz
example = runpy.run_path({str(ROOT / "examples/kmeans.py")!r})
import bidviz_metric_clustering as bundle

def train(watch):
    random = np.random.default_rng(3)
    points = example["load_digits"]().data / 16
    model = example["KMeans"](points, 10, 20_000, random)
    session = bidviz.watch(model, dashboard=None, run_dir={str(tmp_path)!r}, plugins=(), budget=None) if watch else None
    if session:
        session.plugins.register(bundle, "clustering")
        for metric in bundle.register_metrics():
            session.metrics.change(metric.name, every=1)
    for _ in range(50):
        batch = points[random.integers(len(points), size=64)]
        loss = model.update(batch)
        if session:
            session.step_done(loss=loss, minibatch=batch)
    if session:
        assert session.failures == []
        assert len(session.history("clustering/fit/distortion").step) == 50
        session.close()
    return model.centres, random.random()

bare, seen = train(False), train(True)
assert bare[0].tobytes() == seen[0].tobytes() and bare[1] == seen[1]
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=120)


def test_charts() -> None:
    check_charts(bidviz_metric_clustering)


def test_a_bundle_that_fits_nothing_keeps_no_training_from_its_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    plugins = [bidviz_metric_clustering]
    with bidviz.watch(model, optimizer, dashboard=None, run_dir=tmp_path, plugins=plugins) as session:
        assert "the model has no centres" in caplog.text
        assert session.failures == []
