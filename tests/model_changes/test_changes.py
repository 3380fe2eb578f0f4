"""Changes of the model: what each does to weights, gradients and optimizers, what is refused, and the way back."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from .conftest import same

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "SGD": lambda tensors: torch.optim.SGD(tensors, lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True),
    "Adam": lambda tensors: torch.optim.Adam(tensors, lr=0.01, weight_decay=0.1, amsgrad=True),
    "AdamW fused": lambda tensors: torch.optim.AdamW(tensors, lr=0.01, fused=True),
    "RMSprop": lambda tensors: torch.optim.RMSprop(tensors, lr=0.01, momentum=0.5, centered=True),
    "Adagrad": lambda tensors: torch.optim.Adagrad(tensors, lr=0.01, initial_accumulator_value=0.1),
    "Rprop": lambda tensors: torch.optim.Rprop(tensors),
    "ASGD": lambda tensors: torch.optim.ASGD(tensors),
    "LBFGS": lambda tensors: torch.optim.LBFGS(tensors, lr=0.1, max_iter=3),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_frozen_weights_stand_still_and_others_go_on(train: Callable[..., Any], name: str) -> None:
    training = train(OPTIMIZERS[name])
    training.run(5)
    first, last = training.model[0].weight, training.model[3].weight
    kept, moving = first.detach().clone(), last.detach().clone()
    reply = training.session.model_changes.apply("freeze", "0.*")
    assert reply.success, reply.data
    assert reply.step == 5
    assert reply.data["names"] == ["0.weight", "0.bias"]
    training.run(5)
    assert torch.equal(first, kept)
    assert not torch.equal(last, moving)
    assert not training.session.failures
    assert training.session.model_changes.apply("unfreeze", "0").success
    training.run(3)
    assert not torch.equal(first, kept)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(
    ("action", "pattern", "value"),
    [
        ("freeze", "0.*", None),
        ("initialize", "[01].*", None),
        ("scale", "*.weight", 0.5),
        ("clip", "*", 0.1),
        ("reset_state", "3.*", None),
    ],
)
def test_undo_at_once_is_as_if_nothing_had_been(
    train: Callable[..., Any], name: str, action: str, pattern: str, value: float | None
) -> None:
    """The states afterwards, and after ten further steps, are those of a training that was left alone."""
    ends = []
    for changed in (False, True):
        training = train(OPTIMIZERS[name])
        training.run(5)
        before = training.state()
        if changed:
            reply = training.session.model_changes.apply(action, pattern, value)
            assert reply.success, reply.data
            if action != "freeze" or name == "LBFGS":
                assert not same(before, training.state())
            undone = training.session.model_changes.undo(reply.data["number"])
            assert undone.success, undone.data
            assert all(one.requires_grad for one in training.model.parameters())
            assert same(before, training.state())
        training.run(10)
        ends.append(training.state())
    assert same(*ends)


def test_undo_later_puts_back_weights_statistics_and_moments_to_the_bit(train: Callable[..., Any]) -> None:
    training = train()
    training.run(5)
    before = training.state()
    reply = training.session.model_changes.apply("initialize", "*", seed=3)
    training.run(7)
    assert training.session.model_changes.undo(reply.data["number"]).success
    assert same(before, training.state())


def test_initialising_is_repeatable_and_draws_nothing_from_the_training(train: Callable[..., Any]) -> None:
    training = train()
    training.run(3)
    kept = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    training.session.model_changes.apply("initialize", "*", seed=11)
    assert torch.equal(kept[0], torch.get_rng_state())
    assert np.array_equal(kept[1], np.random.get_state()[1])
    assert kept[2] == random.getstate()
    once = [one.detach().clone() for one in training.model.parameters()]
    training.run(3)
    training.session.model_changes.apply("initialize", "*", seed=11)
    assert same(once, [one.detach() for one in training.model.parameters()])
    torch.manual_seed(11)
    fresh = nn.Linear(4, 8)
    assert torch.equal(once[0], fresh.weight)


def test_a_seed_is_drawn_and_recorded_where_none_is_given(train: Callable[..., Any]) -> None:
    training = train()
    training.run(2)
    number = training.session.model_changes.apply("initialize", "3.*").data["number"]
    once = [one.detach().clone() for one in training.model[3].parameters()]
    entry = training.session.journal[number - 1]
    assert entry.action == "changeModel"
    training.session.model_changes.apply("initialize", "3.*", seed=entry.detail["seed"])
    assert same(once, [one.detach() for one in training.model[3].parameters()])


def test_a_part_of_a_module_gets_the_usual_start(train: Callable[..., Any]) -> None:
    training = train()
    training.run(2)
    before = training.model[3].weight.detach().clone()
    reply = training.session.model_changes.apply("initialize", "3.bias")
    assert "usual start" in reply.data["note"]
    assert not training.model[3].bias.any()
    assert torch.equal(before, training.model[3].weight)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("freeze", "layer9.*"), "No parameter fits 'layer9.*'. There are: 0.weight"),
        (("freeze", "*"), "nothing that the loss depends on"),
        (("unfreeze", "*"), "already trained"),
        (("scale", "*"), "finite factor"),
        (("scale", "*", float("nan")), "finite factor"),
        (("clip", "*", -1.0), "bound above 0"),
        (("melt", "*"), "There is no action 'melt'"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    train: Callable[..., Any], arguments: tuple[Any, ...], words: str
) -> None:
    training = train()
    training.run(3)
    before = training.state()
    reply = training.session.model_changes.apply(*arguments)
    assert not reply.success
    assert words in reply.data
    assert same(before, training.state())
    assert not len(training.session.journal)


def test_undo_is_refused_where_it_cannot_be_right(train: Callable[..., Any]) -> None:
    training = train()
    changes = training.session.model_changes
    training.run(3)
    assert "no change of the model" in changes.undo(7).data
    first = changes.apply("scale", "3.*", 0.5).data["number"]
    second = changes.apply("clip", "3.weight", 0.1).data["number"]
    assert f"undo entry {second} first" in changes.undo(first).data
    assert changes.undo(second).success
    assert "undone already" in changes.undo(second).data
    training.model[3].weight.data = torch.zeros(5, 8)
    refused = changes.undo(first)
    assert not refused.success
    assert "(5, 8) of float32 now and was (3, 8)" in refused.data


def test_copies_are_bounded_the_oldest_goes_and_it_is_told(train: Callable[..., Any]) -> None:
    training = train(OPTIMIZERS["SGD"])
    changes = training.session.model_changes
    training.run(2)
    changes.limit_bytes = 600  # a copy of 0.weight and its momentum takes 256
    numbers = [changes.apply("scale", "0.weight", 0.9).data["number"] for _ in range(2)]
    third = changes.apply("scale", "0.weight", 0.9)
    assert f"undo of entry {numbers[0]} is no longer possible" in third.data["note"]
    assert training.session.journal[-1].detail["dropped"] == [numbers[0]]
    assert [bool(one.undo) for one in changes] == [True, False, False]
    assert sum(one.size for one in changes) <= 600
    large = changes.apply("scale", "*", 0.9)
    assert large.success
    assert "cannot be undone" in large.data["note"]


class Stubborn(torch.optim.Optimizer):
    """Decays every parameter, whether it has a gradient or not."""

    def __init__(self, tensors: Any) -> None:
        super().__init__(tensors, {"lr": 0.1})

    def step(self, closure: Any = None) -> None:
        with torch.no_grad():
            for group in self.param_groups:
                for tensor in group["params"]:
                    tensor.mul_(0.99)


def test_a_frozen_weight_that_moves_all_the_same_is_told(train: Callable[..., Any]) -> None:
    training = train(Stubborn)
    training.run(2)
    training.session.model_changes.apply("freeze", "0.weight")
    training.run(3)
    (failure,) = training.session.failures
    assert "0.weight changed in step 3 although" in failure.message


def test_the_learner_sees_what_is_trained_now(train: Callable[..., Any]) -> None:
    training = train()
    training.session.metrics.add("len(grads)", name="trained")
    training.run(2)
    training.session.model_changes.apply("freeze", "0.*")
    training.run(2)
    assert training.session.history("trained").value.tolist() == [6, 6, 4, 4]
    listed = {one["name"]: one for one in training.session.model_changes.parameters()}
    assert listed["0.weight"] == {
        "name": "0.weight", "shape": [8, 4], "trained": False, "updated": True, "type": "float32"
    }  # fmt: skip
