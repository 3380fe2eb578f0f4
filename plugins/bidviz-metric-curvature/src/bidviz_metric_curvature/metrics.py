"""The metrics: what goes through the model again, how often, drawn how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import bidviz_core as bidviz
from bidviz_metric_curvature import charts

if TYPE_CHECKING:
    from bidviz_core.learners.second_pass import SecondPass
    from bidviz_core.views import TensorView

#: Products of the first power iteration, which begins anywhere, and of those that go on from the last vector.
FIRST_PRODUCTS, PRODUCTS = 8, 2
#: Random vectors for the trace.
PROBES = 2


@bidviz.metric(name="curvature/eigenvalue", every=2000, chart=[charts.EIGENVALUE, charts.EIGENVALUE_ERROR])
def eigenvalue(second_pass: SecondPass, optimizer: Any, state: dict[str, Any], step: int) -> dict[str, float]:
    """Largest eigenvalue of the Hessian of the loss on the step's batch (loss per squared weight), by size.

    Power iteration on Hessian-vector products, which goes on from the last run's vector. Costs about 5 steps.
    """
    import torch

    from bidviz_metric_curvature.hessian import Hessian, largest_eigenvalue

    hessian = Hessian(second_pass)
    start = state.get("vector")
    known = start is not None and [part.shape for part in start] == hessian.shapes
    if not known:
        start = hessian.random(torch.Generator().manual_seed(step), signs=False)
    found = largest_eigenvalue(hessian, start, PRODUCTS if known else FIRST_PRODUCTS)
    state["vector"] = found.vector
    values = {"largest": found.value, "error": found.error / abs(found.value) if found.value else found.error}
    stable = stable_up_to(optimizer)
    return values if stable is None else {**values, "stable up to": stable}


@bidviz.metric(name="curvature/trace", every=2000, chart=[charts.TRACE, charts.TRACE_ERROR])
def trace(second_pass: SecondPass, step: int) -> dict[str, float]:
    """Trace of the Hessian of the loss on the step's batch (loss per squared weight), by Hutchinson's estimate.

    Costs about 5 steps.
    """
    import torch

    from bidviz_metric_curvature.hessian import Hessian, trace_estimate

    value, error = trace_estimate(Hessian(second_pass), torch.Generator().manual_seed(step), PROBES)
    return {"trace": value, "error": error}


@bidviz.metric(name="curvature/line", every=2000, chart=[charts.ALONG, charts.LOWEST])
def line(second_pass: SecondPass, updates: TensorView) -> dict[str, Any]:
    """Loss of the step's batch along the direction of the last update (in the unit of the loss).

    Costs about 4 steps.
    """
    from bidviz_metric_curvature.steps import POSITIONS, losses_along

    losses = np.array(losses_along(second_pass, updates, POSITIONS))
    lowest = POSITIONS[int(np.nanargmin(losses))] if np.isfinite(losses).any() else float("nan")
    return {"loss": np.stack([np.array(POSITIONS), losses], axis=1), "lowest": lowest}


@bidviz.metric(name="curvature/alpha", every=1000, chart=charts.ALPHA)
def alpha(second_pass: SecondPass, updates: TensorView) -> float | None:
    """Where the last step landed on the parabola through its two ends (-1: no step, 0: the minimum, 1: beyond).

    Losses and slopes at both ends are those of the step's batch. Costs about 2 steps.
    """
    from bidviz_metric_curvature.steps import landing, slope_and_loss

    (first, before), (last, after) = (slope_and_loss(second_pass, updates, position) for position in (0.0, 1.0))
    return landing((before, after), (first, last))


def stable_up_to(optimizer: Any) -> float | None:
    """The sharpness up to which steps of SGD on a quadratic are stable: `(2 + 2 momentum) / lr`.

    Cohen et al., "Gradient Descent on Neural Networks Typically Occurs at the Edge of Stability", 2021 (section 3).

    Args:
        optimizer: the optimizer, or a list of several.

    Returns:
        None for other optimizers, for several, and for Nesterov's momentum.
    """
    import torch

    if type(optimizer) is not torch.optim.SGD:
        return None
    groups = optimizer.param_groups
    if any(group["nesterov"] or group["maximize"] or group["dampening"] for group in groups):
        return None
    bounds = [(2 + 2 * group["momentum"]) / float(group["lr"]) for group in groups if float(group["lr"]) > 0]
    return min(bounds) if bounds else None
