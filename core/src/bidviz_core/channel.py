"""The pair of queues between the training thread and the pump: bounded, never blocking, counting what it drops."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, NamedTuple, TypeAlias

from bidviz_core.messages.commands import Order

#: step, time, names, values: the scalars of one moment, values being floats or 0-d tensors still on a device.
Row: TypeAlias = "tuple[int, float, tuple[str, ...], tuple[Any, ...] | list[Any]]"

MAX_ROWS = 200_000
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


class Channel:
    """Carries records out and orders in.

    The training thread calls `publish…` and takes orders; the pump takes records and gives orders. Nothing here ever
    waits but `wait_for_order`, which a paused training thread calls.
    """

    def __init__(self, max_rows: int = MAX_ROWS, max_array_bytes: int = MAX_ARRAY_BYTES) -> None:
        self.rows: deque[Row] = deque()
        self.arrays: deque[PendingRecord] = deque()
        self.dropped = 0
        self._bytes_published = 0  # written by the training thread alone
        self._bytes_released = 0  # written by the pump alone
        self.orders: deque[Order] = deque()
        self.pump_wanted = threading.Event()
        self._max_rows = max_rows
        self._max_array_bytes = max_array_bytes
        self._order_came = threading.Event()

    def publish(self, row: Row) -> None:
        """Hands a row of scalars to the pump, or counts its values as dropped when the queue is full."""
        if len(self.rows) >= self._max_rows:
            self.dropped += len(row[3])
            return
        self.rows.append(row)

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

    def take(self) -> tuple[list[Row], list[PendingRecord]]:
        """Takes all that waits; called by the pump alone."""
        rows = [self.rows.popleft() for _ in range(len(self.rows))]
        arrays = [self.arrays.popleft() for _ in range(len(self.arrays))]
        return rows, arrays

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
