"""The metrics of the bundle in real trainings, against numbers computed from the model a second time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from support.bundles import LOOP_NAMES, Watched, changes_nothing, check_charts, last, latest, series
from torch import nn

import bidviz_core as bidviz
import bidviz_metric_activations
from bidviz_metric_activations.looks import moments_of


def step(model: nn.Module, optimizer: Any, *inputs: Any) -> None:
    optimizer.zero_grad()
    model(*inputs).float().square().mean().backward()
    optimizer.step()


def frozen_rate(model: nn.Module) -> Any:
    """An optimizer that changes nothing, so that the model can be asked again afterwards."""
    return torch.optim.SGD(model.parameters(), lr=0.0)


def test_dead_and_saturated_units_are_counted(watched: Watched) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 10), nn.Tanh(), nn.Linear(10, 4), nn.Sigmoid())
    with torch.no_grad():
        model[0].bias[:5] = -100.0
        model[2].weight *= 20
    optimizer = frozen_rate(model)
    session = watched(model, optimizer)
    for _ in range(12):
        inputs = torch.randn(16, 6)
        step(model, optimizer, inputs)
    with torch.no_grad():
        hidden = model[0](inputs)
        second = model[:3](inputs)
        third = model[:5](inputs)
    assert last(session, "activations/dead/now/1") == pytest.approx(float((hidden <= 0).all(0).float().mean()))
    assert last(session, "activations/dead/lasting/1") == pytest.approx(5 / 20)
    assert last(session, "activations/saturation/low/1") == pytest.approx(float((hidden <= 0).float().mean()))
    bend = math.atanh(math.sqrt(0.95))
    assert last(session, "activations/saturation/high/3") == pytest.approx(float((second >= bend).float().mean()))
    assert last(session, "activations/saturation/low/3") == pytest.approx(float((second <= -bend).float().mean()))
    assert last(session, "activations/saturation/high/5") == pytest.approx(float((third >= 2 * bend).float().mean()))
    assert "activations/saturation/high/1" not in series(session, "activations/saturation")
    values = second.double().numpy().ravel()
    expected = [values.mean(), values.std(), stats.skew(values), stats.kurtosis(values), np.abs(values).max()]
    for name, value in zip(("mean", "std", "skewness", "kurtosis", "largest"), expected, strict=True):
        assert last(session, f"activations/moments/{name}/2") == pytest.approx(value, rel=1e-4)
    assert "activations/attention" not in session.metrics
    assert session.failures == []


def test_a_unit_that_wakes_up_is_not_dead(watched: Watched) -> None:
    model = nn.Sequential(nn.Linear(1, 2, bias=False), nn.ReLU())
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[-1.0], [1.0]]))
    optimizer = frozen_rate(model)
    session = watched(model, optimizer)
    for number in range(25):
        step(model, optimizer, torch.full((3, 1), -1.0 if number == 12 else 1.0))
    found = session.history("activations/dead/lasting/1").value
    assert found[9:12].tolist() == [0.5, 0.5, 0.5]
    assert found[12:22].tolist() == [0.0] * 10
    assert found[22:].tolist() == [0.5, 0.5, 0.5]


class InPlace(nn.Module):
    """What ResNets do: convolutions, in-place rectifiers, additions over outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.swish = nn.SiLU(inplace=True)
        self.seen: dict[str, torch.Tensor] = {}

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        inner = self.one(pictures)
        self.seen["swish"] = inner.detach().clone()
        inner = self.swish(inner)
        out = self.norm(self.two(inner))
        self.seen["norm"] = out.detach().clone()
        out += inner
        self.seen["relu"] = out.detach().clone()
        return self.relu(out)


