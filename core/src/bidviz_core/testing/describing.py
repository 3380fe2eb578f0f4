"""Makes a bundle's description of what it registers and of what came of it on the sample learners."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import msgspec

from bidviz_core.description import Description, Sample
from bidviz_core.testing.chart_checks import BUILT_IN, matching, series_of
from bidviz_core.testing.metric_checks import Trial, sampled
from bidviz_core.testing.placing import Placed
from bidviz_core.testing.policy_checks import PolicyTrial

if TYPE_CHECKING:
    from bidviz_core.testing.examining import Loaded

#: A chart's pattern may stand for very many series; a sample needs few of them.
_MOST_SERIES = 24


def describe(placed: Placed, loaded: Loaded, metrics: Sequence[Trial], policies: Sequence[PolicyTrial]) -> Description:
    """Makes the description.

    Args:
        placed: the bundle.
        loaded: what it registered.
        metrics: what came of its metrics.
        policies: what came of its policies, whose previews are the samples `policy/<name>`.
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
    charts = [*loaded.charts, *(chart for metric in loaded.metrics for chart in metric.charts)]
    samples |= _built_in({pattern for chart in charts for pattern in series_of(chart)})
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


def _built_in(patterns: Collection[str]) -> dict[str, Sample]:
    """The series of every run that some chart shows beside the bundle's own."""
    wanted = {name for pattern in patterns for name in matching(pattern, BUILT_IN) if "*" not in pattern}
    if not wanted:
        return {}
    from bidviz_core.testing.learners import sample_learner
    from bidviz_core.testing.running import STEPS, recorded, seeded, watched

    with seeded(0, "mlp"):
        learner = sample_learner("mlp")
        with watched(learner) as session:
            learner.run(session, STEPS)
            session.close()
            values, steps = recorded(session.run_dir, sorted(wanted))
    return {name: sampled(steps[name], one) for name, one in values.items()}
