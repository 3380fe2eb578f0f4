"""Momentum, betas and weight decay, under schedulers that write them too; rates that are tensors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from .conftest import Twin, sgd
from .schedules import ALL, CYCLING

PARTS = ("override", "scale")


def wanted(base: float, value: float, mode: str) -> float:
    return value * base if mode == "scale" else value


@pytest.mark.parametrize("mode", PARTS)
@pytest.mark.parametrize("name", list(CYCLING))
def test_the_momentum_that_an_update_used_is_seen_in_the_weights(
    watch: Callable[..., Any], name: str, mode: str
) -> None:
    steered, twin = Twin(sgd(momentum=0.9), CYCLING[name]), Twin(sgd(momentum=0.9), CYCLING[name])
    session = watch(steered.optimizer)
    buffer = None
    for step in range(16):
        if step == 5:
            session.hyperparameters.set("momentum", 0.5, mode=mode)
        if step == 11:
            session.hyperparameters.release("momentum")
        base = twin.written()[0]["momentum"]
        rate = twin.written()[0]["lr"]
        moved = steered.update()[0] * 2.0 / rate  # the buffer: momentum times the former one, and the gradient of 2
        twin.update()
        used = (moved - 2.0) / buffer if buffer is not None else None
        buffer = moved
        expected = wanted(base, 0.5, mode) if 5 <= step < 11 else base
        if used is not None:
            assert used == pytest.approx(expected, rel=1e-9), f"step {step + 1}"
        assert session.hyperparameters.effective("momentum") == pytest.approx(expected)
        steered.schedule()
        twin.schedule()
        assert steered.written() == twin.written()


@pytest.mark.parametrize("mode", PARTS)
@pytest.mark.parametrize("name", list(CYCLING))
@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW, torch.optim.NAdam, torch.optim.RAdam])
def test_betas_under_a_scheduler_that_writes_them(watch: Callable[..., Any], kind: Any, name: str, mode: str) -> None:
    def made() -> Any:
        parameters = [nn.Parameter(torch.full((3,), 5.0, dtype=torch.float64))]
        return parameters, kind(parameters, lr=0.1, betas=(0.9, 0.99))

    steered, twin, still = (Twin(made(), CYCLING[name]) for _ in range(3))
    session = watch(steered.optimizer)
    for step in range(10):
        if step == 3:
            assert session.hyperparameters.set("betas[0]", 0.6, mode=mode).success
            assert session.hyperparameters.set("betas[1]", 0.9).success
        if step == 7:
            session.hyperparameters.release("betas[0]")
            session.hyperparameters.release("betas[1]")
        base = still.written()[0]["betas"]
        if 3 <= step < 7:  # the twin's own script writes the values, so it makes the same weights
            twin.optimizer.param_groups[0]["betas"] = (wanted(base[0], 0.6, mode), 0.9)
        twin.update(), steered.update(), still.update()
        assert torch.equal(twin.parameters[0], steered.parameters[0]), f"step {step + 1}"
        twin.optimizer.param_groups[0]["betas"] = base
        twin.schedule(), steered.schedule(), still.schedule()
        assert steered.written()[0]["betas"][0] == still.written()[0]["betas"][0]
    assert steered.written() == still.written()


@pytest.mark.parametrize("mode", PARTS)
@pytest.mark.parametrize("name", ["ExponentialLR", "SequentialLR", "ReduceLROnPlateau"])
def test_weight_decay_is_seen_in_the_weights(watch: Callable[..., Any], name: str, mode: str) -> None:
    steered = Twin(sgd(weight_decay=0.01), ALL[name])
    twin = Twin(sgd(weight_decay=0.01), ALL[name])
    session = watch(steered.optimizer)
    for step in range(10):
        if step == 3:
            session.hyperparameters.set("weight_decay", 0.5, mode=mode)
        if step == 7:
            session.hyperparameters.release("weight_decay")
        before = float(steered.parameters[0].detach()[0])
        rate = twin.written()[0]["lr"]
        moved = steered.update()[0] * 2.0 / rate  # the gradient of 2, and the decay times the weight
        twin.update()
        expected = wanted(0.01, 0.5, mode) if 3 <= step < 7 else 0.01
        assert (moved - 2.0) / before == pytest.approx(expected, rel=1e-6), f"step {step + 1}"
        steered.schedule()
        twin.schedule()
        assert [group["lr"] for group in steered.written()] == [group["lr"] for group in twin.written()]
    assert steered.written() == twin.written()


OPTIMIZERS: dict[str, Callable[[Any, Any], Any]] = {
    "sgd_foreach": lambda parameters, lr: torch.optim.SGD(parameters, lr=lr, foreach=True),
    "sgd_fused": lambda parameters, lr: torch.optim.SGD(parameters, lr=lr, fused=True),
    "adam_foreach_capturable": lambda parameters, lr: torch.optim.Adam(
        parameters, lr=lr, foreach=True, capturable=True
    ),
    "adam_fused": lambda parameters, lr: torch.optim.Adam(parameters, lr=lr, fused=True),
    "adamw_single": lambda parameters, lr: torch.optim.AdamW(parameters, lr=lr, foreach=False),
}


@pytest.mark.parametrize("scheduler", [None, "ExponentialLR", "OneCycleLR", "ReduceLROnPlateau"])
@pytest.mark.parametrize("mode", PARTS)
@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_a_tensor_stays_the_same_tensor(
    watch: Callable[..., Any], name: str, mode: str, scheduler: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "capturable" in name:  # torch allows it on accelerators alone; what is tried here is the tensor, not the graph
        monkeypatch.setattr(
            sys.modules["torch.optim.adam"], "_get_capturable_supported_devices", lambda *_, **__: ["cpu"]
        )

    def made() -> Any:
        parameters = [nn.Parameter(torch.full((3,), 5.0)) for _ in range(2)]
        groups = [
            {"params": [one], "lr": torch.tensor(rate)} for one, rate in zip(parameters, (0.1, 0.02), strict=True)
        ]
        return parameters, OPTIMIZERS[name](groups, torch.tensor(1.0))

    make = ALL[scheduler] if scheduler else None
    steered, twin, still = (Twin(made(), make) for _ in range(3))
    tensors = [group["lr"] for group in steered.optimizer.param_groups]
    session = watch(steered.optimizer)
    for step in range(9):
        if step == 3:
            assert session.hyperparameters.set("lr", 0.25, mode=mode).success
        if step == 6:
            assert session.hyperparameters.release("lr").success
        base = [group["lr"].clone() for group in still.optimizer.param_groups]
        for group, rate in zip(twin.optimizer.param_groups, base, strict=True):
            if 3 <= step < 6:
                group["lr"].copy_(rate * 0.25 if mode == "scale" else torch.tensor(0.25))
        expected = [float(group["lr"]) for group in twin.optimizer.param_groups]
        twin.update(), steered.update(), still.update()
        assert all(map(torch.equal, twin.parameters, steered.parameters)), f"step {step + 1}"
        assert [session.hyperparameters.effective(f"lr[{group}]") for group in (0, 1)] == expected
        for group, rate in zip(twin.optimizer.param_groups, base, strict=True):
            group["lr"].copy_(rate)
        twin.schedule(), steered.schedule(), still.schedule()
        assert all(now["lr"] is then for now, then in zip(steered.optimizer.param_groups, tensors, strict=True))
        if scheduler or not 3 <= step < 6:
            assert [float(one) for one in tensors] == [float(group["lr"]) for group in still.optimizer.param_groups]
    assert session.journal[0].detail["base"] is not None


def test_settings_of_modules_and_losses_are_hyperparameters(watch: Callable[..., Any]) -> None:
    model = nn.Sequential(
        nn.Linear(4, 4), nn.Dropout(0.25), nn.BatchNorm1d(4), nn.MultiheadAttention(4, 2, dropout=0.5)
    )
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    session = watch(torch.optim.SGD(model.parameters(), lr=0.1), model, loss_fn=criterion)
    hyperparameters = session.hyperparameters
    names = ("1.p", "2.momentum", "3.dropout", "loss_fn.label_smoothing")
    assert [hyperparameters[name] for name in names] == [0.25, 0.1, 0.5, 0.1]
    for name in names:
        reply = hyperparameters.set(name, 0.75)
        assert (reply.success, reply.data["used"], hyperparameters.owner(name)) == (True, 0.75, "person")
        assert "at most 1" in hyperparameters.set(name, 1.5).data
    assert (model[1].p, model[2].momentum, model[3].dropout, criterion.label_smoothing) == (0.75,) * 4
    for name in names:
        hyperparameters.release(name)
    assert (model[1].p, model[2].momentum, model[3].dropout, criterion.label_smoothing) == (0.25, 0.1, 0.5, 0.1)
    scales = {info.name: info.scale for info in hyperparameters.infos()}
    assert (scales["lr"], scales["1.p"], scales["momentum"], scales["weight_decay"]) == ("log", "unit", "unit", "log")


def test_a_second_optimizer_is_hooked_only_while_something_is_held_there(watch: Callable[..., Any]) -> None:
    first, second = Twin(sgd()), Twin(sgd(), ALL["ExponentialLR"])
    twin = Twin(sgd(), ALL["ExponentialLR"])
    session = watch([first.optimizer, second.optimizer])
    for step in range(8):
        if step == 2:
            assert session.hyperparameters.set("optimizer2.lr", 0.5).success
        if step == 5:
            session.hyperparameters.release("optimizer2.lr")
        first.step()
        used, base = second.step(), twin.step()
        assert used == pytest.approx([0.5, 0.5] if 2 <= step < 5 else base)
        assert second.written() == twin.written()
        hooks = (second.optimizer._optimizer_step_pre_hooks, second.optimizer._optimizer_step_post_hooks)
        assert [len(one) for one in hooks] == ([1, 1] if 2 <= step < 5 else [0, 0])
    session.close()
    assert second.step() == pytest.approx(twin.step())


def test_a_setting_without_which_the_optimizer_has_no_state_is_refused(watch: Callable[..., Any]) -> None:
    parameters = [nn.Parameter(torch.ones(3))]
    steered = Twin((parameters, torch.optim.RMSprop(parameters, lr=0.1)))
    session = watch(steered.optimizer)
    steered.step()
    for name, value in (("momentum", 0.9), ("centered", True)):
        reply = session.hyperparameters.set(name, value)
        assert not reply.success
        assert "in its state" in reply.data
    steered.step()
    assert "0.999999" in watch(torch.optim.Adam(parameters)).hyperparameters.set("betas[0]", 1).data
