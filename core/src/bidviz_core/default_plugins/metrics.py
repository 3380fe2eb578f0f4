"""The built-in metrics: the loss, the learning rate, and the accuracy where outputs and targets are class scores."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bidviz_core.errors import CommandError
from bidviz_core.hookspecs import hookimpl
from bidviz_core.metrics.definition import Metric, from_function
from bidviz_core.specs import Line
from bidviz_core.values import Nothing

if TYPE_CHECKING:
    from bidviz_core.hyperparameters import Hyperparameters

_NO_CLASSES = Nothing("No accuracy: the outputs are not scores of classes, or the targets are not classes.")
_NO_RATE = "This learner has no learning rate. A rate of its own can be shown and turned: session.expose('lr', …)."
#: Outputs of so many numbers are compared by numpy on the host.
_SMALL = 65_536


def loss(loss: Any) -> Any:
    """The loss of each step, unscaled: of the last forward pass with gradients (its unit is the loss function's)."""
    return loss


def lr(hyperparameters: Hyperparameters, state: dict[str, Any]) -> Any:
    """The learning rate that the update used; a line for each group where they differ."""
    try:
        rates = hyperparameters.used("lr")
    except CommandError:
        return Nothing(_NO_RATE)
    if not isinstance(rates, list) and "groups" in state:
        rates = [rates] * state["groups"]  # once they have differed, each keeps its line
    if isinstance(rates, list):
        state["groups"] = len(rates)
        return {str(index): rate for index, rate in enumerate(rates)}
    return rates


def _why_no_rate(learner: Any) -> str | None:
    """Why there is no panel of a rate; one that the script exposes later brings it."""
    rated = any("lr" in group for optimizer in learner.optimizers[:1] for group in optimizer.param_groups)
    return None if rated or getattr(learner, "exposes_rate", False) else _NO_RATE


def accuracy(outputs: Any, targets: Any) -> Any:
    """The share of the batch whose largest output is the target's class, from 0 to 1.

    Scores lie along the second dimension, as torch's losses want them, or along the last one, as those of a language
    model whose script flattens them for its loss. Negative targets are padding and count for nothing.
    """
    if not hasattr(outputs, "argmax") or outputs.ndim < 2 or targets.is_floating_point():
        return _NO_CLASSES
    plain = outputs.ndim == 2 and targets.shape == outputs.shape[:1]
    if plain and outputs.is_cpu and outputs.numel() <= _SMALL and outputs.dtype.itemsize >= 4:
        # Five operations of torch on so little cost more than what they compute.
        classes = targets.numpy()
        counted = int(np.count_nonzero(classes >= 0))
        return int(np.count_nonzero(outputs.numpy().argmax(1) == classes)) / counted if counted else math.nan
    if targets.shape == (*outputs.shape[:1], *outputs.shape[2:]):
        right = outputs.argmax(1) == targets
    elif outputs.shape[-1] > 1 and targets.numel() * outputs.shape[-1] == outputs.numel():
        right = outputs.argmax(-1).reshape(-1) == targets.reshape(-1)
    else:
        return _NO_CLASSES
    return right.sum() / (targets >= 0).sum()


@cache  # their sources are looked up once, not by every session
def _built_in() -> tuple[Metric, ...]:
    return (
        from_function(loss, chart=Line(title="Loss", help="Healthy: falls, then levels out. Sick: rises, jumps, NaN.")),
        from_function(lr, chart=Line(title="Learning rate"), fits=_why_no_rate),
        from_function(accuracy, every=10, chart=Line(title="Accuracy", help="Of the training batch, every 10 steps.")),
    )


@hookimpl
def register_metrics() -> list[Metric]:
    """Loss, learning rate, accuracy."""
    return list(_built_in())
