"""The latest values of every series, for metrics that look at other metrics (`series["loss"].mean(100)`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

KEPT = 10_000


class Series:
    """The last values of one series, newest last.

    Args:
        name: the series.
    """

    __slots__ = ("_values", "count", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._values: deque[Any] = deque(maxlen=KEPT)
        #: How many values have come, those that are not kept any more among them.
        self.count = 0

    def add(self, value: Any) -> None:
        """Takes in a value."""
        self._values.append(value)
        self.count += 1

    @property
    def last(self) -> float:
        """The latest value; NaN before the first."""
        return float(self._values[-1]) if self._values else float("nan")

    def values(self, count: int = KEPT) -> list[float]:
        """The last `count` values, oldest first."""
        start = max(0, len(self._values) - count)
        return [float(self._values[index]) for index in range(start, len(self._values))]

    def mean(self, count: int = 100) -> float:
        """The mean of the last `count` values; NaN before the first."""
        values = self.values(count)
        return sum(values) / len(values) if values else float("nan")

    def ewma(self, decay: float = 0.9) -> float:
        """The exponential average of what is kept, newest weighing most, corrected for its start."""
        total = weight = 0.0
        factor = 1.0
        for value in reversed(self._values):
            total += factor * float(value)
            weight += factor
            factor *= decay
            if factor < 1e-9:
                break
        return total / weight if weight else float("nan")


class SeriesView(Mapping[str, Series]):
    """All series by name; it takes values in only while some metric, or a policy, asks for it."""

    def __init__(self) -> None:
        self._series: dict[str, Series] = {}
        #: Whether some metric looks at other series.
        self.by_metrics = False
        self._listeners: dict[str, Callable[[Any], object]] = {}
        self.watched = False

    def require(self, by_metrics: bool) -> None:
        """Says whether some metric looks at other series, so that all of them are kept."""
        self.by_metrics = by_metrics
        self.watched = by_metrics or bool(self._listeners)

    def listen(self, name: str, listener: Callable[[Any], object] | None) -> None:
        """Has a function called with each value of one series, as it comes; none takes it away."""
        listeners = dict(self._listeners)
        if listener is None:
            listeners.pop(name, None)
        else:
            listeners[name] = listener
        self._listeners = listeners  # whoever iterates over the old ones goes on undisturbed
        self.watched = self.by_metrics or bool(listeners)

    def take(self, names: Sequence[str], values: Sequence[Any]) -> None:
        """Takes in the scalars of one row."""
        listeners = self._listeners
        if listeners:
            for name, value in zip(names, values, strict=True):
                if name in listeners:
                    listeners[name](value)
            if not self.by_metrics:
                return
        for name, value in zip(names, values, strict=True):
            series = self._series.get(name)
            if series is None:
                series = self._series[name] = Series(name)
            series.add(value)

    def state(self) -> dict[str, list[float]]:
        """All values that are kept, as plain numbers."""
        return {name: series.values() for name, series in self._series.items()} if self.watched else {}

    def load_state(self, state: Mapping[str, Sequence[float]]) -> None:
        """Takes the place of all values that are kept."""
        self._series.clear()
        for name, values in state.items():
            series = self._series[name] = Series(name)
            for value in values:
                series.add(value)

    def __getitem__(self, name: str) -> Series:
        try:
            return self._series[name]
        except KeyError:
            near = get_close_matches(name, self._series, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"so far there are: {', '.join(self._series) or 'none'}."
            raise KeyError(f"There is no series {name!r} yet; {hint}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._series)

    def __len__(self) -> int:
        return len(self._series)
