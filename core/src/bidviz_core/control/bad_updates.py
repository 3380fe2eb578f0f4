"""What there is to say of an update that waits because of its gradients: whether skipping it helps, and what does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bidviz_core.session import Session


class BadUpdates:
    """Looks at the model where an update waits, or after going back, and at no other step; on the training thread.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        #: How many updates in a row, up to the one that waits, were left out: where there are any, that did not help.
        self.skipped = 0
        self._skipped_at = -1
        #: Weights that are not finite themselves, and buffers with NaN, which no skipping mends; as words.
        self.ruined = ""
        self._last_good = -1  # up to this step the model may have been whole
        self._ruined_checkpoints: set[str] = set()

    @property
    def back_to(self) -> int | None:
        """Where something is ruined, the step of the newest checkpoint that may be from before; on any thread.

        It is looked for when it is asked for: one that was being written when the update began to wait is ready soon.
        """
        if not self.ruined:
            return None
        ready = [one for one in self._session.checkpoints if one.state == "ready"]
        steps = [one.step for one in ready if one.id not in self._ruined_checkpoints and one.step <= self._last_good]
        return max(steps, default=None)

    def waits(self) -> None:
        """An update waits."""
        session = self._session
        if session.step != self._skipped_at:
            self.skipped = 0
        weights, buffers = session.learner.spoilt()
        # Weights are as the last update left them; a buffer may have been spoilt by the pass of this step.
        self._last_good = session.step - 1 if weights else session.step
        self.ruined = listed([*weights, *buffers])

    def was_skipped(self) -> None:
        """The update that waits is left out."""
        self.skipped, self._skipped_at = self.skipped + 1, self._session.step + 1

    def gone_back(self, checkpoint: str) -> str:
        """The run is at the state of a checkpoint: tells what of it is not finite, as words; empty where all is."""
        self._skipped_at = -1
        weights, buffers = self._session.learner.spoilt()
        if weights or buffers:
            self._ruined_checkpoints.add(checkpoint)
        return listed([*weights, *buffers])


def listed(names: Sequence[str]) -> str:
    """Some of many names, as words."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
