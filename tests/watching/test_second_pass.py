"""The loss as a function of the parameters: what it is for the ways in which people write their steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import bidviz_core as bidviz
from bidviz_core.learners.alike import how_it_was_reshaped
from bidviz_core.learners.second_pass import SecondPass

Watch = Callable[..., Any]


class Looker:
    """A bundle with one metric, which keeps what it was given and what it computed."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.passes: list[SecondPass] = []

    @bidviz.hookimpl
    def register_metrics(self) -> list[bidviz.Metric]:
        def look(second_pass: SecondPass) -> float:
            self.passes.append(second_pass)
            self.losses.append(float(second_pass.loss(second_pass.params)))
            return self.losses[-1]

        return [bidviz.metric(name="look")(look)]


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    sessions = []

    def watch(model: Any, loss_fn: Any, lr: float = 0.1) -> tuple[Any, Looker, Any]:
        optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        session = bidviz.watch(model, optimizer, loss_fn=loss_fn, dashboard=None, run_dir=tmp_path, plugins=())
        sessions.append(session)
        looker = Looker()
        session.plugins.register(looker, "looker")
        return session, looker, optimizer

    yield watch
    for session in sessions:
        session.close()


class Words(nn.Module):
    """Gives more than one tensor, and is called with names."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 8)
        self.mix = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 7)

    def forward(self, tokens: Tensor, scale: float = 1.0) -> dict[str, Any]:
        hidden = self.embed(tokens)
        mixed, weights = self.mix(hidden, hidden, hidden)
        return {"weights": weights, "text": "?", "logits": self.head(mixed) * scale}


WAYS: dict[str, Callable[[Tensor, Tensor, Any], Tensor]] = {
    "flattened": lambda scores, tokens, criterion: criterion(scores.view(-1, 7), tokens.view(-1)),
    "classes second": lambda scores, tokens, criterion: criterion(scores.transpose(1, 2), tokens),
    "by name": lambda scores, tokens, criterion: criterion(input=scores.flatten(0, 1), target=tokens.flatten()),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_the_script_does_between_model_and_loss_is_done_again(watched: Watch, way: str) -> None:
    torch.manual_seed(0)
    model, criterion = Words(), nn.CrossEntropyLoss(label_smoothing=0.1)
    session, looker, optimizer = watched(model, criterion)
    tokens = torch.randint(7, (4, 5))
    WAYS[way](model(tokens=tokens, scale=2.0)["logits"], tokens, criterion).backward()
    optimizer.step()
    assert session.failures == []
    with torch.no_grad():
        now = WAYS[way](model(tokens=tokens, scale=2.0)["logits"], tokens, nn.CrossEntropyLoss(label_smoothing=0.1))
    assert looker.losses == [pytest.approx(float(now), rel=1e-5)]


def test_attention_can_be_differentiated_twice(watched: Watch) -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    model = nn.Sequential(layer, nn.Flatten(), nn.Linear(40, 3))
    _, looker, optimizer = watched(model, functional.cross_entropy)
    inputs, targets = torch.randn(4, 5, 8), torch.randint(3, (4,))
    functional.cross_entropy(model(inputs), targets).backward()
    optimizer.step()
    (second_pass,) = looker.passes
    leaves = {name: tensor.requires_grad_() for name, tensor in second_pass.params.items()}
    first = torch.autograd.grad(second_pass.loss(leaves), list(leaves.values()), create_graph=True)
    second = torch.autograd.grad(sum(one.square().sum() for one in first), list(leaves.values()))
    assert all(one.isfinite().all() for one in second)
    assert any(one.abs().max() > 0 for one in second)


class Counting(nn.Module):
    """Keeps things of its own between passes, and normalises a weight by a hook, as torch's old `weight_norm` does."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.layer.register_parameter("direction", nn.Parameter(self.layer.weight.detach().clone()))
        del self.layer.weight
        self.layer.register_forward_pre_hook(self._normalise)
        self.norm = nn.BatchNorm1d(3)
        self.calls = 0
        self.seen: list[float] = []

    def _normalise(self, layer: nn.Module, _: Any) -> None:
        layer.weight = layer.direction / layer.direction.norm()

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        self.seen.append(float(inputs.sum()))
        return self.norm(self.layer(inputs))


def test_what_modules_keep_for_themselves_is_left_alone(watched: Watch) -> None:
    torch.manual_seed(0)
    model, criterion = Counting(), nn.CrossEntropyLoss()
    session, looker, optimizer = watched(model, criterion)
    for step in range(1, 4):
        optimizer.zero_grad()
        criterion(model(torch.randn(6, 4)), torch.randint(3, (6,))).backward()
        optimizer.step()
        assert (model.calls, len(model.seen), int(model.norm.num_batches_tracked)) == (step, step, step)
    assert session.failures == []
    assert len(looker.losses) == 3
    assert looker.passes[-1].model is not model


