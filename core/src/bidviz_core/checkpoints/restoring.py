"""Going back to a state that was kept in a file or in memory."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bidviz_core.checkpoints.file import Contents
from bidviz_core.checkpoints.state import check, owned, put_back
from bidviz_core.control.reply import Reply
from bidviz_core.errors import CommandError

if TYPE_CHECKING:
    from bidviz_core.checkpoints.collection import Checkpoints
    from bidviz_core.session import Session


class Loaded(NamedTuple):
    """A checkpoint that was read and found whole.

    Args:
        name: its id.
        about: what it says of itself.
        state: gives the state's tree, with tensors in the memory that was read.
    """

    name: str
    about: dict[str, Any]
    state: Callable[[], dict[str, Any]]

    @property
    def step(self) -> int:
        """The step after which it was taken."""
        return int(self.about["step"])

    @classmethod
    def plain(cls, path: Path, contents: Contents) -> Loaded:
        """From a file without tensors."""
        return cls(path.stem, contents.about, lambda: _tree(pickle.loads, contents.state))

    @classmethod
    def of_tensors(cls, path: Path, contents: Contents) -> Loaded:
        """From a file with tensors."""
        from bidviz_core.checkpoints.memory import held_in
        from bidviz_core.checkpoints.packing import unpack

        held = held_in(contents.tensors, contents.about["tensors"] or [])
        return cls(path.stem, contents.about, lambda: _tree(unpack, contents.state, held.tensors))


class InMemory:
    """A state kept in memory for a while; calling it puts the state back, without the position in the data."""

    def __init__(self, session: Session, checkpoints: Checkpoints, state: bytes, held: Any) -> None:
        self._session, self._checkpoints = session, checkpoints
        self._state, self._held = state, held

    def __call__(self) -> None:
        if self._held is None:
            state = pickle.loads(self._state)
        else:
            from bidviz_core.checkpoints.packing import unpack

            self._held.wait()
            state = unpack(self._state, self._held.tensors)
        put_back(self._session, self._checkpoints, state)

    def drop(self) -> None:
        """Lets the memory go."""
        if self._held is not None:
            self._held.let_go()


def restore_here(
    session: Session,
    checkpoints: Checkpoints,
    loaded: Loaded,
    author: str,
    values: dict[str, Any],
    branching: bool = False,
) -> Reply:
    """Goes back, or takes a training up again before its first step.

    Args:
        session: the session.
        checkpoints: its checkpoints.
        loaded: the checkpoint.
        author: who wants it.
        values: hyperparameters to set afterwards.
        branching: the run so far ends here, so that its history stays whole.

    Raises:
        CommandError: it does not fit, or this loop cannot go back; nothing is changed.
    """
    control = session.control
    beginning = control.loop is None and session.step == 0
    if not beginning and (reason := control.needs_loop("going back to a checkpoint")):
        raise CommandError(reason)
    checked = [(name, session.hyperparameters.check(name, value)) for name, value in values.items()]
    state = loaded.state()
    partly = beginning
    if not checkpoints.companions.looked or beginning:
        checkpoints.companions.look()
    check(session, checkpoints, state, partly)
    old = session.step
    if control.loop is not None:
        _check_position(session, state)
        if state["position"] is not None:
            control.loop.go_to(owned(state["position"]))
    put_back(session, checkpoints, state, partly)
    if beginning:
        checkpoints.pending = loaded
    control.has_gone_back()
    detail = {"id": loaded.name, "from": old, "to": session.step, "time": time.time(), "run": loaded.about.get("run")}
    summary = (
        f"from step {old:,} back to step {session.step:,}" if not beginning else f"taken up at step {session.step:,}"
    )
    if ruined := control.bad_updates.gone_back(loaded.name):
        summary += f", where {ruined} is not finite: it is of no use to go on from there"
    if not branching:
        session.journal.add(session.step, author, "restoreCheckpoint", summary, detail)
    if checked:
        session.changes.write(checked, author, "modifyParam")
    session.renew_catalogue()
    return Reply(True, "", session.step)


def _check_position(session: Session, state: dict[str, Any]) -> None:
    position, loop = state["position"], session.control.loop
    assert loop is not None
    if position is not None and position["length"] != loop.feed.length():
        raise CommandError(
            f"The checkpoint was taken in a loop over {position['length']} batches an epoch, this one has "
            f"{loop.feed.length()}: the position in the data cannot be taken up. Nothing was changed."
        )


def _tree(load: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    try:
        tree: dict[str, Any] = load(*arguments)
    except Exception as error:
        raise CommandError(f"The checkpoint cannot be read here: {type(error).__name__}: {error}") from error
    return tree
