"""When checkpoints are taken by themselves, and which go when the ring is full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bidviz_core.errors import CommandError

if TYPE_CHECKING:
    from bidviz_core.control.run_control import Condition
    from bidviz_core.messages.steered import CheckpointInfo
    from bidviz_core.session import Session

#: Watchers of each step: the checkpoint is taken when everybody else is done with the step.
_RANK = 800


class AutoSave:
    """Takes a checkpoint every so many steps, and whenever a condition comes to hold.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.every: int | None = None
        self.limit_bytes: int | None = None
        self._when: tuple[str, Condition] | None = None
        self._held = False  # so that a condition which goes on holding takes one checkpoint, not one a step

    def set(self, every: int | None, when: tuple[str, Condition] | None, limit_bytes: int | None) -> None:
        """Begins, changes or ends it.

        Raises:
            CommandError: a number is none that can be meant.
        """
        if every is not None and every < 1:
            raise CommandError(f"every must be at least 1 step, got {every}.")
        if limit_bytes is not None and limit_bytes < 1:
            raise CommandError(f"limit_bytes must be at least 1, got {limit_bytes}.")
        self.every, self._when, self.limit_bytes = every, when, limit_bytes
        self._held = False
        if every is None and when is None:
            self._session.boundary.unwatch(self._look)
        else:
            self._session.boundary.watch(self._look, _RANK)

    def _look(self, step: int) -> None:
        reason = "every" if self.every is not None and step % self.every == 0 else ""
        if self._when is not None:
            held, self._held = self._held, self._holds()
            if self._held and not held:
                reason = "condition"
        if reason:
            self._session.checkpoints.save_here(reason, self._when[0] if reason == "condition" and self._when else "")

    def _holds(self) -> bool:
        assert self._when is not None
        try:
            return self._when[1].holds(self._session.scope())
        except Exception:  # noqa: BLE001 - a name that is not there yet; the condition simply does not hold
            return False


def surplus(infos: Sequence[CheckpointInfo], limit_bytes: int | None) -> list[Any]:
    """The checkpoints that have to go, oldest first: never the start, the newest, or one with a person's label."""
    if limit_bytes is None:
        return []
    ready = [one for one in infos if one.state == "ready"]
    total = sum(one.size for one in ready)
    gone = []
    for one in ready[:-1]:
        if total <= limit_bytes:
            break
        if one.reason == "start" or (one.reason == "person" and one.label):
            continue
        gone.append(one)
        total -= one.size
    return gone
