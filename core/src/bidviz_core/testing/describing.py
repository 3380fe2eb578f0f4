"""Makes a bundle's description of what it registers and of what came of it on the sample learners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from bidviz_core.description import Description, Sample
from bidviz_core.testing.metric_checks import Trial
from bidviz_core.testing.placing import Placed
from bidviz_core.testing.policy_checks import PolicyTrial

if TYPE_CHECKING:
    from bidviz_core.testing.examining import Loaded

#: A chart's pattern may stand for very many series; a sample needs few of them.
_MOST_SERIES = 24


def describe(
    placed: Placed,
    loaded: Loaded,
    metrics: Sequence[Trial],
    policies: Sequence[PolicyTrial],
    built_in: Mapping[str, Sample],
) -> Description:
    """Makes the description.

    Args:
        placed: the bundle.
        loaded: what it registered.
        metrics: what came of its metrics.
        policies: what came of its policies, whose previews are the samples `policy/<name>`.
        built_in: the series of every run that its charts show beside its own.
    """
    tried = {trial.name: trial for trial in metrics}
    described = tuple(
        msgspec.structs.replace(
            metric,
            learners=tried[metric.name].learners,
            cost=tried[metric.name].cost,
            share=tried[metric.name].share,
            cost_on=tried[metric.name].cost_on,
        )
        if metric.name in tried
        else metric
        for metric in loaded.metrics
    )
    samples: dict[str, Sample] = {}
    for trial in metrics:
        samples.update(dict(list(trial.samples.items())[:_MOST_SERIES]))
    samples |= {f"policy/{one.name}": one.sample for one in policies if one.sample is not None}
    samples |= built_in
    return Description(
        bidviz_bundle=1,
        name=placed.name,
        version=placed.version,
        summary=placed.metadata["Summary"] or "",
        metrics=described,
        policies=loaded.policies,
        charts=loaded.charts,
        pages=loaded.pages,
        renderers=loaded.renderers,
        samples=samples,
        hash=loaded.hash,
    )
