"""What formulas find in a session: the clock, hyperparameters, and the recorded past of series."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from bidviz_core.errors import FormulaError, StoreError
from bidviz_core.messages.steered import HyperparameterInfo
from bidviz_core.policies.formula import Condition
from bidviz_core.policies.language import CLOCK, Input
from bidviz_core.policies.readings import Readings

if TYPE_CHECKING:
    from bidviz_core.session import Session

#: What a config may call the number of steps.
_LENGTHS = ("total_steps", "max_steps", "num_steps", "steps", "iterations", "max_iters", "num_training_steps")
#: A reading that begins late looks back so many steps at most.
_LOOK_BACK = 200_000
NO_LENGTH = (
    "progress is not known: nobody has said how long the run is. Iterate with session.batches(loader, epochs), give "
    "watch(config={'total_steps': …}), or divide step by the number yourself."
)


class Surroundings:
    """The session, as formulas see it.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.readings = Readings(session.engine.series, lambda: session.boundary.step, self.past)

    @property
    def length(self) -> float | None:
        """How many steps the run will have, where somebody has said so."""
        length = getattr(self._session, "length", None)
        return float(length) if length else length_of(self._session.info.config)

    @property
    def series(self) -> set[str]:
        """The series that there are, and those of metrics that have given none yet."""
        session = self._session
        known = {*session.pump.latest, *session.channel.series()}
        for name, slot in list(session.engine.slots.items()):
            known.update(slot.series or (name,))
        return known - set(session.engine.retired)

    def about(self, target: str) -> HyperparameterInfo:
        """What is known of a hyperparameter.

        Raises:
            FormulaError: it cannot be set, or holds no number.
        """
        infos = {info.name: info for info in self._session.hyperparameters.infos()}
        info = infos.get(target) or HyperparameterInfo(name=target, value=self._session.hyperparameters[target])
        if info.settable:
            raise FormulaError(info.settable)
        if info.kind not in ("float", "int"):
            raise FormulaError(f"{target} is {info.kind}, and a policy gives numbers: set it by hand.")
        return info

    def names(self) -> list[str]:
        """The hyperparameters."""
        return list(self._session.hyperparameters.names())

    def clock(self, name: str) -> Callable[[], float]:
        """What gives a time of the run.

        Raises:
            FormulaError: `progress` is asked for and the run's length is not known.
        """
        session = self._session
        boundary = session.boundary
        if name == "step":
            return lambda: float(boundary.step)
        if name == "epoch":
            return lambda: float(session.epoch or 0)
        if name == "elapsed":
            return lambda: time.time() - session.info.started
        if self.length is None:
            raise FormulaError(NO_LENGTH)
        return lambda: min(1.0, boundary.step / (self.length or 1.0))

    def hyperparameter(self, name: str) -> float:
        """The value of a hyperparameter that is in force, as a number.

        Raises:
            FormulaError: it is none, or differs between groups.
        """
        return as_number(name, self._session.hyperparameters[name])

    def base(self, target: str) -> float:
        """What the script and its scheduler say of a hyperparameter.

        Raises:
            FormulaError: it is no number, or differs between groups.
        """
        return as_number(target, self._session.hyperparameters.base(target))

    def latest(self, name: str) -> float | None:
        """The latest value of a series that was carried out; of this very step only for a reading that is kept."""
        return self._session.pump.latest.get(name)

    def past(self, name: str) -> Iterable[tuple[int, float]]:
        """The recorded values of a series, so that a mean is right from its first step on."""
        session = self._session
        step = session.boundary.step
        if not step or name not in {*session.pump.latest, *session.channel.series()}:
            return []
        try:
            past = session.history(name, start=max(0, step - _LOOK_BACK))
        except StoreError:
            return []
        return zip(past.step.tolist(), past.value.tolist(), strict=True)


class Scope(Mapping[str, Any]):
    """Everything that a condition may name, at the present step; a series reads as its latest value.

    It looks everything up anew each time; `WatchedCondition` is for what is asked at every step.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings

    def __getitem__(self, name: str) -> Any:
        if name in CLOCK:
            return self._around.clock(name)()
        if name in self._around.names():
            return self._around.hyperparameter(name)
        if name in self._around.series:
            return self._around.latest(name)
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return name in CLOCK or name in self._around.names() or name in self._around.series

    def __iter__(self) -> Iterator[str]:
        return iter([*CLOCK, *self._around.names(), *sorted(self._around.series)])

    def __len__(self) -> int:
        return sum(1 for _ in self)


class WatchedCondition:
    """A condition of a running session: its readings follow their series until it is closed.

    Args:
        condition: the condition, its names checked.
        surroundings: the session, as formulas see it.
        keep: told when it begins and ends to want its readings settled at each boundary.
    """

    def __init__(
        self, condition: Condition, surroundings: Surroundings, keep: Callable[[WatchedCondition, bool], None]
    ) -> None:
        self.condition = condition
        self.text = condition.text
        self._readings = surroundings.readings
        self._keep = keep
        names = set(surroundings.names())
        self._used: list[Input] = []
        self._getters: list[Callable[[], float | None]] = []
        for one in condition.formula.inputs:
            if one.kind == "base":
                raise FormulaError("base is what a policy's target has of itself; a condition has no target.")
            if one.kind == "clock":
                self._getters.append(surroundings.clock(one.name))
            elif one.kind == "hyperparameter" or (one.kind == "name" and one.name in names):
                self._getters.append(partial(surroundings.hyperparameter, one.name))
            else:
                series = one._replace(kind="series")
                self._readings.use([series])
                self._used.append(series)
                self._getters.append(self._readings.getter(series))
        if self._used:
            keep(self, True)

    def holds(self) -> bool:
        """Whether it holds at this step boundary; what has no value yet does not."""
        self._readings.settle()
        try:
            values = [get() for get in self._getters]
        except FormulaError:
            return False  # groups that have come to differ
        return None not in values and self.condition.true_of([value for value in values if value is not None])

    def close(self) -> None:
        """Lets its readings go; calling it again does nothing."""
        if self._used:
            self._readings.leave(self._used)
            self._used = []
            self._keep(self, False)


def length_of(config: Mapping[str, Any]) -> float | None:
    """The number of steps that a config speaks of, or none."""
    given = [config[name] for name in _LENGTHS if isinstance(config.get(name), (int, float))]
    return float(given[0]) if given and given[0] > 0 else None


def as_number(name: str, value: Any) -> float:
    """A hyperparameter's value as a number.

    Raises:
        FormulaError: it is none, or differs between groups.
    """
    if type(value) is float:
        return value
    if isinstance(value, (list, tuple)):
        raise FormulaError(f'{name} differs between groups ({value}): write hp("{name}[0]") for the one of group 0.')
    if not isinstance(value, (int, float)):
        raise FormulaError(f"{name} is {type(value).__name__}, and formulas read numbers.")
    return float(value)
