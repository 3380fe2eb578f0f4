"""Checks a whole bundle: its metadata here, its code in a process of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from bidviz_core.description import FILE, Description, encode_description
from bidviz_core.errors import BidvizError, PluginError, SpecError
from bidviz_core.metrics.definition import Metric, from_function
from bidviz_core.plugins.dispatch import Hooks
from bidviz_core.plugins.loading import Given, collect
from bidviz_core.policies.definition import Policy
from bidviz_core.testing.describing import describe
from bidviz_core.testing.examining import (
    Before,
    Began,
    BuiltIn,
    Ended,
    Event,
    Loaded,
    MetricDone,
    PolicyDone,
    Told,
    examine,
    findings_of,
)
from bidviz_core.testing.finding import Finding, note
from bidviz_core.testing.metadata_checks import check_metadata
from bidviz_core.testing.metric_checks import Trial
from bidviz_core.testing.placing import Placed, place
from bidviz_core.testing.policy_checks import PolicyTrial
from bidviz_core.testing.process import AnyEvent, CheckProcess

#: Seconds that one run of a metric on a sample learner may take; a busy machine is slow, a loop without end slower.
PATIENCE = 300.0
#: So many times the process may come down before the rest is left unchecked.
_FALLS = 8

Draw: TypeAlias = Callable[[Description], tuple[list[Path], list[Finding]]]


@dataclass
class Report:
    """What the check of a bundle found.

    Args:
        name: the bundle's name.
        version: its version.
        findings: what is to be mended, and notes.
        metrics: what came of each metric.
        policies: what came of each policy.
        description: what it says of itself, or none if it could not be loaded.
        pictures: the charts that were drawn.
    """

    name: str
    version: str
    findings: list[Finding] = field(default_factory=list)
    metrics: list[Trial] = field(default_factory=list)
    policies: list[PolicyTrial] = field(default_factory=list)
    description: Description | None = None
    pictures: list[Path] = field(default_factory=list)

    @property
    def wrong(self) -> list[Finding]:
        """What is to be mended."""
        return [one for one in self.findings if one.level == "finding"]


def check(thing: Metric | Policy | Callable[..., Any] | object) -> list[Finding]:
    """Checks a metric, a policy, or a whole plugin in this process, for a test of its author's own.

        assert check(my_bundle) == []

    Args:
        thing: a metric, a function that is one, a policy, or a module or object with hooks.

    Returns:
        What is to be mended; notes are left out.
    """
    if isinstance(thing, Metric):
        given = Given("checked", {}, metrics=[thing])
    elif isinstance(thing, Policy):
        given = Given("checked", {}, policies=[thing])
    elif callable(thing) and hasattr(thing, "__code__"):
        given = Given("checked", {}, metrics=[from_function(thing)])
    else:
        try:
            given = collect("checked", {"checked": thing}, Hooks(lambda *about: None))
        except BidvizError as error:
            return [Finding("the plugin", str(error))]
    events: list[Event] = []
    examine(given, events.append)
    return [one for one in findings_of(events) if one.level == "finding"]


def check_bundle(
    path: Path,
    *,
    write: bool = False,
    draw: Draw | None = None,
    patience: float = PATIENCE,
    process: CheckProcess | None = None,
) -> Report:
    """Checks a folder or a wheel. Its code runs in a process of its own; nothing is installed.

    Args:
        path: the folder with its `pyproject.toml`, or a wheel.
        write: write the description into the folder's import package.
        draw: draws what the bundle says of itself, and gives the pictures and what there is to say of them.
        patience: seconds that one run of a metric may take.
        process: where its code runs, if it is not the only bundle to be checked: by default in a process of its own.

    Raises:
        PluginError: it is neither a folder with a project nor a wheel.
    """
    with tempfile.TemporaryDirectory(prefix="bidviz-check-") as folder:
        placed = place(path, Path(folder))
        report = Report(placed.name, placed.version, list(check_metadata(placed)))
        if not placed.entry_points or not placed.package:
            return report
        with ExitStack() as stack:
            process = process if process is not None else stack.enter_context(CheckProcess())
            loaded, events = _run(placed, patience, process)
        report.findings += findings_of([event for event in events if not isinstance(event, (Loaded, BuiltIn, Ended))])
        report.metrics = [event.trial for event in events if isinstance(event, MetricDone)]
        report.policies = [event.trial for event in events if isinstance(event, PolicyDone)]
        if loaded is None:
            return report
        built_in = next((event.samples for event in events if isinstance(event, BuiltIn)), {})
        report.description = describe(placed, loaded, report.metrics, report.policies, built_in)
        report.findings += _compare(placed, report.description, write)
        if draw is not None:
            report.pictures, told = draw(report.description)
            report.findings += told
        if write:
            if placed.source is None:
                raise PluginError("A wheel is not changed any more: give --write with the folder, then build it.")
            (placed.source / placed.package / FILE).write_bytes(encode_description(report.description))
            report.findings = [one for one in report.findings if one.about != FILE]
    return report


def _compare(placed: Placed, made: Description, write: bool) -> Iterator[Finding]:
    """What the bundle says of itself, against what it holds."""
    from bidviz_core.description import decode_description

    file = placed.site / placed.package / FILE
    if write or not file.is_file():
        return
    try:
        said = decode_description(file.read_bytes())
    except SpecError as error:
        yield Finding(FILE, str(error))
        return
    if (said.name, said.version, said.hash) != (made.name, made.version, made.hash):
        yield Finding(FILE, "it was written for other code than this.", "Write it anew: bidviz bundle check --write.")


def _run(placed: Placed, patience: float, process: CheckProcess) -> tuple[Loaded | None, list[AnyEvent]]:
    """Runs the bundle's code; goes on in a new process when a metric brought the first one down."""
    loaded: Loaded | None = None
    kept: list[AnyEvent] = []
    skip: dict[str, list[str]] = {}
    for _ in range(_FALLS):
        done = {event.trial.name: event.trial for event in kept if isinstance(event, MetricDone)}
        policies = {event.trial.name for event in kept if isinstance(event, PolicyDone)}
        before = Before(done, {**skip, **{name: ["policy"] for name in policies}})
        events, how = process.examine(placed.site, placed.name, before, patience)
        loaded = next((event for event in events if isinstance(event, Loaded)), loaded)
        began = next((event for event in reversed(events) if isinstance(event, Began)), None)
        kept += events
        if any(isinstance(event, Ended) for event in events):
            return loaded, kept
        item = began.item if began is not None else "the bundle"
        at = f" on the sample learner {began.run}" if began is not None and began.run else ""
        kept.append(Told((Finding(item, f"{how}{at}.", "A metric has to come back, and to leave the process alive."),)))
        if began is None:
            return loaded, kept
        skip.setdefault(began.item, []).append(began.run)
    kept.append(Told((note("the bundle", f"after {_FALLS} processes that came down, the rest was left unchecked."),)))
    return loaded, kept
