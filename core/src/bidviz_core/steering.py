"""How a script steers its run: the same things that a person does from the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from threading import get_ident
from typing import TYPE_CHECKING, Any, cast

from bidviz_core.control.reply import Later, Reply
from bidviz_core.errors import CommandError
from bidviz_core.looping.loop import Loop
from bidviz_core.messages.commands import Command, Order
from bidviz_core.messages.steered import Abilities
from bidviz_core.notices import notice

if TYPE_CHECKING:
    from bidviz_core.boundary import Boundary
    from bidviz_core.channel import Channel
    from bidviz_core.checkpoints.collection import Checkpoints
    from bidviz_core.console.console import Console
    from bidviz_core.control.dispatcher import Dispatcher
    from bidviz_core.control.journal import Journal
    from bidviz_core.control.run_control import RunControl
    from bidviz_core.health import Health
    from bidviz_core.hyperparameters import Hyperparameters
    from bidviz_core.messages.notifications import RunInfo
    from bidviz_core.metrics.engine import Engine
    from bidviz_core.metrics.interrupt import Interruptible
    from bidviz_core.policies.collection import Policies
    from bidviz_core.policies.surroundings import WatchedCondition
    from bidviz_core.pump import Pump
    from bidviz_core.session import Session
    from bidviz_core.sharing.sharing import Shared
    from bidviz_core.snapshots import Snapshots

AUTHOR = "script"


class Steering:
    """The part of a session that steers; the session holds the parts that it is declared to use."""

    boundary: Boundary
    channel: Channel
    console: Console
    dispatcher: Dispatcher
    journal: Journal
    snapshots: Snapshots
    interruptible: Interruptible
    control: RunControl
    checkpoints: Checkpoints
    policies: Policies
    engine: Engine
    health: Health
    hyperparameters: Hyperparameters
    info: RunInfo
    pump: Pump
    _epoch: int | None

    @property
    def step(self) -> int:
        """The last step that is over, from 1; 0 before the first."""
        return self.boundary.step

    def pause(self, author: str = AUTHOR) -> None:
        """Pauses at the next step boundary; edits are served meanwhile."""
        if self.dispatcher.no_steering:
            notice(self.dispatcher.no_steering)
            return
        if not self.boundary.pause_wanted:
            self.control.forget_target()
            self.boundary.paused_by = author
            self.boundary.pause_wanted = True
            self.journal.add(self.step, author, "pauseTraining", "paused")

    def resume(self, author: str = AUTHOR) -> None:
        """Goes on after a pause."""
        if self.boundary.pause_wanted:
            self.boundary.pause_wanted = False
            self.channel.nudge()
            self.journal.add(self.step, author, "pauseTraining", "resumed")

    def run(self, steps: int | None = None, until: str = "", author: str = AUTHOR) -> None:
        """Goes on for so many steps (one, if nothing is said) or until a condition holds, and pauses then.

        Args:
            steps: how many.
            until: a condition such as `"loss < 0.1"`, `"epoch 3"` or `"grad_norm is nan"`, looked at after each step.
            author: who wants it.

        Raises:
            CommandError: the condition cannot be understood, or the number is none.
        """
        if self.dispatcher.no_steering:
            notice(self.dispatcher.no_steering)
            return
        condition = self.condition(until) if until else None
        self.control.run(1 if steps is None and condition is None else steps, condition, author)

    def call_off(self, author: str = AUTHOR) -> None:
        """Calls off what `run` was told to pause at: the training goes on without that.

        Raises:
            CommandError: it was told nothing of the kind, or has paused already.
        """
        self.boundary.call(lambda: self.control.call_off(author))

    def stop(self, author: str = AUTHOR) -> None:
        """Ends the training at its next step boundary.

        In `session.batches` and `session.loop` the loop ends there, and the script goes on after it. In a loop of the
        script's own `TrainingStopped` is raised, which `with session:` takes in.
        """
        if self.dispatcher.no_steering:
            notice(self.dispatcher.no_steering)
            return
        self.control.stop(author)

    def share(self, name: str, **what: Any) -> Shared:
        """Writes metrics, policies and a page of this run as a bundle, and checks it; waits until that is done.

        Args:
            name: what the bundle is called (`"sharpness"` makes `bidviz-metric-sharpness`).
            what: `metrics` (names), `policies` (targets), `page`, `folder`, `author`, `licence`, `progress`; see
                `bidviz_core.sharing.sharing.share`.

        Raises:
            BidvizError: something cannot be shared; with what to do.
        """
        from bidviz_core.sharing.sharing import share

        return share(cast("Session", self), name, **what)

    def restart(self, author: str = AUTHOR) -> Reply:
        """Goes back to the state before the first step; needs `session.batches` or `session.loop`.

        Raises:
            CommandError: this loop cannot be turned back, with what to change.
        """
        if reason := self.abilities().restart:
            raise CommandError(reason)
        return self.checkpoints.restore(self.checkpoints.start())

    def skip_update(self, author: str = AUTHOR) -> None:
        """Leaves out an update that waits because of its gradients, and goes on with the next batch.

        Raises:
            CommandError: no update waits.
        """
        self.control.skip_update(author)

    def pause_on_bad_gradients(self, wanted: bool = True, author: str = AUTHOR) -> None:
        """Pauses before an update whose gradients are not all finite: it is not made meanwhile."""
        self.boundary.call(lambda: self.control.pause_on_bad_gradients(wanted, author))

    def batches(self, loader: Iterable[Any], epochs: int = 1) -> Iterator[Any]:
        """Iterates over a loader for the script: counts epochs, ends at a `stop`, and can be turned back.

        Args:
            loader: anything that can be iterated over; what can be iterated over again can be gone back in.
            epochs: how many passes.
        """
        self._epoch = self._epoch or 0
        if self.control.loop is not None:  # a loop inside the training's own, over other data
            for _ in range(epochs):
                yield from loader
            return
        self.control.calls += 1
        yield from Loop(self, loader, epochs, self.control.calls).run()  # type: ignore[arg-type]

    def loop(self, step_fn: Callable[[Any], Any], loader: Iterable[Any], epochs: int = 1) -> None:
        """Runs the training: `step_fn(batch)` for each batch of the loader.

        Args:
            step_fn: makes one step.
            loader: as for `batches`.
            epochs: how many passes.
        """
        for batch in self.batches(loader, epochs):
            trying = self.control.trying
            if trying is None:
                step_fn(batch)
                continue
            try:
                step_fn(batch)
            except Exception as error:  # noqa: BLE001 - a step that was only tried out is no error of the training
                trying.failed(error)

    @property
    def length(self) -> int | None:
        """How many steps the training has in all, where that is known: in `session.batches` over what has a length."""
        return self.control.length()

    def abilities(self) -> Abilities:
        """What can be done with this run's loop; for each thing why not, and what to change."""
        return self.control.abilities()

    def condition(self, text: str) -> WatchedCondition:
        """Reads a condition, to be asked at step boundaries until it is closed.

        Raises:
            FormulaError: it cannot be understood, or reads what there is not.
        """
        condition: WatchedCondition = self.boundary.call(lambda: self.policies.condition(text))
        return condition

    def count_from(self, step: int, epoch: int | None) -> None:
        """Counts on from a step that was gone back to."""
        self.boundary.rewind(step)
        self._epoch = epoch

    def interrupt(self) -> str:
        """Interrupts the metric or console line that is running; gives its name, or an empty text."""
        name = self.interruptible.interrupt()
        return name or self.snapshots.interrupt() or ("console" if self.console.interrupt() else "")

    def carry_out(self, command: Command, author: str) -> Reply:
        """Carries a command out at a step boundary, as for a person; on the training thread at once."""
        on_the_spot = get_ident() == self.boundary.thread
        # Another thread waits for what the coming step shows; the training thread cannot.
        order = Order(id=0 if on_the_spot else -1, author=author, right="tune", command=command)
        while True:
            try:
                reply: Reply = self.boundary.call(lambda: self.dispatcher.carry_out(order))
            except Later:
                continue
            return reply
