"""Compares what a metric gives with what it gave when it was recorded: for the tests that travel in a shared bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bidviz_core.description import Sample
from bidviz_core.policies.definition import Policy
from bidviz_core.samples import value_from_json
from bidviz_core.testing.policy_checks import try_policy
from bidviz_core.testing.running import run_metric
from bidviz_core.values import HostValue, Table, Text, to_parts

#: Other processors and versions of torch add up in another order; a metric that is another differs by more.
RELATIVE = 1e-3


class Recorded(msgspec.Struct, frozen=True):
    """What a metric gave.

    Args:
        metric: its name.
        learner: the sample learner that it watched.
        steps: for how many steps.
        names: the series that it gave.
        series: their values; without those that are others each time.
    """

    metric: str
    learner: str
    steps: int
    names: list[str]
    series: dict[str, Sample] = {}


class RecordedBundle(msgspec.Struct, frozen=True):
    """What a bundle gave when it was shared.

    Args:
        names: the names of its metrics.
        metrics: what each gave that gave something on a sample learner.
        policies: the previews of its policies, by name.
    """

    names: list[str] = []
    metrics: list[Recorded] = []
    policies: dict[str, Sample] = {}


def read_recorded(path: Path | str) -> RecordedBundle:
    """Reads a file of recorded values, as sharing a metric writes it."""
    return msgspec.json.decode(Path(path).read_bytes(), type=RecordedBundle)


def assert_policy_as_recorded(recorded: Sample, policy: Policy) -> None:
    """Previews a policy again, and compares.

    Args:
        recorded: its preview when it was recorded.
        policy: the policy.

    Raises:
        AssertionError: it cannot be previewed, or gives another value at some step, by more than a thousandth.
    """
    trial = try_policy(policy)
    if trial.sample is None:
        raise AssertionError(f"{policy.name} gives nothing: {' '.join(one.what for one in trial.findings)}")
    if trial.sample.step != recorded.step:
        raise AssertionError(f"{policy.name} was looked at at other steps than when it was recorded.")
    for step, value, former in zip(recorded.step, trial.sample.value, recorded.value, strict=True):
        if not close(float(value), float(former)):
            raise AssertionError(f"{policy.name} at step {step} is {value}, and was recorded as {former}.")


def assert_as_recorded(recorded: Recorded, metrics: Sequence[Any]) -> None:
    """Runs a metric again as it was run, and compares.

    Args:
        recorded: what it gave.
        metrics: the bundle's metrics, one of which has that name.

    Raises:
        AssertionError: it gives other series, or another value at some step, by more than a thousandth.
        MetricError: it fails.
    """
    metric = next(one for one in metrics if one.name == recorded.metric)
    given = run_metric(metric, recorded.learner, steps=recorded.steps)
    if sorted(given) != sorted(recorded.names):
        raise AssertionError(
            f"{metric.name} gave the series {sorted(given)}, and when recorded {sorted(recorded.names)}."
        )
    for name, sample in recorded.series.items():
        # An array's sample holds the last few values.
        values = list(given[name])[-len(sample.value) :]
        expected = [value_from_json(one) for one in sample.value]
        for step, value, former in zip(sample.step, values, expected, strict=True):
            if not close(value, former):
                raise AssertionError(f"{name} at step {step} is {value!r}, and was recorded as {former!r}.")


def close(value: HostValue, former: HostValue, relative: float = RELATIVE) -> bool:
    """Whether two values are the same but for rounding; NaN is the same as NaN."""
    if isinstance(value, (int, float)) and isinstance(former, (int, float)):
        return bool(np.isclose(value, former, rtol=relative, atol=1e-9, equal_nan=True))
    if isinstance(value, Text) and isinstance(former, Text):
        return value.text == former.text
    if isinstance(value, Table) and isinstance(former, Table):
        return list(value.columns) == list(former.columns) and _same_rows(value.rows, former.rows, relative)
    if isinstance(value, (int, float)) or isinstance(former, (int, float)):
        return False
    header, buffers = to_parts(value)
    other, others = to_parts(former)
    if header.get("kind") != other.get("kind") or [one.shape for one in buffers] != [one.shape for one in others]:
        return False
    largest = max((float(np.nanmax(np.abs(one), initial=0.0)) for one in others), default=0.0)
    absolute = relative * 1e-2 * (largest if np.isfinite(largest) else 1.0)
    return all(
        np.allclose(one, another, rtol=relative, atol=absolute, equal_nan=True)
        for one, another in zip(buffers, others, strict=True)
    )


def _same_rows(rows: Sequence[Sequence[Any]], formers: Sequence[Sequence[Any]], relative: float) -> bool:
    def number(cell: Any) -> float | None:
        if isinstance(cell, bool) or not isinstance(cell, (int, float, str)):
            return None
        try:
            return float(cell)
        except ValueError:
            return None

    def same(cell: Any, former: Any) -> bool:
        left, right = number(cell), number(former)
        return cell == former if left is None or right is None else close(left, right, relative)

    return len(rows) == len(formers) and all(
        len(row) == len(former) and all(same(*pair) for pair in zip(row, former, strict=True))
        for row, former in zip(rows, formers, strict=True)
    )


def differing(
    one: Mapping[str, Sequence[HostValue]], other: Mapping[str, Sequence[HostValue]], relative: float = RELATIVE
) -> tuple[str, ...]:
    """The series of the first that the second lacks or has otherwise."""
    return tuple(
        name
        for name, values in one.items()
        if len(values) != len(other.get(name, ()))
        or not all(close(*pair, relative) for pair in zip(values, other[name], strict=True))
    )
