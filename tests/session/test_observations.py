"""Metrics that look at modules while they run, say why they have nothing, and share work on a step's tensors."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import bidviz_core as bidviz
from bidviz_core.errors import MetricError
from bidviz_core.messages.commands import Order
from bidviz_core.messages.contents import MetricContent
from bidviz_core.messages.editing import TryMetric
from bidviz_core.views import TensorView


def is_linear(name: str, module: Any) -> bool:
    return isinstance(module, nn.Linear)


def largest(module: Any, args: Any, kwargs: Any, output: Any, seen: Any) -> float:
    return max(seen or 0.0, float(output.abs().max()))


def entering(module: Any, args: Any, kwargs: Any, output: Any, seen: Any) -> tuple[int, bool]:
    return args[0].shape[1], output is None


def test_what_is_kept_comes_under_the_modules_names(train: Callable[..., Any]) -> None:
    training = train()
    kept: list[dict[str, Any]] = []

    @bidviz.metric(every=2, modules=bidviz.Observe(is_linear, largest))
    def outputs(activations: Any) -> Any:
        kept.append(dict(activations))
        return activations

    @bidviz.metric(modules=bidviz.Observe(is_linear, entering, before=True))
    def inputs(activations: Any) -> Any:
        kept.append(dict(activations))
        return len(activations)

    training.session.metrics.add(outputs)
    training.session.metrics.add(inputs)
    training.run(4)
    assert [sorted(one) for one in kept] == [["0", "2"]] * len(kept)
    assert kept.count({"0": (4, True), "2": (8, True)}) == 4
    assert training.session.history("outputs/2").step.tolist() == [2, 4]
    assert training.session.failures == []
    slot = training.session.metrics.slots["outputs"]
    assert slot.cost > 0


def test_a_look_that_raises_sets_its_metric_aside(train: Callable[..., Any]) -> None:
    training = train()

    def broken(module: Any, args: Any, kwargs: Any, output: Any, seen: Any) -> None:
        raise ValueError("cannot look")

    def selects_badly(name: str, module: Any) -> bool:
        return bool(module.no_such_thing)

    for name, observe in (
        ("one", bidviz.Observe(is_linear, broken)),
        ("two", bidviz.Observe(selects_badly, largest)),
    ):
        training.session.metrics.add(bidviz.metric(name=name, modules=observe)(lambda activations: 1.0))
    training.run(3)
    assert training.session.step == 3
    messages = [failure.message for failure in training.session.failures]
    assert any("cannot look" in message for message in messages)
    assert any("no_such_thing" in message for message in messages)
    assert sum(len(module._forward_hooks) for module in training.model) == 0


def test_a_look_has_no_gradients_and_leaves_the_graph_alone(train: Callable[..., Any]) -> None:
    training = train()
    modes = []

    def look(module: Any, args: Any, kwargs: Any, output: Any, seen: Any) -> Any:
        modes.append(torch.is_grad_enabled())
        return (output * 2).requires_grad

    metric = bidviz.metric(name="graph", modules=bidviz.Observe(is_linear, look))(lambda activations: activations)
    training.session.metrics.add(metric)
    training.run(2)
    assert set(modes) == {False}
    assert training.session.history("graph/0").value.tolist() == [0.0, 0.0]


def test_hooks_do_not_follow_copies(train: Callable[..., Any]) -> None:
    training = train()
    observe = bidviz.Observe(is_linear, entering, before=True)
    training.session.metrics.add(bidviz.metric(name="seen", modules=observe)(lambda activations: 1.0))
    training.run(1)
    assert len(training.model[0]._forward_pre_hooks) == 1
    twin = copy.deepcopy(training.model)
    twin(torch.randn(2, 4))
    file = io.BytesIO()
    torch.save(training.model, file)
    file.seek(0)
    torch.load(file, weights_only=False)(torch.randn(2, 4))
    training.session.close()
    assert len(training.model[0]._forward_pre_hooks) == 0


def test_layers_that_come_later_are_seen(train: Callable[..., Any]) -> None:
    training = train()
    observe = bidviz.Observe(is_linear, largest)
    training.session.metrics.add(bidviz.metric(name="seen", modules=observe)(lambda activations: len(activations)))
    training.run(1)
    training.model.append(nn.Linear(3, 3))
    training.run(101)
    assert training.session.history("seen").value[[0, -1]].tolist() == [2.0, 3.0]


def test_typed_code_may_look_too(train: Callable[..., Any]) -> None:
    training = train()
    code = (
        "def choose(name, module):\n    return name == '0'\n\n"
        "def look(module, args, kwargs, output, seen):\n    return output.shape[-1]\n\n"
        "@bidviz.metric(modules=bidviz.Observe(choose, look))\n"
        "def width(activations):\n    return activations['0']\n"
    )
    answers: list[Any] = []
    training.session.reply = lambda order, reply: answers.append(reply)
    training.run(1)
    command = TryMetric(MetricContent(name="width", code=code))
    training.session.channel.submit(Order(id=1, author="person", right="code", command=command))
    training.run(3)
    assert answers[0].success, answers[0].data
    assert answers[0].data["value"] == 8.0


def test_a_metric_that_does_not_fit_is_refused_with_its_sentence(train: Callable[..., Any]) -> None:
    training = train()

    def no_convolution(learner: Any) -> str | None:
        found = any(isinstance(module, nn.Conv2d) for module in learner.model.modules())
        return None if found else "the model has no convolution."

    metric = bidviz.metric(name="filters", fits=no_convolution)(lambda model: 1.0)
    with pytest.raises(MetricError, match="'filters' has nothing to show here: the model has no convolution"):
        training.session.metrics.add(metric)
    broken = bidviz.metric(name="broken", fits=lambda learner: learner.nothing)(lambda model: 1.0)
    with pytest.raises(MetricError, match="could not be told"):
        training.session.metrics.add(broken)
    training.session.metrics.add(bidviz.metric(name="fits", fits=lambda learner: None)(lambda model: 1.0))
    training.run(1)
    assert training.session.failures == []


def test_nothing_comes_with_a_sentence_that_goes_again(train: Callable[..., Any]) -> None:
    training = train()

    @bidviz.metric
    def late(step: int) -> Any:
        return bidviz.Nothing("It begins at step 3.") if step < 3 else float(step)

    training.session.metrics.add(late)
    slot = training.session.metrics.slots["late"]
    training.run(2)
    assert slot.info(0.01).note == "It begins at step 3."
    training.run(1)
    assert slot.info(0.01).note == ""
    assert training.session.history("late").step.tolist() == [3]
    assert training.session.failures == []


def test_the_worker_cannot_look() -> None:
    with pytest.raises(MetricError, match='where="training"'):
        bidviz.metric(where="worker", modules=bidviz.Observe(is_linear, largest))(lambda activations: 1.0)


def test_a_view_calls_a_function_once_a_step() -> None:
    calls = []

    def total(view: TensorView) -> float:
        calls.append(view.names)
        return float(view.norm())

    view = TensorView(["a"], [torch.tensor([3.0, 4.0])])
    assert [view.once(total), view.once(total)] == [5.0, 5.0]
    assert calls == [("a",)]
