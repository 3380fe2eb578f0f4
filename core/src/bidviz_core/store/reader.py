"""The reader of a run's file: any process, any thread, while the training writes it or after."""

from __future__ import annotations

import difflib
import math
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from bidviz_core.errors import StoreError
from bidviz_core.messages.notifications import Catalogue, Entry, FailureContent, RunInfo, State, Status
from bidviz_core.records import Record
from bidviz_core.store.arrays import unpack_array
from bidviz_core.store.database import FILE, explain, open_for_reading
from bidviz_core.store.ending import at_its_end
from bidviz_core.store.history import Columns, read_history, step_range
from bidviz_core.store.presence import is_present
from bidviz_core.store.rewinds import counts, read_rewinds
from bidviz_core.store.tail import records_of, unpack_tail

#: Seconds without a commit after which a run on another machine counts as lost.
SILENCE = 60.0

#: How many series an error names.
_NAMED = 30

_ENDED: tuple[State, ...] = ("stopped", "ended", "failed", "lost")


T = TypeVar("T")


class StoreReader:
    """Reads one run. Each question opens the file and closes it again: an open reader would hinder the writer's end.

    Args:
        place: the run's folder, or its file.

    Raises:
        StoreError: there is no run, or it cannot be read.
    """

    def __init__(self, place: Path | str) -> None:
        place = Path(place)
        self.file = place if place.suffix == ".sqlite" and not place.is_dir() else place / FILE
        self.info = self._about("run", RunInfo)
        """What never changes of the run."""

    def history(
        self, name: str, start: int | None = None, stop: int | None = None, points: int | None = None
    ) -> Columns:
        """The records of a scalar series, or buckets of them.

        Args:
            name: the series.
            start: the first step, or from the beginning.
            stop: the step after the last, or to the end.
            points: the most entries to give; none for every record.

        Raises:
            StoreError: there is no such series, it does not hold numbers, or the file cannot be read.
        """
        if points is not None and points < 1:
            raise StoreError(f"points is {points}; expected a positive number, or none for every record.")
        with self._open() as connection:
            number, kind = self._find(connection, name)
            held = connection.execute("SELECT frame FROM tail ORDER BY id").fetchall()
            tail = records_of([block for (frame,) in held for block in unpack_tail(frame)], number)
            sequence = self._sequence(connection)
            rewinds = read_rewinds(connection)
            columns = read_history(connection, number, tail, step_range(start, stop), points, sequence, rewinds)
        if kind != "scalar" and not columns.total:
            raise StoreError(f"The series {name!r} holds values of kind {kind}, not numbers; read it with arrays.")
        return columns

    def arrays(
        self, name: str, start: int | None = None, stop: int | None = None, count: int = 1, spread: bool = False
    ) -> list[Record]:
        """The last `count` records of a series of arrays from `start` up to before `stop`, in step order.

        Args:
            name: the series.
            start: the first step.
            stop: the step after the last one.
            count: how many at most.
            spread: spread evenly over those that there are, the first and the last among them, in place of the last.

        Raises:
            StoreError: there is no such series, or the file cannot be read.
        """
        with self._open() as connection:
            number, _ = self._find(connection, name)
            first, end = step_range(start, stop)
            rewinds = read_rewinds(connection)
            limit = "" if rewinds or spread else f" LIMIT {int(count)}"
            found = connection.execute(
                "SELECT step, time, id FROM arrays WHERE series = ? AND step >= ? AND step <= ? "
                f"ORDER BY step DESC, id DESC{limit}",
                (number, first, end - 1),
            ).fetchall()
            if rewinds and found:
                table = np.array([(row[0], row[1] or 0.0) for row in found], np.float64)
                kept = counts(table[:, 0], table[:, 1], rewinds)
                found = [row for row, counted in zip(found, kept, strict=True) if counted]
            if spread and len(found) > count:
                chosen = np.unique(np.linspace(0, len(found) - 1, count).round().astype(int)) if count > 1 else [0]
                found = [found[at] for at in chosen]
            found = found[: int(count)]
            rows = [
                (step, at, *connection.execute("SELECT packing, frame FROM arrays WHERE id = ?", (record,)).fetchone())
                for step, at, record in found
            ]
        return [
            Record(name, step, math.nan if at is None else at, unpack_array(packing, frame))
            for step, at, packing, frame in reversed(rows)
        ]

    def series(self) -> dict[str, str]:
        """Every series and the kind of its values."""
        with self._open() as connection:
            return dict(connection.execute("SELECT name, kind FROM series ORDER BY id").fetchall())

    def status(self) -> Status:
        """The last status that was written."""
        return self._about("status", Status)

    def state(self) -> State:
        """The run's state; `"lost"` where the training has gone without a word."""
        with self._open() as connection:
            status = self._decode(connection, "status", Status)
            updated = connection.execute("SELECT value FROM about WHERE key = 'updated'").fetchone()[0]
        if status is None:
            return "lost"
        if status.state in _ENDED:
            return status.state
        present = is_present(self.file.parent) if self.info.host == socket.gethostname() else None
        if present is None:
            present = time.time() - updated < SILENCE
        return status.state if present else "lost"

    def last_status(self) -> Status:
        """How the run is, as far as the file tells: of one that has gone without a word, the last that was recorded.

        Raises:
            StoreError: no status was written, or the file cannot be read.
        """
        status, state = self.status(), self.state()
        if state == status.state:
            return status
        if state == "lost":
            with self._open() as connection:
                held = connection.execute("SELECT frame FROM tail ORDER BY id").fetchall()
                tail = [block for (frame,) in held for block in unpack_tail(frame)]
                step = at_its_end(connection, status, tail, read_rewinds(connection))
            detail = f"The training went without a word; its last step was {step}."
            return msgspec.structs.replace(status, state=state, step=step, speed=0.0, detail=detail)
        return msgspec.structs.replace(status, state=state, speed=0.0, detail="")

    def catalogue(self) -> Catalogue | None:
        """The last catalogue that was written, or none."""
        with self._open() as connection:
            return self._decode(connection, "catalogue", Catalogue)

    def journal(self, since: int = 0) -> list[Entry]:
        """The journal's entries after number `since`."""
        with self._open() as connection:
            rows = connection.execute("SELECT entry FROM journal WHERE number > ? ORDER BY number", (since,)).fetchall()
        return [msgspec.json.decode(entry, type=Entry) for (entry,) in rows]

    def failures(self) -> list[FailureContent]:
        """What was set aside, in order."""
        with self._open() as connection:
            rows = connection.execute("SELECT failure FROM failures ORDER BY id").fetchall()
        return [msgspec.json.decode(failure, type=FailureContent) for (failure,) in rows]

    def sequence(self) -> int:
        """The last batch that the file holds."""
        with self._open() as connection:
            return self._sequence(connection)

    # -----------------------------------------------------------------------------------------------------------------

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One consistent view of the file."""
        connection = open_for_reading(self.file)
        try:
            connection.execute("BEGIN")
            yield connection
        except sqlite3.Error as error:
            raise explain(error, self.file) from error
        finally:
            connection.close()

    def _about(self, key: str, kind: type[T]) -> T:
        with self._open() as connection:
            found = self._decode(connection, key, kind)
        if found is None:
            raise StoreError(f"{self.file} has no {key}; it was not made by a training that started.")
        return found

    def _decode(self, connection: sqlite3.Connection, key: str, kind: type[T]) -> T | None:
        row = connection.execute("SELECT value FROM about WHERE key = ?", (key,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=kind)

    def _sequence(self, connection: sqlite3.Connection) -> int:
        return int(connection.execute("SELECT value FROM about WHERE key = 'sequence'").fetchone()[0])

    def _find(self, connection: sqlite3.Connection, name: str) -> tuple[int, str]:
        row = connection.execute("SELECT id, kind FROM series WHERE name = ?", (name,)).fetchone()
        if row is None:
            known = [found for (found,) in connection.execute("SELECT name FROM series ORDER BY name")]
            shown = difflib.get_close_matches(name, known, 5) if len(known) > _NAMED else known
            names = ", ".join(shown or known[:_NAMED]) or "none yet"
            more = f" ({len(known)} in all)" if len(known) > _NAMED else ""
            raise StoreError(f"The run {self.info.name} has no series {name!r}; it has {names}{more}.")
        return int(row[0]), str(row[1])
