"""Pause and resume, hyperparameters: what steers the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bidviz_core.control.reply import Reply
from bidviz_core.errors import CommandError
from bidviz_core.hookspecs import hookimpl
from bidviz_core.messages.commands import Method, ModifyParam, Order, PauseTraining, RequestParam
from bidviz_core.messages.contents import KeyValue

if TYPE_CHECKING:
    from bidviz_core.session import Session


def pause_training(session: Session, order: Order) -> Reply:
    """Pauses or resumes."""
    assert isinstance(order.command, PauseTraining)
    if order.command.content:
        session.pause(author=order.author)
    else:
        session.resume(author=order.author)
    return Reply(True, "", session.step)


def modify_param(session: Session, order: Order) -> Reply:
    """Sets hyperparameters, all or none, and reads them back."""
    assert isinstance(order.command, ModifyParam)
    content = order.command.content
    wanted: list[tuple[str, Any]] = (
        list(content.items())
        if isinstance(content, dict)
        else [(one.key, one.value) for one in content if _is_pair(one)]
    )
    hyperparameters = session.hyperparameters
    checked = []
    for name, value in wanted:
        try:
            checked.append((name, hyperparameters.check(name, value)))
        except CommandError as error:
            return Reply(False, f"Nothing was changed: {error}")
    try:
        session.changes.write(checked, order.author, "modifyParam")
    except CommandError as error:
        return Reply(False, f"Nothing was changed: {error}")
    return Reply(True, "", session.step)


def request_param(session: Session, order: Order) -> Reply:
    """Every hyperparameter as text."""
    return Reply(True, {name: str(session.hyperparameters[name]) for name in session.hyperparameters})


def _is_pair(one: Any) -> bool:
    return isinstance(one, KeyValue)


@hookimpl
def register_commands() -> dict[type[Method], Any]:
    """The handlers of this module."""
    return {PauseTraining: pause_training, ModifyParam: modify_param, RequestParam: request_param}
