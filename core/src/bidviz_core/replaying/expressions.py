"""Formulas that depend on the step alone, as Python: only where that gives the recorded values to the bit."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

#: What such a formula may call, and how it is called in Python.
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "floor": math.floor,
    "ceil": math.ceil,
    "abs": abs,
    "min": min,
    "max": max,
    "clip": lambda value, low, high: min(max(value, low), high),
}
_NODES = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.BoolOp,
    ast.IfExp,
    ast.Call,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.operator,
    ast.unaryop,
    ast.cmpop,
    ast.boolop,
)
_TARGET = re.compile(r"^\s*[^=<>!()]+?\s*=(?!=)")
_LONGEST = 2_000


def as_python(formula: str, points: Sequence[tuple[int, Any]], stop: int) -> str:
    """The formula as a Python expression of `at`, the step boundary; empty where it needs more than that.

    Args:
        formula: as it was armed.
        points: the update from which on each value was used, and the value.
        stop: the update after the last that counts.
    """
    tree = _checked(formula)
    if tree is None or not points:
        return ""
    code = compile(tree, "<formula>", "eval")
    scope: dict[str, Any] = {"__builtins__": {}, **FUNCTIONS, "pi": math.pi}
    value, later = None, iter(points)
    following = next(later, None)
    for update in range(points[0][0], stop):
        if following is not None and following[0] == update:
            value, following = following[1], next(later, None)
        scope["at"] = float(update - 1)
        try:
            if float(eval(code, scope)) != value:
                return ""
        except (ArithmeticError, ValueError, TypeError):
            return ""
    return ast.unparse(tree)


def _checked(formula: str) -> ast.Expression | None:
    text = _TARGET.sub("", formula, count=1)
    if not text.strip() or len(text) > _LONGEST:
        return None
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, RecursionError, ValueError):
        return None
    for node in ast.walk(tree):
        if not isinstance(node, _NODES) or (isinstance(node, ast.Call) and node.keywords):
            return None
        if isinstance(node, ast.Constant):
            if type(node.value) not in (int, float):
                return None
            node.value = float(node.value)  # type: ignore[arg-type]  # a power of whole numbers has no bound
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS):
            return None
        if isinstance(node, ast.Name):
            if node.id == "step":
                node.id = "at"
            elif node.id not in (*FUNCTIONS, "pi"):
                return None
    return ast.fix_missing_locations(tree)