def test_what_is_written_over_is_seen_before(watched: Watched) -> None:
    torch.manual_seed(1)
    model = InPlace()
    with torch.no_grad():
        model.norm.bias[1] = -50.0
        model.one.weight *= 10
    optimizer = frozen_rate(model)
    session = watched(model, optimizer)
    for _ in range(4):
        step(model, optimizer, torch.randn(5, 1, 6, 6))
    swish, norm, relu = (model.seen[name] for name in ("swish", "norm", "relu"))
    assert last(session, "activations/saturation/low/swish") == pytest.approx(float((swish <= -3.92989).float().mean()))
    assert last(session, "activations/saturation/low/swish") > 0
    assert last(session, "activations/moments/mean/norm") == pytest.approx(float(norm.mean()), rel=1e-4)
    channels = (relu <= 0).transpose(0, 1).flatten(1).all(1)
    assert channels.tolist() == [False, True, False, False]
    assert last(session, "activations/dead/now/relu") == 0.25
    assert session.failures == []


class Everything(nn.Module):
    """Sequences through a transformer's layers, whose non-linearities are functions, and a recurrent net."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.embed = nn.Embedding(30, 8, dtype=dtype)
        options: dict[str, Any] = {"batch_first": True, "dropout": 0.0, "dtype": dtype}
        self.first = nn.TransformerEncoderLayer(8, 2, 16, **options)
        self.second = nn.TransformerEncoderLayer(8, 4, 16, activation="gelu", **options)
        self.decoder = nn.TransformerDecoderLayer(8, 2, 16, activation=nn.SiLU(), **options)
        self.lstm = nn.LSTM(8, 8, batch_first=True, dtype=dtype)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        inner = self.second(self.first(self.embed(tokens)))
        return self.lstm(self.decoder(inner, inner))[0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_transformers_and_recurrent_nets(watched: Watched, dtype: torch.dtype) -> None:
    torch.manual_seed(2)
    model = Everything(dtype)
    model.first.requires_grad_(False)
    optimizer = frozen_rate(model)
    session = watched(model, optimizer)
    seen = {}
    model.first.linear1.register_forward_hook(lambda module, args, output: seen.update(first=output.detach()))
    tokens = torch.randint(0, 30, (3, 7))
    for _ in range(3):
        step(model, optimizer, tokens)
    assert session.failures == []
    silent = (seen["first"] <= 0).flatten(0, 1).all(0).float().mean()
    assert last(session, "activations/dead/now/first.linear1") == pytest.approx(float(silent))
    share = (seen["first"] <= 0).float().mean()
    assert last(session, "activations/saturation/low/first.linear1") == pytest.approx(float(share))
    assert {
        "activations/saturation/low/second.linear1",
        "activations/saturation/low/decoder.activation",
    } <= set(series(session, "activations/saturation"))
    assert "activations/moments/std/lstm" in series(session, "activations/moments")
    heads = latest(session, "activations/attention/heads")
    assert list(heads.rows) == ["first.self_attn", "second.self_attn", "decoder.self_attn", "decoder.multihead_attn"]
    assert heads.values.shape == (4, 4)
    assert np.isnan(heads.values[0, 2:]).all()
    with torch.no_grad():
        inner = model.embed(tokens)
        _, weights = model.first.self_attn(inner, inner, inner, average_attn_weights=False)
    first = weights[0].double()
    entropy = -(first * first.log()).sum(-1).mean(-1) / math.log(7)
    near = 1e-4 if dtype is torch.float32 else 2e-2
    np.testing.assert_allclose(heads.values[0, :2], entropy.numpy(), atol=near)


class Borrowed(nn.Module):
    """Attention of somebody else's, which gives its weights or does not."""

    class TheirAttention(nn.Module):
        def __init__(self, shows: bool) -> None:
            super().__init__()
            self.shows, self.project = shows, nn.Linear(4, 8)

        def forward(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
            query, key = self.project(values).chunk(2, -1)
            weights = (query @ key.transpose(1, 2)).softmax(-1)
            return weights @ values, weights[:, None] if self.shows else None

    def __init__(self, shows: bool) -> None:
        super().__init__()
        self.attention = self.TheirAttention(shows)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.attention(values)[0]


def test_weights_that_are_given_and_weights_that_are_not(watched: Watched) -> None:
    for shows in (True, False):
        model = Borrowed(shows)
        optimizer = frozen_rate(model)
        session = watched(model, optimizer)
        for _ in range(2):
            step(model, optimizer, torch.randn(2, 6, 4))
        note = session.metrics.slots["activations/attention"].info(0.01).note
        assert bool(series(session, "activations/attention")) == shows
        assert ("gives its weights to nobody" in note) == (not shows)
        assert "activations/dead" not in session.metrics
        assert session.failures == []


def test_several_calls_in_a_step_count_together(watched: Watched) -> None:
    model = nn.Sequential(nn.Linear(1, 2, bias=False), nn.ReLU())
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[-1.0], [1.0]]))
    optimizer = frozen_rate(model)
    session = watched(model, optimizer)
    for _ in range(2):
        optimizer.zero_grad()
        for sign in (-1.0, 1.0):  # accumulated gradients: each unit lets one of the two through
            model(torch.full((3, 1), sign)).sum().backward()
        with torch.no_grad():
            model(torch.full((3, 1), -1.0))  # an evaluation is no part of the step
        optimizer.step()
    assert last(session, "activations/dead/now/1") == 0.0
    assert last(session, "activations/saturation/low/1") == 0.5


