"""Run control: so many steps, until a condition, stop, a pause before a bad update, jobs between two batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from threading import get_ident
from typing import TYPE_CHECKING, Protocol

from bidviz_core.control.bad_updates import BadUpdates, listed
from bidviz_core.control.reply import DEFERRED, Reply
from bidviz_core.control.stopping import QuietEnd
from bidviz_core.errors import BidvizError, CommandError, TrainingStopped
from bidviz_core.messages.commands import Order
from bidviz_core.messages.steered import Abilities

if TYPE_CHECKING:
    from bidviz_core.looping.excursion import Excursion
    from bidviz_core.looping.loop import Loop
    from bidviz_core.session import Session

#: What a person can change so that their loop can do more.
_CHANGE = "Write the loop as `for batch in session.batches(loader, epochs=n)`, or as session.loop(step_fn, loader)."
#: What `paused_by` says while the coming update waits because of its gradients.
_BAD_GRADIENTS = "bad gradients"
#: Watchers of each step: conditions are looked at when everybody else is done with the step.
_RANK = 900


class Condition(Protocol):
    """What a run may go on until."""

    text: str

    def holds(self) -> bool:
        """Whether it holds now."""

    def close(self) -> None:
        """Nobody asks any more."""


class RunControl:
    """Steers when the training thread goes on, waits and ends.

    What needs a whole iteration to be over (saving, going back, trying out) is a *job*: it is done between two batches
    of `session.batches`. A step boundary lies inside `optimizer.step()`, when the script's scheduler has still to step.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.loop: Loop | None = None
        self.calls = 0  # of `session.batches`
        self.quiet_end = QuietEnd()
        self.stop_wanted = False
        self.stopped = False
        self.stopped_by = ""
        self.at_point = False
        self.trying: Excursion | None = None
        self.pauses_on_bad_gradients = False
        #: The update of the coming step waits; its gradients are not finite.
        self.before_update = False
        self.bad_updates = BadUpdates(session)
        self._jobs: deque[tuple[Callable[[], Reply], Order | Future[Reply]]] = deque()
        self._until_step: int | None = None
        self._until: Condition | None = None
        #: Why the run is paused, where it has paused by itself: `loss < 0.1 holds`.
        self.reached = ""

    # --- so many steps, until a condition ----------------------------------------------------------------------------

    def run(self, steps: int | None, until: Condition | None, author: str) -> None:
        """Goes on for so many steps or until a condition holds, and pauses then.

        Raises:
            CommandError: the number of steps is none.
        """
        session = self._session
        if until is None and (steps is None or steps < 1):
            raise CommandError(f"The number of steps must be at least 1, got {steps}.")
        if until is not None:
            what = f"goes on until {until.text}"
        else:
            what = "goes on for one step" if steps == 1 else f"goes on to step {session.step + (steps or 0):,}"
        self.forget_target()
        self._until = until
        self._until_step = session.step + steps if steps is not None else None
        session.boundary.watch(self._look, _RANK)
        session.journal.add(session.step, author, "runSteps", what, {"steps": steps, "until": until and until.text})
        session.boundary.paused_by = author
        session.boundary.pause_wanted = False
        session.channel.nudge()

    @property
    def goal(self) -> str:
        """Where the run is to pause by itself, as words; empty if nowhere. Read on the pump's thread."""
        step, until = self._until_step, self._until
        if until is not None:
            return f"when {until.text}"
        return f"at step {step:,}" if step is not None else ""

    def _look(self, step: int) -> None:
        session = self._session
        author, why = session.boundary.paused_by, ""
        if self._until_step is not None and step >= self._until_step:
            why = f"step {step:,} is reached"
        elif self._until is not None:
            try:
                if self._until.holds():
                    why = f"{self._until.text} holds"
                    session.journal.add(step, author, "pauseTraining", f"paused, as {why}")
            except Exception as error:  # noqa: BLE001 - a fence: the person is told, and the run waits
                why = f"{self._until.text} could not be judged: {error}"
                session.journal.add(step, author, "runSteps", f"{self._until.text}: {error}", success=False)
        if not why:
            return
        self.reached = why
        self.forget_target()
        session.boundary.pause_wanted = True

    def call_off(self, author: str) -> None:
        """Has the run go on without an end where it was to pause at a step or when a condition holds.

        Raises:
            CommandError: it was not.
        """
        if not (goal := self.goal):
            raise CommandError("Nothing to call off: the run waits for no step and no condition.")
        self.forget_target()
        step = self._session.step
        self._session.journal.add(step, author, "runSteps", f"no longer pauses {goal}", {"call_off": True})

    def forget_target(self) -> None:
        """Nobody waits for a step or a condition any more."""
        if self._until is not None:
            self._until.close()
        self._until = self._until_step = None
        self._session.boundary.unwatch(self._look)

    # --- stop --------------------------------------------------------------------------------------------------------

    def stop(self, author: str) -> None:
        """Ends the training at its next step boundary."""
        session = self._session
        if self.stop_wanted:
            return
        self.stop_wanted = True
        self.stopped_by = author
        session.boundary.pause_wanted = False
        session.boundary.stop_wanted = True
        session.journal.add(session.step, author, "stopTraining", "stopped")
        session.channel.nudge()

    def end_here(self) -> None:
        """The stop has come to a step boundary.

        Raises:
            TrainingStopped: the loop is the script's own, and there is no other way out of it.
        """
        if self.loop is not None or self.stopped:
            return
        self.stopped = True
        self.quiet_end.install()
        session = self._session
        who = "" if self.stopped_by == "script" else f" by {self.stopped_by}"
        raise TrainingStopped(f"{session.name} was stopped{who} at step {session.step:,}.")

    def ends_loop(self) -> bool:
        """Whether a loop of ours is to end here; it is told so once and for all."""
        if self.stop_wanted:
            self.stopped = True
        return self.stop_wanted or self._session.closed

    # --- a loop of ours ----------------------------------------------------------------------------------------------

    def begin_loop(self, loop: Loop) -> None:
        """The script has begun to iterate."""
        self.loop = loop
        self._session.boundary.thread = get_ident()  # a script may train on another thread than it calls `watch` on
        self._session.checkpoints.loop_begins(loop)
        self._session.renew_catalogue()

    def end_loop(self, loop: Loop) -> None:
        """The loop is over, or was left."""
        if self.loop is not loop:
            return
        self.loop = None
        self._session.boundary.leave = False
        while self._jobs:
            self._settle(self._jobs.popleft()[1], Reply(False, "The loop over the data is over."))
        self._session.renew_catalogue()

    def wanted_here(self) -> bool:
        """Whether there is anything to do between two batches."""
        return bool(self._jobs)

    def serve_point(self) -> Excursion | None:
        """Does the jobs, and goes on with a pause that was left for them; gives what is to be tried out, if any."""
        session, boundary, loop = self._session, self._session.boundary, self.loop
        if loop is None:
            return None
        boundary.thread = get_ident()
        self.at_point = True
        try:
            boundary.leave = False
            while self._jobs and loop.excursion is None:
                work, whose = self._jobs.popleft()
                self._settle(whose, self._fenced(work))
            if loop.excursion is None and boundary.pause_wanted and not session.closed:
                if boundary.paused_by == _BAD_GRADIENTS:
                    self._stays()
                boundary.wait_between()
        finally:
            self.at_point = False
        return loop.excursion

    def at_loop(self, order: Order, work: Callable[[], Reply]) -> Reply:
        """Does a job for an order: at once, or in a loop of ours as soon as the iteration is over."""
        if self.at_point or self.loop is None:
            return work()
        self._put_off(work, order)
        return DEFERRED

    def soon_at_loop(self, order: Order, work: Callable[[], Reply]) -> Reply:
        """The same from another thread than the training's, which waits for nothing."""
        if self.loop is not None:
            self._put_off(work, order)
        else:
            self._session.boundary.soon(lambda: self._settle(order, self._fenced(work)))
        return DEFERRED

    def call_at_loop(self, work: Callable[[], Reply]) -> Reply:
        """The same for a call from Python; from another thread it waits for the answer.

        On the training thread, in the middle of an iteration, it cannot wait: the job is done when that is over.
        """
        session = self._session
        if get_ident() == session.boundary.thread or session.closed:
            if self.at_point or self.loop is None:
                return work()
            self._put_off(work, Future())
            return Reply(True, "It is done when this iteration is over.")
        if self.loop is None:
            reply: Reply = session.boundary.call(work)
            return reply
        future: Future[Reply] = Future()
        self._put_off(work, future)
        return future.result()

    def leave_for(self, excursion: Excursion) -> None:
        """Has steps tried out from here; between two batches only."""
        assert self.loop is not None
        self.loop.excursion = excursion
        self._session.boundary.leave = True

    def _put_off(self, work: Callable[[], Reply], whose: Order | Future[Reply]) -> None:
        self._jobs.append((work, whose))
        self._session.boundary.leave = True
        self._session.channel.nudge()

    def _fenced(self, work: Callable[[], Reply]) -> Reply:
        try:
            return work()
        except BidvizError as error:
            return Reply(False, str(error))
        except Exception as error:  # noqa: BLE001 - a fence: it is reported, and the training goes on
            return Reply(False, f"It failed: {type(error).__name__}: {error}")

    def _settle(self, whose: Order | Future[Reply], reply: Reply) -> None:
        if isinstance(whose, Order):
            self._session.reply(whose, reply)
        else:
            whose.set_result(reply)

    # --- before an update --------------------------------------------------------------------------------------------

    def pause_on_bad_gradients(self, wanted: bool, author: str) -> None:
        """Whether to pause before an update whose gradients are not all finite."""
        session = self._session
        self.pauses_on_bad_gradients = wanted
        session.boundary.renew_hooks()
        summary = "pauses before a bad update" if wanted else "no longer pauses before a bad update"
        session.journal.add(session.step, author, "pauseOnBadGradients", summary, {"pause": wanted})
        session.renew_catalogue()

    def look_at_gradients(self) -> None:
        """Waits here, with the update not made, when a gradient of it is not finite."""
        session = self._session
        boundary = session.boundary
        if not self.pauses_on_bad_gradients or boundary.excursion is not None:
            return
        names = session.learner.bad_gradients()
        if not names:
            return
        self.bad_updates.waits()
        ruined = self.bad_updates.ruined
        why = f"the gradient of {listed(names)} is not finite" + (f", and neither is {ruined} itself" if ruined else "")
        boundary.paused_by = _BAD_GRADIENTS
        boundary.pause_wanted = True
        session.journal.add(
            session.step,
            "session",
            "pauseTraining",
            f"paused before the update of step {session.step + 1:,}: {why}",
            {"names": names},
        )
        self.before_update = True
        try:
            boundary.wait_before_update()
        finally:
            self.before_update = False
        if self.stop_wanted:
            self.end_here()
            session.learner.drop_gradients()  # a loop of ours ends after this iteration: the update is not made
        elif boundary.leave and boundary.pause_wanted:
            session.learner.drop_gradients()  # it is to go back after this iteration, which may not be possible

    def has_gone_back(self) -> None:
        """The run is at another step: it waits for no step and no condition, and not for a bad update any more."""
        self.forget_target()
        boundary = self._session.boundary
        if boundary.pause_wanted and boundary.paused_by == _BAD_GRADIENTS:
            boundary.pause_wanted = False

    def _stays(self) -> None:
        """It was to go back from a bad update, and could not: the update is past, and nothing is left to be skipped."""
        session = self._session
        step = session.step
        # At the step before it, as any skip: a replay does the same there.
        session.journal.add(step - 1, "session", "skipUpdate", f"skipped the update of step {step:,}")
        session.boundary.paused_by = "session"
        self.reached = f"the update of step {step:,} was left out, and the run could not go back"

    def skip_update(self, author: str) -> None:
        """Leaves the update out that waits for a person, and goes on.

        Raises:
            CommandError: no update waits.
        """
        if not self.before_update:
            raise CommandError("No update waits: this is for a pause before an update with bad gradients.")
        session = self._session
        session.boundary.call(session.learner.drop_gradients)
        self.bad_updates.was_skipped()
        session.journal.add(session.step, author, "skipUpdate", f"skipped the update of step {session.step + 1:,}")
        session.resume(author=author)

    # --- what this loop allows ---------------------------------------------------------------------------------------

    def length(self) -> int | None:
        """How many steps there will be, as far as one can say."""
        loop, step = self.loop, self._session.step
        if loop is None or self.calls > 1 or (batches := loop.length()) is None:
            return None
        drawn = loop.feed.place.epoch * (loop.feed.length() or 0) + loop.feed.place.drawn
        # Where gradients are accumulated, several batches make one step.
        return round(batches * step / drawn) if step and drawn else batches

    def abilities(self) -> Abilities:
        """What can be done now; read on the pump's thread."""
        session, loop = self._session, self.loop
        back = loop.feed.cannot_go_back() if loop is not None else ""
        restart = self.needs_loop("a restart") or back
        if not restart and self.calls > 1:
            restart = (
                f"The script has called session.batches {self.calls} times, and its own loop around that cannot be "
                "turned back. Give the epochs to it: session.batches(loader, epochs=n)."
            )
        if not restart and not session.checkpoints.start():
            restart = "The state before the first step was not kept."
        own = loop is None and not self.calls
        return Abilities(
            stop=session.dispatcher.no_steering,
            restart=restart,
            restore=self.needs_loop("going back to a checkpoint"),
            branch=self.needs_loop("a branch"),
            what_if=self.needs_loop("trying a value out"),
            stop_note=(
                "The script ends at its next update: what it does after its loop does not run. With session.batches or "
                "session.loop only the loop ends."
                if own
                else "The loop ends, and the script goes on after it."
            ),
            bad_gradients=self.pauses_on_bad_gradients,
        )

    def needs_loop(self, what: str) -> str:
        """Why something cannot be done in the script's own loop; empty in one of ours."""
        if no_steering := self._session.dispatcher.no_steering:
            return no_steering
        if self.loop is not None:
            return ""
        if self.calls:
            return f"The loop over the data is over, and {what} needs it."
        return f"{what[0].upper()}{what[1:]} has to turn back the loop, which is the script's own. {_CHANGE}"
