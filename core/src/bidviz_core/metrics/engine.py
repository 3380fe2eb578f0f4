"""Runs the metrics that are due at a step boundary, each fenced off from the training and from the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from bidviz_core.errors import MetricError, TrainingStopped
from bidviz_core.messages.notifications import FailureContent
from bidviz_core.metrics import first_runs, trial
from bidviz_core.metrics.arguments import check_arguments
from bidviz_core.metrics.budget import SINGLY, budget_of
from bidviz_core.metrics.definition import Metric, Observe
from bidviz_core.metrics.failure import NotYet, Unavailable, describe_failure
from bidviz_core.metrics.fence import Fence
from bidviz_core.metrics.first_runs import Done
from bidviz_core.metrics.plan import Plan, Plans
from bidviz_core.metrics.results import NOTHING, Observed, Results, take_results
from bidviz_core.metrics.series import SeriesView
from bidviz_core.metrics.slot import Slot

if TYPE_CHECKING:
    from bidviz_core.guards import ModelGuard, RandomGuard

#: Arguments that the engine gives itself.
_OWN = frozenset({"state", "series"})

#: A built-in metric, which nobody asked for, takes at most this share of the step time.
_BUILT_IN_SHARE = 0.002

#: Seconds; a boundary that takes longer was held up by something else.
_LONGEST_DETOUR = 0.001

#: Memory for copies of the model is kept for so many steps: where first runs come one after another, it is used again.
_COPIES_REST = 20

Sources = Mapping[str, Callable[..., Any]]


class Outlet(Protocol):
    """Where the engine's results and failures go."""

    def scalars(self, step: int, moment: float, names: tuple[str, ...], values: list[Any]) -> None:
        """Takes scalars of one step."""

    def numbers(self, step: int, moment: float, names: tuple[str, ...], values: Sequence[float]) -> None:
        """Takes plain numbers of one step, on the training thread."""

    def results(self, results: Results, step: int, moment: float) -> None:
        """Takes what a metric gave."""

    def failed(self, failure: FailureContent) -> None:
        """Takes the news that a metric was set aside."""

    def backed_off(self, slot: Slot, said: str) -> None:
        """A metric costs more than its budget and runs more seldom from now on, or has come back; `said` says so."""

    def changed(self) -> None:
        """Something that the page shows of the metrics is different."""


