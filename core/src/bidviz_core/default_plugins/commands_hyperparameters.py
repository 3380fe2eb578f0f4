"""Setting, releasing and keeping hyperparameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bidviz_core.control.reply import Reply
from bidviz_core.hookspecs import hookimpl
from bidviz_core.messages.commands import (
    KeepChange,
    Method,
    Order,
    ReleaseHyperparameter,
    SetHyperparameter,
)

if TYPE_CHECKING:
    from bidviz_core.session import Session


def set_hyperparameter(session: Session, order: Order) -> Reply:
    """Sets a value or a factor, and answers with what the next update used."""
    assert isinstance(order.command, SetHyperparameter)
    content = order.command.content
    return session.changes.answer(order, lambda: session.changes.set(content, order.author))


def release_hyperparameter(session: Session, order: Order) -> Reply:
    """Gives a value back to the script and its scheduler."""
    assert isinstance(order.command, ReleaseHyperparameter)
    name = order.command.content.name
    return session.changes.answer(order, lambda: session.changes.release(name, order.author))


def keep_change(session: Session, order: Order) -> Reply:
    """Ends a lease; the change stays."""
    assert isinstance(order.command, KeepChange)
    session.changes.keep(order.command.content.name, order.author)
    return Reply(True, "", session.step)


@hookimpl
def register_commands() -> dict[type[Method], Any]:
    """The handlers of this module."""
    return {
        SetHyperparameter: set_hyperparameter,
        ReleaseHyperparameter: release_hyperparameter,
        KeepChange: keep_change,
    }
