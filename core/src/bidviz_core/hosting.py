"""What the engine and plugins may do to a session: the two narrow doors through which they reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from bidviz_core.messages.notifications import FailureContent
from bidviz_core.metrics.collection import Metrics
from bidviz_core.metrics.definition import Metric
from bidviz_core.metrics.slot import Slot
from bidviz_core.metrics.standing_aside import StandingAside
from bidviz_core.notices import notice

if TYPE_CHECKING:
    from bidviz_core.session import Session


class Outlet:
    """Takes what the engine gives."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.results = session.recorder.results
        self.scalars = session.recorder.scalars
        self.numbers = session.recorder.numbers
        self.failed = session.fail

    def backed_off(self, slot: Slot, said: str) -> None:
        message = f"{slot.metric.name} {said}."
        self._session.journal.add(self._session.step, "bidviz", "backOff", message, {"name": slot.metric.name})
        notice(message)
        self._session.renew_catalogue()

    def changed(self) -> None:
        pump = getattr(self._session, "pump", None)  # the first metrics come before the pump
        if pump is not None:
            pump.renew_catalogue()


class Host:
    """What plugins may do to a session."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def at_boundary(self, function: Callable[[], Any]) -> Any:
        return self.session.boundary.call(function)

    def add_metric(self, metric: Metric) -> str | None:
        said = self.session.metrics.take_from_bundle(metric, trusted=metric.origin == "built-in")
        if said:
            about = {"name": metric.name, "origin": metric.origin}
            self.session.journal.add(self.session.step, "bidviz", "standAside", f"{metric.origin}: {said}", about)
        return said

    def remove_metrics(self, origin: str) -> None:
        self.session.metrics.drop_origin(origin)

    def metrics_left(self) -> list[str]:
        names = self.session.metrics.bring_back()
        for name in names:
            said = f"{name!r} goes on by the code that was written for this run: the bundle's is gone"
            self.session.journal.add(self.session.step, "bidviz", "bringBack", said, {"name": name})
        return names

    def forget_findings(self, packages: set[str], origin: str) -> None:
        self.session.health.forget(packages, origin)

    def add_charts(self, origin: str, charts: Iterable[Any]) -> None:
        self.session.charts.setdefault(origin, []).extend(charts)
        self.session.renew_catalogue()

    def remove_charts(self, origin: str) -> None:
        self.session.charts.pop(origin, None)
        self.session.renew_catalogue()

    def policies_left(self) -> None:
        self.session.policies.look_for_bundles()

    def series_names(self) -> set[str]:
        slots = dict(self.session.engine.slots)
        given = (name for slot in slots.values() for name in list(slot.series))
        return {*slots, *given, *list(self.session.pump.latest)}

    def report(self, failure: FailureContent) -> None:
        self.session.fail(failure)


def metrics_of(session: Session) -> Metrics:
    """Makes the metrics of a session."""
    folder, at_boundary = (lambda: session.run_dir), session.boundary.call
    return Metrics(session.engine, folder, at_boundary, session.snapshots.change, StandingAside(same_code))


def same_code(one: Metric, other: Metric) -> bool:
    """Whether two metrics are the same code; see `bidviz_core.sharing.likeness`."""
    from bidviz_core.sharing.likeness import same_code as compare  # with all that sharing needs, and seldom wanted

    return compare(one, other)
