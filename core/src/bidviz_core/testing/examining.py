"""Examines everything that a plugin gives, and tells of it piece by piece, so that a crash loses only the piece."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from bidviz_core.description import DescribedMetric, DescribedPolicy, PageFile, Sample
from bidviz_core.errors import BidvizError
from bidviz_core.plugins.loading import Given
from bidviz_core.specs import AnyChart
from bidviz_core.testing.chart_checks import BUILT_IN, check_charts, check_names, matching, series_of
from bidviz_core.testing.finding import Finding
from bidviz_core.testing.learners import sample_learner
from bidviz_core.testing.metric_checks import Trial, sampled, try_on_all
from bidviz_core.testing.policy_checks import PolicyTrial, try_policy
from bidviz_core.testing.running import STEPS, bare_state, recorded, same_state, seeded, watched
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


class BuiltIn(msgspec.Struct, frozen=True, tag=True):
    """Series of every run that some chart shows beside the bundle's own, as the sample learner mlp gives them."""

    samples: dict[str, Sample]


class Ended(msgspec.Struct, frozen=True, tag=True):
    """All was tried."""


class Wanted(msgspec.Struct, frozen=True):
    """What a process that checks bundles is asked for.

    Args:
        site: the folder from which the bundle is imported.
        name: the bundle's name.
        before: what was done before.
    """

    site: str
    name: str
    before: Before


class Forked(msgspec.Struct, frozen=True, tag=True):
    """A child was made for the bundle that was asked for.

    Args:
        process: its number.
    """

    process: int


class Fell(msgspec.Struct, frozen=True, tag=True):
    """That child has come to its end.

    Args:
        status: what it ended with; the number of a signal is negative.
    """

    status: int


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


def built_in_samples(charts: Sequence[AnyChart]) -> dict[str, Sample]:
    """The series of every run that charts show beside a bundle's own, on the sample learner mlp."""
    patterns = {pattern for chart in charts for pattern in series_of(chart)}
    wanted = {name for pattern in patterns for name in matching(pattern, BUILT_IN) if "*" not in pattern}
    if not wanted:
        return {}
    with seeded(0, "mlp"):
        learner = sample_learner("mlp")
        with watched(learner) as session:
            learner.run(session, STEPS)
            session.close()
            values, steps = recorded(session.run_dir, sorted(wanted))
    return {name: sampled(steps[name], one) for name, one in values.items()}


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
