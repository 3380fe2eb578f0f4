"""Typed code becomes a metric, or a sentence with the line that is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidviz_core.errors import MetricError
from bidviz_core.metrics.failure import describe_failure
from bidviz_core.metrics.source import compile_metric


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("grads.norm()", ("grads",)),
        ("x = 3\nreturn x * step", ("step",)),
        ("a = 1\na + step", ("step",)),
        ("@metric(every=3)\ndef anything(grads, step):\n    return step\n", ("grads", "step")),
        ("import math\n\ndef anything(params):\n    return math.pi\n", ("params",)),
        ("text = '''two\nlines'''\nreturn len(text)", ()),
        ("[value for name in params for value in params[name]]", ("params",)),
    ],
)
def test_expression_body_and_module_ask_for_what_they_name(code: str, arguments: tuple[str, ...]) -> None:
    assert compile_metric(code, name="m").arguments == arguments


def test_a_module_keeps_its_own_cadence_unless_told() -> None:
    code = "@metric(every=7, chart=Line(y_scale='log'))\ndef f(step):\n    'What it is.'\n    return step\n"
    made = compile_metric(code, name="f")
    assert (made.every, made.charts[0].y_scale, made.help) == (7, "log", "What it is.")
    assert compile_metric(code, name="f", every=2).every == 2


@pytest.mark.parametrize(
    ("code", "line", "words"),
    [
        ("x = (", 1, "does not compile"),
        ("x = 1\ny = grad.norm()\nreturn y", 2, "Did you mean 'grads'"),
        ("x = 1", 1, "gives no value"),
        ("@metric\ndef f(grds):\n    return 1\n", None, "Did you mean 'grads'"),
        ("@metric\ndef f():\n    return 1\n\n@metric\ndef g():\n    return 1\n", 6, "holds one metric"),
        ("import nothing_of_this_name\n\n@metric\ndef f():\n    return 1\n", 1, "does not load"),
        ("   ", 1, "no code yet"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(code: str, line: int | None, words: str) -> None:
    with pytest.raises(MetricError, match=words) as caught:
        compile_metric(code, name="m")
    assert caught.value.line == line


@given(st.text(max_size=200))
def test_whatever_is_typed_gives_a_metric_or_a_sentence(text: str) -> None:
    assert compiled(text)


def compiled(text: str) -> str:
    """The sentence of the error, or what was compiled."""
    try:
        return repr(compile_metric(text, name="m").function)
    except MetricError as error:
        return str(error)


@pytest.mark.parametrize(
    ("code", "line", "meant", "words"),
    [
        ("x = 'ä'\nreturn x + [].apend(step)", 2, "apend", "no attribute 'apend'; did you mean 'append'? (line 2)"),
        ("return 'ä', {}.a.b", 1, "a", "no attribute 'a' (line 1)."),
        ("return 'ä', 1 / (step - step)", 1, "1 / (step - step)", "division by zero (line 1)."),
        ("return sum(\n[1, 'a'])", 1, "sum(", "unsupported operand"),
    ],
)
def test_what_failed_is_told_to_the_character_and_what_was_meant(code: str, line: int, meant: str, words: str) -> None:
    made = compile_metric(code, name="m")
    with pytest.raises((AttributeError, ArithmeticError, TypeError)) as caught:
        made.function(*[1] * len(made.arguments))
    failure = describe_failure(made, 7, caught.value)
    assert words in failure.message
    assert failure.line == line
    text = code.splitlines()[line - 1]
    start, end = failure.column, failure.end_column
    if start is None:
        assert meant == "sum("  # it goes on in the next line, so the whole line is meant
    else:
        assert text[start - 1 : end - 1] == meant


def test_an_object_that_cannot_tell_its_names_is_no_trouble() -> None:
    made = compile_metric(
        "class Odd:\n    def __dir__(self):\n        raise RuntimeError('no')\nreturn Odd().nothing", name="m"
    )
    with pytest.raises(AttributeError) as caught:
        made.function()
    assert describe_failure(made, 1, caught.value).message.endswith("has no attribute 'nothing' (line 4).")
