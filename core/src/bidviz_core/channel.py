"""The pair of queues between the training thread and the pump: bounded, never blocking, counting what it drops."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from bidviz_core.messages.commands import Order
from bidviz_core.pulse import Pulse
from bidviz_core.records import ScalarBlock
from bidviz_core.ring import FIRST_ROWS, GROWTH, Ring

#: step, time, names, values: scalars of one moment, of which some may be 0-d tensors still on a device.
Row: TypeAlias = "tuple[int, float, tuple[str, ...], Sequence[Any]]"

MAX_VALUES = 4_000_000
#: So many groups of series have a ring; a script that makes up names as it goes gets none for the rest.
MAX_RINGS = 256

_FLOAT = {float}
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

    The training thread calls `publish…` and takes orders; the pump takes records and gives orders. Nothing is locked
    and nothing ever waits but `wait_for_order`, which a paused training thread calls. Plain numbers go through a ring
    for each group of series; rows with tensors, and those of other threads, through a queue.
    """

    def __init__(self, max_values: int = MAX_VALUES, max_array_bytes: int = MAX_ARRAY_BYTES) -> None:
        self.arrays: deque[PendingRecord] = deque()
        self.dropped = 0
        self.orders: deque[Order] = deque()
        #: What the training thread looks at at each step.
        self.pulse = Pulse()
        self.pump_wanted = threading.Event()
        #: The pump sleeps for longer than a tick, since there was nothing but numbers.
        self.pump_rests = False
        self._rings: dict[tuple[str, ...], Ring] = {}
        self._all_rings: deque[Ring] = deque()  # those that were too small as well, until they are empty
        self._rows: deque[Row] = deque()
        self._values = 0  # in `_rows`, about: the pump begins anew at each `take`
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
        if {*map(type, values)} == _FLOAT:
            self.publish_numbers(step, moment, names, values)
        else:
            self.publish_row(step, moment, names, values)

    def publish_numbers(self, step: int, moment: float, names: tuple[str, ...], values: Sequence[float]) -> None:
        """The same for floats and nothing else; for the training thread alone."""
        ring = self._rings.get(names)
        if ring is None or not ring.put(step, moment, values):
            self._publish_in_larger(ring, step, moment, names, values)

    def ring(self, names: tuple[str, ...]) -> Ring | None:
        """The ring of these series, if they have one."""
        return self._rings.get(names)

    def series(self) -> set[str]:
        """The series of plain numbers that the training thread has given so far."""
        return {name for names in list(self._rings) for name in names}

    def _publish_in_larger(
        self, ring: Ring | None, step: int, moment: float, names: tuple[str, ...], values: Sequence[float]
    ) -> None:
        if ring is None and len(self._rings) >= MAX_RINGS:
            self.publish_row(step, moment, names, values)
            return
        larger = Ring(names, FIRST_ROWS if ring is None else ring.rows * GROWTH)
        if larger.nbytes > self._max_values * 8:
            self.dropped += len(values)  # the pump has not come by for long
            return
        larger.put(step, moment, values)
        self._rings[names] = larger
        self._all_rings.append(larger)

    def publish_row(self, step: int, moment: float, names: tuple[str, ...], values: Sequence[Any]) -> None:
        """The same for any values, from any thread."""
        if self._values >= self._max_values:
            self.dropped += len(values)
            return
        self._values += len(values)
        self._rows.append((step, moment, names, values))

    def publish_array(self, record: PendingRecord) -> None:
        """Hands an array record to the pump, or counts it as dropped when too many bytes wait."""
        waiting = self._bytes_published - self._bytes_released + record.size
        if waiting > self._max_array_bytes:
            self.dropped += 1
            self.pump_wanted.set()
            return
        self.arrays.append(record)
        self._bytes_published += record.size
        if self.pump_rests or waiting > self._max_array_bytes // 16:
            self.pump_wanted.set()  # memory in waiting is worth more than a quiet tick

    def take(self) -> tuple[list[ScalarBlock], list[Row], list[PendingRecord]]:
        """Takes all that waits: blocks of numbers, rows that may hold tensors, and arrays. For the pump alone."""
        blocks = []
        for _ in range(len(self._all_rings)):
            ring = self._all_rings.popleft()
            in_use = self._rings.get(ring.names) is ring  # asked first: the last rows may come in between
            block = ring.take()
            if block is not None:
                blocks.append(block)
            if in_use:
                self._all_rings.append(ring)
        next_row, next_array = self._rows.popleft, self.arrays.popleft
        rows = [next_row() for _ in range(len(self._rows))]
        self._values = 0
        return blocks, rows, [next_array() for _ in range(len(self.arrays))]

    def release(self, arrays: list[PendingRecord]) -> None:
        """Tells that array records were carried out, so that their memory counts no more."""
        self._bytes_released += sum(record.size for record in arrays)

    def submit(self, order: Order) -> None:
        """Gives an order to the training thread, which takes it at its next step boundary."""
        self.orders.append(order)
        self.nudge()

    def wait_for_order(self) -> None:
        """Waits until an order or a `nudge` comes; the wait of a paused training thread."""
        self._order_came.wait()
        self._order_came.clear()

    def nudge(self) -> None:
        """Has the training thread look what there is for it, be it paused or at its next step boundary."""
        self.pulse.attention = True
        self._order_came.set()
