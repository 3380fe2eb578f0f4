"""Named policies: `@bidviz.policy(target="lr", params={...})` over a function that asks by its argument names."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from bidviz_core.errors import FormulaError
from bidviz_core.policies.language import BASE, CLOCK, READINGS

#: What a function may ask for beside its parameters.
ARGUMENTS: Mapping[str, str] = {
    **CLOCK,
    BASE: "what the script and its scheduler say of the target",
    "state": "a dict of the policy's own that lives as long as it is armed, and goes into checkpoints",
    **{name: f"a function: {name}(series) as in formulas" for name in READINGS},
}


@dataclass(frozen=True)
class Policy:
    """A named policy.

    Args:
        name: its name.
        function: computes the value at a step boundary.
        arguments: the function's argument names.
        target: the hyperparameter it is meant for.
        parameters: its parameters with their defaults; of an armed one, with their values.
        help: what it does, from its docstring.
        parameter_help: what its parameters are for, from the section `Args:` there.
        origin: the bundle and version it comes from.
        formula: its formula, where it is one; then `function` is never called.
        mode: `"override"` or `"scale"`, where whoever arms it says nothing else.
        low: the least value it may give, likewise.
        high: the greatest.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]
    target: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    help: str = ""
    origin: str = "script"
    formula: str = ""
    mode: str = "override"
    low: float | None = None
    high: float | None = None
    parameter_help: Mapping[str, str] = field(default_factory=dict)

    def with_(self, **changes: Any) -> Policy:
        """The same with some fields changed."""
        return replace(self, **changes)

    def filled_in(self, parameters: Mapping[str, Any]) -> Policy:
        """The policy with values for its parameters; what is left out keeps its default.

        Raises:
            FormulaError: there is no such parameter, or the value is of the wrong type.
        """
        values = dict(self.parameters)
        for name, value in parameters.items():
            if name not in values:
                near = get_close_matches(name, values, 1)
                guess = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(values) or 'none'}."
                raise FormulaError(f"The policy {self.name!r} has no parameter {name!r}; {guess}")
            values[name] = _fit(self.name, name, value, self.parameters[name])
        return self.with_(parameters=values)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


def policy(
    function: Callable[..., Any] | None = None,
    /,
    *,
    target: str = "",
    params: Mapping[str, Any] | None = None,
    name: str | None = None,
    mode: str = "override",
    low: float | None = None,
    high: float | None = None,
) -> Any:
    """Makes a named policy of a function: `@policy(target="lr", params={"peak": 0.1})`.

    The function gives a number for each step boundary; its argument names say what it needs: `step`, `epoch`,
    `elapsed`, `progress`, `base`, `last`, `mean`, `ewma`, `best`, `since_best`, `state`, and its parameters. An
    argument with a default is a parameter as well. What its docstring says of each under `Args:` stands beside the
    parameter on the page.

    Args:
        function: the function, when used without parentheses.
        target: the hyperparameter it is meant for.
        params: its parameters with their defaults.
        name: its name; the function's own by default.
        mode: `"override"`, or `"scale"`: it gives a factor on what the script and its scheduler say.
        low: the least value it may give.
        high: the greatest.

    Returns:
        The policy, or a decorator that makes one.

    Raises:
        FormulaError: it asks for something unknown.
    """

    def decorate(function: Callable[..., Any]) -> Policy:
        signature = inspect.signature(function).parameters.values()
        called = str(name or getattr(function, "__name__", "policy"))
        defaults = {
            one.name: one.default for one in signature if one.default is not one.empty and one.name not in ARGUMENTS
        }
        parameters = {**defaults, **(params or {})}
        for one in signature:
            if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD, one.POSITIONAL_ONLY):
                raise FormulaError(f"The policy {called!r} takes {one}; give its arguments names of their own.")
            if one.name not in ARGUMENTS and one.name not in parameters:
                near = get_close_matches(one.name, [*ARGUMENTS, *parameters], 1)
                guess = f" Did you mean {near[0]!r}?" if near else ""
                raise FormulaError(
                    f"The policy {called!r} asks for {one.name!r}, which is neither in scope ({', '.join(ARGUMENTS)}) "
                    f"nor one of its params.{guess}"
                )
        arguments = tuple(one.name for one in signature)
        unused = [given for given in parameters if given not in arguments]
        if unused:
            raise FormulaError(f"The policy {called!r} has the parameter {unused[0]!r}, but does not take it.")
        text, told = _read_docstring(function.__doc__ or "")
        about = {one: told[one] for one in parameters if one in told}
        more: dict[str, Any] = {"mode": mode, "low": low, "high": high, "parameter_help": about}
        return Policy(called, function, arguments, target, parameters, text, **more)

    return decorate if function is None else decorate(function)


def formula_policy(
    name: str,
    formula: str,
    *,
    target: str,
    help: str = "",  # noqa: A002
    mode: str = "override",
    low: float | None = None,
    high: float | None = None,
) -> Policy:
    """Makes a named policy of a formula, so that a bundle can bring it.

    Args:
        name: its name.
        formula: `"0.1 * 0.5 ** (step / 1000)"`.
        target: the hyperparameter it is meant for.
        help: what it does, in a sentence.
        mode: `"override"`, or `"scale"`: it gives a factor on what the script and its scheduler say.
        low: the least value it may give.
        high: the greatest.

    Raises:
        FormulaError: it is no formula; with the column.
    """
    from bidviz_core.policies.formula import compile_formula

    compiled = compile_formula(formula, target)
    return Policy(name, compiled.function, (), target, {}, help, formula=compiled.text, mode=mode, low=low, high=high)


def _read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """What a docstring says before its section `Args:`, and what it says there of each name, in one line."""
    before, _, section = inspect.cleandoc(text).partition("\nArgs:\n")
    told: dict[str, str] = {}
    name = ""
    for line in section.split("\n"):
        if line and not line.startswith(" "):
            break  # another section
        if found := re.match(r" {4}(\w+)[^:]*: *(.*)", line):
            name = found[1]
            told[name] = found[2].strip()
        elif name and line.strip():
            told[name] = f"{told[name]} {line.strip()}".strip()
    return before.strip(), told


def _fit(policy: str, name: str, value: Any, default: Any) -> Any:
    """A value in its default's type: forms and JSON do not tell 1 from 1.0."""
    kind = type(default)
    try:
        if kind is bool:
            if str(value).lower() not in ("true", "false", "1", "0"):
                raise ValueError
            return str(value).lower() in ("true", "1")
        if kind is int:
            number = float(value)
            if number % 1:
                raise ValueError
            return int(number)
        if kind is float:
            return float(value)
        return str(value) if kind is str else value
    except (TypeError, ValueError, OverflowError):
        raise FormulaError(f"{name} of the policy {policy!r} is {kind.__name__}, got {value!r}.") from None
