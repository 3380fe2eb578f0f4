"""Whether a step has begun since the last boundary: what the script logs belongs to the step that is being computed."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from bidviz_core.learners.torch_learner import TorchLearner

#: Gives the number of the next node of this thread's autograd graph; newer torches have it.
_sequence: Callable[[], int] | None = getattr(torch.autograd, "_get_sequence_nr", None)

#: Steps for which forward passes are listened to before it is done without.
_TRIAL = 64


class Begun:
    """Tells whether a forward or backward pass of the coming step has been seen, without a hook where that can be done.

    A module with a hook is called by torch's long way, which costs each step about 10 µs. It is needed only by a script
    that logs between forward and backward. So after a trial in which none did, the hook is taken away, and the numbers
    that torch gives to the nodes of its graph say that nothing was computed since the boundary. When something was,
    the hook comes back for good, and this once the length of the graph decides: that of a pass, or of a running sum.

    Args:
        learner: the learner; hooks say in its pulse that a step has begun.
        hook: called when the hook is to be put on or taken away.
    """

    def __init__(self, learner: TorchLearner, hook: Callable[[], None]) -> None:
        #: Whether forward passes have to be listened to.
        self.listens = learner.pulse.unsure = True
        learner.pulse.sequence = _sequence or int
        learner.pulse.mark()
        self._learner = learner
        self._hook = hook
        self._trial_ends = learner.made + _TRIAL  # in steps
        self._certain = _sequence is None  # the hook stays
        self._usual = 2  # nodes of a forward pass

    def backward(self) -> None:
        """During the trial: the first backward pass of a step begins."""
        self._usual = max(2, self._learner.pulse.sequence() - self._learner.pulse.at)

    def __call__(self) -> bool:
        """Whether a step has begun, as far as this thread has seen."""
        learner = self._learner
        pulse = learner.pulse
        if pulse.in_step:
            if self.listens and not self._certain and not learner.seen_backward:
                self._certain = True  # it logs between forward and backward
            return True
        if self._certain or get_ident() != pulse.at_thread:
            return False
        if self.listens:
            if learner.made >= self._trial_ends:
                self.listens = pulse.unsure = False
                self._hook()
            return False
        made = pulse.sequence() - pulse.at
        if not made:
            return False
        self.listens = pulse.unsure = self._certain = True
        self._hook()
        pulse.in_step = 2 * made >= self._usual
        return pulse.in_step
