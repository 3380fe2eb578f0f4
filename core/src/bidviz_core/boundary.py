"""The step boundary: the moment just after an update, on the training thread, when everything of ours happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import get_ident
from time import perf_counter
from typing import TYPE_CHECKING, Any

from bidviz_core.channel import Channel
from bidviz_core.metrics.engine import Engine
from bidviz_core.orders import Orders
from bidviz_core.pulse import ticking

if TYPE_CHECKING:
    from bidviz_core.session import Session

#: The weight of a new step in the running averages.
_WEIGHT = 0.02
#: Seconds; where the last measured step is longer ago, steps have become slow.
_LATE = 1.0


class Boundary:
    """Counts steps, runs what is due, attends to orders, and waits here while the run is paused.

    Everything is written by the training thread alone, but `pause_wanted`, which anybody may set.

    A step at which nothing is due but numbers to be read is over after the few lines of `tick`, without the rest.

    Args:
        session: the session.
        channel: where orders come from.
        engine: the metrics.
        learner: what is trained.
    """

    def __init__(self, session: Session, channel: Channel, engine: Engine, learner: Any) -> None:
        self.learner = learner
        self._channel = channel
        self.pulse = learner.pulse = channel.pulse
        #: Called when a step is over, on the training thread.
        self.tick = ticking(self.pulse, learner, self._take)
        self._plan = engine.calm(0, 0.0)[0]
        self._series = engine.series
        self._engine = engine
        self._session = session
        #: The usual seconds of a step.
        self.step_time = 0.0
        #: Seconds of ours between steps, and of all steps with them, pauses left out, and how many steps; replaced as
        #: one: others read it.
        self.account = (0.0, 0.0, 0)
        #: Of ours, at the boundary that was last, which is part of the step after it, and what was recorded since.
        self._unbooked = 0.0
        self._marked_step = 0  # the last step that was not calm, and when it was over
        self._marked_at = self.pulse.last_step_at
        self._pause_wanted = False
        self.paused_by = ""
        self.stop_wanted = False  # the run ends at its next boundary
        self.leave = False  # a pause is left for what has to be done between two batches of a loop of ours
        #: Takes the place of all that happens at a boundary while steps are only tried out.
        self.excursion: Callable[[int], None] | None = None
        self.paused = False
        self.state_since = time.time()
        self.inside = False
        self._snapshots = session.snapshots
        self._orders = Orders(session, channel, self)
        self._watchers: tuple[tuple[int, Callable[[int], None]], ...] = ()
        self._waited = 0.0
        self._prepared: frozenset[str] | None = None
        self._step_hook = False
        self._gradient_hook = False
        self._propose_hook = False
        self._hooks_changed = True
        self._required: frozenset[str] | None = None
        self._prepare()

    @property
    def step(self) -> int:
        """The step that was made last."""
        return self.pulse.step

    @property
    def thread(self) -> int:
        """The training thread."""
        return self.pulse.thread

    @thread.setter
    def thread(self, ident: int) -> None:
        self.pulse.thread = ident

    @property
    def last_step_at(self) -> float:
        """When the last step was over, by `perf_counter`."""
        return self.pulse.last_step_at

    def step_done(self, loss: Any, values: dict[str, Any]) -> None:
        """The step is over of a learner that no adapter watches.

        Args:
            loss: its loss.
            values: its batch as `minibatch`, and what there is to record beside.
        """
        began = perf_counter()
        self.learner.tell(loss, values.pop("minibatch", None))
        if values:
            self.pulse.in_step = True
            self._session.log(values)
        self._unbooked += perf_counter() - began
        self.tick()
        self.learner.release()  # where the step was calm; a batch is not to be kept beside the next one

    def _read_anew(self, step: int, moment: float) -> bool:
        """Records the numbers of the plan the long way; says whether that could be done."""
        done = self._engine.read_numbers(self._plan, step, moment)
        self._renew_reading()
        return done

    def _renew_reading(self) -> None:
        plan = self._plan
        ring = self._channel.ring(plan.names)
        if not plan.names:
            self.pulse.read = None
        else:
            self.pulse.read = plan.reading(ring, self._series, self._read_anew) if ring is not None else self._read_anew

    def _take(self, step: int, began: float, read: bool = False) -> None:
        """A step that is not calm, or not any more once its numbers were read."""
        if self.excursion is not None:
            self.excursion(step)
            self.learner.release()
            self.pulse.in_step = False
            return
        steps = step - self._marked_step
        # The first steps warm caches up; after that, a running average.
        weight = max(min(1.0, _WEIGHT * steps), steps / step)
        if self._marked_step:
            seconds = began - self._marked_at - self._waited
            self.step_time += weight * (seconds / steps - self.step_time)
            own, total, counted = self.account
            own += self._unbooked + (steps - 1) * self.pulse.calm_time
            self.account = (own, total + seconds, counted + steps)
        self._marked_step, self._marked_at = step, began
        self._waited = 0.0
        quiet = not self.pulse.attention
        self.inside = True
        try:
            moment = time.time()
            self.pulse.clock = moment - perf_counter()
            if not read:
                self._engine.run_due(step, moment, self.step_time)
            if self._snapshots.worker is not None:
                self._snapshots.submit(step, moment)
            if self._step_hook:
                self._session.plugins.tell("step_ended", session=self._session, step=step)
            if self.pulse.attention:
                self._orders.attend()
            if self._propose_hook:
                self._session.changes.take_proposals(step)
            for _, watcher in self._watchers:
                watcher(step)
            if self._pause_wanted:
                self.wait()
            if self.stop_wanted:
                self._session.control.end_here()
        finally:
            self.inside = False
            self._prepare()
            self.learner.release()
            self.pulse.in_step = False
        self._unbooked = taken = perf_counter() - began - self._waited
        if quiet:
            self._engine.took(taken)

    def pace(self) -> float:
        """Seconds of a step of late; also where steps have become slow since the last that was measured."""
        steps = self.step - self._marked_step
        seconds = self.pulse.last_step_at - self._marked_at - self._waited  # a pause is no step
        return seconds / steps if steps > 0 and seconds > _LATE else self.step_time

    @property
    def pause_wanted(self) -> bool:
        """Whether the run is to wait at its next step boundary."""
        return self._pause_wanted

    @pause_wanted.setter
    def pause_wanted(self, wanted: bool) -> None:
        self._pause_wanted = wanted
        self.pulse.attention = True

    def renew_hooks(self) -> None:
        """Looks anew which hooks somebody implements; called, on whatever thread, when plugins change."""
        self._step_hook = self._session.plugins.wanted("step_ended")
        self._gradient_hook = self._session.plugins.wanted("gradients_ready")
        self._gradient_hook |= self._session.control.pauses_on_bad_gradients
        self._propose_hook = self._session.plugins.wanted("propose_hyperparameters")
        self._hooks_changed = True
        self.pulse.calm_until = 0
        if not self.inside and get_ident() == self.thread:
            self._prepare()  # elsewhere the next boundary does it

    def call(self, function: Callable[[], Any]) -> Any:
        """Calls a function on the training thread: now when this is it, at the next boundary otherwise.

        Returns:
            What the function returns; raises what it raises.
        """
        if get_ident() == self.thread or self._session.closed:
            answer = function()
            if not self.inside:
                self._prepare()
            return answer
        return self._orders.call(function).result()

    def give_up(self) -> None:
        """The session ends: whoever waits for a boundary is let go."""
        self._orders.give_up()

    def soon(self, function: Callable[[], Any]) -> None:
        """Has a function called at the next boundary, or at once in a pause; waits for nothing."""
        self._orders.call(function)

    def watch(self, watcher: Callable[[int], None], rank: int = 0) -> None:
        """Has a function called at each step boundary, after orders and before a pause; on the training thread.

        While there is one no step is calm, unless policies can do all that it would, so it is to be taken away as soon
        as it has nothing to do. To be called again when there is more to do for it than before.

        Args:
            watcher: called with the step; a new tuple of watchers is used from the next step on.
            rank: lower ones come first.
        """
        if not any(known == watcher for _, known in self._watchers):
            self._watchers = tuple(sorted((*self._watchers, (rank, watcher)), key=lambda one: one[0]))
        self.pulse.calm_until = 0

    def unwatch(self, watcher: Callable[[int], None]) -> None:
        """Takes a function away that `watch` was given."""
        self._watchers = tuple(one for one in self._watchers if one[1] != watcher)
        self._calm_until = 0

    def wait(self) -> None:
        """Waits here, on the training thread, while a pause is wanted, and serves orders meanwhile."""
        began = perf_counter()
        self._pause()
        # A pause is the person's time, not a cost of watching.
        waited = perf_counter() - began
        self._waited += waited
        self.learner.left_out(waited)

    def wait_between(self) -> None:
        """Waits between two batches of a loop of ours, outside any update."""
        self.inside = True
        try:
            self.wait()
        finally:
            self.inside = False
            self._prepare()

    def wait_before_update(self) -> None:
        """Waits inside the coming update; what the step has kept so far stays."""
        self.inside = True
        try:
            self.wait()
        finally:
            self.inside = False

    def rewind(self, step: int) -> None:
        """Counts on from another step; for the training thread, between two steps."""
        self.pulse.offset += self.step - step
        self.pulse.step = step
        self._marked_step = step
        self._marked_at = self.pulse.last_step_at = perf_counter()
        self._waited = self._unbooked = 0.0
        self.learner.release()
        self.pulse.in_step = False
        self.pulse.attention = True
        if not self.inside:
            self._prepare()

    def begin_excursion(self, take: Callable[[int], None]) -> None:
        """Has steps from here on told to `take` alone, with their loss, until `end_excursion`."""
        self.excursion = take
        self.pulse.calm_until = 0
        self.learner.require(self._engine.ever | {"loss"}, logs=self.pulse.logs, gradients_ready=False)
        self.learner.prepare(frozenset({"loss"}), ())

    def end_excursion(self) -> None:
        """Everything happens at a boundary again."""
        self.excursion = None
        self._hooks_changed = True
        self._prepared = None
        self._prepare()

    def _pause(self) -> None:
        self.paused = True
        self.state_since = time.time()
        self._session.renew_catalogue()
        self._orders.answer_waiting()
        try:
            while self._pause_wanted and not (self.leave or self.stop_wanted or self._session.closed):
                self._channel.wait_for_order()
                self._orders.serve()
        finally:
            self.paused, self._session.control.reached = False, ""
            self.state_since = time.time()

    def _prepare(self) -> None:
        """Says to the learner what the coming step has to keep, where that differs from the last."""
        engine, orders = self._engine, self._orders
        if self._required is not engine.ever or self._hooks_changed:
            self._required = engine.ever
            self._hooks_changed = False
            self.learner.require(engine.ever, logs=self.pulse.logs, gradients_ready=self._gradient_hook)
        self.pulse.calm_until = 0
        self.pulse.beside = None
        busy = self._step_hook or self._propose_hook or orders.needed or self._snapshots.worker is not None
        if not busy and self._watchers:
            self.pulse.beside = self._session.policies.beside([watcher for _, watcher in self._watchers])
            busy = self.pulse.beside is None
        if not busy:
            self._plan, self.pulse.calm_until = engine.calm(self.step, self.step_time)
            self._renew_reading()
        wanted = engine.wanted(self.step + 1)
        patterns: tuple[Any, ...] = ()
        if self._snapshots.worker is not None and (more := self._snapshots.wanted(self.step + 1)):
            patterns = self._snapshots.activation_patterns(self.step + 1)
            if patterns or not more <= wanted:
                wanted = wanted | more
        if orders.needed:
            self._prepared = wanted | orders.needed
            extra = (orders.modules or "*",) if "activations" in orders.needed else ()
            self.learner.require(engine.ever | orders.needed, logs=self.pulse.logs, gradients_ready=self._gradient_hook)
            self.learner.prepare(self._prepared, (*engine.activation_patterns(self.step + 1), *patterns, *extra))
            orders.needed = frozenset()
            self._hooks_changed = True
        elif wanted is not self._prepared:
            self._prepared = wanted
            self.learner.prepare(wanted, (*engine.activation_patterns(self.step + 1), *patterns))

    def first_log(self) -> int:
        """The script logs a value for the first time: from now on it matters when a step has begun.

        Returns:
            The step that the value belongs to.
        """
        self.pulse.logs = True
        self._hooks_changed = True
        if not self.inside:
            self._prepare()
        return max(1, self.step)
