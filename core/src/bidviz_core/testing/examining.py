"""Examines everything that a plugin gives, and tells of it piece by piece, so that a crash loses only the piece."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from bidviz_core.description import DescribedMetric, DescribedPolicy, PageFile
from bidviz_core.errors import BidvizError
from bidviz_core.plugins.loading import Given
from bidviz_core.specs import AnyChart
from bidviz_core.testing.chart_checks import check_charts, check_names
from bidviz_core.testing.finding import Finding
from bidviz_core.testing.learners import sample_learner
from bidviz_core.testing.metric_checks import Trial, try_on_all
from bidviz_core.testing.policy_checks import PolicyTrial, try_policy
from bidviz_core.testing.running import STEPS, bare_state, same_state, seeded, watched
from bidviz_core.testing.together import LEARNERS as TOGETHER_ON
from bidviz_core.testing.together import try_together

#: The learners on which a bundle is loaded as a whole.
_WHOLE_ON = ("mlp", "kmeans")


class Began(msgspec.Struct, frozen=True, tag=True):
    """Something begins.

    Args:
        item: what, a metric or a policy.
        run: which of its runs, or an empty text.
    """

    item: str
    run: str = ""


class MetricDone(msgspec.Struct, frozen=True, tag=True):
    """A metric was tried."""

    trial: Trial


class PolicyDone(msgspec.Struct, frozen=True, tag=True):
    """A policy was tried."""

    trial: PolicyTrial


class Told(msgspec.Struct, frozen=True, tag=True):
    """Findings that belong to the whole."""

    findings: tuple[Finding, ...]


class Loaded(msgspec.Struct, frozen=True, tag=True):
    """The bundle's code is in the interpreter."""

    hash: str
    metrics: tuple[DescribedMetric, ...]
    policies: tuple[DescribedPolicy, ...]
    charts: tuple[AnyChart, ...]
    pages: tuple[PageFile, ...]
    renderers: tuple[str, ...]


class Before(msgspec.Struct, frozen=True):
    """What was done before.

    Args:
        done: metrics that were tried.
        skip: runs that brought the process down, by metric or policy.
    """

    done: dict[str, Trial] = {}
    skip: dict[str, list[str]] = {}


class Ended(msgspec.Struct, frozen=True, tag=True):
    """All was tried."""


Event: TypeAlias = Began | MetricDone | PolicyDone | Told


def examine(
    given: Given,
    tell: Callable[[Event], None],
    *,
    done: Mapping[str, Trial] | None = None,
    skip: Mapping[str, Collection[str]] | None = None,
) -> None:
    """Tries what a plugin gives.

    Args:
        given: what it registered.
        tell: told of everything, in its order.
        done: what was tried before, in a process that came down later.
        skip: by metric or policy the runs that brought the process down.
    """
    done, skip = done or {}, skip or {}
    built_in = built_in_series()
    tell(Told(tuple(check_names(given.metrics, built_in))))
    trials: dict[str, Trial] = dict(done)
    for metric in given.metrics:
        if metric.name in trials:
            continue
        name = metric.name
        trials[name] = try_on_all(metric, tuple(skip.get(name, ())), lambda run, name=name: tell(Began(name, run)))  # type: ignore[misc]
        if trials[name].learners or trials[name].wrong:
            tell(MetricDone(trials[name]))
    silent = {name: one for name, one in trials.items() if not (one.learners or one.wrong) and name not in done}
    if silent:  # what they give beside the others
        over = [learner for learner in TOGETHER_ON if f"together, {learner}" in skip]
        trials |= try_together(given, silent, over, lambda learner: tell(Began(f"together, {learner}")))
        for name in silent:
            tell(MetricDone(trials[name]))
    series = {name: trial.series for name, trial in trials.items()}
    tell(Told(tuple(check_charts(given.metrics, given.charts, series, built_in))))
    for policy in given.policies:
        if policy.name not in skip:
            tell(Began(policy.name, "policy"))
            tell(PolicyDone(try_policy(policy)))
    for learner in _WHOLE_ON:
        item = f"the whole, {learner}"
        if item not in skip:
            tell(Began(item, ""))
            failing = {name for name, trial in trials.items() if any(one.level == "finding" for one in trial.findings)}
            tell(Told(tuple(_whole(given, learner, failing))))


@lru_cache(maxsize=1)
def built_in_series() -> frozenset[str]:
    """The series that every run has, whatever bundles there are."""
    names: set[str] = set()
    for learner in _WHOLE_ON:
        with seeded(0, learner):
            sample = sample_learner(learner)
            with watched(sample) as session:
                sample.run(session, 2)
                names |= {name for slot in session.metrics.slots.values() for name in (slot.metric.name, *slot.series)}
    return frozenset(names)


def _whole(given: Given, learner: str, failing: Collection[str]) -> Iterator[Finding]:
    """Loads everything into one session: hooks that are told of steps run only there."""
    with seeded(0, learner):
        sample = sample_learner(learner)
        with watched(sample) as session:
            for name, plugin in given.plugins.items():
                try:
                    session.plugins.register(plugin, name)
                except BidvizError as error:
                    if "has no metric for this run" not in str(error):
                        yield Finding("the whole", f"it cannot be loaded on the sample learner {learner}: {error}")
                    return
            sample.run(session, STEPS)
            session.close()
            state, failures = sample.state(), list(session.failures)
    for failure in failures:
        if failure.name not in failing:
            yield Finding(failure.name, f"on the sample learner {learner}, {failure.message}", "Mend what it says.")
    if not failing and not failures and not same_state(state, bare_state(learner)):
        yield Finding(
            "the whole",
            f"the sample learner {learner} is another after {STEPS} steps than it is without the bundle.",
            "Hooks and metrics may only look.",
        )


def findings_of(events: Sequence[Event]) -> list[Finding]:
    """All findings of a list of events, each once."""
    found: list[Any] = []
    for event in events:
        if isinstance(event, Told):
            found += event.findings
        elif isinstance(event, (MetricDone, PolicyDone)):
            found += event.trial.findings
    return list(dict.fromkeys(found))
