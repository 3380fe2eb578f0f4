"""A policy that is armed: what it is computed from, what it gave last, and what became of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from bidviz_core.errors import FormulaError
from bidviz_core.messages.steered import HyperparameterInfo, PolicyInfo
from bidviz_core.policies.formula import explain
from bidviz_core.policies.language import Input
from bidviz_core.policies.rules import LARGEST, Rule

Getter = Callable[[], float | None]


class Armed:
    """One policy on its target.

    Args:
        rule: what is computed.
        about: the target, for its type and bounds.
        author: who armed it.
        since: at which step.
    """

    def __init__(self, rule: Rule, about: HyperparameterInfo, author: str, since: int) -> None:
        self.rule = rule
        self.target = rule.target
        self.author = author
        self.since = since
        self.state = "armed"
        self.note = ""
        #: What it gave last and is in force; none before, and while a person holds the target.
        self.value: float | None = None
        #: The series under which its values are recorded.
        self.series = f"hp/{rule.target}"
        #: A named policy's own.
        self.own: dict[str, Any] = {}
        #: The readings of series that it uses.
        self.used: list[Input] = []
        self.names: tuple[str, ...] = (self.series,)
        #: Whether the target takes whole numbers only.
        self.whole = about.kind == "int"
        #: Whether it may be computed twice at a step boundary.
        self.repeatable = rule.policy is None or "state" not in rule.policy.arguments
        scales = rule.mode == "scale"  # then the bounds are not the factor's, but its sign follows them
        least = (0.0 if about.low is not None and about.low >= 0 else None) if scales else about.low
        self._least = -LARGEST if least is None else least
        self._most = LARGEST if about.high is None or scales else about.high
        #: Between these its value is taken as it is.
        self.low = self._least if rule.low is None else max(rule.low, self._least)
        self.high = self._most if rule.high is None else min(rule.high, self._most)
        self._getters: list[Getter] = []
        self.function: Callable[..., Any] = float

    def bind(self, resolve: Callable[[Input], Getter], function: Callable[..., Any]) -> None:
        """Takes what its inputs are read by, and what computes it."""
        self._getters = [resolve(one) for one in self.rule.inputs]
        self.function = function

    def compute(self) -> float | None:
        """Its value at present; none while something that it reads has none.

        Raises:
            FormulaError: it gives nothing that can be used; the text is to stand behind the target's name.
        """
        values = [get() for get in self._getters]
        if None in values:
            return None
        try:
            value = self.function(*values)
        except FormulaError:
            raise
        except Exception as error:  # a named policy is a bundle's code
            raise FormulaError(explain(error)) from error
        if type(value) is float and self.low <= value <= self.high and not self.whole:
            return value
        return self._fit(value)

    def _fit(self, given: Any) -> float:
        try:
            value = float(given)
        except (TypeError, ValueError, OverflowError):
            raise FormulaError(f"gives {given!r}, which is no number") from None
        if not math.isfinite(value):
            raise FormulaError(f"gives {value}")
        rule = self.rule
        if rule.low is not None:
            value = max(value, rule.low)
        if rule.high is not None:
            value = min(value, rule.high)
        what = "a factor of it" if rule.mode == "scale" else rule.target
        if value < self._least:
            raise FormulaError(f"gives {value:g}, and {what} must be at least {self._least:g}; clip it or give low=")
        if value > self._most:
            raise FormulaError(f"gives {value:g}, and {what} must be at most {self._most:g}; clip it or give high=")
        if self.whole and value % 1:
            raise FormulaError(f"gives {value:g}, and {rule.target} is a whole number; write floor(…) around it")
        return value

    def describe(self) -> str:
        """One line for the journal."""
        bounds = [f"{word} {value:g}" for word, value in (("low", self.rule.low), ("high", self.rule.high)) if value]
        mode = "" if self.rule.mode == "override" else "factor "
        return f"{self.target} = {mode}{self.rule.told}" + (f" ({', '.join(bounds)})" if bounds else "")

    def info(self) -> PolicyInfo:
        """It as the page shows it."""
        rule, policy = self.rule, self.rule.policy
        read = dict.fromkeys([*rule.reads, *rule.series, *(one.name for one in list(self.used))])
        return PolicyInfo(
            target=self.target,
            formula=rule.formula.text if rule.formula is not None else "",
            policy=policy.name if policy is not None else "",
            parameters=dict(policy.parameters) if policy is not None else {},
            mode=rule.mode,
            low=rule.low,
            high=rule.high,
            inputs=list(read),
            value=self.value,
            author=self.author,
            since=self.since,
            state=self.state,
            note=self.note,
            help=policy.help if policy is not None else "",
            parameter_help=dict(policy.parameter_help) if policy is not None else {},
            origin=policy.origin if policy is not None else "",
        )
