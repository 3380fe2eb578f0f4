"""Formulas and conditions: a few words of Python's expressions, checked node by node and compiled once over floats.

What is compiled is built anew from the nodes that are known: a node that nobody wrote down here never reaches the
compiler. All numbers are floats, so that no power can take forever.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from bidviz_core.errors import FormulaError
from bidviz_core.policies.language import CLOCK, FUNCTIONS, KINDS, WORDS, Input
from bidviz_core.policies.rebuilding import Builder

MAX_LENGTH = 2_000

_SHORT_CONDITION = re.compile(rf"^\s*(?P<name>{'|'.join(CLOCK)})\s+(?P<value>[0-9.][0-9.e+_-]*)\s*$")
_GIVEN_TARGET = re.compile(r"^\s*(?P<target>hp\(\"[^\"]+\"\)|[^\s=<>!()+*%,]+)\s*=(?!=)")
_ASSIGNS = re.compile(r"(?<![=<>!])=(?!=)")


@dataclass(frozen=True)
class Formula:
    """A compiled formula.

    Args:
        text: as it was typed, without a leading `target =`.
        inputs: what it reads, in the order of the function's arguments.
        function: computes its value from those of its inputs, all floats.
        columns: where each input stands first, from 1.
        source: what the function computes as text, its inputs called `_0`, `_1` …; the other names are of `GLOBALS`.
    """

    text: str
    inputs: tuple[Input, ...]
    function: Callable[..., float]
    columns: Mapping[Input, int] = field(default_factory=dict)
    source: str = ""

    @property
    def names(self) -> frozenset[str]:
        """The names of all that it reads."""
        return frozenset(one.name for one in self.inputs)


@dataclass(frozen=True)
class Condition:
    """A compiled condition: `loss < 0.1`, `epoch 3`, `grad_norm is nan`.

    Args:
        text: as it was typed.
        formula: what is true where its value is not 0.
    """

    text: str
    formula: Formula

    @property
    def names(self) -> frozenset[str]:
        """The names of all that it reads."""
        return self.formula.names

    def check(self, scope: Mapping[str, Any]) -> None:
        """Checks that everything it reads is there.

        Raises:
            FormulaError: it is not; with the column and the nearest name.
        """
        for one in self.formula.inputs:
            if one.name not in scope:
                raise unknown(one.name, self.formula.columns.get(one), scope, self.text)

    def holds(self, scope: Mapping[str, Any]) -> bool:
        """Whether it holds; what has no value yet, or divides by zero, does not.

        Args:
            scope: names to numbers, or to objects with `last`, `mean(n)`, `ewma(decay)`, `best()`, `since_best()`.
        """
        values = []
        for one in self.formula.inputs:
            value = _look_up(scope, one)
            if value is None:
                return False
            values.append(value)
        return self.true_of(values)

    def true_of(self, values: Iterable[float]) -> bool:
        """Whether it holds for values of its inputs."""
        try:
            return bool(self.formula.function(*values))
        except (ArithmeticError, ValueError):
            return False


def compile_formula(text: str, target: str = "") -> Formula:
    """Compiles a formula.

    Args:
        text: the expression; `lr = …` is taken for the target `lr`.
        target: the hyperparameter it is for.

    Raises:
        FormulaError: it is no formula; with the column and the way out.
    """
    start = 0
    given = _GIVEN_TARGET.match(text[:MAX_LENGTH])
    if given and target:
        if given["target"] not in (target, f'hp("{target}")'):
            message = f"This is the policy of {target!r}, and the formula begins with {given['target']!r}"
            raise FormulaError(f"{message}: choose the other target, or leave the name out.", 1)
        start = given.end()
    return _compile(text, start)


def compile_condition(text: str) -> Condition:
    """Compiles a condition: a formula that is true or false, or in short `epoch 3` and `step 500`.

    Raises:
        FormulaError: it is no condition; with the column and the way out.
    """
    short = _SHORT_CONDITION.match(text[:MAX_LENGTH])
    return Condition(text.strip(), _compile(f"{short['name']} >= {short['value']}" if short else text, 0))


def explain(error: BaseException) -> str:
    """What went wrong while a formula was computed, to stand behind its name."""
    if isinstance(error, ZeroDivisionError):
        return "divides by zero"
    if isinstance(error, OverflowError):
        return "gives a number that is too large"
    if isinstance(error, ValueError):
        return "takes a logarithm, a root or a power of a number that has none"
    return f"failed: {type(error).__name__}: {error}"


def unknown(name: str, column: int | None, known: Iterable[str], text: str = "") -> FormulaError:
    """The error of a name that is nothing, with the nearest that is something."""
    names = list(known)
    pieces = [other for other in names if "/" in other and name in other.split("/") and other in text.replace(" ", "")]
    if pieces:
        return FormulaError(f'There is no {name!r}: write last("{pieces[0]}") for the series of that name.', column)
    near = get_close_matches(name, [*names, *WORDS], 1)
    plain = [other for other in names if other not in WORDS]
    some = f"{', '.join(plain[:12])}{', …' if len(plain) > 12 else ''}" or "none yet"
    guess = f"did you mean {near[0]!r}?" if near else f"hyperparameters and series are: {some}."
    return FormulaError(f"There is no {name!r}; {guess}", column)


def _look_up(scope: Mapping[str, Any], one: Input) -> float | None:
    found = scope.get(one.name)
    if found is None or isinstance(found, (int, float)):
        return None if found is None else 0.0 if one.reading == "since_best" else float(found)
    if one.reading == "last":
        found = found.last if hasattr(found, "last") else found
    else:
        found = getattr(found, one.reading)(int(one.parameter) if one.reading == "mean" else one.parameter)
    return None if found is None else float(found)


def _compile(text: str, start: int) -> Formula:
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"A formula has at most {MAX_LENGTH:,} characters, got {len(text):,}.", MAX_LENGTH + 1)
    line = re.sub(r"\s", " ", text)
    start += len(line[start:]) - len(line[start:].lstrip())
    line = line[start:].rstrip()
    if not line:
        raise FormulaError("There is no formula yet: write an expression, for example 0.1 * 0.5 ** (step / 1000).", 1)
    try:
        tree = ast.parse(line, mode="eval")
    except SyntaxError as error:
        inside = error.lineno == 1 and 0 < (error.offset or 0) <= len(line)
        column = error.offset if inside and error.offset else len(line) + 1
        if assigns := _ASSIGNS.search(line):
            column = assigns.start() + 1
        raise FormulaError(f"The formula cannot be read: {_say(error, line)}.", start + column) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(f"The formula cannot be read: {error or type(error).__name__}.", start + 1) from None
    builder = Builder(line, start)
    try:
        body = builder.number(tree.body, 0)
    except RecursionError:
        raise FormulaError("The formula is nested too deep; split it into two hyperparameters.", start + 1) from None
    arguments = [ast.arg(arg=f"_{number}") for number in range(len(builder.inputs))]
    made = ast.Lambda(
        args=ast.arguments(posonlyargs=[], args=arguments, kwonlyargs=[], kw_defaults=[], defaults=[]), body=body
    )
    code = compile(ast.fix_missing_locations(ast.Expression(made)), "<formula>", "eval")
    function = eval(code, dict(GLOBALS))  # built of known nodes alone
    return Formula(line, tuple(builder.inputs), function, builder.columns, ast.unparse(body))


#: All that compiled formulas find: no builtins.
GLOBALS: dict[str, Any] = {
    "__builtins__": {},
    "pow": math.pow,
    **{name: function.call for name, function in FUNCTIONS.items()},
    **{f"is_{name}": test for name, test in KINDS.items()},
}


def _say(error: SyntaxError, line: str) -> str:
    if _ASSIGNS.search(line):
        return "= assigns; write == to compare"
    text = (error.msg or "invalid syntax").rstrip(".")
    return text.removesuffix(" Perhaps you forgot a comma?").replace("invalid syntax", "this is no expression")
