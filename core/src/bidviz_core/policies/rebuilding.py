"""Builds the tree of a formula anew from the nodes that formulas know, and refuses all others by their place."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from bidviz_core.errors import FormulaError
from bidviz_core.policies.language import (
    BASE,
    CLOCK,
    CONSTANTS,
    FUNCTIONS,
    HYPERPARAMETER,
    KINDS,
    LONGEST_WINDOW,
    READINGS,
    WORDS,
    Input,
)

_MAX_DEPTH = 100
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_REFUSED: Mapping[type[ast.AST], str] = {
    ast.Attribute: "attributes (x.y)",
    ast.Subscript: 'brackets; write hp("betas[0]") for such a name',
    ast.Lambda: "lambda",
    ast.ListComp: "comprehensions",
    ast.SetComp: "comprehensions",
    ast.DictComp: "comprehensions",
    ast.GeneratorExp: "comprehensions",
    ast.List: "lists",
    ast.Tuple: "commas outside of a function's arguments",
    ast.Set: "sets",
    ast.Dict: "dictionaries",
    ast.JoinedStr: "texts",
    ast.NamedExpr: "assignments",
    ast.Starred: "stars",
    ast.Await: "await",
    ast.Yield: "yield",
}


class Builder:
    """Builds the tree that is compiled: `number` where a number is wanted, `truth` where a yes or no is enough."""

    def __init__(self, line: str, start: int) -> None:
        self.inputs: list[Input] = []
        self.columns: dict[Input, int] = {}
        self._line = line
        self._start = start

    def number(self, node: ast.expr, depth: int) -> ast.expr:
        """The node as one that gives a float.

        Raises:
            FormulaError: it, or something below it, is not of the language.
        """
        depth = self._deeper(node, depth)
        match node:
            case ast.Constant(value=value):
                return self._constant(node, value)
            case ast.Name(id=name):
                return self._name(node, name)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self._power(self.number(left, depth), self.number(right, depth))
            case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _ARITHMETIC):
                return ast.BinOp(self.number(left, depth), op, self.number(right, depth))
            case ast.BinOp(right=right, op=ast.BitXor()):
                raise self._refused(right, "the ^ before this is no operator here; write ** for a power")
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
                return ast.UnaryOp(op, self.number(operand, depth))
            case ast.BoolOp(op=op, values=values):
                return ast.BoolOp(op, [self.number(value, depth) for value in values])
            case ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return ast.IfExp(self.truth(node, depth), ast.Constant(1.0), ast.Constant(0.0))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return ast.IfExp(self.truth(test, depth), self.number(body, depth), self.number(orelse, depth))
            case ast.Call():
                return self._call(node, depth)
            case _:
                what = _REFUSED.get(type(node), "this")
                raise self._refused(
                    node, f"a formula knows numbers, names, operators and its own functions, but not {what}"
                )

    def truth(self, node: ast.expr, depth: int) -> ast.expr:
        """The node as one whose truth alone matters; raises as `number` does."""
        depth = self._deeper(node, depth)
        match node:
            case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() as op], comparators=[ast.Name(id=kind)]) if (
                kind in KINDS
            ):
                asked: ast.expr = self._apply(f"is_{kind}", [self.number(left, depth)])
                return ast.UnaryOp(ast.Not(), asked) if isinstance(op, ast.IsNot) else asked
            case ast.Compare(left=left, ops=ops, comparators=others):
                if not all(isinstance(op, _COMPARISONS) for op in ops):
                    raise self._refused(
                        node, "numbers are compared by < <= > >= == !=, and by 'is nan', 'is inf', 'is finite'"
                    )
                return ast.Compare(self.number(left, depth), ops, [self.number(other, depth) for other in others])
            case ast.BoolOp(op=op, values=values):
                return ast.BoolOp(op, [self.truth(value, depth) for value in values])
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return ast.UnaryOp(ast.Not(), self.truth(operand, depth))
        return self.number(node, depth)

    def _constant(self, node: ast.expr, value: Any) -> ast.expr:
        if isinstance(value, str):
            raise self._refused(
                node, 'a text can only be the name in last("…"), mean("…", n) and the like, or in hp("…")'
            )
        if type(value) not in (int, float):
            raise self._refused(node, f"{value!r} is no number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self._refused(node, "this number is too large; the largest is about 1.8e308")
        return ast.Constant(number)

    def _name(self, node: ast.expr, name: str) -> ast.expr:
        if name in CONSTANTS:
            return ast.Constant(CONSTANTS[name])
        if name in CLOCK or name == BASE:
            return self._input(node, Input("clock" if name in CLOCK else "base", name))
        if name in FUNCTIONS:
            raise self._refused(node, f"{name} is a function: write {name}(…)")
        if name in READINGS:
            raise self._refused(node, f'{name} is a function of a series: write {name}("loss")')
        if name == HYPERPARAMETER:
            raise self._refused(node, 'hp is a function of a name: write hp("betas[0]")')
        if name in KINDS:
            raise self._refused(node, f"{name} only stands behind 'is': write loss is {name}")
        return self._input(node, Input("name", name))

    def _power(self, base: ast.expr, exponent: ast.expr) -> ast.expr:
        # Python makes complex numbers of roots of negative ones; `math.pow` says that there are none.
        positive = isinstance(base, ast.Constant) and isinstance(base.value, float)
        whole = isinstance(exponent, ast.Constant) and isinstance(exponent.value, float) and not exponent.value % 1
        return ast.BinOp(base, ast.Pow(), exponent) if positive or whole else self._apply("pow", [base, exponent])

    def _call(self, node: ast.Call, depth: int) -> ast.expr:
        if not isinstance(node.func, ast.Name):
            raise self._refused(node.func, "only functions of formulas can be called, by their names")
        name, arguments = node.func.id, node.args
        if node.keywords:
            raise self._refused(node, f"{name} takes no named arguments")
        if name == HYPERPARAMETER:
            if len(arguments) != 1:
                raise self._refused(node, 'hp takes the name of one hyperparameter: hp("betas[0]")')
            return self._input(arguments[0], Input("hyperparameter", self._text(arguments[0])))
        if name in READINGS:
            one = self._reading(node, name, arguments)
            return self._input(arguments[0], one)
        function = FUNCTIONS.get(name)
        if function is None:
            there = [*FUNCTIONS, *READINGS, HYPERPARAMETER]
            near = get_close_matches(name, there, 1)
            raise self._refused(
                node, f"there is no function {name!r}; " + (f"did you mean {near[0]}?" if near else ", ".join(there))
            )
        if not function.least <= len(arguments) <= function.most:
            count = f"{function.least} to {function.most}" if function.least != function.most else str(function.least)
            raise self._refused(node, f"{name} takes {count} arguments, got {len(arguments)}")
        return self._apply(name, [self.number(argument, depth) for argument in arguments])

    def _reading(self, node: ast.Call, name: str, arguments: list[ast.expr]) -> Input:
        if not 1 <= len(arguments) <= 1 + READINGS[name]:
            more = {"mean": ", n", "ewma": ", decay"}.get(name, "")
            raise self._refused(node, f'{name} takes the name of a series: {name}("loss"{more})')
        series = self._text(arguments[0])
        given = arguments[1] if len(arguments) > 1 else None
        if name == "mean":
            return Input("series", series, name, self._literal(given, 100, 1, LONGEST_WINDOW, "a whole number"))
        if name == "ewma":
            return Input("series", series, name, self._literal(given, 0.9, 0.0, 0.9999999, "a number below 1"))
        if given is None:
            return Input("series", series, name)
        if not isinstance(given, ast.Name) or given.id not in ("min", "max"):
            raise self._refused(given, f'{name} takes min or max for what is best: {name}("accuracy", max)')
        return Input("series", series, name, 1.0 if given.id == "max" else 0.0)

    def _literal(self, node: ast.expr | None, default: float, low: float, high: float, what: str) -> float:
        if node is None:
            return float(default)
        value = node.value if isinstance(node, ast.Constant) else None
        if type(value) is int:
            value = min(value, LONGEST_WINDOW + 1)
        number = float(value) if isinstance(value, (int, float)) else math.nan
        if not low <= number <= high or (low == 1 and number % 1):
            raise self._refused(node, f"expected {what} from {low:g} to {high:g}, written out")
        return number

    def _text(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=str() as name) if name:
                return name
            case ast.Name(id=name) if name not in WORDS:
                return name
            case _:
                raise self._refused(node, 'expected a name in quotation marks, such as "loss"')

    def _input(self, node: ast.expr, one: Input) -> ast.expr:
        if one not in self.columns:
            self.columns[one] = self._column(node)
            self.inputs.append(one)
        return ast.Name(f"_{self.inputs.index(one)}", ast.Load())

    def _apply(self, function: str, arguments: list[ast.expr]) -> ast.expr:
        return ast.Call(ast.Name(function, ast.Load()), arguments, [])

    def _deeper(self, node: ast.expr, depth: int) -> int:
        if depth > _MAX_DEPTH:
            raise self._refused(node, f"nested more than {_MAX_DEPTH} deep; split it into two hyperparameters")
        return depth + 1

    def _column(self, node: ast.expr) -> int:
        before = self._line.encode()[: node.col_offset]  # Python counts bytes, people count characters
        return self._start + len(before.decode(errors="replace")) + 1

    def _refused(self, node: ast.expr, sentence: str) -> FormulaError:
        head = sentence if sentence.split(" ")[0] in WORDS else sentence[0].upper() + sentence[1:]
        return FormulaError(f"{head}.", self._column(node))
