"""What `bidviz bundle check` prints: a line for each metric and policy, one for each finding, and the sum of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from bidviz_core.testing.checking import Report
from bidviz_core.testing.metric_checks import Trial
from bidviz_core.testing.policy_checks import PolicyTrial


def lines_of(report: Report) -> Iterator[str]:
    """The report as people read it."""
    yield f"{report.name} {report.version}"
    for trial in report.metrics:
        yield f"  {trial.name}: {metric_line(trial)}"
    for policy in report.policies:
        yield f"  {policy.name}: {_policy_line(policy)}"
    for finding in report.findings:
        yield str(finding)
    for picture in report.pictures:
        yield f"· drawn: {picture}"
    count = len(report.wrong)
    yield "Nothing to mend." if not count else f"{count} to mend." if count > 1 else "One thing to mend."


def metric_line(trial: Trial) -> str:
    """What a metric gives and what it costs."""
    if trial.together:
        return f"{len(trial.series)} series beside the rest of the bundle, on {trial.together}"
    if not trial.learners:
        return "gave no value on the sample learners"
    shape = " × ".join(map(str, trial.shape))
    what = f"{trial.shape[0]} series ({trial.kind})" if trial.kind in ("scalars", "mapping") else trial.kind
    if trial.kind not in ("scalars", "mapping", "scalar") and shape:
        what = f"{trial.kind} of {shape}"
    parts = [f"{what} on {', '.join(trial.learners)}"]
    if trial.cost is not None:
        share = f", {trial.share:.1%} of a step" if trial.share is not None else ""
        parts.append(f"{duration(trial.cost)} a value{share} of {trial.cost_on}")
    if trial.memory:
        parts.append(f"{trial.memory / 2**20:.1f} MiB at most")
    return "; ".join(parts)


def duration(microseconds: float) -> str:
    """A time as people say it."""
    if microseconds >= 1e6:
        return f"{microseconds / 1e6:.3g} s"
    return f"{microseconds / 1e3:.3g} ms" if microseconds >= 1e3 else f"{microseconds:.3g} µs"


def _policy_line(policy: PolicyTrial) -> str:
    if policy.least is None:
        return "gave no value"
    return f"{policy.target} from {policy.least:.3g} to {policy.greatest:.3g} over 1,000 steps"


def form_of(report: Report) -> dict[str, Any]:
    """The report as JSON takes it; `value` of samples is left out, the description has it."""
    return {
        "name": report.name,
        "version": report.version,
        "hash": report.description.hash if report.description is not None else "",
        "findings": [{**_plain(one), "level": one.level} for one in report.findings],
        "metrics": [{key: value for key, value in _plain(one).items() if key != "samples"} for one in report.metrics],
        "policies": [{key: value for key, value in _plain(one).items() if key != "sample"} for one in report.policies],
        "pictures": [str(one) for one in report.pictures],
    }


def _plain(one: Any) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(one)
    return plain
