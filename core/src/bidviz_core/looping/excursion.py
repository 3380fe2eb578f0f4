"""Steps that are only tried out: what would the loss be with another value, on the very batches that come next?

The state is kept in memory, the batches are drawn as the training would have drawn them, each value is tried on them
from the same state, and everything is put back, random states and position in the data included. The batches are then
given to the training.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from bidviz_core.errors import CommandError
from bidviz_core.hyperparameters.holds import Request
from bidviz_core.looping.feed import Item
from bidviz_core.messages.commands import PauseTraining, StopTraining

if TYPE_CHECKING:
    from bidviz_core.looping.loop import Loop
    from bidviz_core.session import Session

#: The value at each step of a try; none leaves the present one.
Values = list[Any] | None
#: A try is over after so many batches for each step at most, also where no update comes of them.
_MOST_BATCHES = 64


class Excursion:
    """Tries values out from here.

    Args:
        session: the session.
        loop: its loop.
        name: the hyperparameter.
        tries: for each try the values at its steps, in order.
        steps: how many steps each takes.
        answer: told the losses of each try, and a sentence where fewer steps were made than wanted.
    """

    def __init__(
        self,
        session: Session,
        loop: Loop,
        name: str,
        tries: list[Values],
        steps: int,
        answer: Callable[[list[list[float]], str], None],
    ) -> None:
        self._session, self._loop = session, loop
        self._name, self._tries, self._steps, self._answer = name, tries, steps, answer
        self._losses: list[list[float]] = []
        self._items: list[Item] = []
        self._note = ""
        self._over = False
        self._paused = session.boundary.pause_wanted  # it goes on waiting afterwards

    @property
    def goes_on(self) -> bool:
        """Whether steps are being tried out; an error in one of them is no error of the training."""
        return self._session.boundary.excursion is not None

    def run(self) -> Iterator[Any]:
        """Yields the batches of all tries."""
        session, feed = self._session, self._loop.feed
        control = session.control
        place = feed.place
        kept = session.checkpoints.hold()
        recording = session.recorder.divert()
        session.report.keep()  # no step and no value that is only tried is told as the run's
        session.boundary.begin_excursion(self._step_over)
        control.trying = self
        try:
            for number, values in enumerate(self._tries):
                if number:
                    kept()
                if self._session.boundary.stop_wanted:
                    break
                self._losses.append([])
                self._over = False
                yield from self._try(values, drawn=number > 0)
        finally:
            control.trying = None
            session.boundary.excursion = None
            kept()
            kept.drop()
            session.boundary.end_excursion()
            session.report.kept = None
            session.recorder.resume(recording)
            feed.place = place
            feed.again(self._items)
        self._answer(self._losses, self._note)

    def failed(self, error: Exception) -> None:
        """The script's step failed, which ends this try."""
        self._over = True
        self._note = f"The step raised {type(error).__name__}: {error}"

    def _try(self, values: Values, drawn: bool) -> Iterator[Any]:
        losses = self._losses[-1]
        again = iter(list(self._items)) if drawn else None
        for _ in range(_MOST_BATCHES * self._steps):
            if len(losses) >= self._steps or self._over or self._called_away():
                return
            if values is not None:
                self._hold(values[len(losses)])
            item = next(again, None) if again is not None else self._draw()
            if item is None:
                return
            if again is not None:
                self._loop.feed.replay(item)
            if not item.ends:
                yield item.batch

    def _draw(self) -> Item | None:
        ended = self._items[-1].place.epoch if self._items else self._loop.feed.place.epoch
        if ended >= self._loop.epochs:
            self._note = f"The loop ends after {len(self._losses[-1])} more steps."
            return None
        item = self._loop.feed.draw_ahead()
        self._items.append(item)
        return item

    def _hold(self, value: Any) -> None:
        # As a person would: a policy of the target's lets it be.
        request = Request("override", value, "person", "what-if", self._session.step)
        self._session.hyperparameters.hold_for(self._name, request)

    def _step_over(self, step: int) -> None:
        """An update was made; the loss is the learner's own."""
        learner = self._session.learner
        number = learner.number
        if type(number) is not float:
            try:
                number = float(learner.loss())
            except Exception:  # noqa: BLE001 - no loss is seen here: the curve says so
                number = math.nan
        self._losses[-1].append(number)
        self._session.policies.advance(step)

    def _called_away(self) -> bool:
        """Whether somebody wants the training to stop or to wait: that comes first."""
        boundary = self._session.boundary
        if boundary.stop_wanted or (boundary.pause_wanted and not self._paused):
            return self._break_off()
        away = any(
            isinstance(order.command, StopTraining)
            or (isinstance(order.command, PauseTraining) and order.command.content)
            for order in list(self._session.channel.orders)
        )
        return away and self._break_off()

    def _break_off(self) -> bool:
        self._note = "It was broken off, because the training is to wait or to stop."
        self._over = True
        return True


def values_between(low: float, high: float, steps: int) -> list[float]:
    """Values from one to another, each by the same factor above the one before.

    Raises:
        CommandError: they are none that a factor leads between.
    """
    if not (0 < low < high < math.inf):
        raise CommandError(f"A range test goes from a value above 0 to a larger one, got {low} to {high}.")
    if steps < 2:
        raise CommandError(f"A range test takes at least 2 steps, got {steps}.")
    return [low * (high / low) ** (index / (steps - 1)) for index in range(steps)]
