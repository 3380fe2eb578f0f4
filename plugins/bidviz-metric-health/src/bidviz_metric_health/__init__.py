"""Rules that say when a training is not well, where, and since when; each a line in the run's health list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bidviz_core as bidviz
from bidviz_metric_health import monitor
from bidviz_metric_health.metrics import RULES_OF, activations, classes, data, gradients, loss, updates
from bidviz_metric_health.rules import RULES
from bidviz_metric_health.settings import configure, expose, is_on, settings_of

if TYPE_CHECKING:
    from bidviz_core.session import Session

__all__ = ["RULES", "configure", "expose", "settings_of"]


@bidviz.hookimpl
def register_metrics() -> list[bidviz.Metric]:
    """What the rules look at, each metric a chart that their findings link to."""
    return [loss, gradients, updates, activations, classes, data]


@bidviz.hookimpl
def register_hyperparameters(session: Session) -> None:
    """The bundle is loaded into a session: its rules tell that session from now on."""
    monitor.begin(session)


@bidviz.hookimpl
def health_rules(session: Session) -> dict[str, bool]:
    """The rules, and which watch: those that are on and whose metric runs."""
    slots = session.engine.slots
    running = {name for name, slot in list(slots.items()) if slot.enabled and slot.failure is None}
    return {rule: is_on(rule) and metric in running for metric, rules in RULES_OF.items() for rule in rules}


@bidviz.hookimpl
def run_ended(session: Session) -> None:
    """There is nothing more to judge."""
    monitor.end(session)
