"""The console's commands: a line of Python in the training process, its completion, and what was typed before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bidviz_core.control.reply import Reply
from bidviz_core.hookspecs import hookimpl
from bidviz_core.messages.commands import CompleteConsole, ConsoleHistory, EvaluateCommand, Method, Order

if TYPE_CHECKING:
    from bidviz_core.session import Session


def evaluate(session: Session, order: Order) -> Reply:
    """Runs code and gives what it printed and the value of its last expression, as text."""
    return session.console.evaluate(order)


def complete(session: Session, order: Order) -> Reply:
    """What the name before the cursor may become."""
    assert isinstance(order.command, CompleteConsole)
    content = order.command.content
    found = session.console.complete(content.code, content.position)
    return Reply(True, {"matches": found.matches, "start": found.start})


def past(session: Session, order: Order) -> Reply:
    """The last lines of this user's, oldest first."""
    assert isinstance(order.command, ConsoleHistory)
    session.console.prepare()  # somebody has a console open
    return Reply(True, session.console.history(order.command.content.count))


@hookimpl
def register_commands() -> dict[type[Method], Any]:
    """The handlers of this module."""
    return {EvaluateCommand: evaluate, CompleteConsole: complete, ConsoleHistory: past}
