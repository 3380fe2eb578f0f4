"""Schedules as named policies: warm-up, decays, restarts, cycles, and one that waits for a plateau of a metric."""

from __future__ import annotations

import bidviz_core as bidviz
from bidviz_policy_schedules.cycles import cosine_restarts, cyclic, one_cycle
from bidviz_policy_schedules.decays import exponential, inverse_sqrt, linear, polynomial, step_decay, warmup
from bidviz_policy_schedules.plateaus import plateau


@bidviz.hookimpl
def register_policies() -> list[bidviz.Policy]:
    """The ten schedules of this bundle."""
    return [
        warmup,
        step_decay,
        exponential,
        cosine_restarts,
        one_cycle,
        linear,
        polynomial,
        plateau,
        inverse_sqrt,
        cyclic,
    ]
