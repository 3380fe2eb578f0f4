"""A rule is what a policy computes: of a formula or of a named policy, ready to be run, previewed or dry-run."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeAlias

from bidviz_core.errors import FormulaError
from bidviz_core.policies.definition import Policy
from bidviz_core.policies.formula import Formula, compile_formula, unknown
from bidviz_core.policies.language import BASE, CLOCK, READINGS, Input

#: Reads a series for a named policy: `(reading, series, parameter)`.
Read: TypeAlias = "Callable[[str, str, float], float | None]"
LARGEST = sys.float_info.max


@dataclass(frozen=True)
class Rule:
    """What is computed at each step boundary, and within which bounds.

    Args:
        target: the hyperparameter.
        formula: its formula, or none.
        policy: the named policy with its parameters filled in, or none.
        mode: `"override"`, or `"scale"`: a factor on what the script and its scheduler say.
        low: the least value it may give.
        high: the greatest.
        inputs: what it reads, with the kinds made certain; a named policy reads series besides.
    """

    target: str
    formula: Formula | None = None
    policy: Policy | None = None
    mode: str = "override"
    low: float | None = None
    high: float | None = None
    inputs: tuple[Input, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """The hyperparameters that it reads."""
        return tuple(one.name for one in self.inputs if one.kind == "hyperparameter")

    @property
    def series(self) -> tuple[str, ...]:
        """The series that its formula reads."""
        return tuple(dict.fromkeys(one.name for one in self.inputs if one.kind == "series"))

    @property
    def uses_base(self) -> bool:
        """Whether it reads what the script's own scheduler says."""
        return any(one.kind == "base" for one in self.inputs)

    @property
    def told(self) -> str:
        """Its formula, or the named policy with its parameters."""
        if self.formula is not None:
            return self.formula.text
        assert self.policy is not None
        return f"{self.policy.name}({', '.join(f'{name}={value!r}' for name, value in self.policy.parameters.items())})"

    def detail(self, author: str) -> dict[str, Any]:
        """It as the journal keeps it."""
        policy = self.policy
        return {
            "target": self.target,
            "formula": self.formula.text if self.formula is not None else "",
            "policy": policy.name if policy is not None else "",
            "parameters": dict(policy.parameters) if policy is not None else {},
            "mode": self.mode,
            "low": self.low,
            "high": self.high,
            "author": author,
        }

    def make(self, read: Read, state: dict[str, Any] | None = None) -> Callable[..., Any]:
        """The function that computes it, of the values of its inputs.

        Args:
            read: reads a series, for a named policy.
            state: a named policy's own; a fresh one if none.
        """
        if self.formula is not None:
            return self.formula.function
        assert self.policy is not None
        fixed: dict[str, Any] = dict(self.policy.parameters)
        if "state" in self.policy.arguments:
            fixed["state"] = {} if state is None else state
        for name in READINGS:
            if name in self.policy.arguments:
                fixed[name] = _reader(name, read)
        function, names = self.policy.function, [one.name for one in self.inputs]
        return lambda *values: function(**dict(zip(names, values, strict=True)), **fixed)


def make_rule(
    target: str,
    given: str | Policy,
    *,
    mode: str = "override",
    low: float | None = None,
    high: float | None = None,
    hyperparameters: Iterable[str] = (),
    series: Iterable[str] = (),
    trusting: bool = False,
) -> Rule:
    """Makes a rule of what a person gave, and checks that every name in it is something.

    Args:
        target: the hyperparameter.
        given: a formula or a named policy.
        mode: `"override"` or `"scale"`.
        low: the least value it may give.
        high: the greatest.
        hyperparameters: the names that there are.
        series: the series that there are.
        trusting: take any series in quotation marks, where nothing is known of them yet.

    Raises:
        FormulaError: something is wrong; with the column where it belongs to one.
    """
    known = list(hyperparameters)
    if target not in known:
        near = get_close_matches(target, known, 1)
        guess = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known) or 'none'}."
        raise FormulaError(f"There is no hyperparameter {target!r}; {guess}")
    if isinstance(given, Policy):
        mode = given.mode if mode == "override" else mode
        low, high = given.low if low is None else low, given.high if high is None else high
    if mode not in ("override", "scale"):
        raise FormulaError(f"The mode is 'override' or 'scale', got {mode!r}.")
    low, high = _bound("low", low), _bound("high", high)
    if low is not None and high is not None and low > high:
        raise FormulaError(f"low is {low:g} and high {high:g}: nothing lies between them; exchange them.")
    if isinstance(given, Policy) and given.formula:
        given = given.formula
    if isinstance(given, Policy):
        inputs = tuple(
            Input("clock" if name in CLOCK else "base", name)
            for name in given.arguments
            if name in CLOCK or name == BASE
        )
        return Rule(target, None, given, mode, low, high, inputs)
    if not isinstance(given, str):
        raise FormulaError(f"A policy is a formula or a named policy, got {type(given).__name__}.")
    formula = compile_formula(given, target)
    inputs = tuple(_certain(one, formula, set(known), set(series), trusting) for one in formula.inputs)
    return Rule(target, formula, None, mode, low, high, inputs)


def _certain(one: Input, formula: Formula, known: set[str], there: set[str], trusting: bool) -> Input:
    """A bare name is a hyperparameter or else a series."""
    column = formula.columns.get(one)
    if one.kind == "name" and one.name in known:
        return one._replace(kind="hyperparameter")
    if one.kind == "hyperparameter" and one.name not in known:
        raise unknown(one.name, column, sorted(known), formula.text)
    if one.kind not in ("name", "series"):
        return one
    if one.name in there or (trusting and one.kind == "series"):
        return one._replace(kind="series")
    raise unknown(one.name, column, [*sorted(known), *sorted(there)] if one.kind == "name" else there, formula.text)


def _bound(name: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise FormulaError(f"{name} is a finite number, got {value!r}.")
    return number


def _reader(reading: str, read: Read) -> Callable[..., float]:
    def reader(series: str, parameter: Any = None) -> float:
        if parameter in (min, max):
            parameter = parameter is max
        default = {"mean": 100.0, "ewma": 0.9}.get(reading, 0.0)
        value = read(reading, series, default if parameter is None else float(parameter))
        return math.nan if value is None else value

    return reader
