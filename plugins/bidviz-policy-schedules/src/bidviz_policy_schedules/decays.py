"""Schedules that go one way: functions of the steps since `begin`, as factors of what the script says."""

from __future__ import annotations

import math

import bidviz_core as bidviz


def since(step: float, begin: int) -> float:
    """The steps since a schedule began; 0 before."""
    return max(0.0, step - begin)


@bidviz.policy(target="lr", params={"steps": 1000, "start_factor": 0.01, "begin": 0})
def warmup(step: float, base: float, steps: int, start_factor: float, begin: int) -> float:
    """Rises in a line from `start_factor` times the script's value to that value, within `steps` steps.

    As torch's `LinearLR`. A scheduler of the script goes on beneath.

    Args:
        steps: steps until the script's value is reached.
        start_factor: the share of the script's value that it starts at.
        begin: the step at which it begins: until then it stays where it starts.
    """
    done = min(1.0, since(step, begin) / max(1, steps))
    return base * (start_factor + (1.0 - start_factor) * done)


@bidviz.policy(target="lr", params={"every": 1000, "gamma": 0.1, "begin": 0})
def step_decay(step: float, base: float, every: int, gamma: float, begin: int) -> float:
    """Is multiplied by `gamma` each `every` steps. As torch's `StepLR`.

    Args:
        every: steps between two falls.
        gamma: what each fall multiplies the value by.
        begin: the step from which they are counted: until then it is the script's value.
    """
    return base * gamma ** (since(step, begin) // max(1, every))


@bidviz.policy(target="lr", params={"gamma": 0.999, "begin": 0})
def exponential(step: float, base: float, gamma: float, begin: int) -> float:
    """Is multiplied by `gamma` at each step. As torch's `ExponentialLR`.

    Args:
        gamma: what each step multiplies the value by.
        begin: the step at which it begins: until then it is the script's value.
    """
    return base * gamma ** since(step, begin)


@bidviz.policy(target="lr", params={"steps": 10000, "start_factor": 1.0, "end_factor": 0.0, "begin": 0})
def linear(step: float, base: float, steps: int, start_factor: float, end_factor: float, begin: int) -> float:
    """Goes in a line from `start_factor` to `end_factor` times the script's value, within `steps` steps, and stays.

    As torch's `LinearLR`.

    Args:
        steps: steps from one end to the other.
        start_factor: the share of the script's value that it starts at.
        end_factor: the share of the script's value that it ends at, and keeps.
        begin: the step at which it begins: until then it stays where it starts.
    """
    done = min(1.0, since(step, begin) / max(1, steps))
    return base * (start_factor + (end_factor - start_factor) * done)


@bidviz.policy(target="lr", params={"steps": 10000, "power": 2.0, "begin": 0})
def polynomial(step: float, base: float, steps: int, power: float, begin: int) -> float:
    """Falls to 0 within `steps` steps as a polynomial of degree `power`. As torch's `PolynomialLR`.

    Args:
        steps: steps until it is 0.
        power: the degree: 1 is a line, more falls faster at first.
        begin: the step at which it begins: until then it is the script's value.
    """
    return base * (1.0 - min(1.0, since(step, begin) / max(1, steps))) ** power


@bidviz.policy(target="lr", params={"warmup_steps": 1000, "begin": 0})
def inverse_sqrt(step: float, base: float, warmup_steps: int, begin: int) -> float:
    """Rises in a line to the script's value within `warmup_steps` steps, then falls with the root of the step.

    As Hugging Face's `get_inverse_sqrt_schedule`, whose time scale is the warm-up's.

    Args:
        warmup_steps: steps of the rise; they are the time scale of the fall as well.
        begin: the step at which it begins: until then it is 0.
    """
    done, scale = since(step, begin), max(1, warmup_steps)
    return base * (done / scale if done < warmup_steps else 1.0 / math.sqrt(max(1.0, done) / scale))
