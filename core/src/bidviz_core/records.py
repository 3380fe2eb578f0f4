"""Records on the host, by column: the only thing that crosses threads' and processes' borders.

A metric's results travel as a `Batch`: blocks of scalar series that share their steps, and single array records.
`Record` is one value of one series at one step, as sinks see it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bidviz_core.values import HostValue

Floats = NDArray[np.float64]
Steps = NDArray[np.int64]


class Record(NamedTuple):
    """One value of one series at one step.

    Args:
        name: the series.
        step: the step it belongs to, from 1 (0 is before the first).
        time: seconds since the epoch at that step's boundary.
        value: a float, or an array or value type on the host.
    """

    name: str
    step: int
    time: float
    value: HostValue


@dataclass(frozen=True, eq=False, slots=True)
class ScalarBlock:
    """Scalar series that were recorded at the same steps.

    Args:
        names: k series names.
        steps: n step numbers, ascending (equal ones are allowed: several records of one step).
        times: n seconds since the epoch.
        values: k × n values; row i belongs to `names[i]`.
    """

    names: tuple[str, ...]
    steps: Steps
    times: Floats
    values: Floats


@dataclass(frozen=True, slots=True)
class Batch:
    """What the pump carries in one tick.

    Args:
        sequence: the number of the batch in its run, from 1, without gaps.
        scalars: blocks of scalar series.
        arrays: records whose value is not a plain number.
    """

    sequence: int
    scalars: list[ScalarBlock] = field(default_factory=list)
    arrays: list[Record] = field(default_factory=list)

    def records(self) -> Iterator[Record]:
        """Every record of the batch, one by one, in the order of its blocks."""
        for block in self.scalars:
            for name, row in zip(block.names, block.values, strict=True):
                for step, time, value in zip(block.steps, block.times, row, strict=True):
                    yield Record(name, int(step), float(time), float(value))
        yield from self.arrays

    def __len__(self) -> int:
        return sum(block.values.size for block in self.scalars) + len(self.arrays)


def join_series(blocks: list[ScalarBlock]) -> list[ScalarBlock]:
    """Gives each series one block, its records in the order in which they were made.

    A metric that is due at every tenth step is published in one row with those of every step, so a series may come in
    two blocks at once; whoever reads one after the other would see it go back to an earlier step.

    Args:
        blocks: what waited, each in order.

    Returns:
        Blocks of which no two have a series in common; the same ones where that was so already.
    """
    if sum(len(block.names) for block in blocks) == len({name for block in blocks for name in block.names}):
        return blocks
    places: dict[str, list[int]] = {}
    for number, block in enumerate(blocks):
        for name in block.names:
            places.setdefault(name, []).append(number)
    groups: dict[tuple[int, ...], list[str]] = {}
    for name, numbers in places.items():
        groups.setdefault(tuple(numbers), []).append(name)
    return [_join([blocks[number] for number in numbers], tuple(names)) for numbers, names in groups.items()]


def _join(blocks: list[ScalarBlock], names: tuple[str, ...]) -> ScalarBlock:
    values = np.hstack([block.values[[block.names.index(name) for name in names]] for block in blocks])
    steps = np.concatenate([block.steps for block in blocks])
    times = np.concatenate([block.times for block in blocks])
    if len(blocks) == 1:
        return ScalarBlock(names, steps, times, values)
    order = np.argsort(times, kind="stable")
    return ScalarBlock(names, steps[order], times[order], np.ascontiguousarray(values[:, order]))
