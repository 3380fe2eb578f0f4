"""What the session gives to its plugins, and how a plugin's failure is told."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from bidviz_core.errors import PluginError
from bidviz_core.messages.notifications import FailureContent

if TYPE_CHECKING:
    from bidviz_core.metrics.definition import Metric


class PluginHost(Protocol):
    """What the session gives to its plugins."""

    session: Any

    def at_boundary(self, function: Callable[[], Any]) -> Any:
        """Calls a function on the training thread, at a step boundary, and gives what it returns or raises."""

    def add_metric(self, metric: Metric) -> str | None:
        """Takes a metric in, and says what stands aside for it; raises `MetricError` where it cannot be had."""

    def remove_metrics(self, origin: str) -> None:
        """Removes every metric of an origin."""

    def metrics_left(self) -> list[str]:
        """Metrics of plugins may have been taken away: lets those run again, and names them, that stood aside."""

    def forget_findings(self, packages: set[str], origin: str) -> None:
        """Takes out what rules in these packages have found: a plugin was unloaded."""

    def add_charts(self, origin: str, charts: Iterable[Any]) -> None:
        """Takes charts in."""

    def remove_charts(self, origin: str) -> None:
        """Removes every chart of an origin."""

    def policies_left(self) -> None:
        """A plugin that brought policies was taken away."""

    def series_names(self) -> set[str]:
        """The names of all metrics, and of the series they have given."""

    def report(self, failure: FailureContent) -> None:
        """Tells the person that a plugin was set aside."""


class NothingFits(PluginError):
    """Every metric of a bundle was refused by this learner; no fault of the bundle's."""


def plugin_failure(name: str, message: str, error: BaseException | None, step: int) -> FailureContent:
    """Describes a plugin's failure, with the traceback of its cause where there is one."""
    text = "".join(traceback.format_exception(error)) if error is not None else ""
    return FailureContent(source="plugin", name=name, step=step, message=message, traceback=text, time=time.time())