def test_nan_and_empty_batches(watched: Watched) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    optimizer = frozen_rate(model)
    session = watched(model, optimizer)
    step(model, optimizer, torch.full((2, 3), math.nan))
    assert math.isnan(last(session, "activations/moments/mean/0"))
    assert last(session, "activations/dead/now/1") == 0.0
    optimizer.zero_grad()
    model(torch.zeros(0, 3)).sum().backward()
    optimizer.step()
    assert session.failures == []
    assert len(session.history("activations/moments/mean/0").step) == 1


def test_hooks_are_on_only_when_they_are_due_and_gone_at_the_end(watched: Watched) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    optimizer = frozen_rate(model)
    session = watched(model, optimizer, every=5)

    def hooks() -> int:
        return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model)

    on = []
    for _ in range(12):
        on.append(hooks() > 0)
        step(model, optimizer, torch.randn(2, 3))
    assert on == [number % 5 == 4 for number in range(12)]
    session.close()
    assert hooks() == 0


def test_a_compiled_model_says_why_there_is_nothing(watched: Watched) -> None:
    torch._dynamo.reset()
    inner = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    model = torch.compile(inner, backend="aot_eager")
    optimizer = frozen_rate(inner)
    step(model, optimizer, torch.randn(2, 3))
    session = watched(model, optimizer)
    for _ in range(3):
        step(model, optimizer, torch.randn(2, 3))
    assert session.failures == []
    slot = session.metrics.slots["activations/dead"]
    assert series(session, "activations/dead") or "torch.compile" in slot.info(0.01).note


def test_models_without_what_is_asked_for_are_refused(watched: Watched) -> None:
    model = nn.Linear(3, 2)
    session = watched(model, frozen_rate(model))
    assert [metric.name for metric in session.metrics if metric.name.startswith("activations")] == [
        "activations/moments"
    ]
    plain = watched(None)
    plain.step_done(loss=1.0)
    assert "has no metric for this run" in watched.refused[-1]
    assert plain.failures == []


values = st.lists(st.floats(-(2.0**90), 2.0**90, width=32), min_size=2, max_size=100)


@settings(max_examples=100, deadline=None)
@given(values)
def test_moments_of_wild_values_are_scipys(given_values: list[float]) -> None:
    array = np.array(given_values, np.float32).astype(np.float64)
    if array.std() < 1e-3 * np.abs(array).max() or np.abs(array).max() < 1e-30:
        return  # all alike but for what float32 cannot tell
    found = moments_of(torch.tensor(given_values, dtype=torch.float32)).double().numpy()
    expected = [array.mean(), array.std(), stats.skew(array), stats.kurtosis(array), np.abs(array).max()]
    scale = np.array([np.abs(array).max(), np.abs(array).max(), 1.0, 1.0, np.abs(array).max()])
    np.testing.assert_allclose(found / scale, expected / scale, rtol=1e-3, atol=1e-3)


@LOOP_NAMES
def test_the_training_is_the_same_to_the_bit(name: str, watched: Watched) -> None:
    changes_nothing(name, watched)


def test_charts() -> None:
    check_charts(bidviz_metric_activations)
    assert bidviz.Heatmap in {type(chart) for chart in bidviz_metric_activations.attention.charts}
