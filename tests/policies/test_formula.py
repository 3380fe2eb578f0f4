"""The formula language: Python's own floats for what is valid, a refusal by its place for all else."""

from __future__ import annotations

import ast
import math
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidviz_core.errors import FormulaError
from bidviz_core.policies.formula import MAX_LENGTH, compile_formula
from bidviz_core.policies.language import FUNCTIONS, READINGS
from bidviz_core.policies.rules import make_rule

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False) | st.integers(-1000, 1000).map(float)
NAMES = ("step", "lr", "x")


def valid() -> st.SearchStrategy[str]:
    """Random formulas, every operator and function among them."""
    leaves = st.sampled_from(NAMES) | NUMBERS.map(lambda value: f"({value!r})") | st.just("pi")

    def more(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        pairs = st.tuples(inner, inner)
        operators = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "<", "<=", ">", ">=", "==", "!="])
        return st.one_of(
            st.tuples(pairs, operators).map(lambda one: f"({one[0][0]} {one[1]} {one[0][1]})"),
            st.tuples(pairs, st.sampled_from(["and", "or"])).map(lambda one: f"({one[0][0]} {one[1]} {one[0][1]})"),
            inner.map(lambda one: f"(-{one})"),
            inner.map(lambda one: f"(not {one})"),
            st.tuples(inner, inner, inner).map(lambda one: f"({one[0]} if {one[1]} else {one[2]})"),
            st.tuples(st.sampled_from(["sin", "cos", "tanh", "exp", "sqrt", "abs", "floor", "ceil", "log"]), inner).map(
                lambda one: f"{one[0]}({one[1]})"
            ),
            st.tuples(st.sampled_from(["min", "max"]), pairs).map(lambda one: f"{one[0]}({one[1][0]}, {one[1][1]})"),
            st.tuples(inner, inner, inner).map(lambda one: f"clip({one[0]}, {one[1]}, {one[2]})"),
        )

    return st.recursive(leaves, more, max_leaves=12)


class Floats(ast.NodeTransformer):
    """Python's own arithmetic over floats: `pow` has no complex numbers, and a comparison is a number."""

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        return ast.Call(ast.Name("float", ast.Load()), [node], [])

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return ast.Call(ast.Name("float", ast.Load()), [node], []) if isinstance(node.op, ast.Not) else node


def in_python(text: str, values: dict[str, float]) -> float:
    tree = ast.fix_missing_locations(Floats().visit(ast.parse(text, mode="eval")))
    scope: dict[str, Any] = {
        **values,
        **{name: function.call for name, function in FUNCTIONS.items()},
        "pi": math.pi,
        "float": float,
    }
    value = eval(compile(tree, "<reference>", "eval"), scope)
    if isinstance(value, complex):
        raise ValueError("complex")
    return float(value)


@given(valid(), NUMBERS, NUMBERS, NUMBERS)
@settings(max_examples=400, deadline=None)
def test_valid_formulas_give_what_python_gives(text: str, step: float, lr: float, x: float) -> None:
    values = dict(zip(NAMES, (step, lr, x), strict=True))
    if len(text) > MAX_LENGTH:
        return
    formula = compile_formula(text)
    try:
        expected = in_python(text, values)
    except (ArithmeticError, ValueError, TypeError):  # TypeError: a complex number met a comparison
        expected = None
    try:
        given = formula.function(*(values[one.name] for one in formula.inputs))
    except (ArithmeticError, ValueError):
        given = None
    if expected is None:
        # Python itself goes on with complex numbers here and there; nothing else may differ.
        assert given is None or type(given) is float
    elif given is None:
        assert "**" in text  # a root of a negative number, which abs or a power made real again
    else:
        assert type(given) is float
        assert given == expected or (math.isnan(given) and math.isnan(expected))


