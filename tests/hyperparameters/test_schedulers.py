"""The rate that each update used under every scheduler of torch, and the scheduler's own way beneath."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Twin, sgd
from .schedules import ALL, OF_TORCH, classes_of_torch

STEPS, RELEASED = 16, 12
WHEN = {"before": 0, "middle": 6, "last": STEPS - 1}


def test_every_scheduler_of_torch_has_a_case() -> None:
    assert set(OF_TORCH) == classes_of_torch()


@pytest.mark.parametrize("every", [1, 3], ids=["per_batch", "per_epoch"])
@pytest.mark.parametrize("mode", ["override", "scale"])
@pytest.mark.parametrize("when", list(WHEN))
@pytest.mark.parametrize("name", list(ALL))
def test_each_update_uses_what_was_asked_for(
    watch: Callable[..., Any], name: str, when: str, mode: str, every: int
) -> None:
    steered, twin = Twin(sgd(), ALL[name], every), Twin(sgd(), ALL[name], every)
    session = watch(steered.optimizer)
    hyperparameters = session.hyperparameters
    asked: list[float | None] = [None, None]
    for step in range(STEPS):
        if step == WHEN[when]:
            assert hyperparameters.set("lr", 0.5, mode=mode).success
            asked = [0.5, 0.5]
        if step == WHEN[when] + 2:
            assert hyperparameters.set("lr", 0.25, mode=mode, group=1).success
            asked[1] = 0.25
        if step == RELEASED and asked[0] is not None:
            assert hyperparameters.release("lr").success
            asked = [None, None]
        base, used = twin.update(), steered.update()
        expected = [
            rate if value is None else value * (rate if mode == "scale" else 1)
            for rate, value in zip(base, asked, strict=True)
        ]
        assert used == pytest.approx(expected, rel=1e-9, abs=1e-12), f"step {step + 1}"
        steered.schedule()
        twin.schedule()
        # What the script finds between two updates is its scheduler's own, to the last bit.
        assert steered.written() == twin.written()
        assert [hyperparameters.effective(f"lr[{group}]") for group in (0, 1)] == pytest.approx(expected)
        assert [hyperparameters.base(f"lr[{group}]") for group in (0, 1)] == [one["lr"] for one in twin.written()]
    if when == "last":
        hyperparameters.release("lr")
    for _ in range(6):  # the trajectory after the release is the one that was never touched
        assert steered.step() == pytest.approx(twin.step(), rel=1e-9, abs=1e-12)
    assert steered.written() == twin.written()


@pytest.mark.parametrize("name", list(ALL))
def test_what_the_script_saves_in_between_goes_on_outside(watch: Callable[..., Any], name: str) -> None:
    steered, twin = Twin(sgd(), ALL[name]), Twin(sgd(), ALL[name])
    session = watch(steered.optimizer)
    for _ in range(4):
        steered.step(), twin.step()
    session.hyperparameters.set("lr", 0.5)
    for _ in range(4):
        steered.step(), twin.step()
    saved = copy.deepcopy((steered.optimizer.state_dict(), steered.scheduler.state_dict()))
    elsewhere = Twin(sgd(), ALL[name])
    elsewhere.steps = steered.steps
    elsewhere.optimizer.load_state_dict(saved[0])
    elsewhere.scheduler.load_state_dict(saved[1])
    for _ in range(8):
        assert elsewhere.step() == pytest.approx(twin.step(), rel=1e-9, abs=1e-12)
    assert elsewhere.written() == twin.written()


def test_the_learning_rate_on_the_chart_is_what_each_update_used(watch: Callable[..., Any]) -> None:
    steered, twin = Twin(sgd(), ALL["ExponentialLR"]), Twin(sgd(), ALL["ExponentialLR"])
    session = watch(steered.optimizer)
    used = []
    for step in range(8):
        if step == 3:
            session.hyperparameters.set("lr", 0.5)
        if step == 6:
            session.hyperparameters.release("lr")
        used.append(steered.step())
        twin.step()
    for group in (0, 1):
        assert session.history(f"lr/{group}").value.tolist() == pytest.approx([rates[group] for rates in used])


def test_a_scheduler_that_comes_after_the_change_finds_it_as_its_own(watch: Callable[..., Any]) -> None:
    steered = Twin(sgd())
    session = watch(steered.optimizer)
    session.hyperparameters.set("lr", 0.5)
    assert steered.step() == pytest.approx([0.5, 0.5])
    steered.scheduler = ALL["ExponentialLR"](steered.optimizer)
    for _ in range(3):
        assert steered.step() == pytest.approx([0.5, 0.5])
    session.hyperparameters.release("lr")
    assert steered.step() == pytest.approx([0.5 * 0.9**3] * 2)


def test_a_script_that_writes_its_rate_by_hand_keeps_its_own_way(watch: Callable[..., Any]) -> None:
    steered, twin = Twin(sgd()), Twin(sgd())
    session = watch(steered.optimizer)

    def decay(one: Twin) -> None:
        for group in one.optimizer.param_groups:
            group["lr"] *= 0.9

    for step in range(12):
        if step == 4:
            session.hyperparameters.set("lr", 0.5)
        if step == 8:
            session.hyperparameters.release("lr")
        used, base = steered.update(), twin.update()
        assert used == pytest.approx([0.5, 0.5] if 4 <= step < 8 else base, rel=1e-9)
        decay(steered), decay(twin)
        assert steered.written() == twin.written()


def test_where_there_is_no_scheduler_the_script_sees_the_value(watch: Callable[..., Any]) -> None:
    steered = Twin(sgd())
    session = watch(steered.optimizer)
    steered.step()
    session.hyperparameters.set("lr", 0.5)
    assert [group["lr"] for group in steered.written()] == [0.5, 0.5]
    assert steered.step() == pytest.approx([0.5, 0.5])
    assert session.hyperparameters.base("lr") == [0.1, 0.02]
    session.hyperparameters.release("lr")
    assert [group["lr"] for group in steered.written()] == [0.1, 0.02]
    assert session.hyperparameters.effective("lr") == 0.5
    assert steered.step() == pytest.approx([0.1, 0.02])
