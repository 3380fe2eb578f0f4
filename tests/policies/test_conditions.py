"""Conditions: what they take, what they hold of, and how they are refused."""

from __future__ import annotations

import math

import pytest

from bidviz_core.errors import FormulaError
from bidviz_core.policies.formula import compile_condition


class Kept:
    """A series as a scope may hold one."""

    last = 3.0

    def mean(self, count: int) -> float:
        return float(count)

    def ewma(self, decay: float) -> float:
        return decay


@pytest.mark.parametrize(
    ("text", "scope", "holds"),
    [
        ("loss < 0.1", {"loss": 0.05}, True),
        ("loss < 0.1", {"loss": 0.1}, False),
        ("epoch 3", {"epoch": 2}, False),
        ("epoch 3", {"epoch": 3}, True),
        ("step 500", {"step": 501}, True),
        ("epoch >= 3 or step > 10", {"epoch": 1, "step": 11}, True),
        ("grad_norm is nan", {"grad_norm": math.nan}, True),
        ("grad_norm is nan", {"grad_norm": 1.0}, False),
        ("grad_norm is not finite", {"grad_norm": math.inf}, True),
        ("not loss is nan and loss > 2", {"loss": 3.0}, True),
        ('step >= 500 and last("loss/val") > 2', {"step": 500.0, "loss/val": 3.0}, True),
        ('last("loss") > 2 and mean("loss", 5) == 5 and ewma("loss", 0.5) == 0.5', {"loss": Kept()}, True),
        ("loss > 2", {"loss": Kept()}, True),
        ("0 < loss < 1", {"loss": 0.5}, True),
        ("1 / loss > 2", {"loss": 0.0}, False),
        ("loss is nan", {}, False),  # it has no value yet
        ("loss < 1", {"loss": None}, False),
    ],
)
def test_what_holds(text: str, scope: dict[str, object], holds: bool) -> None:
    assert compile_condition(text).holds(scope) is holds


def test_names_are_known_before_it_is_asked() -> None:
    assert compile_condition('step > 3 and last("loss/val") < mean(loss, 10)').names == {"step", "loss/val", "loss"}


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("loss <", 7, "cannot be read"),
        ("loss = 3", 6, "=="),
        ("loss is", 8, "cannot be read"),
        ("loss is 3", 1, "is nan"),
        ("", 1, "no formula yet"),
        ("epoch x", 7, "cannot be read"),
        ("loss.item() < 3", 1, "called, by their names"),
    ],
)
def test_what_is_none_is_refused_by_its_place(text: str, column: int, words: str) -> None:
    with pytest.raises(FormulaError, match=r"\w") as caught:
        compile_condition(text)
    assert words in str(caught.value)
    assert caught.value.column == column


def test_an_unknown_name_comes_with_the_nearest() -> None:
    condition = compile_condition("step > 2 and los < 3")
    with pytest.raises(FormulaError, match="did you mean 'loss'") as caught:
        condition.check({"step": 1, "loss": 2.0})
    assert caught.value.column == 14


def test_a_name_with_a_slash_comes_with_its_spelling() -> None:
    with pytest.raises(FormulaError, match=r'write last\("loss/val"\)'):
        compile_condition("loss/val < 3").check({"loss": 1.0, "loss/val": 2.0})
