"""Metrics of the worker in a watched training: their series, their failures, and that the weights stay as they were."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.random
import pytest
import torch
from torch import Tensor, nn

import bidviz_core as bidviz
from bidviz_core.errors import MetricError

from .conftest import PATIENCE


class Loop:
    """A small training with dropout, whose every step takes the worker's time."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)
        self.model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.01)

    def step(self) -> None:
        self.optimizer.zero_grad()
        loss = self.model(torch.randn(8, 4)).square().mean() + random.random() * 0 + np.random.rand() * 0
        loss.backward()
        self.optimizer.step()

    def result(self) -> tuple[list[Tensor], Any]:
        weights = [parameter.detach().clone() for parameter in self.model.parameters()]
        return weights, (torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist())  # type: ignore[index]


METRICS = {
    "norm": "grads.norm()",
    "ratio": "updates.norm() / params.norm()",
    "act": "{name: value.mean() for name, value in activations.items()}",
    "noise": "import random\nreturn torch.randn(3).sum() + random.random() + np.random.rand()",
    "last": "series['norm'].last if 'norm' in series else None",
    "rate": "hyperparameters['lr'] * step",
    "fit": "loss + outputs.mean() * 0 + inputs.sum() * 0",
    "spoils": "params['0.weight'].zero_().sum()",
    "fails": "1 / 0 + step",
}


def test_a_training_with_worker_metrics_is_the_same_to_the_bit(tmp_path: Path) -> None:
    plain = Loop()
    for _ in range(60):
        plain.step()
    expected = plain.result()
    watched = Loop()
    session = bidviz.watch(watched.model, watched.optimizer, dashboard=None, plugins=(), run_dir=tmp_path)
    with session:
        for name, code in METRICS.items():
            session.metrics.add(code, name=name, where="worker")
        worker = session.snapshots.worker
        assert worker is not None
        assert worker.wait(PATIENCE)
        for _ in range(60):
            watched.step()
            assert worker.wait(PATIENCE)
        failed = session.engine.slots["fails"]
        assert failed.failure is not None
        assert "ZeroDivisionError" in failed.failure.message
        with pytest.raises(MetricError, match="stays in the training process: take params"):
            session.metrics.add("len(list(model.parameters()))", name="refused", where="worker")
        assert "refused" not in [metric.name for metric in session.metrics]
    weights, states = watched.result()
    assert all(torch.equal(one, other) for one, other in zip(weights, expected[0], strict=True))
    assert states == expected[1]
    run = bidviz.open_run(session.run_dir)
    assert len(run.history("norm").step) > 50
    assert len(run.history("act/0").step) > 50
    assert np.isfinite(run.history("ratio").value).all()
    rate = run.history("rate")
    np.testing.assert_allclose(rate.value, 0.01 * rate.step)
    assert (run.history("spoils").value == 0).all()
    assert len(run.history("last").step) > 30


def test_a_slow_metric_skips_steps_and_holds_nothing_up(tmp_path: Path) -> None:
    loop = Loop()
    with bidviz.watch(loop.model, loop.optimizer, dashboard=None, plugins=(), run_dir=tmp_path) as session:
        session.metrics.add("import time\ntime.sleep(1000)\nreturn 1", name="slow", where="worker")
        worker = session.snapshots.worker
        assert worker is not None
        assert worker.wait(PATIENCE)
        loop.step()
        for _ in range(20):
            loop.step()
        assert worker.skipped >= 20
        waiting = threading.Event()
        while worker.running()[0] != "slow":
            waiting.wait(0.01)  # said in shared memory, which has no event
        assert session.interrupt() == "slow"
        assert worker.wait(PATIENCE)
        failure = session.engine.slots["slow"].failure
        assert failure is not None
        assert "was interrupted by a person" in failure.message
