"""Runs a bundle as a whole, for the samples of those of its metrics that give nothing when they are tried alone.

A metric may read what another of its bundle counts, or what a hook of it keeps, as the rules of a run's health do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import msgspec

from bidviz_core.errors import BidvizError
from bidviz_core.plugins.loading import Given
from bidviz_core.testing.finding import Finding, note
from bidviz_core.testing.learners import sample_learner
from bidviz_core.testing.metric_checks import NOTHING, Trial, sampled
from bidviz_core.testing.running import recorded, seeded, watched

#: The learners on which it is run: one of each shape of net, and one with sparse gradients.
LEARNERS = ("mlp", "cnn", "transformer", "lstm", "sparse")
#: So many steps show something of what looks at blocks of steps, at cadences that give some points of each.
STEPS, _MOST_EVERY = 240, 20


def try_together(
    given: Given,
    trials: Mapping[str, Trial],
    skip: Collection[str] = (),
    told: Callable[[str], None] = lambda learner: None,
) -> dict[str, Trial]:
    """Runs the whole bundle, and completes the trials of metrics that gave nothing.

    Args:
        given: what the bundle registered.
        trials: of those metrics, by name.
        skip: learners that are left out: they brought the process down.
        told: told of each learner before it begins.
    """
    completed = dict(trials)
    series: dict[str, dict[str, None]] = {name: {} for name in trials}
    for learner in LEARNERS:
        if learner in skip:
            continue
        told(learner)
        for name, trial in _run(given, learner, list(trials)).items():
            series[name] |= dict.fromkeys(trial.series)
            if len(trial.samples) > len(completed[name].samples):
                findings = tuple(one for one in trials[name].findings if one.what != NOTHING)
                what = f"alone it gives nothing; its samples are from the whole bundle on the sample learner {learner}."
                completed[name] = _completed(trials[name], trial, (*findings, note(name, what)))
    # What some learner lacks another may have: a chart may name either's.
    return {name: msgspec.structs.replace(one, series=tuple(series[name])) for name, one in completed.items()}


def _completed(trial: Trial, found: Trial, findings: tuple[Finding, ...]) -> Trial:
    return msgspec.structs.replace(
        trial,
        series=found.series,
        samples=found.samples,
        cost=found.cost,
        share=found.share,
        cost_on=found.cost_on,
        together=found.together,
        findings=findings,
    )


def _run(given: Given, learner: str, names: Collection[str]) -> dict[str, Trial]:
    with seeded(0, learner):
        sample = sample_learner(learner)
        with watched(sample) as session:
            try:
                for name, plugin in given.plugins.items():
                    session.plugins.register(plugin, name)
            except BidvizError:
                return {}  # it has nothing for this learner
            there = [name for name in names if name in session.metrics]
            for name in there:
                every = session.metrics[name].every
                session.metrics.change(name, every=min(every, _MOST_EVERY))
            sample.run(session, STEPS)
            slots = {name: session.metrics.slots[name] for name in there}
            step_time = session.boundary.step_time
            session.close()
            found = {}
            for name, slot in slots.items():
                values, steps = recorded(session.run_dir, list(slot.series))
                if values:
                    found[name] = Trial(
                        name,
                        series=tuple(values),
                        cost=round(slot.cost * 1e6, 1),
                        share=round(slot.cost / step_time, 5) if step_time else None,
                        cost_on=learner,
                        together=learner,
                        samples={one: sampled(steps[one], all_of) for one, all_of in values.items()},
                    )
    return found
