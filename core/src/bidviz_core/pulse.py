"""What a step touches at which there is nothing to do: one small object, and the few lines that read it."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from time import perf_counter
from typing import Any


class Pulse:
    """The state of a run's steps that changes at each of them, side by side in memory.

    Between two steps the processor's caches are full of the training's tensors, so that each object touched here is
    fetched from afar: the attributes of the boundary, its channel and its learner would be a dozen of them.

    The training thread writes it, but `attention`, which anybody may raise.
    """

    __slots__ = (
        "at",
        "at_thread",
        "attention",
        "beside",
        "calm_time",
        "calm_until",
        "clock",
        "in_step",
        "last_step_at",
        "logs",
        "offset",
        "read",
        "sequence",
        "step",
        "thread",
        "unsure",
    )

    def __init__(self) -> None:
        self.step = 0
        self.offset = 0  # what going back took from the steps: with it they are the updates that were made
        self.thread = get_ident()  # the training thread
        self.last_step_at = perf_counter()
        #: Somebody wants something of the training thread; it lowers the flag before it looks what.
        self.attention = False
        self.calm_until = 0  # up to this step there is nothing to do but to `read`
        #: Records the numbers of a calm step, given the step and its moment in seconds since the epoch; none where
        #: there are none. Says whether that could be done.
        self.read: Callable[[int, float], bool] | None = None
        #: Does at a calm step what policies do; says whether that could be done.
        self.beside: Callable[[int, float], bool] | None = None
        self.clock = 0.0  # from `perf_counter` to seconds since the epoch
        self.calm_time = 0.0  # what a calm step takes of ours, in seconds
        self.in_step = False  # a forward or backward pass of the coming step has been seen
        self.logs = False  # whether the script has logged a value: then it matters when a step has begun
        self.unsure = False  # whether only forward passes that are listened to say that
        #: Gives the number of the next node of this thread's autograd graph; what it was at the last boundary, and on
        #: which thread that was. Without autograd it stays the same.
        self.sequence: Callable[[], int] = int
        self.at, self.at_thread = 0, self.thread

    def mark(self) -> None:
        """Remembers that up to here nothing of the coming step was computed."""
        self.at, self.at_thread = self.sequence(), get_ident()


def ticking(pulse: Pulse, learner: Any, take: Callable[..., None]) -> Callable[..., None]:
    """Makes the step boundary.

    Args:
        pulse: the state.
        learner: what is trained.
        take: called with the step and the present `perf_counter` at steps that are not calm, and with `read=True` where
            the numbers were read already.

    Returns:
        To be called when a step is over; as an optimizer's hook as well, whose arguments it does not need.
    """

    def tick(optimizer: Any = None, args: Any = None, kwargs: Any = None) -> None:
        began = pulse.last_step_at = perf_counter()
        thread = pulse.thread = get_ident()
        step = pulse.step = pulse.step + 1
        if (
            step > pulse.calm_until
            or pulse.attention
            or ((read := pulse.read) is not None and not read(step, began + pulse.clock))
        ):
            take(step, began)
        elif (beside := pulse.beside) is not None and not beside(step, began + pulse.clock):
            take(step, began, read=True)
        else:
            if pulse.in_step:
                pulse.in_step = False
                learner.number = None
            if step & 15 == 0:
                pulse.calm_time = perf_counter() - began
        if pulse.logs:
            pulse.at, pulse.at_thread = pulse.sequence(), thread  # as `mark` does

    return tick
