"""What `series` is in the worker: the latest value of each series, at the step of the snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from bidviz_core.errors import MetricError


class LatestValue:
    """The latest value of one series.

    Args:
        name: the series.
        last: its latest value, NaN before the first.
    """

    def __init__(self, name: str, last: float) -> None:
        self.name = name
        self.last = last

    def mean(self, count: int = 100) -> float:
        """Refuses: earlier values are not in the snapshot."""
        raise self._refusal("mean")

    def ewma(self, decay: float = 0.9) -> float:
        """Refuses: earlier values are not in the snapshot."""
        raise self._refusal("ewma")

    def values(self, count: int = 100) -> list[float]:
        """Refuses: earlier values are not in the snapshot."""
        raise self._refusal("values")

    def _refusal(self, what: str) -> MetricError:
        return MetricError(
            f"asked for series[{self.name!r}].{what}(), but the worker has only .last of a series: "
            "keep earlier values in `state`, or run the metric on the training thread (where='training')"
        )


class LatestSeries(Mapping[str, LatestValue]):
    """The latest values by name.

    Args:
        values: for each series its latest value.
    """

    def __init__(self, values: Mapping[str, float]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> LatestValue:
        if name not in self._values:
            near = get_close_matches(name, self._values, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"so far there are: {', '.join(self._values) or 'none'}."
            raise KeyError(f"There is no series {name!r} yet; {hint}")
        return LatestValue(name, self._values[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
