"""What a hyperparameter may be: its type, its bounds, the scale that fits its slider, and whether a value fits them."""

from __future__ import annotations

import math
import re
from typing import Any

from bidviz_core.errors import CommandError

#: An optimizer divides by one minus a power of these; at 1 its update would raise.
_BELOW_ONE = 1 - 1e-6

_BOUNDS: dict[str, tuple[float | None, float | None]] = {
    "lr": (0.0, None),
    "momentum": (0.0, None),
    "weight_decay": (0.0, None),
    "dampening": (0.0, None),
    "eps": (0.0, None),
    "alpha": (0.0, 1.0),
    "rho": (0.0, 1.0),
    "lambd": (0.0, None),
    "lr_decay": (0.0, None),
    "momentum_decay": (0.0, None),
    "betas[0]": (0.0, _BELOW_ONE),
    "betas[1]": (0.0, _BELOW_ONE),
    "etas[0]": (0.0, _BELOW_ONE),
    "etas[1]": (1.0, None),
    "step_sizes[0]": (0.0, None),
    "step_sizes[1]": (0.0, None),
    "max_iter": (1, None),
    "max_eval": (1, None),
    "history_size": (1, None),
    "tolerance_grad": (0.0, None),
    "tolerance_change": (0.0, None),
}
#: Settings that torch gives as an integer where any number would do.
_REAL = frozenset(_BOUNDS) - {"max_iter", "max_eval", "history_size"}
_LOG = frozenset({"lr", "weight_decay", "eps", "lambd", "lr_decay", "tolerance_grad", "tolerance_change"})
_UNIT = frozenset({"momentum", "dampening", "alpha", "rho", "betas[0]", "betas[1]", "etas[0]", "p"})
_INDEXED = re.compile(r"^(?P<name>.+?)\[(?P<number>\d+)\]$")


def setting_of(name: str) -> str:
    """What kind of setting a name means, without optimizer, module and group: `lr` of `optimizer2.lr[1]`."""
    rest = name.rsplit(".", 1)[-1]
    if rest in _BOUNDS:
        return rest
    indexed = _INDEXED.match(rest)
    return indexed["name"] if indexed else rest


def split_index(name: str) -> tuple[str, int | None]:
    """A name and the number in brackets at its end."""
    indexed = _INDEXED.match(name)
    return (indexed["name"], int(indexed["number"])) if indexed else (name, None)


def bounds_of(setting: str) -> tuple[float | None, float | None]:
    """The least and the greatest value of an optimizer's setting, where there are."""
    return _BOUNDS.get(setting, (None, None))


def kind_of(setting: str, value: Any) -> type:
    """The type that a new value is to have: torch's own default of many a real setting is the integer 0."""
    return float if type(value) is int and setting in _REAL else type(value)


def scale_of(setting: str, kind: type, low: float | None, high: float | None) -> str:
    """The scale that fits a slider; empty for what is no number."""
    if kind not in (int, float):
        return ""
    if setting in _LOG:
        return "log"
    if setting in _UNIT or (low == 0 and high is not None and high <= 1 and kind is float):
        return "unit"
    return "linear"


def fit(name: str, value: Any, kind: type, low: float | None, high: float | None) -> Any:
    """A value in the hyperparameter's own type.

    Raises:
        CommandError: it does not fit, with what was got and what was expected.
    """
    try:
        if kind is bool:
            fitted: Any = _boolean(value)
        elif kind is int:
            fitted = int(value)
            if isinstance(value, bool) or float(value) != fitted:
                raise ValueError
        elif kind is float:
            if isinstance(value, bool):
                raise ValueError
            fitted = float(value)
        elif kind is str:
            fitted = str(value)
        else:
            fitted = value
    except OverflowError:
        raise CommandError(f"{name} must be a finite number, got {_short(value)}.") from None
    except (TypeError, ValueError):
        raise CommandError(f"{name} is {kind.__name__}, got {_short(value)}.") from None
    if isinstance(fitted, float) and not math.isfinite(fitted):
        raise CommandError(f"{name} must be a finite number, got {_short(value)}.")
    if isinstance(fitted, (int, float)):
        if low is not None and fitted < low:
            raise CommandError(f"{name} must be at least {low:g}, got {fitted!r}.")
        if high is not None and fitted > high:
            raise CommandError(f"{name} must be at most {_bound(high)}, got {fitted!r}.")
    return fitted


def clip(value: float, low: float | None, high: float | None) -> float:
    """The nearest value within bounds."""
    if low is not None and value < low:
        return low
    return high if high is not None and value > high else value


def _bound(high: float) -> str:
    return repr(high) if high == _BELOW_ONE else f"{high:g}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in ("true", "false", "1", "0"):
        raise ValueError
    return text in ("true", "1")
