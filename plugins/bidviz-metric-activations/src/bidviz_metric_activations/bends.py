"""Where each non-linearity bends: beyond these inputs its slope is less than a twentieth of its steepest."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

#: The share of the steepest slope below which a non-linearity counts as flat.
FLAT = 0.05


class Bends(NamedTuple):
    """The inputs beyond which a non-linearity is flat.

    Args:
        low: it is flat for `x <= low`; -Inf where it never is.
        high: it is flat for `x >= high`; Inf where it never is.
        is_rectifier: whether its slope is 0 for every `x <= 0`, so that a unit can die.
        keeps_order: whether it never falls, so that its bends can be told by its outputs too.
    """

    low: float
    high: float
    is_rectifier: bool = False
    keeps_order: bool = True


#: sigmoid(x) < FLAT there.
_SOFT = math.log(1 / FLAT - 1)
#: 1 - tanh(x)^2 = FLAT there.
_TANH = math.atanh(math.sqrt(1 - FLAT))
#: alpha * exp(x) = FLAT times the steepest slope there, with alpha = 1.
_EXPONENTIAL = math.log(FLAT)

#: Of those without parameters; found where the derivative's absolute value crosses a twentieth of its maximum.
_FIXED = {
    "Tanh": Bends(-_TANH, _TANH),
    "Sigmoid": Bends(-2 * _TANH, 2 * _TANH),
    "Softsign": Bends(1 - FLAT**-0.5, FLAT**-0.5 - 1),
    "GELU": Bends(-2.27856, math.inf, keeps_order=False),
    "SiLU": Bends(-3.92989, math.inf, keeps_order=False),
    "Mish": Bends(-3.98126, math.inf, keeps_order=False),
    "Hardswish": Bends(-3.0, math.inf, keeps_order=False),
    "Hardsigmoid": Bends(-3.0, 3.0),
    "SELU": Bends(_EXPONENTIAL, math.inf),
    "LogSigmoid": Bends(-math.inf, _SOFT),
    "ReLU": Bends(0.0, math.inf, is_rectifier=True),
    "ReLU6": Bends(0.0, 6.0, is_rectifier=True),
}

#: Of those whose bends depend on their parameters.
_OF_PARAMETERS: dict[str, Callable[[Any], Bends | None]] = {
    "Hardtanh": lambda module: Bends(float(module.min_val), float(module.max_val)),
    "ELU": lambda module: Bends(_exponential(float(module.alpha), 1.0), math.inf) if module.alpha > 0 else None,
    "CELU": lambda module: Bends(module.alpha * _EXPONENTIAL, math.inf) if module.alpha > 0 else None,
    "Softplus": lambda module: Bends(-_SOFT / module.beta, math.inf) if module.beta > 0 else None,
    "LeakyReLU": lambda module: Bends(0.0, math.inf) if 0 <= module.negative_slope < FLAT else None,
    "Threshold": lambda module: Bends(float(module.threshold), math.inf, keeps_order=False),
}

#: Functions that `nn.TransformerEncoderLayer` and its kind apply themselves.
_FUNCTIONS = {"relu": "ReLU", "gelu": "GELU", "silu": "SiLU", "tanh": "Tanh", "sigmoid": "Sigmoid", "mish": "Mish"}


def bends_of(module: Any) -> Bends | None:
    """The bends of a module that is a non-linearity, or of a function such as `torch.nn.functional.relu`; or none.

    Classes are known by their names, those derived from them (`nn.Hardtanh`'s `ReLU6` before it) by the nearest.

    Args:
        module: an `nn.Module`, or a function.
    """
    if not isinstance(module, type) and not hasattr(module, "named_modules"):
        return _FIXED.get(_FUNCTIONS.get(getattr(module, "__name__", ""), ""))
    for kind in type(module).__mro__:
        if kind.__name__ in _FIXED:
            return _FIXED[kind.__name__]
        if kind.__name__ in _OF_PARAMETERS:
            return _OF_PARAMETERS[kind.__name__](module)
    return None


def _exponential(alpha: float, other: float) -> float:
    # The steepest slope is alpha at 0 from below, or 1 from above.
    return math.log(FLAT * max(alpha, other) / alpha)