class Engine:
    """Holds the slots of all metrics and runs them; used by the training thread alone.

    Args:
        sources: for each argument name what gives its value at the present step.
        never: says why an argument without a source cannot be had.
        outlet: where results go.
        random_guard: puts random states back.
        model_guard: puts the model back, or none where there is no torch model.
        budget: the share of the step time that one metric may take before it is run more seldom; none for no limit.
        readers: for built-in metrics of one plain number what reads it, or gives no float where only the metric can.
    """

    def __init__(
        self,
        sources: Sources,
        never: Callable[[str], str],
        outlet: Outlet,
        random_guard: RandomGuard | None,
        model_guard: ModelGuard | None,
        budget: float | None = 0.05,
        readers: Mapping[str, Callable[[], Any]] | None = None,
    ) -> None:
        self.slots: dict[str, Slot] = {}
        #: Series of metrics that were removed.
        self.retired: set[str] = set()
        self.series = SeriesView()
        self._copied_at = 0  # the step of the last first runs
        self._idle = True  # nothing was due at the step but numbers to be read
        self._detour = 0.0  # the usual seconds of such a step that is not calm all the same
        self.fence = Fence(random_guard, model_guard)
        self.interruptible = self.fence.interruptible
        self.budget = budget
        self.sources = sources
        self._outlet = outlet
        self._never = never
        self._active: list[Slot] = []
        self._plans = Plans(readers or {})
        #: The arguments that some metric asks for at whatever cadence; a new set object whenever the metrics change.
        self.ever: frozenset[str] = frozenset()

    # --- the set of metrics ------------------------------------------------------------------------------------------

    def add(self, metric: Metric, *, replace: bool = False, trusted: bool = False) -> Slot:
        """Takes a metric in.

        Raises:
            MetricError: its name is taken, or it asks for an argument that nobody knows or can give.
        """
        self._check(metric)
        if metric.name in self.slots and not replace:
            raise MetricError(
                f"There is a metric {metric.name!r} already (from {self.slots[metric.name].metric.origin}): "
                "choose another name, or replace it."
            )
        slot = Slot(metric, (), trusted)
        slot.getters = tuple(self.getter(slot, argument) for argument in metric.arguments)
        self.slots[metric.name] = slot
        self._renew()
        return slot

    def _check(self, metric: Metric) -> None:
        check_arguments(metric.name, metric.arguments)
        for argument in metric.arguments:
            if argument not in self.sources and argument not in _OWN:
                raise MetricError(f"The metric {metric.name!r} cannot be had: {self._never(argument)}")
        try:
            reason = metric.fits(self.sources["learner"]()) if metric.fits is not None else None
        except Exception as error:  # noqa: BLE001 - a fence: it is reported, and the training goes on
            reason = f"whether it fits could not be told ({type(error).__name__}: {error})."
        if reason:
            raise MetricError(f"The metric {metric.name!r} has nothing to show here: {reason}")

    def remove(self, name: str) -> None:
        """Takes a metric out; its history stays.

        Raises:
            MetricError: there is none of that name.
        """
        self.retired |= set(self.slot(name).series)
        del self.slots[name]
        self._renew()

    def slot(self, name: str) -> Slot:
        """The slot of a metric.

        Raises:
            MetricError: there is none of that name.
        """
        try:
            return self.slots[name]
        except KeyError:
            raise MetricError(f"There is no metric {name!r}; there are: {', '.join(self.slots) or 'none'}.") from None

    def change(self, name: str, *, enabled: bool | None = None, every: int | None = None) -> None:
        """Enables (which is a retry after a failure), disables, or gives another cadence."""
        slot = self.slot(name)
        if every is not None:
            slot.metric = slot.metric.with_(every=every)
            slot.effective_every = every
            slot.note = ""
        if enabled is not None:
            slot.enabled = enabled
            if enabled:
                slot.failure = None
                slot.runs = 0
                slot.cost = 0.0
        self._renew()

    def _renew(self) -> None:
        # Whoever iterates over the old lists goes on undisturbed: a metric may be set aside while others run.
        self._active = [slot for slot in self.slots.values() if slot.enabled and slot.metric.where == "training"]
        self.series.require(any("series" in slot.metric.arguments for slot in self.slots.values()))
        self._plans.renew(self._active)
        self.ever = frozenset(
            argument for slot in self.slots.values() if slot.enabled for argument in slot.metric.arguments
        )
        self._outlet.changed()

    def getter(self, slot: Slot, argument: str) -> Callable[[], Any]:
        """What gives a metric the value of one of its arguments at the present step."""
        if argument == "state":
            return lambda: slot.state
        if argument == "series":
            return lambda: self.series
        if argument == "activations":
            give = self.sources["activations"]
            pattern = slot.metric.modules
            return lambda: give(pattern)
        return self.sources[argument]

    # --- a step ------------------------------------------------------------------------------------------------------

    def wanted(self, step: int) -> frozenset[str]:
        """The arguments that the metrics due at a step ask for; the same set object as long as nothing changes."""
        return self._plans.at(step).wanted

    def calm(self, step: int, step_time: float) -> tuple[Plan, int]:
        """The plan of the next step, and the last step up to which it is all there is to do; see `Plans.calm`."""
        return self._plans.calm(step, step_time)

    def activation_patterns(self, step: int) -> tuple[str | Observe, ...]:
        """What the metrics due at a step ask for as activations."""
        return self._plans.at(step).patterns

    def run_due(self, step: int, moment: float, step_time: float) -> None:
        """Runs what is due; whatever a metric does, this returns."""
        plan = self._plans.at(step)
        self._idle = not plan.trusted and not plan.guarded
        if plan.quick:
            began = time.perf_counter()
            if self.read_numbers(plan, step, moment):
                for slot in plan.quick:
                    slot.charge((time.perf_counter() - began) / len(plan.quick))
            else:
                self._run_trusted(plan.quick, step, moment, step_time)
        if plan.trusted:
            self._run_trusted(plan.trusted, step, moment, step_time)
        if plan.guarded:
            with self.fence:
                first = first_runs.together(plan.guarded)
                if first:
                    self._run_together(first, step, moment, step_time)
                for slot in plan.guarded:
                    if slot.enabled and slot not in first:
                        self._run(slot, step, moment, step_time)
            if self.fence.copying:
                self._copied_at = step
        if self.fence.copies and step - self._copied_at > _COPIES_REST:
            self.fence.forget()

    def took(self, seconds: float) -> None:
        """What a step boundary that was not calm took, without orders and waiting."""
        if self._idle:
            self._detour += 0.1 * (min(seconds, _LONGEST_DETOUR) - self._detour)

    def read_numbers(self, plan: Plan, step: int, moment: float) -> bool:
        """Reads and records the plain numbers of a plan; says whether all of them could be read."""
        values = plan.read()
        if any(type(value) is not float for value in values):
            return False
        self._outlet.numbers(step, moment, plan.names, values)
        return True

    def _run_trusted(self, slots: list[Slot], step: int, moment: float, step_time: float) -> None:
        """The built-in metrics: no guard, and one row for all of them."""
        names: list[str] = []
        values: list[Any] = []
        for slot in slots:
            began = time.perf_counter()
            try:
                value = slot.metric.function(*[get() for get in slot.getters])
                if type(value) is not float:
                    results = take_results(slot.metric.name, value)
                    if results.names != slot.names:
                        self._give(slot, results, step, moment)
                        continue
                    value = results.values[0]
            except Unavailable as lack:
                reason = f"No {slot.metric.name}: {lack}"
                if type(lack) is not NotYet and slot.reason != reason:
                    slot.reason = reason
                    self._outlet.changed()
                continue
            except Exception as error:  # noqa: BLE001 - a fence: it is reported, and the training goes on
                self._set_aside(slot, step, error)
                continue
            if slot.reason:
                slot.reason = ""
                self._outlet.changed()
            if not slot.series:
                slot.series[slot.metric.name] = None
                slot.kind = "scalar"
                self._plans.renew(self._active)
                self._outlet.changed()
            names.append(slot.metric.name)
            values.append(value)
            slot.charge(time.perf_counter() - began)
            # Only one that samples anyway: whoever records every step is meant to.
            samples = slot.metric.every > 1 and slot.runs > 20
            slot.detours = 2 * self._detour if samples else 0.0  # of its step, and of the one before, that prepares it
            if samples and self.budget is not None and slot.share(step_time) > _BUILT_IN_SHARE:
                slot.space_out(step_time, _BUILT_IN_SHARE)
                self._renew()
        if names:
            self._outlet.scalars(step, moment, tuple(names), values)

    def run(self, slot: Slot, step: int, moment: float, step_time: float) -> None:
        """Runs one metric that a person wrote, by itself, with every guard."""
        with self.fence:
            self._run(slot, step, moment, step_time)

    def _run_together(self, slots: Sequence[Slot], step: int, moment: float, step_time: float) -> None:
        """First runs of several metrics, with one comparison of the model for them all; see `first_runs.together`."""
        ran = first_runs.run_together(slots, self.fence, lambda slot: self._call(slot, step, together=True), step)
        if any(slot.suspected for slot in slots):
            self._outlet.changed()
        for done in ran:
            self._take(done, step, moment, step_time)

    def _run(self, slot: Slot, step: int, moment: float, step_time: float) -> None:
        done = self._call(slot, step, together=False)
        if done is not None:
            slot.suspected = False
            self._take(done, step, moment, step_time)

    def _call(self, slot: Slot, step: int, together: bool) -> Done | None:
        """Calls a metric inside the fence; gives nothing where it failed, lacks something or changed the training."""
        full = first_runs.is_guarded(slot)
        began = time.perf_counter()
        try:
            arguments = [get() for get in slot.getters]
            # What was looked at in the forward pass is the metric's own work.
            looked = sum([one.seconds for one in arguments if type(one) is Observed])
            value, changes, printed, own, memory = self.fence.call(slot.metric, arguments, full, together)
            slot.memory = max(slot.memory, memory)
            results = take_results(slot.metric.name, value)
            if printed != slot.printed:
                slot.printed = printed
            if changes:
                put_back = "what it changed was put back" if full else "it could not be put back any more"
                raise MetricError(
                    f"changed the training ({', '.join(changes[:4])}), which a metric may not; {put_back}"
                )
        except NotYet:
            return None
        except Unavailable as lack:
            if slot.metric.origin in SINGLY:  # who asked for just this one is told in red why it cannot be had
                self._set_aside(slot, step, lack)
            else:
                self._go_without(slot, str(lack), time.perf_counter() - began)
            return None
        except (TrainingStopped, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - a fence: it is reported, and the training goes on
            self._set_aside(slot, step, error)
            return None
        return Done(slot, results, began, looked, own if full else None)

    def _take(self, done: Done, step: int, moment: float, step_time: float) -> None:
        slot = done.slot
        self._give(slot, done.results, step, moment)
        slot.charge(done.seconds())
        if self.budget is not None and step_time > 0 and slot.judge():
            silent = slot.jointly  # the note of each says it: there may be thirty of them at once
            if said := slot.back_off(step_time, *budget_of(slot, self._active, step_time, self.budget)):
                self._renew()
                if not (silent or slot.jointly):
                    self._outlet.backed_off(slot, said)

    def trial(self, metric: Metric, step: int, moment: float) -> tuple[Results, dict[str, Any]]:
        """Runs a metric once with every guard and records nothing; see `trial.trial`."""
        return trial.trial(self, metric, step, moment)

    def _give(self, slot: Slot, results: Results, step: int, moment: float) -> None:
        if results.reason != slot.reason:
            slot.reason = results.reason
            self._outlet.changed()
        if results is NOTHING or results.reason:
            return
        known = slot.series
        for name in results.names:
            if name not in known:
                known[name] = None
                self.retired.discard(name)
                slot.kind = "scalar"
                self._outlet.changed()
        for name, _, _ in results.arrays:
            if name not in known:
                known[name] = None
                self.retired.discard(name)
                self._outlet.changed()
        self._outlet.results(results, step, moment)

    def _go_without(self, slot: Slot, lack: str, seconds: float) -> None:
        """A bundle's metric has nothing to say of this learner: no failure of anybody's, and said in a sentence."""
        slot.charge(seconds)
        if slot.reason != lack:
            slot.reason = lack
            self._outlet.changed()

    def _set_aside(self, slot: Slot, step: int, error: BaseException) -> None:
        slot.enabled = False
        slot.failure = describe_failure(slot.metric, step, error)
        self._renew()
        self._outlet.failed(slot.failure)

    def fail(self, name: str, failure: FailureContent) -> None:
        """Sets a metric aside that failed elsewhere (in the worker)."""
        slot = self.slots.get(name)
        if slot is not None:
            slot.enabled = False
            slot.failure = failure
            self._renew()
        self._outlet.failed(failure)
