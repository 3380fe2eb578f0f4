"""Metrics of a person that stand aside for a bundle's of the same name and code, and come back when it goes.

Whoever shares a typed metric and loads the bundle into the very run where it was typed wants the series to go on, with
the bundle's name beside it; and whoever unloads the bundle again wants what was there before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from bidviz_core.errors import MetricError
from bidviz_core.metrics.definition import Metric
from bidviz_core.metrics.slot import Slot

#: Who wrote a metric for this run alone.
OWN = ("person", "script")


class Aside(NamedTuple):
    """A metric that stands aside.

    Args:
        slot: as it lived until then.
        bundle: the name of the bundle whose metric computes its series.
    """

    slot: Slot
    bundle: str


class StandingAside:
    """The metrics of a session that stand aside, by name; used on the training thread.

    Args:
        same_code: says whether two metrics are the same code.
    """

    def __init__(self, same_code: Callable[[Metric, Metric], bool]) -> None:
        self._same_code = same_code
        self._by_name: dict[str, Aside] = {}

    def make_way(self, present: Slot, coming: Metric) -> None:
        """Lets a metric stand aside for a bundle's.

        Raises:
            MetricError: it is another metric that has the same name; with what to do.
        """
        name = present.metric.name
        if not self._same_code(present.metric, coming):
            writer = "the script" if present.metric.origin == "script" else "somebody on the page"
            raise MetricError(
                f"{coming.origin} brings a metric {name!r}, and there is one of that name with other code, which "
                f"{writer} wrote for this run. Remove it (session.metrics.remove({name!r}), or Remove in its editor), "
                "or add it under another name and remove this one; then load the bundle again."
            )
        self._by_name[name] = Aside(present, _bundle(coming))

    def makes_way_again(self, coming: Metric) -> bool:
        """Whether a metric stands aside already for another version of the same bundle, whose code may be another."""
        aside = self._by_name.get(coming.name)
        return aside is not None and aside.bundle == _bundle(coming)

    def waits(self, metric: Metric, present: Metric) -> bool:
        """Lets a metric of the last run stand aside at once where a bundle is there that is the same code."""
        if present.origin in (*OWN, "built-in") or not self._same_code(metric, present):
            return False
        self._by_name.setdefault(metric.name, Aside(Slot(metric, ()), _bundle(present)))
        return True

    def forget(self, name: str) -> None:
        """A person removed or replaced the metric: nothing is to come back."""
        self._by_name.pop(name, None)

    def due(self, slots: dict[str, Slot]) -> list[Slot]:
        """Takes out those whose bundle's metric is gone, so that they can run again."""
        gone = [name for name in self._by_name if name not in slots]
        return [self._by_name.pop(name).slot for name in gone]

    def persons(self) -> Iterator[tuple[str, Slot]]:
        """Those that a person typed, which the next run may want to bring back."""
        return ((name, one.slot) for name, one in self._by_name.items() if one.slot.metric.origin == "person")


def carry_on(former: Slot, present: Slot) -> None:
    """Lets the same code go on where it was: its series, and what it keeps between its runs."""
    present.series.update(former.series)
    present.kind = former.kind
    present.state = former.state


def _bundle(metric: Metric) -> str:
    return metric.origin.partition(" ")[0]
