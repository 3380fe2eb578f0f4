"""Checkpoints: taken, listed, gone back to, branched off and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bidviz_core.checkpoints.branching import branch_here
from bidviz_core.control.reply import Reply
from bidviz_core.errors import CommandError
from bidviz_core.hookspecs import hookimpl
from bidviz_core.messages.commands import (
    AutoCheckpoint,
    BranchCheckpoint,
    DeleteCheckpoint,
    ListCheckpoints,
    Method,
    Order,
    RestoreCheckpoint,
    SaveCheckpoint,
)

if TYPE_CHECKING:
    from bidviz_core.session import Session


def save_checkpoint(session: Session, order: Order) -> Reply:
    """Keeps the whole state."""
    assert isinstance(order.command, SaveCheckpoint)
    label = order.command.content.label
    if session.control.before_update:
        raise CommandError("An update waits in the middle of its step: skip it or resume, and save then.")
    return session.control.at_loop(order, lambda: session.checkpoints.save_now(label, order.author))


def auto_checkpoint(session: Session, order: Order) -> Reply:
    """Saves checkpoints by itself."""
    assert isinstance(order.command, AutoCheckpoint)
    content = order.command.content
    when = session.condition(content.when) if content.when else None
    session.checkpoints.auto.set(content.every, when, content.limit_bytes)
    wanted = [f"every {content.every:,} steps"] if content.every else []
    wanted += [f"when {content.when}"] if content.when else []
    detail = {"every": content.every, "when": content.when, "limit_bytes": content.limit_bytes}
    summary = f"checkpoints {' and '.join(wanted)}" if wanted else "no more checkpoints by themselves"
    session.journal.add(session.step, order.author, "autoCheckpoint", summary, detail)
    return Reply(True, "", session.step)


def list_checkpoints(session: Session, order: Order) -> Reply:
    """The checkpoints, oldest first."""
    return Reply(True, session.checkpoints.infos())


def restore_checkpoint(session: Session, order: Order) -> Reply:
    """Goes back to a checkpoint; its file is read on the service thread, while the training goes on."""
    assert isinstance(order.command, RestoreCheckpoint)
    content = order.command.content
    if reason := session.abilities().restore:
        raise CommandError(reason)
    checkpoints = session.checkpoints
    checkpoints.info(content.id)  # of this run only: a path would open any file
    loaded = checkpoints.load(content.id)
    return session.control.soon_at_loop(order, lambda: checkpoints.restore_here(loaded, order.author, content.values))


def branch_checkpoint(session: Session, order: Order) -> Reply:
    """Goes on from a checkpoint as another run; its file is read on the service thread."""
    assert isinstance(order.command, BranchCheckpoint)
    content = order.command.content
    if reason := session.abilities().branch:
        raise CommandError(reason)
    checkpoints = session.checkpoints
    checkpoints.info(content.id)
    for name, value in content.values.items():
        session.hyperparameters.check(name, value)
    loaded = checkpoints.load(content.id)

    def work() -> Reply:
        return branch_here(
            session,
            checkpoints,
            loaded,
            content.name,
            order.author,
            content.values,
            lambda reply: session.reply(order, reply),
        )

    return session.control.soon_at_loop(order, work)


def delete_checkpoint(session: Session, order: Order) -> Reply:
    """Deletes a checkpoint."""
    assert isinstance(order.command, DeleteCheckpoint)
    session.checkpoints.delete(order.command.content.id, order.author)
    return Reply(True, "", session.step)


@hookimpl
def register_commands() -> dict[type[Method], Any]:
    """The handlers of this module."""
    return {
        SaveCheckpoint: save_checkpoint,
        AutoCheckpoint: auto_checkpoint,
        ListCheckpoints: list_checkpoints,
        RestoreCheckpoint: restore_checkpoint,
        BranchCheckpoint: branch_checkpoint,
        DeleteCheckpoint: delete_checkpoint,
    }
