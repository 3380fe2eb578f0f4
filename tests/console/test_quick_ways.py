"""Where the console spares what IPython would do, a line gives what it gives there."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.async_helpers import _should_be_async
from IPython.core.inputtransformer2 import EscapedCommand, MagicAssign, TransformerManager

from bidviz_core.console.shell import _Transformers

#: Of what IPython looks at, and of Python that looks like it.
PIECES = [
    *("%", "%%", "!", "!!", "!=", "?", "??", "/", ",", ";", "=", " = ", "(", ")", "[", "]", ":", "'", '"', '"""', "\\"),
    *("\n", "\n    ", " ", "a", "x_1", "2", "if ", "else", "lambda ", "print", "ls", "cd ..", ">>> ", "In [1]: ", "# "),
]
LINES = [
    *("a != b", "a %b", "x = %pwd", "x = !ls", "!=ls", " !ls", "  !!ls", "a?", "?a", "a.b??", "/f 1", ", f a b"),
    *(
        "; f a b",
        "if a:\n    !ls\n",
        "if a:\n    ?b",
        "f'{a!r}'",
        "'?'",
        "a = 'b'; c = 1",
        "%%timeit\na",
        "%time a != b",
    ),
    *("a = (1,\n  !b)", "x=(\n/f)", ">>> a != b", "a = b \\\n  ? c", "1, 2", "a / b", "\x0c!ls", "a = b\r!ls\r\n?c"),
]


def transformed(manager: TransformerManager, code: str) -> str:
    """What a manager makes of a line, or which error."""
    try:
        return manager.transform_cell(code)
    except Exception as error:  # noqa: BLE001 - they have to fail alike as well
        return repr(error)


@pytest.mark.parametrize("code", LINES)
def test_a_line_is_transformed_as_by_ipython(code: str) -> None:
    assert transformed(_Transformers(), code) == transformed(TransformerManager(), code)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_any_line_is_transformed_as_by_ipython(code: str) -> None:
    assert transformed(_Transformers(), code) == transformed(TransformerManager(), code)


def test_syntax_that_somebody_has_added_is_looked_for() -> None:
    class Arrow(EscapedCommand):
        """`->` at the beginning of a line."""

        @classmethod
        def find(cls, tokens_by_line: Any) -> Any:
            return next((cls(line[0].start) for line in tokens_by_line if line and line[0].string == "->"), None)

        def transform(self, lines: list[str]) -> list[str]:
            return [line.replace("->", "arrow =") for line in lines]

    manager = _Transformers()
    assert MagicAssign in manager.token_transformers
    manager.token_transformers = [*manager.token_transformers, Arrow]
    assert manager.transform_cell("-> 1") == "arrow = 1\n"


@pytest.mark.parametrize(
    "code",
    ["1", "await f()", "[i async for i in a]", "async with a:\n    b", "async def f():\n    await a", "a waits"],
)
def test_what_waits_is_told_as_by_ipython(watched: Callable[..., Any], code: str) -> None:
    console = watched().session.console
    console.run("pass")
    shell = console._shells[True]
    assert shell.should_run_async(code, transformed_cell=code) is _should_be_async(code)


def test_lines_of_this_session_are_found_at_once(watched: Callable[..., Any]) -> None:
    console = watched().session.console
    console.run("first_of_all = 1")
    assert "first_of_all" in console.run("%history -g first_of").text
    assert "first_of_all" in console.run("%history -n 1").text


def test_values_of_former_lines_are_let_go(watched: Callable[..., Any], main: dict[str, Any]) -> None:
    class Large:
        """Something that would be missed."""

    main["Large"] = Large
    console = watched().session.console
    kept = weakref.ref(console.run("Large()").value)
    assert console.run("_1").value is kept() or console.run("_").value is kept()
    console.run("1\n2\n3")
    assert kept() is not None
    console.run("%reset -f")
    assert kept() is None
    assert console.run("_").text == "''"
    assert console.run("5").value == 5
