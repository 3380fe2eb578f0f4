"""`evaluateCommand`: a line of Python in the training process, at the step boundary."""

from __future__ import annotations

import ast
import traceback
from typing import TYPE_CHECKING, Any

from bidviz_core.control.reply import Reply
from bidviz_core.errors import TrainingStopped
from bidviz_core.hookspecs import hookimpl
from bidviz_core.messages.commands import EvaluateCommand, Method, Order
from bidviz_core.metrics.printing import PrintCatcher

if TYPE_CHECKING:
    from bidviz_core.session import Session


def evaluate(session: Session, order: Order) -> Reply:
    """Runs code and gives what it printed and the value of its last expression, as text."""
    assert isinstance(order.command, EvaluateCommand)
    code = order.command.content.code
    catcher = PrintCatcher()
    catcher.start()
    success = True
    shown = ""
    try:
        shown = session.interruptible.call("console", _run, code, session.report.console_scope())
    except TrainingStopped:
        raise
    except BaseException as error:  # sys.exit and an interrupt included: the training goes on  # noqa: BLE001
        success = False
        shown = _trace(error)
    printed = catcher.stop()
    text = printed + ("\n" if printed and shown and not printed.endswith("\n") else "") + shown
    session.journal.add(
        session.step, order.author, "evaluateCommand", code.strip().split("\n")[0][:120], {"code": code}, success
    )
    return Reply(success, text, session.step)


def _run(code: str, scope: dict[str, Any]) -> str:
    tree = ast.parse(code, "<console>")
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<console>", "exec"), scope)
    if last is None:
        return ""
    assert isinstance(last, ast.Expr)
    value = eval(compile(ast.Expression(last.value), "<console>", "eval"), scope)
    if value is None:
        return ""
    scope["_"] = value
    return repr(value)[:100_000]


def _trace(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != "<console>":
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)).rstrip()


@hookimpl
def register_commands() -> dict[type[Method], Any]:
    """The handlers of this module."""
    return {EvaluateCommand: evaluate}
