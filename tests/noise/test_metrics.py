"""The bundle in real trainings, against gradients that a loop takes one example at a time, in float64."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.bundle_sessions import lacks, last, watching
from torch import Tensor, nn
from torch.nn import functional

import bidviz_metric_noise
from bidviz_core.specs import chart_from_dict, chart_to_dict
from bidviz_metric_noise.metrics import MOST_EXAMPLES

METRIC = "noise/gradients"
NAMES = ("scale", "norm test", "inner product test", "orthogonality test", "signal to noise")


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    with watching(tmp_path, bidviz_metric_noise) as watch:
        yield watch


def one_by_one(model: nn.Module, loss_of: Any, inputs: Tensor, targets: Tensor) -> np.ndarray:
    """The gradient of each example as a row, by a loop over batches of one."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    rows = []
    for number in range(len(inputs)):
        loss = loss_of(model(inputs[number : number + 1]), targets[number : number + 1])
        found = torch.autograd.grad(loss, trained, allow_unused=True)
        given = [torch.zeros_like(p) if g is None else g for g, p in zip(found, trained, strict=True)]
        rows.append(torch.cat([one.double().flatten() for one in given]))
    return torch.stack(rows).numpy()


def by_definition(rows: np.ndarray) -> dict[str, float]:
    """The numbers as their papers define them, from a matrix of all examples' gradients."""
    count = len(rows)
    mean = rows.mean(0)
    norm = mean @ mean
    covariance = np.cov(rows, rowvar=False)
    noise = np.trace(covariance)
    along = rows @ mean
    across = rows / math.sqrt(norm) - np.outer(along, mean) / norm**1.5
    variances = rows.var(0, ddof=1)
    moving = variances > 0
    signal = norm - noise / count
    return {
        "scale": noise / signal if signal > 0 else math.inf,
        "norm test": math.sqrt(((rows - mean) ** 2).sum() / (count * (count - 1)) / norm),
        "inner product test": math.sqrt(((along / norm - 1) ** 2).sum() / (count * (count - 1))),
        "orthogonality test": math.sqrt((across**2).sum() / (count * (count - 1))),
        "signal to noise": float((mean[moving] ** 2 / variances[moving]).mean()),
    }


def data(count: int = 12, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 6, generator=generator).double(), torch.randint(3, (count,), generator=generator)


def train(model: nn.Module, optimizer: Any, loss_fn: Any, inputs: Tensor, targets: Tensor, steps: int = 1) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        loss_fn(model(inputs), targets).backward()
        optimizer.step()


class Tied(nn.Module):
    """A weight that is used twice, a layer that is frozen, and one that is never used."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.second = nn.Linear(6, 6)
        self.second.weight = self.first.weight
        self.frozen = nn.Linear(6, 6).requires_grad_(False)
        self.unused = nn.Linear(2, 2)
        self.head = nn.Linear(6, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.frozen(torch.tanh(self.second(torch.tanh(self.first(inputs))))))


class Recurrent(nn.Module):
    """Of whose operations `torch.func.vmap` knows none."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(2, 4, batch_first=True)
        self.head = nn.Linear(4, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.lstm(inputs.view(-1, 3, 2))[0][:, -1])


