"""The loss along the direction of the last update, and where on it the update landed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from bidviz_metric_curvature.hessian import dot

if TYPE_CHECKING:
    from bidviz_core.learners.second_pass import SecondPass
    from bidviz_core.views import TensorView

#: Where the loss is looked at, in lengths of the last step: 0 is where it began, 1 where it ended.
POSITIONS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)


def at(params: Mapping[str, Tensor], step: Mapping[str, Tensor], position: float) -> dict[str, Tensor]:
    """The parameters at a position along the last step.

    Args:
        params: the parameters at its end.
        step: what it changed.
        position: 0 for its beginning, 1 for its end.
    """
    return {name: tensor + (position - 1.0) * step[name] for name, tensor in params.items()}


def losses_along(second_pass: SecondPass, step: TensorView, positions: Sequence[float]) -> list[float]:
    """The loss of the step's batch at positions along the last step, with the same random numbers at each."""
    with torch.no_grad():
        return [float(second_pass.loss(at(second_pass.params, step, position))) for position in positions]


def slope_and_loss(second_pass: SecondPass, step: TensorView, position: float) -> tuple[float, float]:
    """The loss of the step's batch at a position along the last step, and its derivative there by the position."""
    loss, gradient = second_pass.gradients(at(second_pass.params, step, position))
    return dot([step[name] for name in gradient], list(gradient.values())), float(loss)


def landing(losses: tuple[float, float], slopes: tuple[float, float]) -> float | None:
    """Where a step landed on the parabola through its two ends.

    The parabola is the one of least squares through both losses and both slopes. Cockpit (Schneider, Dangel, Hennig
    2021, arXiv:2102.06604) weighs them by their variance over two batches; here both ends are seen with the same batch,
    which leaves nothing to weigh.

    Args:
        losses: at the beginning and at the end.
        slopes: the derivatives there, by the position along the step, which has length 1.

    Returns:
        -1: it did not move towards the minimum, 0: it landed on it, 1: at the same height on the other side. -1 too
        where the loss bends down and still falls. None where nothing moved, NaN where there is no minimum to go to.
    """
    if not all(map(math.isfinite, (*losses, *slopes))):
        return math.nan
    if losses[0] == losses[1] and slopes == (0.0, 0.0):
        return None
    equations = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0], [0.0, 1.0, 2.0]])
    _, slope, bend = np.linalg.lstsq(equations, np.array([*losses, *slopes]), rcond=None)[0]
    if bend <= 0:
        return -1.0 if slope < 0 else math.nan
    minimum = -slope / (2 * bend)
    return float(1 / minimum - 1) if minimum else math.inf
