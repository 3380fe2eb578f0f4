"""The metrics of the bundle in real trainings, against the whole Hessian of tiny networks in float64."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.bundle_sessions import lacks, last, last_value, watching
from torch import Tensor, nn
from torch.nn import functional

import bidviz_metric_curvature
from bidviz_core.specs import chart_from_dict, chart_to_dict
from bidviz_metric_curvature.steps import POSITIONS

METRICS = {metric.name: metric for metric in bidviz_metric_curvature.register_metrics()}


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    with watching(tmp_path, bidviz_metric_curvature) as watch:
        yield watch


def whole_hessian(model: nn.Module, loss_of: Any) -> Tensor:
    """The Hessian by the trainable parameters as one matrix; `loss_of` takes a model."""
    names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    values = [dict(model.named_parameters())[name].detach().clone() for name in names]

    def loss(*tensors: Tensor) -> Tensor:
        given = dict(zip(names, tensors, strict=True))
        return loss_of(lambda *inputs: torch.func.functional_call(model, given, inputs))

    blocks = torch.autograd.functional.hessian(loss, tuple(values))
    sizes = [value.numel() for value in values]
    return torch.cat(
        [torch.cat([block.reshape(size, -1) for block in row], 1) for row, size in zip(blocks, sizes, strict=True)]
    )


def data(seed: int = 0, count: int = 12) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, 4, generator=generator, dtype=torch.float64)
    return inputs, torch.randint(3, (count,), generator=generator)


class Tied(nn.Module):
    """A weight that is used twice, a layer that is frozen, and one that is never used."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.unused = nn.Linear(2, 2)
        self.head = nn.Linear(4, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.frozen(torch.tanh(self.second(torch.tanh(self.first(inputs))))))


@pytest.mark.parametrize("make", [lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)), Tied])
def test_eigenvalue_and_trace_are_the_hessians(watched: Any, make: Any) -> None:
    torch.manual_seed(1)
    model = make().double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)  # it stands still, so that the power iteration arrives
    criterion = nn.CrossEntropyLoss()
    session = watched(model, optimizer, loss_fn=criterion)
    inputs, targets = data()
    for _ in range(60):
        optimizer.zero_grad()
        criterion(model(inputs), targets).backward()
        optimizer.step()
    hessian = whole_hessian(model, lambda call: functional.cross_entropy(call(inputs), targets))
    eigenvalues = torch.linalg.eigvalsh(hessian)
    largest = float(eigenvalues[eigenvalues.abs().argmax()])
    assert session.failures == []
    assert last(session, "curvature/eigenvalue/largest") == pytest.approx(largest, rel=0.01)
    error = last(session, "curvature/eigenvalue/error") * abs(largest)
    assert float((eigenvalues - last(session, "curvature/eigenvalue/largest")).abs().min()) <= error + 1e-9
    estimates = session.history("curvature/trace/trace").value
    trace = float(hessian.trace())
    # Hutchinson's estimate is right on average: 60 runs of 2 vectors, each within a few of its standard errors.
    spread = 2 * float((hessian - torch.diag(hessian.diag())).square().sum())
    assert estimates.mean() == pytest.approx(trace, abs=5 * math.sqrt(spread / 120))
    assert len(set(estimates)) > 50


def test_trace_of_a_diagonal_hessian_is_exact(watched: Any) -> None:
    model = nn.Linear(4, 1, bias=False).double()
    inputs = torch.diag(torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64))
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.5)
    session = watched(model, optimizer, loss_fn=criterion)
    for _ in range(30):
        optimizer.zero_grad()
        criterion(model(inputs), torch.ones(4, 1, dtype=torch.float64)).backward()
        optimizer.step()
    assert last(session, "curvature/trace/trace") == pytest.approx(2 * (1 + 4 + 9 + 16) / 4)
    assert last(session, "curvature/trace/error") == pytest.approx(0.0, abs=1e-9)
    assert last(session, "curvature/eigenvalue/largest") == pytest.approx(2 * 16 / 4, rel=1e-3)
    assert last(session, "curvature/eigenvalue/stable up to") == pytest.approx((2 + 2 * 0.5) / 0.01)


