"""Changes of the model itself: made, undone, and which parameters there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bidviz_core.control.reply import Reply
from bidviz_core.hookspecs import hookimpl
from bidviz_core.messages.commands import ChangeModel, ListParameters, Method, Order, UndoModelChange

if TYPE_CHECKING:
    from bidviz_core.session import Session


def change_model(session: Session, order: Order) -> Reply:
    """Freezes, unfreezes, initialises anew, scales or clips parameters, or resets their optimizer's state."""
    assert isinstance(order.command, ChangeModel)
    content = order.command.content
    return session.model_changes.apply(content.action, content.pattern, content.value, content.seed, order.author)


def undo_model_change(session: Session, order: Order) -> Reply:
    """Puts back what a change replaced."""
    assert isinstance(order.command, UndoModelChange)
    return session.model_changes.undo(order.command.content.number, order.author)


def list_parameters(session: Session, order: Order) -> Reply:
    """Every parameter with its shape, and whether it is trained."""
    return Reply(True, session.model_changes.parameters())


@hookimpl
def register_commands() -> dict[type[Method], Any]:
    """The handlers of this module."""
    return {ChangeModel: change_model, UndoModelChange: undo_model_change, ListParameters: list_parameters}
