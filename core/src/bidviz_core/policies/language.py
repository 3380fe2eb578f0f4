"""The words of formulas: what is in scope, and what each takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

#: What tells the time of a run.
CLOCK: Mapping[str, str] = {
    "step": "the last step that is over",
    "epoch": "how many epochs are over",
    "elapsed": "seconds since the run started",
    "progress": "0 to 1, where the length of the run is known",
}
#: What the script and its scheduler say of the target.
BASE = "base"
CONSTANTS: Mapping[str, float] = {"pi": math.pi}


def clip(value: float, low: float, high: float) -> float:
    """The value, or the bound that it lies beyond."""
    return low if value < low else high if value > high else value


class Function(NamedTuple):
    """A function of formulas.

    Args:
        call: what is called.
        least: it takes at least so many arguments …
        most: … and at most so many.
    """

    call: Callable[..., Any]
    least: int = 1
    most: int = 1


FUNCTIONS: Mapping[str, Function] = {
    "sin": Function(math.sin),
    "cos": Function(math.cos),
    "tanh": Function(math.tanh),
    "exp": Function(math.exp),
    "log": Function(math.log, 1, 2),
    "sqrt": Function(math.sqrt),
    # Whole numbers stay floats: a power of Python's own integers has no bound.
    "floor": Function(lambda value: float(math.floor(value))),
    "ceil": Function(lambda value: float(math.ceil(value))),
    "abs": Function(abs),
    "min": Function(min, 2, 20),
    "max": Function(max, 2, 20),
    "clip": Function(clip, 3, 3),
}
#: What `x is …` may ask for in a condition.
KINDS: Mapping[str, Callable[[float], bool]] = {"nan": math.isnan, "inf": math.isinf, "finite": math.isfinite}

#: How a series is read, with how many more arguments at most.
READINGS: Mapping[str, int] = {"last": 0, "mean": 1, "ewma": 1, "best": 1, "since_best": 1}
HYPERPARAMETER = "hp"
#: The longest window of `mean`.
LONGEST_WINDOW = 100_000

Kind: TypeAlias = Literal["clock", "base", "name", "hyperparameter", "series"]


class Input(NamedTuple):
    """Something that a formula reads.

    Args:
        kind: `"name"` is a hyperparameter or, where there is none, a series of that name.
        name: its name.
        reading: of a series, one of `READINGS`.
        parameter: of the reading: the window, the decay, or 1 where the greatest value is the best.
    """

    kind: Kind
    name: str
    reading: str = "last"
    parameter: float = 0.0


#: Every word that means something without being a hyperparameter or a series.
WORDS = frozenset({*CLOCK, BASE, *CONSTANTS, *FUNCTIONS, *READINGS, HYPERPARAMETER, *KINDS})
