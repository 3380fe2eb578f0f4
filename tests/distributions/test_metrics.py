"""The metrics of the bundle in real trainings, against numpy in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from support.bundles import LOOP_NAMES, Watched, changes_nothing, check_charts, last, latest, series
from torch import nn

import bidviz_metric_distributions
from bidviz_metric_distributions.statistics import QUANTILE_NAMES, QUANTILES


def exact(tensor: torch.Tensor) -> Any:
    return tensor.detach().double().numpy().ravel()


def test_every_number_is_the_definitions(watched: Watched) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4), nn.Linear(4, 2))
    model[2].requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    session = watched(model, optimizer)
    for _ in range(3):
        before = exact(model[0].weight)
        optimizer.zero_grad()
        model(torch.randn(8, 6)).square().sum().backward()
        optimizer.step()
    layer = np.concatenate([exact(model[0].weight), exact(model[0].bias)])
    gradient = np.concatenate([exact(model[0].weight.grad), exact(model[0].bias.grad)])
    for kind, values in (("weights", layer), ("gradients", gradient)):
        expected = [values.mean(), values.std(), stats.skew(values), stats.kurtosis(values)]
        for moment, value in zip(("mean", "std", "skewness", "kurtosis"), expected, strict=True):
            assert last(session, f"distributions/moments/{kind}/{moment}/0") == pytest.approx(value, rel=1e-5)
    histogram = latest(session, "distributions/weights/layer/0")
    counts, edges = np.histogram(layer, 64)
    assert histogram.counts.tolist() == counts.tolist()
    np.testing.assert_allclose(histogram.edges, edges)
    whole = latest(session, "distributions/gradients/all")
    assert whole.counts.sum() == 35 + 10
    updates = latest(session, "distributions/updates/layer/0")
    assert updates.edges[0] <= (exact(model[0].weight) - before).min() + 1e-7
    table = latest(session, "distributions/quantiles/weights/sizes")
    assert list(table.rows) == ["0", "3"]
    np.testing.assert_allclose(table.values[0], np.log10(np.quantile(np.abs(layer), QUANTILES)), rtol=1e-5)
    everything = np.concatenate([layer, exact(model[3].weight), exact(model[3].bias)])
    for name, quantile in zip(QUANTILE_NAMES, QUANTILES, strict=True):
        found = last(session, f"distributions/quantiles/weights/all/{name}")
        assert found == pytest.approx(np.quantile(everything, quantile), rel=1e-4, abs=1e-7)
    assert "distributions/weights/layer/2" not in series(session, "distributions/weights")
    assert session.failures == []


class Odd(nn.Module):
    """A shared parameter, a sparse gradient, an empty layer, one without a gradient, sixteen bits, complex numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 4, sparse=True)
        self.one = nn.Linear(4, 4, dtype=torch.bfloat16)
        self.two = nn.Linear(4, 4, dtype=torch.bfloat16)
        self.two.weight = self.one.weight
        self.unused = nn.Linear(3, 3)
        self.empty = nn.Parameter(torch.zeros(0, 7))
        self.waves = nn.Parameter(torch.ones(3, dtype=torch.complex64))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        inner = self.two(self.one(self.embedding(tokens).bfloat16())).float().square().sum()
        return inner + self.empty.sum() + torch.view_as_real(self.waves).square().sum()


def test_odd_parameters(watched: Watched) -> None:
    torch.manual_seed(0)
    model = Odd()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    session = watched(model, optimizer)
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.tensor([1, 2, 2, 3])).backward()
        gradient = model.embedding.weight.grad.coalesce().values()
        optimizer.step()
    assert session.failures == []
    assert last(session, "distributions/moments/gradients/std/embedding") == pytest.approx(
        exact(gradient).std(), rel=1e-5
    )
    shared = np.concatenate([exact(model.one.weight), exact(model.one.bias)])
    assert last(session, "distributions/moments/weights/std/one") == pytest.approx(shared.std(), rel=1e-6)
    names = series(session, "distributions/moments")
    assert not any("empty" in name for name in names)
    assert "distributions/moments/weights/mean/unused" in names
    assert "distributions/moments/gradients/mean/unused" not in names
    assert latest(session, "distributions/weights/layer/waves").counts.sum() == 6


def test_nan_is_counted_and_shown(watched: Watched) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    session = watched(model, optimizer)
    for layer in model:
        layer.weight.grad = torch.ones(4, 4)
    model[1].weight.grad[0, 0] = math.nan
    optimizer.step()
    histogram = latest(session, "distributions/gradients/layer/1")
    assert histogram.nan == 1
    assert histogram.counts.sum() == 15
    assert math.isnan(last(session, "distributions/moments/gradients/mean/1"))
    assert last(session, "distributions/moments/gradients/mean/0") == 1.0
    assert session.failures == []


def test_what_is_frozen_says_so(watched: Watched) -> None:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model.requires_grad_(False)
    session = watched(model, optimizer)
    for _ in range(3):
        optimizer.step()
    slot = session.metrics.slots["distributions/weights"]
    assert "Nothing is trained here" in slot.info(0.01).note
    assert series(session, "distributions/weights") == []
    assert session.failures == []


@LOOP_NAMES
def test_the_training_is_the_same_to_the_bit(name: str, watched: Watched) -> None:
    session = changes_nothing(name, watched)
    assert series(session, "distributions/moments")


def test_a_learner_without_torch_is_refused(watched: Watched) -> None:
    session = watched(None)
    session.step_done(loss=1.0)
    assert "has no metric for this run" in watched.refused[0]
    assert session.failures == []


def test_charts() -> None:
    check_charts(bidviz_metric_distributions)
