"""What formulas read of series: each reading takes a value in a few operations, however far back it looks."""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from bidviz_core.policies.language import Input


class Reading:
    """A number that follows a series.

    `mean`, `ewma` and `best` pass over values that are not finite, which would stay in them forever; `last` gives
    them as they are.
    """

    __slots__ = ("value",)

    def __init__(self) -> None:
        #: The present number; none before the first value.
        self.value: float | None = None

    def add(self, step: int, value: float) -> None:
        """Takes in a value of the series."""
        self.value = value

    def get(self) -> float | None:
        """The present number; none before the first value."""
        return self.value

    def at(self, step: int) -> float | None:
        """The number as it is at a step."""
        return self.value


class Mean(Reading):
    """The mean of the last values."""

    __slots__ = ("_sum", "_taken", "_window")

    def __init__(self, count: int) -> None:
        super().__init__()
        self._window: deque[float] = deque(maxlen=count)
        self._sum = 0.0
        self._taken = 0

    def add(self, step: int, value: float) -> None:
        if not math.isfinite(value):
            return
        window = self._window
        if len(window) == window.maxlen:
            self._sum -= window[0]
        window.append(value)
        self._sum += value
        self._taken += 1
        if self._taken >= len(window) + 100:  # now and then what rounding left behind is swept up
            self._sum, self._taken = math.fsum(window), 0
        self.value = self._sum / len(window)


class Ewma(Reading):
    """The exponential average, corrected for its start."""

    __slots__ = ("_decay", "_total", "_weight")

    def __init__(self, decay: float) -> None:
        super().__init__()
        self._decay = decay
        self._total = self._weight = 0.0

    def add(self, step: int, value: float) -> None:
        if math.isfinite(value):
            self._total = value + self._decay * self._total
            self._weight = 1.0 + self._decay * self._weight
            self.value = self._total / self._weight


class Best(Reading):
    """The least or the greatest value so far."""

    __slots__ = ("_sign", "step")

    def __init__(self, greatest: bool) -> None:
        super().__init__()
        self._sign = -1.0 if greatest else 1.0
        self.step = 0

    def add(self, step: int, value: float) -> None:
        if math.isfinite(value) and (self.value is None or self._sign * value < self._sign * self.value):
            self.value, self.step = value, step


class SinceBest(Best):
    """The steps since the best value so far."""

    __slots__ = ()

    def at(self, step: int) -> float | None:
        return None if self.value is None else float(step - self.step)


def make_reading(reading: str, parameter: float) -> Reading:
    """Makes one of the language's readings."""
    match reading:
        case "mean":
            return Mean(int(parameter))
        case "ewma":
            return Ewma(parameter)
        case "best":
            return Best(bool(parameter))
        case "since_best":
            return SinceBest(bool(parameter))
    return Reading()


class Source(Protocol):
    """Where the values of series come from; `metrics.series.SeriesView` is one."""

    def listen(self, name: str, listener: Callable[[Any], object] | None) -> None:
        """Has a function called with each value of one series; none takes it away."""


class Readings:
    """The readings that somebody uses, each kept once; settled at each step boundary.

    Args:
        source: gives the values as they come.
        step: the present step.
        past: the recorded values of a series up to now, as steps and values.
    """

    def __init__(
        self, source: Source, step: Callable[[], int], past: Callable[[str], Iterable[tuple[int, float]]]
    ) -> None:
        self._source = source
        self._step = step
        self._past = past
        self._users: dict[Input, int] = {}
        self._readings: dict[Input, Reading] = {}
        self._waiting: dict[str, list[Any]] = {}  # values that came since the last boundary
        self._by_series: list[tuple[list[Any], list[Reading]]] = []

    def use(self, wanted: Iterable[Input]) -> None:
        """Keeps readings, beginning with what was recorded; each call wants one `leave`."""
        for one in wanted:
            self._users[one] = self._users.get(one, 0) + 1
            if one not in self._readings:
                reading = make_reading(one.reading, one.parameter)
                for step, value in self._past(one.name):
                    reading.add(step, value)
                self._readings[one] = reading
                if one.name not in self._waiting:
                    waiting = self._waiting[one.name] = []
                    self._source.listen(one.name, waiting.append)
        self._renew()

    def leave(self, wanted: Iterable[Input]) -> None:
        """Lets readings go that nobody else uses."""
        for one in wanted:
            self._users[one] -= 1
            if not self._users[one]:
                del self._users[one], self._readings[one]
        for name in set(self._waiting) - {one.name for one in self._readings}:
            del self._waiting[name]
            self._source.listen(name, None)
        self._renew()

    def settle(self) -> None:
        """Takes in what came since the last boundary; a value that lies on a device is waited for here."""
        for waiting, readings in self._by_series:
            if waiting:
                step = self._step()
                for value in waiting:
                    number = float(value)
                    for reading in readings:
                        reading.add(step, number)
                waiting.clear()

    def getter(self, one: Input) -> Callable[[], float | None]:
        """What gives a reading's present number; it must be in use."""
        reading = self._readings[one]
        if isinstance(reading, SinceBest):
            return lambda: reading.at(self._step())
        return reading.get

    def of(self, one: Input) -> Reading:
        """A reading that is in use; it stays the same object as long as it is."""
        return self._readings[one]

    def state(self) -> dict[Input, Reading]:
        """Copies of all readings, for a checkpoint."""
        self.settle()
        return copy.deepcopy(self._readings)

    def restore(self, state: dict[Input, Reading]) -> None:
        """Puts readings back that are in use; getters that were made before go on."""
        for waiting in self._waiting.values():
            waiting.clear()
        for one, kept in state.items():
            reading = self._readings.get(one)
            if reading is not None:
                for kind in type(reading).__mro__:
                    for slot in getattr(kind, "__slots__", ()):
                        setattr(reading, slot, copy.deepcopy(getattr(kept, slot)))

    def _renew(self) -> None:
        self._by_series = [
            (waiting, [reading for one, reading in self._readings.items() if one.name == name])
            for name, waiting in self._waiting.items()
        ]
