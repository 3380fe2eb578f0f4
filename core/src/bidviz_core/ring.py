"""Rows of plain numbers on their way to the pump, packed as they come."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import numpy as np

from bidviz_core.records import ScalarBlock

#: Rows that a ring has room for at first, and how many times more the next one has.
FIRST_ROWS = 64
GROWTH = 4

Packing = tuple[Callable[..., None], bytearray, int, int]


class Ring:
    """Rows of the same series in one piece of memory, with one writer (the training thread) and one reader (the pump).

    Nothing is locked: the writer only moves `written`, the reader only `read`. Packed numbers leave no objects behind
    that the pump's processor would have to touch and free, which cost the training more than the packing does.

    Args:
        names: k series.
        rows: how many rows there is room for.
    """

    __slots__ = ("_bytes", "_pack", "_size", "names", "packing", "read", "rows", "written")

    def __init__(self, names: tuple[str, ...], rows: int = FIRST_ROWS) -> None:
        self.names = names
        self.rows = rows
        self.written = 0
        self.read = 0
        packing = struct.Struct(f"=qd{len(names)}d")
        self._size = packing.size
        self._pack = packing.pack_into
        self._bytes = bytearray(rows * packing.size)
        #: What `put` works with, for who writes it out: packs a row, the memory, how many rows, bytes of a row.
        self.packing: Packing = (self._pack, self._bytes, rows, packing.size)

    @property
    def nbytes(self) -> int:
        """The bytes that it holds."""
        return len(self._bytes)

    def put(self, step: int, moment: float, values: Sequence[float]) -> bool:
        """Takes a row; says whether there was room.

        Args:
            step: the step it belongs to.
            moment: seconds since the epoch.
            values: k floats; a tensor would be taken too, and waited for.

        Raises:
            struct.error: one of them is no number; nothing was taken.
        """
        at = self.written
        if at - self.read >= self.rows:
            return False
        self._pack(self._bytes, at % self.rows * self._size, step, moment, *values)
        self.written = at + 1
        return True

    def take(self) -> ScalarBlock | None:
        """Gives all rows that wait, or none. For the pump alone."""
        first, last = self.read, self.written
        if first == last:
            return None
        begin, end = first % self.rows * self._size, last % self.rows * self._size
        memory = self._bytes
        packed = memory[begin:end] if begin < end else memory[begin:] + memory[:end]
        self.read = last
        rows = np.frombuffer(packed, np.float64).reshape(last - first, len(self.names) + 2)
        steps = np.frombuffer(packed, np.int64).reshape(rows.shape)[:, 0]
        return ScalarBlock(self.names, steps.copy(), rows[:, 1].copy(), np.ascontiguousarray(rows[:, 2:].T))
