"""An update that raises, a script that saves or adds a group, a scaler that skips: while our value is in place."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from .conftest import Twin, sgd
from .schedules import ALL


class Broken(RuntimeError):
    """What the update raises."""


def break_next(optimizer: torch.optim.Optimizer) -> Any:
    """Makes the next update raise from within, after every hook before it."""

    def fail(*_: Any) -> None:
        handle.remove()
        raise Broken

    handle = optimizer.register_step_pre_hook(fail)
    return handle


@pytest.mark.parametrize("mode", ["override", "scale"])
@pytest.mark.parametrize("name", list(ALL))
def test_a_scheduler_never_meets_ours_after_an_update_that_raised(
    watch: Callable[..., Any], name: str, mode: str
) -> None:
    steered, twin = Twin(sgd(), ALL[name]), Twin(sgd(), ALL[name])
    session = watch(steered.optimizer)
    steered.step(), twin.step()
    session.hyperparameters.set("lr", 0.5, mode=mode)
    for broken in (1, 4, 5):
        while steered.steps < broken:
            steered.step(), twin.step()
        for one in (steered, twin):
            break_next(one.optimizer)
            with pytest.raises(Broken) as raised:  # it holds on to the frames, as a logger does
                one.optimizer.step()
            assert raised.tb is not None
            one.schedule()
        assert steered.written() == twin.written()
        base = twin.update()
        expected = [0.5 * rate if mode == "scale" else 0.5 for rate in base]
        assert steered.update() == pytest.approx(expected, rel=1e-9, abs=1e-12)
        steered.schedule(), twin.schedule()
    session.hyperparameters.release("lr")
    for _ in range(4):
        assert steered.step() == pytest.approx(twin.step(), rel=1e-9, abs=1e-12)


def test_a_step_taken_by_a_kept_reference_is_put_right_by_the_next_to_look(watch: Callable[..., Any]) -> None:
    steered, twin = Twin(sgd(), ALL["ExponentialLR"]), Twin(sgd(), ALL["ExponentialLR"])
    kept = steered.optimizer.step
    session = watch(steered.optimizer)
    session.hyperparameters.set("lr", 0.5)
    break_next(steered.optimizer)
    with pytest.raises(Broken):
        kept()
    assert [group["lr"] for group in steered.groups()] == [group["lr"] for group in twin.groups()]
    assert steered.update() == pytest.approx([0.5, 0.5])


def test_the_guard_of_step_looks_like_what_it_stands_for_and_goes_away(watch: Callable[..., Any]) -> None:
    steered = Twin(sgd())
    signature = inspect.signature(steered.optimizer.step)
    session = watch(steered.optimizer)
    assert "step" not in vars(steered.optimizer)
    session.hyperparameters.set("lr", 0.5)
    assert inspect.signature(steered.optimizer.step) == signature
    twin = copy.deepcopy(steered.optimizer)
    assert "step" not in vars(twin)
    assert not twin._optimizer_step_pre_hooks
    assert "bidviz" not in str(pickle.loads(pickle.dumps(steered.optimizer)).__dict__.get("step", ""))
    session.hyperparameters.release("lr")
    assert "step" not in vars(steered.optimizer)
    assert not steered.optimizer._optimizer_step_pre_hooks
    assert len(steered.optimizer._optimizer_step_post_hooks) == 1
    scheduled = Twin(sgd(), ALL["StepLR"])
    own = scheduled.optimizer.step
    session = watch(scheduled.optimizer)
    session.hyperparameters.set("lr", 0.5)
    scheduled.step(), scheduled.step()  # a scheduler warns if it finds a step that it has not wrapped
    session.close()
    assert scheduled.optimizer.step is own


def test_a_session_that_closes_while_something_is_held_lets_the_scheduler_rule(watch: Callable[..., Any]) -> None:
    steered, twin = Twin(sgd(), ALL["CosineAnnealingLR"]), Twin(sgd(), ALL["CosineAnnealingLR"])
    session = watch(steered.optimizer)
    session.hyperparameters.set("lr", 0.5)
    steered.step(), twin.step()
    session.close()
    assert steered.written() == twin.written()
    assert steered.step() == pytest.approx(twin.step())
    assert not steered.optimizer._optimizer_step_post_hooks
    assert not steered.optimizer._optimizer_state_dict_pre_hooks


@pytest.mark.parametrize("scheduler", [None, "LambdaLR"])
def test_a_group_that_is_added_is_held_like_the_others(watch: Callable[..., Any], scheduler: str | None) -> None:
    steered = Twin(sgd(), ALL[scheduler] if scheduler else None)
    session = watch(steered.optimizer)
    steered.step()
    session.hyperparameters.set("lr", 0.5)
    steered.step()
    more = nn.Parameter(torch.full((3,), 50.0, dtype=torch.float64))
    steered.parameters.append(more)
    steered.optimizer.add_param_group({"params": [more], "lr": 0.3})
    assert steered.update() == pytest.approx([0.5, 0.5, 0.5])
    assert "lr[2]" in session.hyperparameters
    assert session.hyperparameters.set("lr", 0.25, group=2).success
    assert steered.update() == pytest.approx([0.5, 0.5, 0.25])
    session.hyperparameters.release("lr")
    assert steered.update()[2] == pytest.approx(0.3)


def test_a_state_that_the_script_loads_is_its_own_value_from_then_on(watch: Callable[..., Any]) -> None:
    steered, twin = Twin(sgd(), ALL["ExponentialLR"]), Twin(sgd(), ALL["ExponentialLR"])
    session = watch(steered.optimizer)
    saved = copy.deepcopy((steered.optimizer.state_dict(), steered.scheduler.state_dict()))
    steered.step(), steered.step()
    session.hyperparameters.set("lr", 0.5)
    steered.step()
    steered.optimizer.load_state_dict(saved[0])
    steered.scheduler.load_state_dict(saved[1])
    assert steered.step() == pytest.approx([0.5, 0.5])
    twin.step()
    session.hyperparameters.release("lr")
    assert steered.step() == pytest.approx(twin.step())
    assert steered.written() == twin.written()


def test_a_skipped_step_of_a_fused_optimizer_leaves_nothing_in_place(watch: Callable[..., Any]) -> None:
    def train(steer: bool) -> list[float]:
        torch.manual_seed(0)
        model = nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=True)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
        session = watch(optimizer, model) if steer else None
        rates = []
        for number in range(8):
            if session is not None and number == 2:
                session.hyperparameters.set("lr", 0.5)
            optimizer.zero_grad()
            loss = model(torch.ones(3, 4)).sum() * (float("inf") if number == 4 else 1.0)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
            rates.append(optimizer.param_groups[0]["lr"])
        assert session is None or session.step == 7
        return rates

    assert train(True) == train(False)


def test_lbfgs_uses_it_in_all_its_passes(watch: Callable[..., Any]) -> None:
    def train(rate: float, steer: float | None) -> torch.Tensor:
        weight = nn.Parameter(torch.tensor([3.0, -2.0]))
        optimizer = torch.optim.LBFGS([weight], lr=rate, max_iter=4)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 100)
        if steer is not None:
            watch(optimizer).hyperparameters.set("lr", steer)

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            loss = ((weight - 1) ** 4).sum()
            loss.backward()
            return loss

        for _ in range(3):
            optimizer.step(closure)
            scheduler.step()
        return weight.detach()

    assert torch.equal(train(0.05, 0.2), train(0.2, None))
    assert not torch.equal(train(0.05, None), train(0.2, None))


def test_a_change_in_a_pause_before_the_update_is_used_by_that_update(watch: Callable[..., Any]) -> None:
    import bidviz_core as bidviz

    steered, twin = Twin(sgd(), ALL["ExponentialLR"]), Twin(sgd(), ALL["ExponentialLR"])
    session = watch(steered.optimizer)
    doings: dict[int, Callable[[], Any]] = {
        2: lambda: session.hyperparameters.set("lr", 0.5),
        4: lambda: session.hyperparameters.set("lr", 0.25),
        6: lambda: session.hyperparameters.release("lr"),
    }

    class Before:
        """Does something when the gradients are there."""

        @bidviz.hookimpl
        def gradients_ready(self, step: int) -> None:
            if step in doings:
                assert doings[step]().success

    session.plugins.register(Before(), "before")
    used = []
    for _ in range(8):
        base = twin.step()
        used.append((steered.step(), base))
        assert steered.written() == twin.written()
    expected = [0, 0.5, 0.5, 0.25, 0.25, 0, 0, 0]
    for (rates, base), value in zip(used, expected, strict=True):
        assert rates == pytest.approx([value, value] if value else base)


@pytest.mark.parametrize("scheduler", [None, "ExponentialLR"])
def test_what_is_held_can_be_kept_beside_the_states_and_put_back(
    watch: Callable[..., Any], scheduler: str | None
) -> None:
    make = ALL[scheduler] if scheduler else None
    steered = Twin(sgd(), make)
    held = watch(steered.optimizer).hyperparameters
    steered.step()
    held.set("lr", 0.5)
    held.hold("momentum", 0.25)
    steered.step()
    saved = copy.deepcopy(steered.optimizer.state_dict())
    schedule = copy.deepcopy(steered.scheduler.state_dict()) if steered.scheduler else None
    kept = json.loads(json.dumps(held.kept()))
    base = held.base("lr")
    held.set("lr", 0.125)
    held.set("weight_decay", 0.5)
    held.drop("momentum")
    steered.step()
    fresh = Twin(sgd(), make)
    for one, values in ((steered, held), (fresh, watch(fresh.optimizer).hyperparameters)):
        one.optimizer.load_state_dict(copy.deepcopy(saved))
        if schedule is not None:
            one.scheduler.load_state_dict(copy.deepcopy(schedule))
        values.put_back(kept)
        assert (values["lr"], values.base("lr"), values["momentum"], values["weight_decay"]) == (0.5, base, 0.25, 0)
        assert (values.owner("lr"), values.owner("momentum")) == ("person", "policy")
        one.step()
        assert values.effective("lr") == 0.5
        values.release("lr")
        assert values["lr"] == pytest.approx([rate * (0.9 if scheduler else 1) for rate in base])
