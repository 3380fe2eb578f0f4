"""The console where IPython is not installed: Python alone, without magics, with top-level `await`."""

from __future__ import annotations

import ast
import inspect
import traceback
from types import CodeType
from typing import Any

from bidviz_core.console.figures import sendable
from bidviz_core.console.output import Output
from bidviz_core.console.scope import Scope
from bidviz_core.console.traces import where_interrupted, without_ours
from bidviz_core.console.waiting import Awaiting
from bidviz_core.metrics.interrupt import AWHILE, INTERRUPTS

#: What `exit()` and the like say.
EXIT = "This would end nothing but the console: close it with its Close button. session.stop() ends the training."

_FILE = "<console>"
_METHODS = {"_repr_html_": "text/html", "_repr_png_": "image/png", "_repr_svg_": "image/svg+xml"}


class Outcome:
    """What became of one line.

    Args:
        value: of its last expression.
        error: what it raised, or none.
    """

    def __init__(self, value: Any, error: BaseException | None) -> None:
        self.value = value
        self.error = error


class PlainShell:
    """Runs lines.

    Args:
        scope: the names that lines find.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.awaiting = Awaiting()
        self._output = Output(None)
        scope["exit"] = scope["quit"] = lambda *_: self._output.write("stderr", EXIT + "\n")
        scope.ready()

    def run(self, code: str, output: Output, *, boundary: bool) -> Outcome:
        """Runs a line; see `Shell.run`."""
        self._output = output
        self.scope.begin()
        value: Any = None
        error: BaseException | None = None
        try:
            try:
                value = self._run(code)
                if value is not None:
                    self.scope["_"] = value
                    output.show(_forms(value))
            except BaseException as raised:  # noqa: BLE001 - whoever ran the line looks at an interrupt or a stop
                error = raised
                if isinstance(raised, INTERRUPTS):
                    for _ in range(AWHILE):  # its other half, which may come between any two lines
                        pass
        except INTERRUPTS as second:
            error = error or second
        if error is not None:
            output.write("stderr", _trace(error))
        self.scope.end()
        return Outcome(value, error)

    def displayhook(self, value: object) -> None:
        """What code compiled for a prompt shows."""
        if value is not None:
            self.show(value)

    def show(self, *objects: Any, **_: Any) -> None:
        """`display(…)` in a line."""
        for one in objects:
            forms = _forms(one)
            self._output.show({**forms, "text/plain": forms["text/plain"] + "\n"})

    def completer(self) -> None:
        """There is none; names are completed by jedi."""

    def close(self) -> None:
        """Lets go of everything that lines held."""
        self.awaiting.close()
        self.scope.pop("_", None)

    def _run(self, code: str) -> Any:
        tree = compile(code, _FILE, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        assert isinstance(tree, ast.Module)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        self._finish(_compile(tree, "exec"))
        if last is None:
            return None
        assert isinstance(last, ast.Expr)
        return self._finish(_compile(ast.Expression(last.value), "eval"))

    def _finish(self, code: CodeType) -> Any:
        result = eval(code, self.scope)
        return self.awaiting.run(result) if code.co_flags & inspect.CO_COROUTINE else result


def _compile(tree: Any, mode: str) -> CodeType:
    code: CodeType = compile(tree, _FILE, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return code


def _forms(value: Any) -> dict[str, Any]:
    forms: dict[str, Any] = {"text/plain": repr(value)}
    for method, kind in _METHODS.items():
        make = getattr(type(value), method, None)
        if make is not None and (form := make(value)) is not None:
            forms[kind] = form
    return sendable(forms)


def _trace(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"SystemExit: {error} — the training goes on; session.stop() ends it.\n"
    if isinstance(error, INTERRUPTS):
        return where_interrupted(error.__traceback__)
    return "".join(traceback.format_exception(type(error), error, without_ours(error.__traceback__)))
