"""What waits in memory for the next commit, bounded however long the disk stays full."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import msgspec
import numpy as np

from bidviz_core.errors import StoreError
from bidviz_core.messages.notifications import Catalogue, Entry, FailureContent
from bidviz_core.records import Batch, Record, ScalarBlock
from bidviz_core.store.arrays import memory_of
from bidviz_core.store.tail import Block

#: Bytes of records that wait; beyond them the oldest are dropped.
MOST_BYTES = 16 << 20
#: Bytes of records to one transaction: while the disk is full, each attempt costs only as much.
PART_BYTES = 1 << 20
#: Entries of the journal, and failures, that wait.
MOST_NOTES = 10_000


def encode(value: object) -> str:
    """JSON of what the run's file keeps as such; what JSON has no word for, as text.

    Raises:
        StoreError: it cannot be written as JSON.
    """
    try:
        return msgspec.json.encode(value, enc_hook=str).decode()
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise StoreError(f"A {type(value).__name__} cannot be written as JSON: {error}") from error


class Waiting(NamedTuple):
    """A batch by the series' numbers."""

    sequence: int
    blocks: list[Block]
    arrays: list[Record]
    size: int
    records: int


class Pending:
    """The queue between `append` and `commit`, and the numbers that series get in the file."""

    def __init__(self) -> None:
        self.batches: deque[Waiting] = deque()
        self.dropped = 0
        self.new_series: list[tuple[int, str, str]] = []
        self.catalogue: str | None = None
        self.entries: deque[tuple[int, str]] = deque(maxlen=MOST_NOTES)
        self.failures: deque[tuple[str]] = deque(maxlen=MOST_NOTES)
        self._size = 0
        self._series: dict[str, tuple[int, str]] = {}
        self._groups: dict[tuple[str, ...], tuple[int, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self.batches or self.new_series or self.catalogue or self.entries or self.failures)

    def add_batch(self, batch: Batch) -> None:
        """Takes a batch.

        Raises:
            StoreError: a block cannot be stored; the batch is dropped, and counted.
        """
        try:
            blocks = [self._block(block) for block in batch.scalars if len(block.names) and len(block.steps)]
        except StoreError:
            self.dropped += len(batch)
            raise
        size = sum(block.size for block in blocks) + sum(memory_of(record) for record in batch.arrays)
        self.batches.append(Waiting(batch.sequence, blocks, list(batch.arrays), size, len(batch)))
        self._size += size
        while self._size > MOST_BYTES and len(self.batches) > 1:
            oldest = self.batches.popleft()
            self._size -= oldest.size
            self.dropped += oldest.records

    def add_entry(self, entry: Entry) -> None:
        """Takes an entry of the journal."""
        self.entries.append((entry.number, encode(entry)))

    def add_failure(self, failure: FailureContent) -> None:
        """Takes a failure."""
        self.failures.append((encode(failure),))

    def refuse(self, record: Record, reason: str) -> None:
        """Drops a record that can never be stored, and says so among the failures."""
        self.dropped += 1
        # Its step and time may be what is wrong with it: the reason tells them.
        self.add_failure(FailureContent(source="store", name=_text(record.name), message=_text(reason)))

    def number_of(self, name: str, kind: str) -> int:
        """The number of a series in the file; a new one where it has none yet.

        Raises:
            StoreError: the name is no text.
        """
        known = self._series.get(name)
        if known is not None and known[1] == kind:
            return known[0]
        if _text(name) != name:
            raise StoreError(f"A series is named {name!r}, which cannot be written as text; give it another name.")
        number = known[0] if known is not None else len(self._series) + 1
        self._series[name] = (number, kind)
        self.new_series.append((number, name, kind))
        return number

    def oldest(self) -> list[Waiting]:
        """The batches to write next: all of them, but for what has piled up."""
        part: list[Waiting] = []
        size = 0
        for waiting in self.batches:
            if part and size + waiting.size > PART_BYTES:
                break
            part.append(waiting)
            size += waiting.size
        return part

    def written(self, part: list[Waiting]) -> None:
        """Forgets the oldest batches and all notes: they are on the disk."""
        for waiting in part:
            self.batches.popleft()
            self._size -= waiting.size
        self.new_series.clear()
        self.catalogue = None
        self.entries.clear()
        self.failures.clear()

    def take_catalogue(self, catalogue: Catalogue) -> None:
        """Takes the catalogue in place of the one before."""
        self.catalogue = encode(catalogue)

    def _block(self, block: ScalarBlock) -> Block:
        count, length = len(block.names), len(block.steps)
        if np.shape(block.values) != (count, length) or len(block.times) != length:
            raise StoreError(
                f"A block of {count} series at {length} steps has {len(block.times)} times and values of shape "
                f"{np.shape(block.values)}; expected {length} times and {(count, length)}."
            )
        return Block(
            self._numbers_of(block.names),
            np.asarray(block.steps, np.int64),
            np.asarray(block.times, np.float64),
            np.asarray(block.values, np.float64),
        )

    def _numbers_of(self, names: tuple[str, ...]) -> tuple[int, ...]:
        numbers = self._groups.get(names)
        if numbers is None:
            numbers = self._groups[names] = tuple(self.number_of(name, "scalar") for name in names)
        return numbers


def _text(text: str) -> str:
    """The text without what cannot be encoded (half a surrogate pair)."""
    return text.encode("utf-8", "replace").decode()
