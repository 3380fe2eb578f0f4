"""The session: the live object that watches one run, inside the training process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from bidviz_core import default_plugins, stacks, terminated
from bidviz_core.boundary import Boundary
from bidviz_core.channel import Channel
from bidviz_core.checkpoints.collection import Checkpoints
from bidviz_core.console.console import Console
from bidviz_core.control.changes import Changes
from bidviz_core.control.dispatcher import Dispatcher
from bidviz_core.control.journal import Journal
from bidviz_core.control.reply import DEFERRED, Reply
from bidviz_core.control.run_control import RunControl
from bidviz_core.control.service import Service
from bidviz_core.errors import TrainingStopped
from bidviz_core.health import Health
from bidviz_core.hosting import Host, Outlet, metrics_of
from bidviz_core.hyperparameters import Hyperparameters, exposed
from bidviz_core.messages.commands import Order
from bidviz_core.messages.notifications import (
    Callback,
    CallbackContent,
    Entry,
    FailureContent,
    FailureMessage,
    JournalMessage,
    Notification,
    RunEntry,
    RunFailure,
    RunInfo,
)
from bidviz_core.metrics.definition import Metric
from bidviz_core.metrics.engine import Engine
from bidviz_core.metrics.results import Results
from bidviz_core.model_changes import ModelChanges
from bidviz_core.notices import notice
from bidviz_core.plugins import Plugins
from bidviz_core.policies.collection import Policies
from bidviz_core.pump import Pump
from bidviz_core.recorder import Recorder
from bidviz_core.report import Report
from bidviz_core.snapshots import Snapshots
from bidviz_core.steering import Steering
from bidviz_core.store import StoreReader, StoreWriter

if TYPE_CHECKING:
    from bidviz_core.endpoint import Endpoint
    from bidviz_core.guards import ModelGuard, RandomGuard
    from bidviz_core.link import Link
    from bidviz_core.records import Batch
    from bidviz_core.store import Columns


class Session(Steering):
    """Watches one run. Made by `watch`; a context manager whose end is the run's end.

    Args:
        info: what never changes of the run.
        learner: what is trained.
        endpoint: where the dashboard is, or none.
        make_link: makes the link, given the greeting and what takes orders; none without a dashboard.
        random_guard: puts random states back after metrics.
        model_guard: puts the model back after metrics.
        budget: the share of the step time that one metric may take.
        no_steering: why nothing may be steered, or an empty text.
    """

    def __init__(
        self,
        info: RunInfo,
        make_learner: Callable[[Session], Any],
        *,
        endpoint: Endpoint | None = None,
        make_link: Callable[[Callable[[], list[Notification]], Callable[[Order], None]], Link] | None = None,
        random_guard: RandomGuard | None = None,
        model_guard: ModelGuard | None = None,
        budget: float | None = 0.05,
        no_steering: str = "",
    ) -> None:
        self.info = info
        self.closed, self.error = False, ""
        self.snapshots = Snapshots(self)
        self.failures: list[FailureContent] = []
        self.channel = Channel()
        self.journal, self.health = Journal(self._entry_written, self), Health(self)
        self._endpoint = endpoint
        self._epoch: int | None = None
        self._ended = "ended"
        self.charts: dict[str, list[Any]] = {}
        self.control = RunControl(self)
        self.learner = make_learner(self)
        self.hyperparameters = Hyperparameters(self, self.carry_out)
        self.changes = Changes(self)
        self.model_changes = ModelChanges(self)
        self.recorder = Recorder(self)
        readers = self.learner.readers()
        if (rate := self.hyperparameters.rate_reader()) is not None:
            readers["lr"] = rate
        self.engine = Engine(
            self._sources(), self.learner.never, Outlet(self), random_guard, model_guard, budget, readers
        )
        self.interruptible = self.engine.interruptible
        self.report = Report(self)
        link = make_link(self._greeting, self._order_came) if make_link is not None else None
        self.pump = self._make_pump(info, link)
        self.service = Service(self)
        self.dispatcher = Dispatcher(self, info.allow_code, no_steering)
        self.console = Console(self)
        self.plugins = Plugins(Host(self))
        self.checkpoints = Checkpoints(self)
        self.boundary = Boundary(self, self.channel, self.engine, self.learner)
        self.learner.boundary = self.boundary.tick
        self.log = self.recorder.log  # type: ignore[method-assign]
        self.recorder.attach(self.boundary, self.engine.series)
        self.plugins.on_change = self._plugins_changed
        self.policies = Policies(self)
        self.metrics = metrics_of(self)

    # --- what it is --------------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The run's id."""
        return self.info.id

    @property
    def name(self) -> str:
        """The run's name."""
        return self.info.name

    @property
    def run_dir(self) -> Path:
        """The run's own folder."""
        return Path(self.info.folder)

    @property
    def url(self) -> str:
        """The address of the run's page, with the owner's token; empty without a dashboard."""
        return self._endpoint.page_url(self.id) if self._endpoint is not None else ""

    @property
    def epoch(self) -> int | None:
        """How many epochs are over; none until something counts them."""
        return self._epoch

    @property
    def state(self) -> str:
        """`running`, `paused`, `stopped`, `ended` or `failed`."""
        if self.closed or self._ended != "ended":
            return self._ended
        if self.control.stopped:
            return "stopped"
        return "paused" if self.boundary.paused else "running"

    # --- what the script tells ---------------------------------------------------------------------------------------

    def log(self, name: str | Mapping[str, Any], value: Any = None) -> None:
        """Records values that the script computed: `log("acc", 0.9)`, or `log({"acc": 0.9, "f1": 0.8})`.

        They belong to the step that is being computed, or after its update to that step. Numbers are taken as they
        are; a tensor is read when it lies on the CPU and stays on its device otherwise. Never raises into the loop.

        Args:
            name: the series, or a mapping of series to values.
            value: a number, a 0-d to 2-d tensor or array, or one of the value types.
        """
        self.recorder.log(name, value)  # `__init__` has put the recorder's own in place of this, which saves a call

    def step_done(self, loss: Any = None, **values: Any) -> None:
        """The step boundary of a learner that no adapter watches.

        Args:
            loss: the loss of the step, if there is one.
            values: other values of the step, recorded by their names.
        """
        self.boundary.step_done(loss, values)

    def epoch_done(self) -> None:
        """Says that a pass over the data is over."""
        self._epoch = (self._epoch or 0) + 1
        # A series of its own, so that charts can run over epochs.
        self.recorder.scalars(self.step, time.time(), ("epoch",), (float(self._epoch),))
        self.plugins.tell("epoch_ended", session=self, epoch=self._epoch)

    def expose(
        self,
        name: str,
        get: Any,
        set: Any = None,  # noqa: A002
        *,
        low: float | None = None,
        high: float | None = None,
        kind: type = float,
        unit: str | None = None,
    ) -> None:
        """Makes anything a hyperparameter: `expose("mix", get, set)`, or `expose("mix", object, "attribute")`."""
        self.hyperparameters.expose(name, exposed(get, set, low, high, kind, unit))
        self.renew_catalogue()

    # --- its beginning -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begins: threads start, plugins are told, and a run that was to start paused waits at its first boundary."""
        stacks.arm()
        self.pump.start()
        terminated.arm(self.perish)
        self.plugins.tell("run_started", session=self)

    def become(self, info: RunInfo) -> None:
        """Goes on as another run: the present one ends as stopped; for the training thread, between two steps."""
        self.control.stopped = True  # what the old run's last status says
        self.pump.close()
        self.control.stopped, self.report.kept = False, None
        link = None
        if self._endpoint is not None:
            from bidviz_core.link import Link

            link = Link(self._endpoint, info, self._greeting, self._order_came)
        self.info = info
        self.failures, self.journal, self.health = [], Journal(self._entry_written, self), Health(self)
        self.model_changes.forget()
        self.pump = self._make_pump(info, link)
        self.pump.start()

    def _make_pump(self, info: RunInfo, link: Link | None) -> Pump:
        return Pump(
            self.channel, info.id, self.report, lambda: StoreWriter(Path(info.folder), info), link, self._to_sinks
        )

    def load_plugins(self, names: Any) -> None:
        """Loads the built-in plugins, then bundles: `"installed"` for all, or those that are named."""
        own = {name: import_module(f"{default_plugins.__name__}.{name}") for name in default_plugins.NAMES}
        self.plugins.register_all(own, "built-in")
        self.plugins.load_installed(names)
        self._plugins_changed()

    # --- looking back ------------------------------------------------------------------------------------------------

    def history(
        self, name: str, start: int | None = None, stop: int | None = None, points: int | None = None
    ) -> Columns:
        """The history of a series: numpy columns `step`, `value`, `low`, `high`, `nan_count`.

        Args:
            name: the series.
            start: the first step, or from the beginning.
            stop: the step after the last, or to the end.
            points: about how many entries; none for every record.

        Raises:
            StoreError: there is no such series, or the run's file cannot be read.
        """
        self.pump.flush()
        return StoreReader(self.run_dir).history(name, start, stop, points)

    # --- its end -----------------------------------------------------------------------------------------------------

    def close(self, error: BaseException | None = None) -> None:
        """Ends the run and leaves the model as it was; calling it again does nothing.

        Args:
            error: what ended the training, if something did.
        """
        if self.closed or self.info.pid != os.getpid():
            return  # a forked child has no run to end
        self._ended = "ended"
        if isinstance(error, TrainingStopped) or self.control.stopped:
            self._ended = "stopped"
        elif error is not None:
            self._ended = "failed"
            self.error = self.report.describe(error)
        self.boundary.state_since = time.time()
        self.policies.detach()
        self.hyperparameters.holding.detach()
        self.learner.detach()
        self.plugins.run_ended(error)
        self.closed = True
        self.channel.nudge()
        self.boundary.give_up()
        self.console.close()
        self.service.close()
        self.snapshots.close()
        self.checkpoints.close()
        self.pump.close()
        self.control.quiet_end.remove()
        stacks.disarm()
        terminated.disarm(self.perish)

    def perish(self, stack: str) -> None:
        """Somebody ends the process (SIGTERM): says so and writes what is left; the training is not touched."""
        self._ended, self.error = "stopped", f"{stack.strip()}\nEnded by SIGTERM after step {self.step:,}.".lstrip()
        self.boundary.state_since = time.time()
        self.pump.close(5.0)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.close(error)
        taken_in = isinstance(error, TrainingStopped)
        self.control.quiet_end.remove(taken_in)
        return taken_in

    def __repr__(self) -> str:
        return f"<Session {self.name!r} {self.state} at step {self.step}>"

    # --- for our own parts -------------------------------------------------------------------------------------------

    def try_metric(self, metric: Metric) -> tuple[Results, dict[str, Any]]:
        """Runs a metric once, now, and records nothing."""
        if metric.where == "worker":
            metric = metric.with_(where="training")  # its value is the same, and the person gets it at once
        return self.engine.trial(metric, self.step, time.time())

    def run_while_paused(self, name: str) -> str:
        """Runs a metric at once when the run is paused; says what it waits for otherwise."""
        slot = self.engine.slot(name)
        if not self.boundary.paused:
            return "It gives values from the next step on."
        if slot.metric.where == "worker":
            return "It comes with the next step."
        runs = slot.runs
        self.engine.run(slot, self.step, time.time(), self.boundary.step_time)
        if slot.runs == runs and slot.failure is None:
            return "It needs a pass or an update, and comes with the next step."
        return ""

    def reply(self, order: Order, reply: Reply) -> None:
        """Sends the answer to an order."""
        if order.id and reply is not DEFERRED:
            self.tell(Callback(CallbackContent(order.id, reply.success, reply.data, reply.step)))

    def tell(self, notification: Notification) -> None:
        """Sends a notification to the dashboard."""
        self.pump.tell(notification)

    def renew_catalogue(self) -> None:
        """Says that what the page shows of the run has changed."""
        self.pump.renew_catalogue()

    def fail(self, failure: FailureContent) -> None:
        """Reports that something was set aside: on the page, in the store, to plugins; once also at the terminal."""
        self.failures.append(failure)
        del self.failures[:-1000]
        notice(failure.message)
        self.tell(FailureMessage(RunFailure(self.id, failure)))
        self.plugins.tell("failure_reported", session=self, failure=failure)

    def fail_once(self, failure: FailureContent) -> None:
        """Reports a failure that would otherwise come at every step."""
        if not any(known.source == failure.source and known.name == failure.name for known in self.failures):
            self.fail(failure)

    def before_update(self) -> None:
        """The gradients of the coming step are there."""
        self.plugins.tell("gradients_ready", session=self, step=self.step + 1)
        self.control.look_at_gradients()

    def _plugins_changed(self) -> None:
        self.dispatcher.handlers = self.plugins.commands
        self.boundary.renew_hooks()
        self.renew_catalogue()

    def _entry_written(self, entry: Entry) -> None:
        self.tell(JournalMessage(RunEntry(self.id, entry)))

    def _greeting(self) -> list[Notification]:
        return [*self.pump.greeting(), *(FailureMessage(RunFailure(self.id, one)) for one in self.failures[-100:])]

    def _order_came(self, order: Order) -> None:
        if not self.console.take(order, self.channel.submit) and not self.service.take(order):
            self.channel.submit(order)

    def _to_sinks(self, batch: Batch) -> None:
        if self.plugins.wanted("records_written"):
            self.service.write_records(batch)

    def _sources(self) -> dict[str, Callable[..., Any]]:
        return {
            **self.learner.sources(),
            "learner": lambda: self.learner,
            "step": lambda: self.boundary.step,
            "epoch": lambda: self._epoch,
            "hyperparameters": lambda: self.hyperparameters,
        }
