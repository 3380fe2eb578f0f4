"""Each schedule against the class of torch's that it stands for, step by step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

import bidviz_policy_schedules as schedules
from bidviz_core.policies.definition import Policy
from bidviz_core.policies.readings import make_reading

LR = 0.05


def of_torch(make: Callable[[torch.optim.Optimizer], Any], steps: int) -> list[float]:
    """The rate of each update, from before the first."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=LR, momentum=0.9)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


def of_ours(policy: Policy, count: int, /, begin: int = 0, **parameters: Any) -> list[float]:
    filled = policy.filled_in({**parameters, "begin": begin})
    given = {"base": LR} if "base" in filled.arguments else {}
    return [filled(step=float(step), **given, **filled.parameters) for step in range(begin, begin + count)]


CASES: dict[str, tuple[Policy, dict[str, Any], Callable[[Any], Any]]] = {
    "warmup": (
        schedules.warmup,
        {"steps": 20, "start_factor": 0.1},
        lambda one: lr_scheduler.LinearLR(one, 0.1, 1.0, 20),
    ),
    "linear": (
        schedules.linear,
        {"steps": 30, "start_factor": 1.0, "end_factor": 0.2},
        lambda one: lr_scheduler.LinearLR(one, 1.0, 0.2, 30),
    ),
    "step": (schedules.step_decay, {"every": 7, "gamma": 0.5}, lambda one: lr_scheduler.StepLR(one, 7, 0.5)),
    "exponential": (schedules.exponential, {"gamma": 0.97}, lambda one: lr_scheduler.ExponentialLR(one, 0.97)),
    "polynomial": (
        schedules.polynomial,
        {"steps": 40, "power": 1.5},
        lambda one: lr_scheduler.PolynomialLR(one, 40, 1.5),
    ),
    "cosine with restarts": (
        schedules.cosine_restarts,
        {"period": 11, "growth": 1, "floor": 0.001},
        lambda one: lr_scheduler.CosineAnnealingWarmRestarts(one, 11, 1, 0.001),
    ),
    "cosine with growing periods": (
        schedules.cosine_restarts,
        {"period": 5, "growth": 2},
        lambda one: lr_scheduler.CosineAnnealingWarmRestarts(one, 5, 2),
    ),
    "one cycle": (
        schedules.one_cycle,
        {"peak": 0.2, "steps": 60, "rise": 0.3},
        lambda one: lr_scheduler.OneCycleLR(one, 0.2, total_steps=61),
    ),
    "cyclic": (
        schedules.cyclic,
        {"low": 0.01, "high": 0.1, "up": 6, "down": 9},
        lambda one: lr_scheduler.CyclicLR(one, 0.01, 0.1, 6, 9),
    ),
    "cyclic, halved": (
        schedules.cyclic,
        {"low": 0.01, "high": 0.1, "up": 5, "down": 5, "shape": "triangular2"},
        lambda one: lr_scheduler.CyclicLR(one, 0.01, 0.1, 5, 5, mode="triangular2"),
    ),
    "cyclic, shrinking": (
        schedules.cyclic,
        {"low": 0.01, "high": 0.1, "up": 5, "down": 8, "shape": "exp_range", "gamma": 0.98},
        lambda one: lr_scheduler.CyclicLR(one, 0.01, 0.1, 5, 8, mode="exp_range", gamma=0.98),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_step_is_that_of_torch(case: str) -> None:
    policy, parameters, make = CASES[case]
    if case == "one cycle":
        parameters = {**parameters, "steps": 61}
    expected = of_torch(make, 60)
    assert of_ours(policy, 60, **parameters) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert of_ours(policy, 60, begin=1000, **parameters) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_inverse_square_root() -> None:
    ours = of_ours(schedules.inverse_sqrt, 200, warmup_steps=20)
    assert ours[:21] == pytest.approx([LR * step / 20 for step in range(21)])
    assert ours[21:] == pytest.approx([LR * math.sqrt(20 / step) for step in range(21, 200)])


def test_one_cycle_stays_at_its_end() -> None:
    rates = of_ours(schedules.one_cycle, 100, peak=1.0, steps=50)
    assert rates[49:] == pytest.approx([1.0 / 25 / 1e4] * 51)


@pytest.mark.parametrize(("greatest", "cooldown"), [(False, 0), (False, 3), (True, 0), (True, 2)])
def test_plateau_is_that_of_torch(greatest: bool, cooldown: int) -> None:
    generator = torch.Generator().manual_seed(3)
    values = [1.0 / (1 + step) ** 0.5 for step in range(30)] + torch.rand(170, generator=generator).tolist()
    if greatest:
        values = [2.0 - value for value in values]
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=LR)
    theirs = lr_scheduler.ReduceLROnPlateau(
        optimizer, "max" if greatest else "min", factor=0.5, patience=4, cooldown=cooldown, min_lr=1e-4
    )
    policy = schedules.plateau.filled_in(
        {
            "window": 1,
            "every": 1,
            "factor": 0.5,
            "patience": 4,
            "cooldown": cooldown,
            "floor": 1e-4,
            "greatest": greatest,
        }
    )
    reading = make_reading("mean", 1)
    state: dict[str, Any] = {}
    for step, value in enumerate(values, 1):
        theirs.step(value)
        reading.add(step, value)
        ours = policy(step=float(step), base=LR, mean=lambda *_: reading.value, state=state, **policy.parameters)
        assert ours == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-8), step


def test_plateau_looks_only_now_and_then() -> None:
    policy = schedules.plateau.filled_in({"every": 10, "patience": 1, "factor": 0.5})
    state: dict[str, Any] = {}
    rates = [
        policy(step=float(step), base=1.0, mean=lambda *_: 1.0, state=state, **policy.parameters) for step in range(60)
    ]
    assert [rates.index(rate) for rate in sorted(set(rates), reverse=True)] == [0, 20, 40]


def test_all_ten_are_given_and_explained() -> None:
    given = schedules.register_policies()
    assert len({policy.name for policy in given}) == len(given) == 10
    for policy in given:
        assert policy.help
        assert policy.target == "lr"
        assert policy.parameters


def test_an_unknown_shape_is_an_error_that_says_which_there_are() -> None:
    with pytest.raises(ValueError, match="triangular2"):
        of_ours(schedules.cyclic, 1, shape="round")


@pytest.mark.parametrize("policy", schedules.register_policies(), ids=lambda policy: policy.name)
def test_each_parameter_is_explained_in_a_line(policy: Policy) -> None:
    assert set(policy.parameter_help) == set(policy.parameters)
    for text in policy.parameter_help.values():
        assert text.endswith(".")
        assert "\n" not in text
    assert "Args:" not in policy.help