MODELS = {
    "mlp": lambda: nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)),
    "tied, frozen, unused": Tied,
    "lstm": Recurrent,
    "batch norm that stands": lambda: nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5).eval(), nn.Linear(5, 3)),
}
LOSSES = {
    "mean": nn.CrossEntropyLoss(),
    "sum": nn.CrossEntropyLoss(reduction="sum"),
    "a function": functional.cross_entropy,
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", MODELS)
def test_the_numbers_are_those_of_their_definitions(watched: Any, kind: str, loss: str) -> None:
    torch.manual_seed(1)
    model, loss_fn = MODELS[kind]().double(), LOSSES[loss]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    session = watched(model, optimizer, loss_fn=loss_fn)
    inputs, targets = data()
    train(model, optimizer, loss_fn, inputs, targets)
    assert session.failures == []
    assert lacks(session) == {}
    for name, value in by_definition(one_by_one(model, functional.cross_entropy, inputs, targets)).items():
        assert last(session, f"{METRIC}/{name}") == pytest.approx(value, rel=1e-9), name
    assert last(session, f"{METRIC}/batch size") == 12


def test_the_gradients_are_those_at_the_present_weights(watched: Any) -> None:
    torch.manual_seed(2)
    model = MODELS["mlp"]().double()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    session = watched(model, optimizer, loss_fn=functional.cross_entropy)
    inputs, targets = data()
    for step in range(1, 6):
        train(model, optimizer, functional.cross_entropy, inputs, targets)
        expected = by_definition(one_by_one(model, functional.cross_entropy, inputs, targets))
        history = session.history(f"{METRIC}/norm test")
        assert history.step[-1] == step
        assert history.value[-1] == pytest.approx(expected["norm test"], rel=1e-9)


def test_of_a_large_batch_some_examples_say_about_the_same(watched: Any) -> None:
    torch.manual_seed(3)
    model = MODELS["mlp"]().double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    criterion = nn.CrossEntropyLoss()
    session = watched(model, optimizer, loss_fn=criterion)
    count = 40 * MOST_EXAMPLES
    estimates: dict[str, list[float]] = {name: [] for name in ("norm test", "inner product test", "orthogonality test")}
    inputs, targets = data(count)
    expected = by_definition(one_by_one(model, functional.cross_entropy, inputs, targets))
    for seed in range(30):  # each time other examples are looked at
        order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
        train(model, optimizer, criterion, inputs[order], targets[order])
        for name, values in estimates.items():
            values.append(last(session, f"{METRIC}/{name}"))
    for name, values in estimates.items():
        assert np.sqrt(np.mean(np.square(values))) == pytest.approx(expected[name], rel=0.15), name
    assert last(session, f"{METRIC}/batch size") == count


class Tokens(nn.Module):
    """Says the next of 7 tokens at each of 5 places."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(8, 7)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.layers(self.embed(tokens)))


@pytest.mark.parametrize("shape", ["flat", "classes second"])
def test_a_language_model_is_taken_apart_by_its_texts(watched: Any, shape: str) -> None:
    torch.manual_seed(4)
    model = Tokens()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    session = watched(model, optimizer, loss_fn=criterion)
    tokens = torch.randint(7, (6, 5))
    for _ in range(3):
        optimizer.zero_grad()
        scores = model(tokens)
        if shape == "flat":
            criterion(scores.view(-1, 7), tokens.view(-1)).backward()
        else:
            criterion(scores.transpose(1, 2), tokens).backward()
        optimizer.step()
    assert session.failures == []
    assert lacks(session) == {}
    assert last(session, f"{METRIC}/batch size") == 6
    assert 0 < last(session, f"{METRIC}/norm test") < 10


def test_sixteen_bits_give_the_same_but_for_their_rounding(watched: Any) -> None:
    values = {}
    for kind in (torch.float32, torch.bfloat16):
        torch.manual_seed(5)
        model = MODELS["mlp"]().to(kind)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        session = watched(model, optimizer, loss_fn=functional.cross_entropy)
        inputs, targets = data()
        train(model, optimizer, functional.cross_entropy, inputs.to(kind), targets)
        assert session.failures == []
        values[kind] = [last(session, f"{METRIC}/{name}") for name in NAMES[:4]]
    assert values[torch.bfloat16] == pytest.approx(values[torch.float32], rel=0.05)


def test_what_is_no_number_is_a_gap(watched: Any) -> None:
    torch.manual_seed(6)
    model = MODELS["mlp"]().double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    session = watched(model, optimizer, loss_fn=functional.cross_entropy)
    inputs, targets = data()
    inputs[3, 2] = math.nan
    train(model, optimizer, functional.cross_entropy, inputs, targets)
    assert session.failures == []
    assert all(math.isnan(last(session, f"{METRIC}/{name}")) for name in NAMES[:4])


class Contrast(nn.Module):
    """A loss of pairs of examples."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        alike = outputs @ outputs.T
        return functional.cross_entropy(alike, torch.arange(len(outputs))) + 0 * targets.sum()


def weighted(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(outputs, targets, weight=torch.tensor([1.0, 2.0, 30.0]).double())


@pytest.mark.parametrize(
    ("model", "loss_fn", "count", "reason"),
    [
        (nn.Sequential(nn.Linear(6, 3), nn.BatchNorm1d(3)), nn.CrossEntropyLoss(), 12, r"batch norm \(1\) in training"),
        (nn.Linear(6, 3), weighted, 12, "neither the mean nor the sum"),
        (nn.Linear(6, 3), Contrast(), 12, "neither the mean nor the sum"),
        (nn.Linear(6, 3), nn.CrossEntropyLoss(), 1, "at least 2 examples"),
    ],
)
def test_where_examples_have_no_gradients_of_their_own_it_says_so(
    watched: Any, model: nn.Module, loss_fn: Any, count: int, reason: str
) -> None:
    torch.manual_seed(7)
    model = model.double()
    nn.init.normal_(model[0].weight if isinstance(model, nn.Sequential) else model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    session = watched(model, optimizer, loss_fn=loss_fn)
    train(model, optimizer, loss_fn, *data(count), steps=2)
    assert session.failures == []
    assert lacks(session).keys() == {METRIC}
    assert re.search(reason, lacks(session)[METRIC])
    model.eval()
    if count > 1 and isinstance(loss_fn, nn.CrossEntropyLoss):  # batch norm in evaluation mode has them
        train(model, optimizer, loss_fn, *data(count))
        assert lacks(session) == {}
        assert last(session, f"{METRIC}/norm test") > 0


def test_charts_are_plain_data_with_help() -> None:
    for chart in [chart for metric in bidviz_metric_noise.register_metrics() for chart in metric.charts]:
        assert "Healthy:" in chart.help
        assert "Sick:" in chart.help
        assert chart_from_dict(chart_to_dict(chart)) == chart


def test_weights_of_examples_that_are_not_looked_at_do_not_count(watched: Any) -> None:
    """Each example has a row of its own, so each row's gradient is pure noise: 1 / batch size."""
    torch.manual_seed(8)
    model = nn.Sequential(nn.Embedding(64, 4), nn.Flatten())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    criterion = nn.MSELoss()
    session = watched(model, optimizer, loss_fn=criterion)
    train(model, optimizer, criterion, torch.arange(64)[:, None], torch.randn(64, 4))
    assert session.failures == []
    assert last(session, f"{METRIC}/signal to noise") == pytest.approx(1 / 64, rel=1e-4)
