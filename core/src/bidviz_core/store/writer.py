"""The writer of a run's file: used by one thread, the pump's, of the process that trains."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bidviz_core.errors import StoreError
from bidviz_core.messages.notifications import Catalogue, Entry, FailureContent, RunInfo, Status
from bidviz_core.records import Batch
from bidviz_core.store.arrays import ArrayRow, insert, pack_array, trim
from bidviz_core.store.database import FILE, PATIENCE, Journal, create, explain, remove
from bidviz_core.store.folding import CHUNK, TAIL_BYTES, fold
from bidviz_core.store.forks import abandon, hear_of_forks
from bidviz_core.store.index import RunIndex
from bidviz_core.store.pending import MOST_BYTES, Pending, Waiting, encode
from bidviz_core.store.presence import Presence
from bidviz_core.store.tail import Block, merge_blocks, pack_tail

#: Bytes at which a tail row is left alone and the next one begun.
ROW_BYTES = 16 << 10

_log = logging.getLogger("bidviz")


class StoreWriter:
    """Writes one run.

    `append` and the `write_…` methods only put things into memory; `commit` writes them. In a
    forked child every method does nothing.

    Args:
        folder: the run's own folder; made where it is not there.
        info: what never changes of the run.
        journal: `"rollback"` does without WAL, `"wal"` falls back to it by itself; if none, what the environment's
            `BIDVIZ_STORE_JOURNAL` says, or `"wal"`.
        array_bytes: how much array history to keep, in bytes, before the oldest goes; all, if none.

    Raises:
        StoreError: the file cannot be made; nothing of it is left behind.
    """

    def __init__(
        self, folder: Path, info: RunInfo, *, journal: Journal | None = None, array_bytes: int | None = None
    ) -> None:
        self.file = Path(folder).absolute() / FILE
        self.sequence = 0
        """The last batch that is in the file."""
        self._pid = os.getpid()
        self._closed = False
        self._pending = Pending()
        self._array_bytes = array_bytes
        self._arrays_kept = 0
        self._open_row = 1
        self._open_blocks: list[Block] = []
        self._unfolded: dict[tuple[int, ...], int] = {}
        self._unfolded_bytes = 0
        self._next_chunk: dict[int, int] = {}
        self._connection, self.journal = create(self.file, journal or _wanted_journal())
        try:
            with self._transaction():
                self._connection.execute("INSERT INTO about VALUES ('run', ?)", (encode(info),))
                self._write_status(Status(), 0)
            self._presence = Presence(self.file.parent)
            self._identity = _identity(self.file)
        except (StoreError, OSError) as error:
            self._connection.close()
            remove(self.file)
            raise error if isinstance(error, StoreError) else explain(error, self.file) from error
        hear_of_forks(self)
        try:
            RunIndex().add(self.file.parent, info.id, info.name, info.started)
        except StoreError as error:
            # The run is complete without the index; only the list of runs lacks it.
            _log.warning("The run %s is stored, but not in the list of runs: %s", info.name, error)

    @property
    def dropped(self) -> int:
        """How many records were lost, because the file could not be written for long or they can never be stored."""
        return self._pending.dropped

    # --- into memory -------------------------------------------------------------------------------------------------

    def append(self, batch: Batch) -> None:
        """Takes a batch over, to be written by the next commit.

        Raises:
            StoreError: a block's columns do not fit each other; the batch is dropped, and counted.
        """
        if not self._absent():
            self._pending.add_batch(batch)

    def write_catalogue(self, catalogue: Catalogue) -> None:
        """Keeps the run's catalogue in place of the one before.

        Raises:
            StoreError: it cannot be written as JSON.
        """
        if not self._absent():
            self._pending.take_catalogue(catalogue)

    def write_entry(self, entry: Entry) -> None:
        """Adds an entry to the journal.

        Raises:
            StoreError: it cannot be written as JSON.
        """
        if not self._absent():
            self._pending.add_entry(entry)

    def write_failure(self, failure: FailureContent) -> None:
        """Keeps that something was set aside."""
        if not self._absent():
            self._pending.add_failure(failure)

    # --- onto the disk -----------------------------------------------------------------------------------------------

    def commit(self, status: Status | None = None) -> None:
        """Writes all that waits.

        Args:
            status: the run's present state.

        Raises:
            StoreError: the file cannot be written. What waits goes on waiting, up to `MOST_BYTES` of records, and the
                next commit tries again; `dropped` counts the records that went.
        """
        if self._absent():
            return
        self._look_for_file()
        if self._pending or status is not None:
            self._write(status)

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
        while True:
            part = self._pending.oldest()
            last = len(part) == len(self._pending.batches)
            self._write_part(part, status if last else None)
            if self._unfolded_bytes >= TAIL_BYTES or max(self._unfolded.values(), default=0) >= CHUNK:
                self._fold()
            if last:
                return

    def _write_part(self, part: list[Waiting], status: Status | None) -> None:
        pending = self._pending
        fresh = [block for waiting in part for block in waiting.blocks]
        merged = merge_blocks([*self._open_blocks, *fresh]) if fresh else []
        frame = pack_tail(merged) if merged else b""
        arrays = self._pack_arrays(part)
        kept = self._arrays_kept + sum(len(row.frame) for row in arrays)
        sequence = part[-1].sequence if part else self.sequence
        with self._transaction():
            run = self._connection
            run.executemany("INSERT OR REPLACE INTO series VALUES (?, ?, ?)", pending.new_series)
            if frame:
                run.execute("INSERT OR REPLACE INTO tail VALUES (?, ?)", (self._open_row, frame))
            insert(run, arrays)
            if self._array_bytes is not None and kept > self._array_bytes:
                kept -= trim(run, kept - self._array_bytes)
            if pending.catalogue is not None:
                run.execute("INSERT OR REPLACE INTO about VALUES ('catalogue', ?)", (pending.catalogue,))
            run.executemany("INSERT OR REPLACE INTO journal VALUES (?, ?)", pending.entries)
            run.executemany("INSERT INTO failures (failure) VALUES (?)", pending.failures)
            self._write_status(status, sequence)
        # Only what is on the disk is forgotten.
        pending.written(part)
        self.sequence = sequence
        self._arrays_kept = kept
        for block in fresh:
            self._unfolded_bytes += block.size
            self._unfolded[block.series] = self._unfolded.get(block.series, 0) + len(block.steps)
        if frame:
            self._open_blocks = merged
            if len(frame) >= ROW_BYTES:
                self._open_row += 1
                self._open_blocks = []

    def _pack_arrays(self, part: list[Waiting]) -> list[ArrayRow]:
        rows = []
        for waiting in part:
            stored = []
            for record in waiting.arrays:
                try:
                    kind, packing, frame = pack_array(record)
                    number = self._pending.number_of(record.name, kind)
                except StoreError as error:
                    self._pending.refuse(record, str(error))
                    continue
                rows.append(ArrayRow(number, int(record.step), float(record.time), packing, frame))
                stored.append(record)
            # What was refused must not be refused, and counted, again when this commit fails.
            waiting.arrays[:] = stored
        return rows

    def _fold(self, everything: bool = False) -> None:
        next_chunk = dict(self._next_chunk)
        with self._transaction():
            staying = fold(self._connection, next_chunk, everything)
        self._next_chunk = next_chunk
        self._unfolded = {block.series: len(block.steps) for block in staying}
        self._unfolded_bytes = sum(block.size for block in staying)
        # What stays has become row 1.
        self._open_row = 2
        self._open_blocks = []

    def _write_status(self, status: Status | None, sequence: int) -> None:
        rows: list[tuple[str, object]] = [("sequence", sequence), ("updated", time.time())]
        if status is not None:
            rows.append(("status", encode(status)))
        self._connection.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", rows)

    def _complete(self) -> None:
        run = self._connection
        try:
            # As a script: `execute` takes only the first step of it, one page.
            run.executescript("PRAGMA incremental_vacuum")
            if self.journal == "wal":
                run.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._leave_journal()
        except sqlite3.Error as error:
            raise explain(error, self.file) from error

    def _leave_journal(self) -> None:
        """Turns the file into one with nothing beside it, as soon as no reader is in the middle of a read."""
        until = time.monotonic() + PATIENCE / 1000
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode=DELETE").fetchall()
            except sqlite3.OperationalError:
                # A reader that stays costs only an empty file beside ours: all is in ours already.
                if time.monotonic() >= until:
                    return
                time.sleep(0.01)
            else:
                return

    # --- small things ------------------------------------------------------------------------------------------------

    def after_fork(self) -> None:
        """Called in a forked child: the file is the parent's alone."""
        abandon(self._connection)

    def _absent(self) -> bool:
        return self._closed or os.getpid() != self._pid

    def _look_for_file(self) -> None:
        # SQLite goes on writing a file that was deleted without noticing.
        if _identity(self.file) != self._identity:
            raise StoreError(
                f"{self.file} was deleted or moved while the run writes it; put it back. Until then its records wait "
                f"in memory, and the oldest are dropped beyond {MOST_BYTES >> 20} MB."
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


def _wanted_journal() -> Journal:
    wanted = os.environ.get("BIDVIZ_STORE_JOURNAL", "wal")
    match wanted:
        case "wal" | "rollback":
            return wanted
    raise StoreError(f"BIDVIZ_STORE_JOURNAL is {wanted!r}; expected 'wal' or 'rollback'.")


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
