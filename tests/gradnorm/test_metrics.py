"""The metrics of the bundle in a real training, against autograd and numpy."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import bidviz_core as bidviz
import bidviz_metric_gradnorm
from bidviz_core.specs import chart_from_dict, chart_to_dict
from bidviz_core.store import StoreReader
from bidviz_metric_gradnorm.diagnosis import SICK

METRICS = {metric.name: metric for metric in bidviz_metric_gradnorm.register_metrics()}


def norm(*tensors: Any) -> float:
    return math.sqrt(sum(float(np.sum(np.square(tensor.detach().to_dense().double().numpy()))) for tensor in tensors))


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    sessions = []

    def watch(model: nn.Module, optimizer: Any) -> Any:
        session = bidviz.watch(
            model, optimizer, dashboard=None, run_dir=tmp_path, plugins=["bidviz-metric-gradnorm"], budget=None
        )
        for name in METRICS:
            session.metrics.change(name, every=1)
        sessions.append(session)
        return session

    yield watch
    for session in sessions:
        session.close()


def last(session: Any, name: str) -> float:
    return float(session.history(name).value[-1])


def test_every_number_is_the_definitions(watched: Any) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3), nn.Linear(3, 2))
    model[2].requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    session = watched(model, optimizer)
    for _ in range(3):
        before = [parameter.detach().clone() for parameter in model.parameters()]
        optimizer.zero_grad()
        model(torch.randn(8, 5)).square().sum().backward()
        gradients = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
        optimizer.step()
    first, last_layer = gradients[:2], gradients[4:]
    assert last(session, "gradnorm/norm/global") == pytest.approx(norm(*first, *last_layer), rel=1e-6)
    assert last(session, "gradnorm/norm/layer/0") == pytest.approx(norm(*first), rel=1e-6)
    assert last(session, "gradnorm/norm/layer/3") == pytest.approx(norm(*last_layer), rel=1e-6)
    after = list(model.parameters())
    assert last(session, "gradnorm/weights/0") == pytest.approx(norm(*first) / norm(*after[:2]), rel=1e-6)
    changed = [new.detach() - old for new, old in zip(after, before, strict=True)]
    assert last(session, "gradnorm/updates/3") == pytest.approx(norm(*changed[4:]) / norm(*after[4:]), rel=1e-4)
    assert [last(session, f"gradnorm/health/{state}") for state in SICK] == [
        0,
        0,
        0,
    ]
    assert "gradnorm/norm/layer/2" not in session.metrics.slots["gradnorm/norm"].series
    assert session.failures == []


class Odd(nn.Module):
    """A shared parameter, a sparse gradient, one that is never used, and sixteen bits."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 4, sparse=True)
        self.one = nn.Linear(4, 4, dtype=torch.bfloat16)
        self.two = nn.Linear(4, 4, dtype=torch.bfloat16)
        self.two.weight = self.one.weight
        self.unused = nn.Linear(3, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.two(self.one(self.embedding(tokens).bfloat16())).float().square().sum()


def test_shared_sparse_unused_and_sixteen_bit_parameters(watched: Any) -> None:
    torch.manual_seed(0)
    model = Odd()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    session = watched(model, optimizer)
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.tensor([1, 2, 2, 3])).backward()
        gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
        optimizer.step()
    assert "two.weight" not in gradients  # it is one.weight
    assert last(session, "gradnorm/norm/global") == pytest.approx(norm(*gradients.values()), rel=1e-5)
    embedding = norm(gradients["embedding.weight"])
    assert last(session, "gradnorm/norm/layer/embedding") == pytest.approx(embedding, rel=1e-6)
    assert last(session, "gradnorm/norm/layer/two") == pytest.approx(norm(gradients["two.bias"]), rel=1e-5)
    assert "gradnorm/norm/layer/unused" not in session.metrics.slots["gradnorm/norm"].series
    assert session.failures == []


def test_sick_layers_are_marked(watched: Any) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(*[nn.Linear(4, 4, bias=False) for _ in range(4)])
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    session = watched(model, optimizer)

    def step(scales: list[float]) -> None:
        for layer, scale in zip(model, scales, strict=True):
            layer.weight.grad = torch.full((4, 4), scale)
        optimizer.step()

    step([1.0, 1.0, 1.0, 1.0])
    step([1.0, 1e-6, math.nan, 200.0])
    session.pump.flush()
    table = StoreReader(session.run_dir).arrays("gradnorm/health/layers")[-1].value
    assert table.columns[:2] == ["state", "layer"]
    assert [tuple(row[:2]) for row in table.rows] == [
        ("not finite", "2"),
        ("exploding", "3"),
        ("vanishing", "1"),
        ("healthy", "0"),
    ]
    assert [last(session, f"gradnorm/health/{state}") for state in SICK] == [
        1,
        1,
        1,
    ]
    assert math.isnan(last(session, "gradnorm/norm/global"))


def test_charts_are_plain_data_with_help() -> None:
    charts = [chart for metric in METRICS.values() for chart in metric.charts]
    charts += bidviz_metric_gradnorm.register_charts()
    for chart in charts:
        assert "Healthy:" in chart.help
        assert "Sick:" in chart.help
        assert chart.title
        assert chart_from_dict(chart_to_dict(chart)) == chart
