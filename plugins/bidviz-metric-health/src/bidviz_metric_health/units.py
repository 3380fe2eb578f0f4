"""What rectifiers and saturating non-linearities are given, looked at while they are called."""

from __future__ import annotations

import math
from typing import Any

from bidviz_metric_health.settings import threshold

RECTIFIERS = frozenset({"ReLU", "ReLU6"})
#: By class the input at which the slope is this share of the steepest, given that share.
BENDS = {
    "Tanh": lambda slope: math.atanh(math.sqrt(1 - slope)),
    "Sigmoid": lambda slope: 2 * math.atanh(math.sqrt(1 - slope)),
}


def kind_of(module: Any) -> str:
    """The class of a module, where it is one that is looked at; else empty."""
    name = type(module).__name__
    return name if name in RECTIFIERS or name in BENDS else ""


def select(name: str, module: Any) -> bool:
    """Whether a module's calls are looked at."""
    return bool(kind_of(module))


def look(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any, seen: Any) -> Any:
    """What is kept of a call: of a rectifier which units were active, of others how much of the input is flat.

    Returns:
        A vector of booleans, or a pair of 0-d tensors: how many values are flat, and of how many; of several calls in
        a step those of all together.
    """
    inputs = args[0] if args else next(iter(kwargs.values()), None)
    if inputs is None or not hasattr(inputs, "ndim") or inputs.ndim == 0 or not inputs.numel():
        return seen
    kind = kind_of(module)
    if kind in RECTIFIERS:
        active = (inputs > 0).movedim(_unit_axis(inputs), -1).reshape(-1, inputs.shape[_unit_axis(inputs)]).any(0)
        return active if seen is None or seen.shape != active.shape else active | seen
    flat = (inputs.abs() > BENDS[kind](min(0.999, threshold("SaturatedActivation", "slope")))).sum()
    return (flat, inputs.numel()) if seen is None else (flat + seen[0], inputs.numel() + seen[1])


def _unit_axis(inputs: Any) -> int:
    # Channels of images and volumes; features of anything else, sequences of them among it.
    return 1 if inputs.ndim >= 4 else inputs.ndim - 1


def no_unit(learner: Any) -> str | None:
    """Why a learner has nothing to look at, or nothing where it has."""
    model = learner.model
    if hasattr(model, "modules") and any(map(kind_of, model.modules())):
        return None
    return "the model has no ReLU, Tanh or Sigmoid module; those called as functions are judged by their gradients."


def has_rectifiers(model: Any) -> bool:
    """Whether the model has modules that are rectifiers."""
    return hasattr(model, "modules") and any(kind_of(module) in RECTIFIERS for module in model.modules())
