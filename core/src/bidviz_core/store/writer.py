"""The writer of a run's file: used by one thread, the pump's, of the process that trains."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np

from bidviz_core.errors import BidvizError, StoreError
from bidviz_core.frames import pack_frame
from bidviz_core.messages.notifications import Catalogue, Entry, FailureContent, RunInfo, Status
from bidviz_core.records import Batch, Record
from bidviz_core.store.database import FILE, PATIENCE, Journal, create, explain
from bidviz_core.store.folding import CHUNK, TAIL_BYTES, fold
from bidviz_core.store.index import RunIndex
from bidviz_core.store.presence import Presence
from bidviz_core.store.tail import Block, merge_blocks, pack_tail
from bidviz_core.values import to_parts

#: Bytes of records that wait in memory while the file cannot be written; beyond them the oldest are dropped.
PENDING_BYTES = 16 << 20
#: Bytes at which a tail row is left alone and the next one begun.
ROW_BYTES = 16 << 10
#: Bytes from which an array is worth the time to compress.
COMPRESS_FROM = 1024
#: How an array's frame is kept.
PLAIN, DEFLATED = 0, 1

_log = logging.getLogger("bidviz")
_writers: weakref.WeakSet[StoreWriter] = weakref.WeakSet()


def _encode(value: object) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()


class StoreWriter:
    """Writes one run.

    `append` and the `write_…` methods only put things into memory; `commit` writes them, in one transaction. In a
    forked child every method does nothing.

    Args:
        folder: the run's own folder; made where it is not there.
        info: what never changes of the run.
        journal: `"rollback"` does without WAL; `"wal"` falls back to it by itself.
        array_bytes: how much array history to keep before the oldest goes; all, if none.

    Raises:
        StoreError: the file cannot be made.
    """

    def __init__(
        self, folder: Path, info: RunInfo, *, journal: Journal = "wal", array_bytes: int | None = None
    ) -> None:
        self.file = Path(folder).absolute() / FILE
        self.sequence = 0
        self.dropped = 0
        self._pid = os.getpid()
        self._array_bytes = array_bytes
        self._arrays_kept = 0
        self._series: dict[str, tuple[int, str]] = {}
        self._numbers: dict[tuple[str, ...], tuple[int, ...]] = {}
        self._new_series: list[tuple[int, str, str]] = []
        self._pending: list[tuple[int, list[Block], list[Record], int, int]] = []
        self._pending_bytes = 0
        self._catalogue: Catalogue | None = None
        self._entries: list[Entry] = []
        self._failures: list[FailureContent] = []
        self._open_row = 1
        self._open_blocks: list[Block] = []
        self._unfolded: dict[int, int] = {}
        self._unfolded_bytes = 0
        self._next_chunk: dict[int, int] = {}
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._connection, self.journal = create(self.file, journal)
            self._identity = _identity(self.file)
            self._presence = Presence(self.file.parent)
        except OSError as error:
            raise explain(error, self.file) from error
        self._closed = False
        _keep_from_children(self)
        with self._transaction():
            self._connection.execute("INSERT INTO about VALUES ('run', ?)", (_encode(info),))
            self._write_status(Status(), 0)
        try:
            RunIndex().add(self.file.parent, info.id, info.name, info.started)
        except StoreError as error:
            # The run is complete without the index; only the list of runs lacks it.
            _log.warning("The run %s is stored, but not in the list of runs: %s", info.name, error)

    # --- into memory -------------------------------------------------------------------------------------------------

    def append(self, batch: Batch) -> None:
        """Takes a batch over, to be written by the next commit.

        Raises:
            StoreError: a block's columns do not fit each other; nothing of the batch is taken.
        """
        if self._absent():
            return
        blocks = []
        for block in batch.scalars:
            shape = (len(block.names), len(block.steps))
            if np.shape(block.values) != shape or len(block.times) != len(block.steps):
                raise StoreError(
                    f"A block of {shape[0]} series at {shape[1]} steps has {len(block.times)} times and values of "
                    f"shape {np.shape(block.values)}; expected {shape[1]} times and {shape}."
                )
            if block.values.size:
                blocks.append(Block(self._numbers_of(block.names), block.steps, block.times, block.values))
        size = sum(block.size for block in blocks) + sum(_size(record) for record in batch.arrays)
        self._pending.append((batch.sequence, blocks, batch.arrays, size, len(batch)))
        self._pending_bytes += size
        while self._pending_bytes > PENDING_BYTES and len(self._pending) > 1:
            _, _, _, freed, lost = self._pending.pop(0)
            self._pending_bytes -= freed
            self.dropped += lost

    def write_catalogue(self, catalogue: Catalogue) -> None:
        """Keeps the run's catalogue in place of the one before."""
        self._catalogue = catalogue

    def write_entry(self, entry: Entry) -> None:
        """Adds an entry to the journal."""
        self._entries.append(entry)

    def write_failure(self, failure: FailureContent) -> None:
        """Keeps that something was set aside."""
        self._failures.append(failure)

    # --- onto the disk -----------------------------------------------------------------------------------------------

    def commit(self, status: Status | None = None) -> None:
        """Writes all that waits, in one transaction.

        Args:
            status: the run's present state.

        Raises:
            StoreError: the file cannot be written. What waits goes on waiting, up to `PENDING_BYTES` of records, and
                the next commit tries again; `dropped` counts the records that went.
        """
        if self._absent():
            return
        self._look_for_file()
        waits = self._pending or self._entries or self._failures or self._catalogue or self._new_series
        if waits or status is not None:
            self._write(status)
        if self._unfolded_bytes >= TAIL_BYTES or max(self._unfolded.values(), default=0) >= CHUNK:
            self._fold()

    def close(self, status: Status) -> None:
        """Writes all that waits, makes the file complete in itself, and lets go of it; once.

        Args:
            status: how the run ended.

        Raises:
            StoreError: the file cannot be written; it is let go of all the same.
        """
        if self._absent():
            return
        self._closed = True
        try:
            self._look_for_file()
            self._write(status)
            self._fold(everything=True)
            self._complete()
        finally:
            self._connection.close()
            self._presence.end()

    def _write(self, status: Status | None) -> None:
        pending = list(self._pending)
        fresh = [block for _, blocks, _, _, _ in pending for block in blocks]
        merged = merge_blocks([*self._open_blocks, *fresh]) if fresh else []
        frame = pack_tail(merged) if merged else b""
        arrays = [record for _, _, records, _, _ in pending for record in records]
        packed = self._pack_arrays(arrays)
        entries, failures = list(self._entries), list(self._failures)
        sequence = pending[-1][0] if pending else self.sequence
        with self._transaction():
            run = self._connection
            run.executemany("INSERT OR REPLACE INTO series VALUES (?, ?, ?)", self._new_series)
            if frame:
                run.execute("INSERT OR REPLACE INTO tail VALUES (?, ?)", (self._open_row, frame))
            if packed:
                run.executemany(
                    "INSERT INTO arrays (series, step, time, packing, frame) VALUES (?, ?, ?, ?, ?)", packed
                )
            if self._catalogue is not None:
                run.execute("INSERT OR REPLACE INTO about VALUES ('catalogue', ?)", (_encode(self._catalogue),))
            run.executemany(
                "INSERT OR REPLACE INTO journal VALUES (?, ?)", [(entry.number, _encode(entry)) for entry in entries]
            )
            run.executemany("INSERT INTO failures (failure) VALUES (?)", [(_encode(one),) for one in failures])
            self._write_status(status, sequence)
        # Only what is on the disk is forgotten.
        self.sequence = sequence
        self._pending.clear()
        self._pending_bytes = 0
        self._new_series.clear()
        self._entries.clear()
        self._failures.clear()
        self._catalogue = None
        for block in fresh:
            self._unfolded_bytes += block.size
            for number in block.series:
                self._unfolded[number] = self._unfolded.get(number, 0) + len(block.steps)
        if frame:
            self._open_blocks = merged
            if len(frame) >= ROW_BYTES:
                self._open_row += 1
                self._open_blocks = []

    def _fold(self, everything: bool = False) -> None:
        next_chunk = dict(self._next_chunk)
        with self._transaction():
            staying = fold(self._connection, next_chunk, everything)
        self._next_chunk = next_chunk
        self._unfolded = {number: len(block.steps) for block in staying for number in block.series}
        self._unfolded_bytes = sum(block.size for block in staying)
        self._open_row = 2
        self._open_blocks = []

    def _write_status(self, status: Status | None, sequence: int) -> None:
        rows: list[tuple[str, object]] = [("sequence", sequence), ("updated", time.time())]
        if status is not None:
            rows.append(("status", _encode(status)))
        self._connection.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", rows)

    def _complete(self) -> None:
        run = self._connection
        try:
            run.execute("PRAGMA incremental_vacuum").fetchall()
            if self.journal == "wal":
                run.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                self._leave_wal()
        except sqlite3.Error as error:
            raise explain(error, self.file) from error

    def _leave_wal(self) -> None:
        """Turns the file into one without a log beside it, as soon as no reader is in the middle of a read."""
        until = time.monotonic() + PATIENCE / 1000
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode=DELETE").fetchall()
            except sqlite3.OperationalError:
                # A reader that stays costs only the empty log beside the file: all is in the file already.
                if time.monotonic() >= until:
                    return
                time.sleep(0.01)
            else:
                return

    def _pack_arrays(self, records: list[Record]) -> list[tuple[int, int, float, int, bytes]]:
        rows = []
        for record in records:
            try:
                header, buffers = to_parts(record.value)
                frame = pack_frame(header, buffers)
            except (BidvizError, TypeError, ValueError, OverflowError) as error:
                self.dropped += 1
                self._failures.append(
                    FailureContent(
                        source="store",
                        name=record.name,
                        step=record.step,
                        message=f"The value of {record.name} at step {record.step} cannot be stored: {error}",
                        time=record.time,
                    )
                )
                continue
            number = self._number_of(record.name, header["kind"])
            packing = PLAIN
            if len(frame) >= COMPRESS_FROM:
                small = zlib.compress(frame, 1)
                if len(small) < 0.9 * len(frame):
                    packing, frame = DEFLATED, small
            rows.append((number, int(record.step), float(record.time), packing, frame))
        return rows

    # --- small things ------------------------------------------------------------------------------------------------

    def _numbers_of(self, names: tuple[str, ...]) -> tuple[int, ...]:
        numbers = self._numbers.get(names)
        if numbers is None:
            numbers = tuple(self._number_of(name, "scalar") for name in names)
            self._numbers[names] = numbers
        return numbers

    def _number_of(self, name: str, kind: str) -> int:
        known = self._series.get(name)
        if known is not None and known[1] == kind:
            return known[0]
        number = known[0] if known is not None else len(self._series) + 1
        self._series[name] = (number, kind)
        self._new_series.append((number, name, kind))
        return number

    def _absent(self) -> bool:
        return self._closed or os.getpid() != self._pid

    def _look_for_file(self) -> None:
        # SQLite goes on writing a log that was deleted without noticing.
        if _identity(self.file) != self._identity:
            raise StoreError(
                f"{self.file} was deleted or moved while the run writes it; put it back. Until then its records wait "
                f"in memory, and the oldest are dropped beyond {PENDING_BYTES >> 20} MB."
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise explain(error, self.file) from error
            raise


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _size(record: Record) -> int:
    value = record.value
    if isinstance(value, np.ndarray):
        return value.nbytes
    return sum(
        np.asarray(getattr(value, part)).nbytes
        for part in ("counts", "edges", "values", "data", "rows", "text")
        if hasattr(value, part)
    )


# --- forks -----------------------------------------------------------------------------------------------------------

_hearing = False


def _keep_from_children(writer: StoreWriter) -> None:
    global _hearing
    _writers.add(writer)
    if not _hearing and hasattr(os, "register_at_fork"):
        _hearing = True
        os.register_at_fork(after_in_child=_leak)


def _leak() -> None:
    """A child must not even close its copy of a connection: another thread may have held its mutex at the fork."""
    import ctypes

    for writer in list(_writers):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(writer._connection))
