"""Every hook that a plugin may implement: the map of the product. Mark implementations with `bidviz.hookimpl`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    from bidviz_core.extensions import Page, Renderer
    from bidviz_core.messages.bundles import Found
    from bidviz_core.messages.commands import Method
    from bidviz_core.messages.notifications import FailureContent
    from bidviz_core.metrics.definition import Metric
    from bidviz_core.plugins.pins import Pin
    from bidviz_core.records import Record
    from bidviz_core.session import Session
    from bidviz_core.specs import AnyChart

PROJECT = "bidviz"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_metrics() -> Iterable[Metric]:
    """Gives the metrics of this plugin; called once per session when the plugin is loaded."""
    raise AssertionError("a spec is never called")


@hookspec
def register_policies() -> Iterable[Any]:
    """Gives the named policies of this plugin; called once per session when the plugin is loaded."""
    raise AssertionError("a spec is never called")


@hookspec
def register_charts() -> Iterable[AnyChart]:
    """Gives charts that show several metrics; called once per session when the plugin is loaded."""
    raise AssertionError("a spec is never called")


@hookspec
def register_learners() -> Mapping[str, Any]:
    """Gives adapters by the qualified name of the learner's class that they can watch."""
    raise AssertionError("a spec is never called")


@hookspec
def register_commands() -> Mapping[type[Method], Any]:
    """Gives handlers `f(session, order) -> Reply` by command type; called once per session."""
    raise AssertionError("a spec is never called")


@hookspec
def register_hyperparameters(session: Session) -> None:
    """Calls `session.expose` for what this plugin knows of the learner."""


@hookspec
def register_renderers() -> Iterable[Renderer]:
    """Gives renderers for kinds of charts of this plugin's own; called in the dashboard's process."""
    raise AssertionError("a spec is never called")


@hookspec
def register_pages() -> Iterable[Page]:
    """Gives pages of the dashboard; called in the dashboard's process."""
    raise AssertionError("a spec is never called")


@hookspec(firstresult=True)
def install_bundle(
    requirement: str,
    progress: Callable[[str], None],
    into: Path,
    pins: Mapping[str, Pin],
    source: str,
    hash: str,  # noqa: A002
    with_dependencies: bool,
    build: bool,
) -> Any:
    """Installs a requirement, a path or a wheel into the run's folder of bundles; the first answer wins."""


@hookspec(firstresult=True)
def inspect_bundle(requirement: str, progress: Callable[[str], None], pins: Mapping[str, Pin], source: str) -> Any:
    """Says what is in a bundle that is not installed, and runs nothing of it; the first answer wins."""


@hookspec
def find_bundles(query: str, pins: Mapping[str, Pin]) -> Iterable[Found]:
    """Gives the bundles that fit a query, those that the run installed for itself among them, and says in rows with a
    `problem` which places gave nothing."""
    raise AssertionError("a spec is never called")


@hookspec
def run_started(session: Session) -> None:
    """Tells that the run begins, before its first step."""


@hookspec
def epoch_started(session: Session, epoch: int) -> None:
    """Tells that an epoch begins."""


@hookspec
def epoch_ended(session: Session, epoch: int) -> None:
    """Tells that an epoch is over."""


@hookspec
def run_ended(session: Session, error: BaseException | None) -> None:
    """Tells, once, that the run is over: at its end, a stop, an exception or Ctrl-C."""


@hookspec
def gradients_ready(session: Session, step: int) -> None:
    """Tells that the gradients of `step` are there and the update is about to be made."""


@hookspec
def step_ended(session: Session, step: int) -> None:
    """Tells that `step` is over: the step boundary."""


@hookspec
def propose_hyperparameters(
    session: Session, step: int, hyperparameters: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Asks for values of hyperparameters at a step boundary, after commands."""


@hookspec
def hyperparameters_changed(session: Session, step: int, changes: Sequence[Any]) -> None:
    """Tells which hyperparameters changed, after they took effect."""


@hookspec
def health_rules(session: Session) -> Mapping[str, bool]:
    """Gives the rules that tell of the run's health, and whether each watches now; asked beside the training."""
    raise AssertionError("a spec is never called")


@hookspec(firstresult=True)
def handle_command(session: Session, command: Method) -> Any:
    """Asks for the answer to a command; the first answer wins, the built-in handler comes last."""


@hookspec
def records_written(session: Session, records: Sequence[Record]) -> None:
    """Tells, on the sinks' own thread and in batches, which records were written; sinks write here."""


@hookspec
def failure_reported(session: Session, failure: FailureContent) -> None:
    """Tells that a metric or a plugin was set aside."""
