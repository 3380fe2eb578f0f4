"""Changes on a lease: they go back after some steps or when the loss rises, unless somebody keeps them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bidviz_core.errors import BidvizError, CommandError
from bidviz_core.messages.steering import LeaseContent
from bidviz_core.metrics.failure import Unavailable

if TYPE_CHECKING:
    from bidviz_core.session import Session

#: How much of the smoothed loss each step keeps: a single bad batch ends no lease.
_DECAY = 0.9
#: The level is the mean of so many losses before the change.
_LEVEL_OVER = 50


@dataclass
class Lease:
    """What ends a change.

    Args:
        content: what was asked for.
        since: the step at whose boundary the change took hold.
        level: the loss then, smoothed; none where the lease does not look at it.
    """

    content: LeaseContent
    since: int
    level: float | None

    def __post_init__(self) -> None:
        #: The loss as it is smoothed now.
        self.smooth = self.level

    @property
    def sentence(self) -> str:
        """What ends it, for the page."""
        parts = []
        if self.content.steps is not None:
            parts.append(f"at step {self.since + self.content.steps:,}")
        if self.level is not None:
            parts.append(f"if the loss rises above {self._limit}")
        return f"goes back {' or '.join(parts)} unless it is kept"

    def over(self, step: int, loss: Callable[[], float | None]) -> str:
        """Why it is over at this step; empty if it is not."""
        if self.content.steps is not None and step >= self.since + self.content.steps:
            return f"the lease of {self.content.steps:,} steps is over"
        if self.level is None or self.smooth is None:
            return ""
        value = loss()
        if value is None:
            return ""
        self.smooth = _DECAY * self.smooth + (1 - _DECAY) * value
        if self.smooth <= self.level + (self.content.loss_rise or 0):
            return ""
        return f"the smoothed loss rose to {self.smooth:.4g}, above {self._limit}"

    @property
    def _limit(self) -> str:
        """What the loss may not rise above, as the form asks for it: so much over its mean of the steps before."""
        level, rise = self.level or 0.0, self.content.loss_rise or 0.0
        return f"{level + rise:.4g} = {level:.4g} (its mean of the {_LEVEL_OVER} steps before) + {rise:.4g}"


def make_lease(session: Session, content: LeaseContent, step: int) -> Lease:
    """Checks what was asked for and begins a lease.

    Raises:
        CommandError: it ends at nothing, or looks at a loss that is not there.
    """
    if content.steps is None and content.loss_rise is None:
        raise CommandError("A lease ends after steps or when the loss rises: give it steps or loss_rise.")
    if content.steps is not None and content.steps < 1:
        raise CommandError(f"A lease lasts at least 1 step, got {content.steps}.")
    if content.loss_rise is None:
        return Lease(content, step, None)
    if not math.isfinite(content.loss_rise) or content.loss_rise < 0:
        raise CommandError(f"loss_rise is a number from 0, got {content.loss_rise}.")
    return Lease(content, step, _level(session))


def present_loss(session: Session) -> float | None:
    """The loss of the step that is over; waits for a device, which is why only a lease asks."""
    try:
        value: Any = session.learner.loss()
    except Unavailable:
        return session.pump.latest.get("loss")
    return float(value)


def _level(session: Session) -> float:
    try:
        values = session.history("loss", start=max(1, session.step - _LEVEL_OVER + 1)).value
        finite = values[~(values != values)]
    except BidvizError:
        finite = ()
    if not len(finite):
        raise CommandError("There is no loss yet that the lease could look at: give it steps, or log one as 'loss'.")
    return float(sum(finite) / len(finite))