@given(st.text(max_size=80) | st.text("abcxyz_.()[]{}:,+-*/<>=!'\"0123456789 lambdaforinif", max_size=80))
@settings(max_examples=600, deadline=None)
def test_whatever_is_typed_is_a_formula_or_an_error_with_its_place(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            formula = compile_formula(text, "lr")
        except FormulaError as error:
            column = error.column or 0
            formula = None
    if formula is None:
        assert 1 <= column <= len(text) + 2
        return
    for node in ast.walk(ast.parse(formula.text, mode="eval")):
        assert not isinstance(node, (ast.Attribute, ast.Subscript, ast.Lambda, ast.ListComp, ast.GeneratorExp))


@pytest.mark.parametrize(
    "attack",
    [
        "().__class__",
        "step.__class__.__bases__",
        "__import__('os').system('true')",
        "eval('1')",
        "open('x')",
        "[x for x in range(10**9)]",
        "sum(x for x in range(10**9))",
        "(lambda: 1)()",
        "'a' * 10",
        "'{0.__class__}'.format(1)",
        "f'{step}'",
        "step[0]",
        "(x := 3)",
        "min(*[1, 2])",
        "max(1, 2, key=abs)",
        "__builtins__",
        "last(last)",
        "last('a' + 'b')",
        "mean('loss', 10**9)",
        "1j",
        "None",
        "True",
        "b'x'",
        "...",
        "print(1)",
        "(sin)(1).real",
        "(sin if 1 else cos)(1)",
        "await step",
        "1 << 1000000000",
        "~step",
        "step @ step",
        "sin",
        "9" * 400,
        "1e999",
        "1" * (MAX_LENGTH + 1),
        "-" * 1500 + "1",
        "(" * 500 + "1" + ")" * 500,
    ],
)
def test_attacks_are_refused(attack: str) -> None:
    with pytest.raises(FormulaError, match=r"[.?]$"):
        make_rule("lr", attack, hyperparameters=["lr", "x"], series=["loss"])


@pytest.mark.parametrize("text", ["9**9**9", "9.0**9**9**9", "exp(1000)", "2**10000", "1e308*10 - 1e308*10"])
def test_what_grows_without_bound_is_over_at_once_and_no_value(text: str) -> None:
    formula = compile_formula(text)
    try:
        value = formula.function()
    except OverflowError:
        return
    assert not math.isfinite(value)


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("0.1 * 0.5 ** (step / 1000", 14, "never closed"),
        ("0.1 * lrr", 7, "did you mean 'lr'"),
        ("0.1 * stepp", 7, "did you mean 'step'"),
        ("  lr = 0.1 * lrr", 14, "did you mean 'lr'"),
        ("weight_decay = 0.1", 1, "policy of 'lr'"),
        ("lr ^ 2", 6, "**"),
        ("sine(step)", 1, "did you mean sin"),
        ("1 + losss", 5, "did you mean 'loss'"),
        ('1 + last("losss")', 10, "did you mean 'loss'"),
        ('hp("betas[2]")', 4, "did you mean 'betas["),
        ("loss/val", 6, 'last("loss/val")'),
        ("clip(step, 1)", 1, "takes 3 arguments"),
        ("1 + step = 3", 10, "=="),
        ("(step = 3)", 7, "=="),
        ("«", 1, "cannot be read"),
    ],
)
def test_errors_stand_under_the_wrong_character_and_say_a_way_out(text: str, column: int, words: str) -> None:
    names = ["lr", "weight_decay", "betas[0]", "betas[1]"]
    with pytest.raises(FormulaError, match=r"\w") as caught:
        make_rule("lr", text, hyperparameters=names, series=["loss", "loss/val"])
    assert words in str(caught.value)
    assert caught.value.column == column


def test_everything_in_scope_is_named_as_documented() -> None:
    text = (
        "sin(1)+cos(1)+exp(1)+log(2)+log(8,2)+sqrt(4)+floor(1.5)+ceil(1.5)+abs(-1)+min(1,2)+max(1,2)+clip(3,0,1)+base"
        '+step+epoch+elapsed+progress+lr+last("loss")+mean("loss",10)+ewma("loss",0.9)+best("loss")+since_best("loss")'
        '+hp("betas[0]")+best("acc", max)'
    )
    rule = make_rule("x", text, hyperparameters=["lr", "betas[0]", "x"], series=["loss", "acc"])
    assert {one.reading for one in rule.inputs if one.kind == "series"} == set(READINGS)
    assert rule.reads == ("lr", "betas[0]")
    assert rule.uses_base