@pytest.mark.parametrize(("share", "expected"), [(0.5, -0.5), (1.0, 0.0), (2.0, 1.0), (3.0, 2.0)])
def test_alpha_on_a_parabola_says_how_far_the_step_went(watched: Any, share: float, expected: float) -> None:
    """On the loss c/2 w² gradient descent with lr = s/c goes s times as far as the minimum."""
    model = nn.Linear(1, 1, bias=False).double()
    nn.init.constant_(model.weight, 1.7)
    inputs, targets = torch.full((3, 1), 2.0).double(), torch.zeros(3, 1).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=share / (2 * 2.0**2))
    session = watched(model, optimizer, loss_fn=functional.mse_loss)
    before = model.weight.item()
    functional.mse_loss(model(inputs), targets).backward()
    optimizer.step()
    assert session.failures == []
    assert last(session, "curvature/alpha") == pytest.approx(expected)
    positions, losses = last_value(session, "curvature/line/loss").T
    assert positions.tolist() == list(POSITIONS)
    step = model.weight.item() - before
    assert losses.tolist() == pytest.approx([4 * (before + position * step) ** 2 for position in POSITIONS], abs=1e-12)
    assert last(session, "curvature/line/lowest") == min(POSITIONS, key=lambda position: abs(before + position * step))


def test_sixteen_bits_give_the_same_but_for_their_rounding(watched: Any) -> None:
    values = {}
    for kind in (torch.float32, torch.bfloat16):
        torch.manual_seed(2)
        model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3)).to(kind)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        criterion = nn.CrossEntropyLoss()
        session = watched(model, optimizer, loss_fn=criterion)
        inputs, targets = data()
        for _ in range(20):
            optimizer.zero_grad()
            criterion(model(inputs.to(kind)), targets).backward()
            optimizer.step()
        assert session.failures == []
        values[kind] = last(session, "curvature/eigenvalue/largest")
    assert values[torch.bfloat16] == pytest.approx(values[torch.float32], rel=0.1)


def test_what_is_no_number_is_a_gap_and_heals(watched: Any) -> None:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    criterion = nn.CrossEntropyLoss()
    session = watched(model, optimizer, loss_fn=criterion)
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    for number in range(4):
        inputs, targets = data(number)
        if number == 2:
            inputs[0, 0] = math.nan
        optimizer.zero_grad()
        criterion(model(inputs), targets).backward()
        optimizer.step()
        model.load_state_dict(kept)
    assert session.failures == []
    for name in ("curvature/eigenvalue/largest", "curvature/trace/trace", "curvature/line/lowest"):
        assert [math.isnan(value) for value in session.history(name).value] == [False, False, True, False], name
    assert math.isnan(session.history("curvature/alpha").value[0])  # a step of no length gives no point at all


def test_without_a_loss_function_it_is_refused_with_the_way_to_give_one(watched: Any) -> None:
    model = nn.Linear(4, 3)
    with pytest.raises(Exception, match=r"has no metric for this run: .* watch\(model, optimizer, loss_fn=criterion\)"):
        watched(model, torch.optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(Exception, match="has no metric for this run"):
        watched({"a": "learner without torch"})


def test_a_loss_that_is_another_one_is_not_shown(watched: Any) -> None:
    model = nn.Linear(4, 3).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    session = watched(model, optimizer, loss_fn=functional.cross_entropy)
    inputs, targets = data()
    for _ in range(2):
        optimizer.zero_grad()
        (functional.cross_entropy(model(inputs), targets) + 7.0).backward()
        optimizer.step()
    assert session.failures == []
    assert set(lacks(session)) == set(METRICS)
    assert "give the function that the script calls" in lacks(session)["curvature/trace"]
    assert "loss_fn(outputs, targets) is" in session.metrics.slots["curvature/trace"].info(0.1).note


def test_charts_are_plain_data_with_help() -> None:
    for chart in [chart for metric in METRICS.values() for chart in metric.charts]:
        assert "Healthy:" in chart.help
        assert "Sick:" in chart.help
        assert chart.title
        assert chart_from_dict(chart_to_dict(chart)) == chart
