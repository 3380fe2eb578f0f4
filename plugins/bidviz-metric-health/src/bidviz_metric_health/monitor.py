"""Which rules stand in a session: patience before one fires, hysteresis before it clears, and what is done then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from bidviz_metric_health.actions import act
from bidviz_metric_health.layers import badly_begun
from bidviz_metric_health.rules import RULES
from bidviz_metric_health.settings import action_of, is_on, threshold

if TYPE_CHECKING:
    from bidviz_core.session import Session

#: A rule that stands clears only when its value is better than the threshold by this factor.
EASING = 0.8
#: A rule that fires again this soon after it cleared has to be well for twice as long before it clears the next time.
AGAIN_WITHIN = 1000
_MOST_TIMES = 8


@dataclass(frozen=True)
class Sick:
    """What a rule found at one look.

    Args:
        text: one sentence.
        series: the series that shows it.
        chart: the title of the chart, where the series has several.
    """

    text: str
    series: str = ""
    chart: str = ""


class Course:
    """One rule in one session.

    Args:
        stands: whether its finding stands already.
    """

    def __init__(self, stands: bool = False) -> None:
        self.stands = stands
        self.sick = 0
        self.well = 0
        self.since = 0
        self.cleared_at: int | None = None
        self.times = 1  # how many times longer than usual it has to be well

    def look(self, step: int, is_sick: bool, patience: int, recovery: int) -> str:
        """Takes one look in; says `"fires"`, `"clears"`, or nothing."""
        if is_sick:
            self.well = 0
            self.sick += 1
            if self.sick == 1:
                self.since = step
            if not self.stands and self.sick >= patience:
                self.stands = True
                soon = self.cleared_at is not None and step - self.cleared_at <= AGAIN_WITHIN
                self.times = min(_MOST_TIMES, 2 * self.times) if soon else 1
                return "fires"
            return ""
        self.sick = 0
        if not self.stands:
            return ""
        self.well += 1
        if self.well >= recovery * self.times:
            self.stands = False
            self.well = 0
            self.cleared_at = step
            return "clears"
        return ""


class Monitor:
    """The rules of one session; used by its training thread alone.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._courses: dict[str, Course] = {}
        self._step = 0
        #: Layers whose weights were no good beginning, where the training was seen from there.
        self.beginning: dict[str, str] = {}
        if session.step == 0 and hasattr(session.learner.model, "named_modules"):
            small, large = (threshold("PoorWeightInitialization", key) for key in ("small", "large"))
            self.beginning = badly_begun(session.learner.model, small, large)
        #: What rules remember between their looks, by their metric.
        self.memory: dict[str, Any] = {}

    def at(self, step: int) -> Monitor:
        """Says which step it is; after going back, what came later has not happened."""
        if step < self._step:
            for name, course in self._courses.items():
                if course.stands and course.since > step:
                    self._session.health.clear(name, step)
            self._courses.clear()
            self.memory.clear()
        self._step = step
        return self

    def stands(self, name: str) -> bool:
        """Whether a rule's finding stands."""
        return self._course(name).stands

    def ease(self, name: str) -> float:
        """1, or less while the rule stands: the factor on what must not be exceeded."""
        return EASING if self._course(name).stands else 1.0

    def judge(self, name: str, found: Sick | None) -> None:
        """Takes in what a rule found at the present step, or that it found nothing."""
        rule, course = RULES[name], self._course(name)
        if not is_on(name):
            if course.stands:
                self._courses.pop(name)
                self._session.health.clear(name, self._step)
            return
        match course.look(self._step, found is not None, rule.patience, rule.recovery):
            case "clears":
                self._session.health.clear(name, self._step)
            case "fires":
                assert found is not None
                self._tell(name, found, course.since)
                if action := action_of(name):
                    self._act(name, action, found, course.since)
            case _ if course.stands and found is not None:
                self._tell(name, found, course.since)

    def shown_by(self, *names: str) -> str:
        """The first of these series that is recorded; the last, if none is."""
        recorded = self._session.engine.series
        return next((name for name in names if name in recorded), names[-1])

    def series(self) -> Mapping[str, Any]:
        """All series that are recorded."""
        return self._session.engine.series

    def _course(self, name: str) -> Course:
        course = self._courses.get(name)
        if course is None:
            health = self._session.health
            course = self._courses[name] = Course(name in health and health[name].level != "ok")
            course.since = health[name].since if course.stands else 0
        return course

    def _tell(self, name: str, found: Sick, since: int, action: str = "") -> None:
        self._session.health.tell(
            name, RULES[name].level, found.text, self._step, found.series, found.chart, action, since=since
        )

    def _act(self, name: str, action: str, found: Sick, since: int) -> None:
        def work() -> None:
            done = act(self._session, action, name, found.text, since)
            self._tell(name, found, since, done)

        # At this same boundary, but when metrics are over and nothing of theirs is put back any more.
        self._session.boundary.soon(work)


_monitors: WeakKeyDictionary[Any, Monitor] = WeakKeyDictionary()


def begin(session: Session) -> Monitor:
    """Makes the monitor of a session."""
    monitor = _monitors[session.learner] = Monitor(session)
    return monitor


def end(session: Session) -> None:
    """Forgets the monitor of a session, which is over."""
    _monitors.pop(session.learner, None)


def monitor_of(learner: Any) -> Monitor | None:
    """The monitor of the session that has this learner; none where a metric is tried without one."""
    return _monitors.get(learner)
