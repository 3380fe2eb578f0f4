"""What a session tells of itself: its status, its catalogue, how it ended; made from state that others write."""

from __future__ import annotations

import sys
import time
import traceback
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from bidviz_core.messages.health import HealthContent, HealthRule, RunHealth
from bidviz_core.messages.notifications import (
    Catalogue,
    CostsContent,
    CostsMessage,
    FailureContent,
    HealthMessage,
    HyperparametersMessage,
    MetricCost,
    Notification,
    Status,
)
from bidviz_core.messages.offered import Argument, OfferedPage
from bidviz_core.messages.steered import HyperparameterInfo, HyperparametersContent, PolicyInfo
from bidviz_core.metrics.arguments import ARGUMENTS, MODULES
from bidviz_core.plugins.checkout import own_bundles
from bidviz_core.plugins.pages import class_names, fitting
from bidviz_core.specs import chart_to_dict

if TYPE_CHECKING:
    from bidviz_core.plugins.information import PluginInfo
    from bidviz_core.session import Session

#: Speed is taken over so many seconds.
_SPEED_OVER = 5.0
#: What watching costs is taken over so many seconds of training: a metric that runs now and then is in it at any time.
_COST_OVER = 30.0
#: With each fourth heartbeat, each two seconds, pages hear what metrics cost; nobody reads means faster.
_COSTS_EVERY = 4
#: A metric that runs longer than this is told of, so that a person may interrupt it.
_LONG_METRIC = 1.0
#: After so many seconds without a step, on top of what its steps usually take, the person is told why that may be.
_LONG_STEP = 30.0


class Kept(NamedTuple):
    """A run at a moment.

    Args:
        step: its step.
        epoch: its epoch.
        hyperparameters: what they were.
        policies: those that were there.
    """

    step: int
    epoch: int | None
    hyperparameters: list[HyperparameterInfo]
    policies: list[PolicyInfo]


