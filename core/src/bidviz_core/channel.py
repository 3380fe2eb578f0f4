"""The pair of queues between the training thread and the pump: bounded, never blocking, counting what it drops."""

from __future__ import annotations

import threading
from array import array
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from bidviz_core.messages.commands import Order
from bidviz_core.records import ScalarBlock

#: step, time, names, values: scalars of one moment of which some are 0-d tensors still on a device.
Row: TypeAlias = "tuple[int, float, tuple[str, ...], Sequence[Any]]"

MAX_VALUES = 4_000_000
MAX_ARRAY_BYTES = 128 * 1024 * 1024


class PendingRecord(NamedTuple):
    """An array record whose value may still be on a device, or still has to be computed by the pump.

    Args:
        name: the series.
        step: the step.
        time: seconds since the epoch.
        value: an array, a tensor, a value type holding tensors, or an object with `resolve()`.
        size: about how many bytes it holds.
    """

    name: str
    step: int
    time: float
    value: Any
    size: int


class _Columns:
    """Scalars of the same names, gathered by column: the pump then has no Python work for each row."""

    __slots__ = ("steps", "times", "values")

    def __init__(self) -> None:
        self.steps = array("q")
        self.times = array("d")
        self.values = array("d")


class Channel:
    """Carries records out and orders in.

    The training thread calls `publish…` and takes orders; the pump takes records and gives orders. The lock is held
    for the few instructions of one append or one swap; nothing else ever waits but `wait_for_order`, which a paused
    training thread calls.
    """

    def __init__(self, max_values: int = MAX_VALUES, max_array_bytes: int = MAX_ARRAY_BYTES) -> None:
        self.arrays: deque[PendingRecord] = deque()
        self.dropped = 0
        self.orders: deque[Order] = deque()
        self.pump_wanted = threading.Event()
        self._columns: dict[tuple[str, ...], _Columns] = {}
        self._device_rows: list[Row] = []
        self._values = 0
        self._lock = threading.Lock()
        self._bytes_published = 0  # written by the training thread alone
        self._bytes_released = 0  # written by the pump alone
        self._max_values = max_values
        self._max_array_bytes = max_array_bytes
        self._order_came = threading.Event()

    def publish(self, step: int, moment: float, names: tuple[str, ...], values: Sequence[Any]) -> None:
        """Hands scalars of one moment to the pump, or counts them as dropped when too many wait.

        Args:
            step: the step they belong to.
            moment: seconds since the epoch.
            names: k series.
            values: k floats, or 0-d tensors that stay on their device until the pump copies them.
        """
        with self._lock:
            if self._values >= self._max_values:
                self.dropped += len(values)
                return
            self._values += len(values)
            columns = self._columns.get(names)
            if columns is None:
                columns = self._columns[names] = _Columns()
            try:
                columns.values.extend(values)
            except TypeError:
                del columns.values[len(columns.steps) * len(names) :]
                self._device_rows.append((step, moment, names, values))
                return
            columns.steps.append(step)
            columns.times.append(moment)

    def publish_array(self, record: PendingRecord) -> None:
        """Hands an array record to the pump, or counts it as dropped when too many bytes wait."""
        waiting = self._bytes_published - self._bytes_released + record.size
        if waiting > self._max_array_bytes:
            self.dropped += 1
            self.pump_wanted.set()
            return
        self.arrays.append(record)
        self._bytes_published += record.size
        if waiting > self._max_array_bytes // 16:
            self.pump_wanted.set()  # memory in waiting is worth more than a quiet tick

    def take(self) -> tuple[list[ScalarBlock], list[Row], list[PendingRecord]]:
        """Takes all that waits: blocks of host scalars, rows with device values, arrays. For the pump alone."""
        if not self._values and not self.arrays:
            return [], [], []
        with self._lock:
            columns, self._columns = self._columns, {}
            rows, self._device_rows = self._device_rows, []
            self._values = 0
        blocks = []
        for names, gathered in columns.items():
            count = len(gathered.steps)
            if count and names:
                values = np.frombuffer(gathered.values).reshape(count, len(names)).T
                steps, times = np.frombuffer(gathered.steps, np.int64), np.frombuffer(gathered.times)
                blocks.append(ScalarBlock(names, steps, times, np.ascontiguousarray(values)))
        arrays = [self.arrays.popleft() for _ in range(len(self.arrays))]
        return blocks, rows, arrays

    def release(self, arrays: list[PendingRecord]) -> None:
        """Tells that array records were carried out, so that their memory counts no more."""
        self._bytes_released += sum(record.size for record in arrays)

    def submit(self, order: Order) -> None:
        """Gives an order to the training thread, which takes it at its next step boundary."""
        self.orders.append(order)
        self._order_came.set()

    def wait_for_order(self) -> None:
        """Waits until an order or a `nudge` comes; the wait of a paused training thread."""
        self._order_came.wait()
        self._order_came.clear()

    def nudge(self) -> None:
        """Wakes a paused training thread without an order."""
        self._order_came.set()
