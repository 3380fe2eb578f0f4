"""A metric as it lives in a session: its cadence after back-off, its cost, its failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bidviz_core.messages.notifications import FailureContent, MetricInfo
from bidviz_core.metrics.definition import Metric
from bidviz_core.specs import chart_to_dict

#: The weight of a new cost in the running average, once there are enough runs.
_WEIGHT = 0.1
#: On so many first runs the parameters are copied, compared and put back.
GUARDED_RUNS = 3
#: Back-off is judged by the median of so many runs: one slow run on a busy machine says nothing.
_JUDGED_RUNS = 15
#: A single run longer than this is judged at once, and again after so few more: it may have been the machine's fault.
#: Each time that the metric has come back, it takes twice as many.
_LONG_RUN, _JUDGED_AFTER_LONG, _JUDGED_AT_MOST = 0.25, 3, 1000
#: A metric cheaper than this is never backed off: it could only be noticed where a whole step takes under a few
#: milliseconds, and there a person would rather see every step.
CHEAP_SECONDS = 200e-6
#: A built-in metric is not spaced out beyond so many steps, or beyond so many seconds where those are more steps.
_SELDOM, _SELDOM_SECONDS = 100, 0.5


class Slot:
    """One metric with its live state; written by the training thread alone.

    Args:
        metric: the metric.
        getters: one callable for each argument, giving its value at the step.
        trusted: a built-in of ours, whose code is known to change nothing and needs no guard.
    """

    def __init__(self, metric: Metric, getters: tuple[Callable[[], Any], ...], trusted: bool = False) -> None:
        self.metric = metric
        self.names = (metric.name,)
        self.getters = getters
        self.trusted = trusted
        self.enabled = True
        self.effective_every = metric.every
        self.cost = 0.0
        #: Seconds that a run costs beside: of steps that would be calm without it.
        self.detours = 0.0
        self.runs = 0
        #: It ran beside others when one of them changed the training: it is compared by itself until it is cleared.
        self.suspected = False
        #: What a run usually costs, as it was last judged; 0 before.
        self.usual = 0.0
        #: The same where it was judged by many runs: a single long one may have been the machine's fault.
        self.median = 0.0
        #: It runs more seldom because of what all bundles bring, and not for its own cost alone.
        self.jointly = False
        self._recent: list[float] = []
        self._long = False
        #: Of so many runs its cost is judged next; how often it came back after it was made to run more seldom.
        self._awaited, self._returns = _JUDGED_RUNS, 0
        self.memory = 0
        self.failure: FailureContent | None = None
        self.note = ""
        #: Why it gave nothing the last time, in a sentence.
        self.reason = ""
        self.printed = ""
        self.kind = ""
        self.series: dict[str, None] = {}
        self.state: dict[str, Any] = {}

    def charge(self, seconds: float) -> None:
        """Takes a run's cost into the average."""
        self.runs += 1
        # The first runs carry imports, copies and cold caches: they must not mark the metric for ever.
        weight = max(_WEIGHT, 1.0 / self.runs)
        self.cost += weight * (seconds - self.cost)
        if len(self._recent) < self._awaited:
            self._recent.append(seconds)
        else:
            self._recent[-1] = seconds

    def share(self, step_time: float) -> float:
        """The share of the step time that this metric takes at its present cadence."""
        if not self.enabled or step_time <= 0:
            return 0.0
        return (self.cost + self.detours) / (self.effective_every * step_time)

    def space_out(self, step_time: float, share: float) -> None:
        """Makes the metric run so seldom that it costs at most this share of the step time.

        It still runs every 100 steps, or every half second where that is more steps.
        """
        seldom = max(_SELDOM, int(_SELDOM_SECONDS / step_time)) if step_time > 0 else _SELDOM
        while self.share(step_time) > share and self.effective_every < seldom:
            self.effective_every = min(seldom, 2 * self.effective_every)
        self.note = (
            f"runs every {self.effective_every:,} steps, so that it takes less than {share:.1%} of the step time"
        )

    def judge(self) -> bool:
        """Whether its cost is to be judged now; what it usually is, is then `usual`."""
        recent = self._recent
        self._long = recent[-1] >= _LONG_RUN
        if len(recent) < self._awaited and not self._long:
            return False
        if self._long:
            self.usual = recent[-1]
        else:
            self.usual = self.median = sorted(recent)[len(recent) // 2]
        self._recent, self._awaited = [], _JUDGED_RUNS
        return True

    def back_off(self, step_time: float, budget: float, together: float = 0.0) -> str:
        """Makes the metric run more seldom if it costs more than its budget, and as often again once it costs less.

        It comes back where it would take at most half of its budget, so that it does not swing to and fro.

        Args:
            step_time: the usual seconds a step takes.
            budget: the share of it that this metric may take.
            together: the share that the metrics of bundles want together, where that makes it less than others'.

        Returns:
            What changed, to be said after its name; empty where nothing did. `note` says what stands.
        """
        usual, self.jointly = self.usual, together > 0
        allowed, enough = self._cadence(budget * step_time), self._cadence(budget * step_time / 2)
        before = self.effective_every
        if allowed > before:
            self.effective_every = allowed
            self._awaited = min((_JUDGED_AFTER_LONG if self._long else _JUDGED_RUNS) << self._returns, _JUDGED_AT_MOST)
            self.note = f"runs every {allowed:,} steps instead of every {self.metric.every:,}: "
            self.note += (
                f"what bundles bring would together have cost {together:.0%} of the step time"
                if together
                else f"it took {seconds_text(usual)} and would have cost "
                f"{usual / (self.metric.every * step_time):.0%} of the step time, the budget is {budget:.0%}"
            )
            return self.note
        if enough < before:
            self._returns += 1
            self.effective_every = enough
            # Steps that have become longer bring it back as well: then it takes no less than before.
            share = usual / (enough * step_time)
            said = f"runs every {_steps(enough)} again: it took {seconds_text(usual)}, {share:.1%} of the step time"
            self.note = said if enough > self.metric.every else ""
            return said
        return ""

    def _cadence(self, allowed: float) -> int:
        """In how many steps it may run once, where it may take so many seconds in each step."""
        every, seconds = self.metric.every, self.usual
        cheap = 0.0 if self.jointly else CHEAP_SECONDS
        while seconds >= cheap and seconds > every * allowed and every < 1_000_000_000:
            every *= 2
        return every

    def info(self, step_time: float) -> MetricInfo:
        """The metric as the page shows it."""
        metric = self.metric
        printed = f"printed: {self.printed}" if self.printed else ""
        note = "; ".join(part for part in (self.note, self.reason, printed) if part)
        return MetricInfo(
            name=metric.name,
            code=metric.code,
            every=metric.every,
            effective_every=self.effective_every,
            enabled=self.enabled,
            origin=metric.origin,
            where=metric.where,
            charts=[chart_to_dict(chart) for chart in metric.charts],
            type=metric.type,
            help=metric.help,
            series=list(self.series),
            kind=self.kind,
            cost=self.cost,
            share=self.share(step_time),
            memory=self.memory,
            failure=self.failure,
            note=note,
        )


def saved_form(slots: Mapping[str, Slot]) -> dict[str, Any]:
    """All metrics with their code and charts, as `saveMetrics` writes them."""
    return {
        "bidviz_metrics": 1,
        "stats": {
            name: {
                "name": name,
                "code": slot.metric.code,
                "size": len(slot.metric.code),
                "type": slot.metric.type,
                "every": slot.metric.every,
                "where": slot.metric.where,
                "charts": [chart_to_dict(chart) for chart in slot.metric.charts],
                "origin": slot.metric.origin,
                "enabled": slot.enabled,
            }
            for name, slot in slots.items()
        },
    }


def _steps(every: int) -> str:
    """A cadence as it is said after "every" (`"step"`, `"64 steps"`)."""
    return "step" if every == 1 else f"{every:,} steps"


def seconds_text(value: float) -> str:
    """A time as people read it (`"1.2 ms"`)."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"