class Report:
    """Answers the pump's questions on the pump's thread; reads only.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._marks: deque[tuple[float, int]] = deque()
        self._accounts: deque[tuple[float, float, int]] = deque([(0.0, 0.0, 0)])  # of the boundary, oldest first
        self._beats = 0
        self._told_costs: dict[str, MetricCost] = {}
        self._offered: list[str] = []
        self._checkout = str(own_bundles() or "")
        self._bundles: list[PluginInfo] = []
        self._classes = class_names(session.learner.model)  # here, where nobody changes the model meanwhile
        #: What is told in place of the present, while the session goes on as another run from elsewhere, or tries steps
        #: out.
        self.kept: Kept | None = None
        self._told: tuple[list[HyperparameterInfo], list[PolicyInfo]] = ([], [])
        self._told_health: tuple[list[HealthContent], list[HealthRule]] = ([], [])

    def status(self, dropped: int, sequence: int) -> Status:
        """The present state of the run."""
        session = self._session
        boundary = session.boundary
        now = time.perf_counter()
        since_step = now - boundary.last_step_at
        running_seconds = session.interruptible.seconds()
        running = session.interruptible.name if running_seconds > _LONG_METRIC else ""
        detail = session.error
        if not detail and not boundary.paused and since_step > max(_LONG_STEP, 20 * boundary.step_time):
            detail = (
                f"{running} has been running for {running_seconds:.0f} s."
                if running
                else f"No step for {since_step:.0f} s. If the script made a new optimizer or model, call watch again."
            )
        bad = session.control.bad_updates if session.control.before_update else None
        return Status(
            state=session.state,  # type: ignore[arg-type]
            step=self.kept.step if self.kept else boundary.step,
            epoch=self.kept.epoch if self.kept else session.epoch,
            speed=self._speed(now, boundary.step, boundary.paused),
            step_time=boundary.pace(),
            since_step=since_step,
            elapsed=time.time() - session.info.started,
            cost=self._cost(running_seconds if running and not boundary.paused else 0.0),
            loss=session.pump.latest.get("loss"),
            dropped=dropped,
            paused_by=boundary.paused_by if boundary.paused else "",
            since=boundary.state_since,
            running_metric=running,
            detail=detail,
            goal=session.control.goal if not boundary.paused else "",
            reached=session.control.reached if boundary.paused else "",
            skipped=bad.skipped if bad is not None else 0,
            ruined=bad.ruined if bad is not None else "",
            back_to=bad.back_to if bad is not None else None,
            sequence=sequence,
        )

    def catalogue(self, kinds: dict[str, str]) -> Catalogue:
        """Everything the page needs to draw the run."""
        session = self._session
        step_time = self.mean_step_time()
        charts = [(origin, one) for origin, given in list(session.charts.items()) for one in given]
        return Catalogue(
            run=session.info,
            metrics=[slot.info(step_time) for slot in list(session.engine.slots.values())],
            series=kinds,
            hyperparameters=self.kept.hyperparameters if self.kept else session.hyperparameters.infos(),
            arguments=[Argument(name, text) for name, text in {**ARGUMENTS, **MODULES}.items()],
            offered=self._offered,
            retired=sorted(session.engine.retired),
            checkpoints=session.checkpoints.infos(),
            abilities=session.abilities(),
            health=session.health.infos(),
            rules=session.health.rules(),
            policies=self.kept.policies if self.kept else session.policies.infos(),
            charts=[chart_to_dict(chart) for _, chart in charts],
            chart_origins=[origin for origin, _ in charts],
            pages=self._pages(),
            ran=session.plugins.pins.ran,
            checkout=self._checkout,
        )

    def _pages(self) -> list[OfferedPage]:
        told = []
        for origin, (file, page, error) in self._session.plugins.pages:
            because = fitting(page, self._classes) if page is not None else []
            fits = page is not None and (not page.when or bool(because))
            told.append(OfferedPage(origin=origin, file=file, page=page, fits=fits, because=because, error=error))
        return told

    def on_beat(self) -> list[Notification]:
        """Values of hyperparameters and policies, and the run's health, where they are not those of the last beat."""
        session = self._session
        if self.kept is not None:
            return []
        session.hyperparameters.sample_soon()
        values = session.hyperparameters.infos()
        policies = [policy for policy in session.policies.infos() if policy.state != "offered"]
        news: list[Notification] = []
        if (values, policies) != self._told:
            self._told = values, policies
            news.append(HyperparametersMessage(HyperparametersContent(session.id, session.step, values, policies)))
        if (health := (session.health.infos(), session.health.rules())) != self._told_health:
            self._told_health = health
            news.append(HealthMessage(RunHealth(session.id, *health)))
        self._beats += 1
        if self._beats % _COSTS_EVERY == 0 and (costs := self._costs()) != self._told_costs:
            self._told_costs = costs
            news.append(CostsMessage(CostsContent(session.id, costs)))
        return news

    def mean_step_time(self) -> float:
        """The mean seconds of a step over the time that the cost is taken over: shares of both are of the same."""
        first, (_, total, steps) = self._accounts[0], self._session.boundary.account
        counted = steps - first[2]
        return (total - first[1]) / counted if counted > 0 else self._session.boundary.step_time

    def _costs(self) -> dict[str, MetricCost]:
        step_time = self.mean_step_time()
        slots = list(self._session.engine.slots.values())
        return {slot.metric.name: MetricCost(slot.cost, slot.share(step_time)) for slot in slots}

    def keep(self) -> None:
        """From here on the run is told as it is now, until `kept` is taken away."""
        session = self._session
        self.kept = Kept(session.step, session.epoch, session.hyperparameters.infos(), session.policies.infos())

    def on_tick(self) -> None:
        """Looks for bundles that were installed meanwhile."""
        # One that has nothing for this run says so in the list of bundles; nobody is to be asked to load it.
        found = self._session.plugins.scan()
        # Nor is anybody to be asked for what was unloaded: whoever did that knows of it. Another version is news.
        ran = {(one.name, one.version, one.wheel) for one in self._session.plugins.pins.ran}
        self._offered = [
            info.name
            for info in found
            if info.state == "offered" and not info.error and (info.name, info.version, info.wheel) not in ran
        ]
        # An upgrade too is news, though it offers nothing: pages that list bundles ask again when a catalogue comes.
        if found != self._bundles:
            self._bundles = found
            self._session.renew_catalogue()

    def on_pump_failure(self, failure: FailureContent) -> None:
        """The pump could not do something; it goes on."""
        self._session.fail_once(failure)

    def describe(self, error: BaseException) -> str:
        """The traceback that ended the run, as text."""
        return "".join(traceback.format_exception(error))[-20_000:]

    def completion_scope(self) -> dict[str, Any]:
        """The names metric code finds, without the step's tensors, which only the training thread may touch."""
        import math

        import numpy

        from bidviz_core.views import TensorView

        nothing = TensorView((), [])
        views = dict.fromkeys(("params", "grads", "raw_grads", "updates"), nothing)
        scope: dict[str, Any] = {"np": numpy, "math": math, "bidviz": sys.modules["bidviz_core"], **views}
        scope["model"] = self._session.learner.model
        if "torch" in sys.modules:
            torch = sys.modules["torch"]
            scope.update({"torch": torch, **dict.fromkeys(("loss", "outputs", "targets", "inputs"), torch.zeros(0))})
        return scope

    def _cost(self, running: float) -> float:
        """The share that is ours of the last seconds of training, with a metric that has been running for so long."""
        accounts = self._accounts
        own, total, steps = self._session.boundary.account
        if total > accounts[-1][1]:
            accounts.append((own, total, steps))
        while len(accounts) > 2 and total - accounts[1][1] >= _COST_OVER:
            accounts.popleft()
        seconds = total - accounts[0][1] + running
        return min(1.0, (own - accounts[0][0] + running) / seconds) if seconds > 0 else 0.0

    def _speed(self, now: float, step: int, paused: bool) -> float:
        if paused:
            self._marks.clear()
            return 0.0
        if self._marks and step < self._marks[-1][1]:
            self._marks.clear()  # the run went back
        self._marks.append((now, step))
        while len(self._marks) > 2 and now - self._marks[0][0] > _SPEED_OVER:
            self._marks.popleft()
        seconds = now - self._marks[0][0]
        return (step - self._marks[0][1]) / seconds if seconds > 0 else 0.0