def test_a_pass_is_the_same_function_each_time(watched: Watch) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 50), nn.Dropout(0.5), nn.BatchNorm1d(50), nn.Linear(50, 3))
    _, looker, optimizer = watched(model, functional.cross_entropy)
    functional.cross_entropy(model(torch.randn(6, 4)), torch.randint(3, (6,))).backward()
    optimizer.step()
    (second_pass,) = looker.passes
    values = {float(second_pass.loss(second_pass.params)) for _ in range(5)}
    assert values == set(looker.losses)
    others = {float(second_pass.loss(second_pass.params, same_numbers=False)) for _ in range(5)}
    assert len(others) > 1


def test_the_last_of_several_backward_passes_counts(watched: Watch) -> None:
    """With accumulated gradients outputs, targets and loss are those of the same batch."""
    torch.manual_seed(0)
    model = nn.Linear(4, 3)
    session, looker, optimizer = watched(model, functional.cross_entropy)
    session.metrics.add("targets.float()", name="seen")
    for _ in range(2):
        for _ in range(3):
            inputs, targets = torch.randn(6, 4), torch.randint(3, (6,))
            (functional.cross_entropy(model(inputs), targets) / 3).backward()
        optimizer.step()
        optimizer.zero_grad()
    assert session.failures == []
    with torch.no_grad():
        assert looker.losses[-1] == pytest.approx(float(functional.cross_entropy(model(inputs), targets)), rel=1e-5)
    assert session.metrics.slots["look"].reason == ""


def test_a_compiled_model_is_passed_through_uncompiled(watched: Watch) -> None:
    torch.manual_seed(0)
    torch._dynamo.reset()
    model = torch.compile(nn.Linear(4, 3), backend="aot_eager")
    session, looker, optimizer = watched(model, functional.cross_entropy)
    for _ in range(2):
        functional.cross_entropy(model(torch.randn(6, 4)), torch.randint(3, (6,))).backward()
        optimizer.step()
    assert session.failures == []
    assert list(looker.passes[-1].params) == ["weight", "bias"]


class Locked(nn.Module):
    """Holds something that cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.generator = (number for number in range(3))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs)


@pytest.mark.parametrize(
    ("model", "loss_fn", "step", "reason"),
    [
        (Locked(), functional.cross_entropy, functional.cross_entropy, "cannot be copied"),
        (nn.Linear(4, 3), nn.CrossEntropyLoss(reduction="none"), None, "no single number"),
        (
            nn.Linear(4, 3),
            functional.cross_entropy,
            lambda o, t: functional.cross_entropy(o, t) * 1.7,
            "the loss of the step",
        ),
        (nn.Linear(4, 3), nn.CrossEntropyLoss(), lambda o, t, c: c(o * 2 + 1, t), "computes something between"),
    ],
)
def test_where_it_cannot_be_had_it_says_why_and_nothing_is_red(
    watched: Watch, model: nn.Module, loss_fn: Any, step: Any, reason: str
) -> None:
    session, looker, optimizer = watched(model, loss_fn)
    inputs, targets = torch.randn(6, 4), torch.randint(3, (6,))
    for _ in range(5):
        outputs = model(inputs)
        if step is None:
            loss_fn(outputs, targets).mean().backward()
        elif isinstance(loss_fn, nn.Module):
            step(outputs, targets, loss_fn).backward()
        else:
            step(outputs, targets).backward()
        optimizer.step()
    assert session.failures == []
    assert looker.losses == []
    slot = session.metrics.slots["look"]
    assert reason in slot.reason
    assert slot.info(0.1).note == slot.reason
    assert slot.enabled


def test_who_asks_for_it_by_himself_is_told_in_red(watched: Watch) -> None:
    session, _, optimizer = watched(nn.Linear(4, 3), nn.CrossEntropyLoss(reduction="none"))
    model = session.learner.model
    session.metrics.add("second_pass.loss(second_pass.params)", name="mine")
    for _ in range(2):
        session.learner.loss_fn(model(torch.randn(6, 4)), torch.randint(3, (6,))).mean().backward()
        optimizer.step()
    (failure,) = session.failures
    assert failure.name == "mine"
    assert "no single number" in failure.message


def test_views_are_found_in_the_memory_they_share() -> None:
    tensor = torch.randn(4, 5, 7)
    other = torch.randn(2, 5, 7)
    for make in (
        lambda one: one,
        lambda one: one.view(-1, 7),
        lambda one: one.transpose(1, 2),
        lambda one: one.permute(1, 0, 2),
        lambda one: one.flatten(1),
    ):
        way = how_it_was_reshaped(tensor, make(tensor))
        assert way is not None
        assert torch.equal(way(other), make(other))
    for view in (tensor[:, 1:], tensor.clone(), tensor[:2], tensor.transpose(0, 1).reshape(-1, 7), tensor * 1.0):
        assert how_it_was_reshaped(tensor, view) is None
