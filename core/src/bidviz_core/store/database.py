"""The run's file: its tables, how it is opened, and what SQLite's errors mean in words."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal

from bidviz_core.errors import StoreError

Journal = Literal["wal", "rollback"]

FILE = "run.sqlite"
FORMAT = 1
#: Says that a SQLite file is one of ours ("BVRN").
APPLICATION = 0x4256524E
#: Milliseconds that a reader or the writer waits for the other where the file system gives no WAL.
PATIENCE = 2000
#: A chunk's id is `series << SERIES_SHIFT | number`, so that the chunks of a series lie side by side.
SERIES_SHIFT = 32

# REAL columns have no NOT NULL where a NaN can come: SQLite keeps it as NULL.
# Summaries stand before blobs, so that a scan of the pyramid never touches the pages of raw columns.
SCHEMA = """
CREATE TABLE about (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL);
CREATE TABLE axes (id INTEGER PRIMARY KEY, nodes BLOB NOT NULL, steps BLOB NOT NULL, times BLOB NOT NULL);
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY, axis INTEGER NOT NULL, count INTEGER NOT NULL, first INTEGER NOT NULL,
    last INTEGER NOT NULL, time REAL, low REAL, high REAL, mean REAL, finite INTEGER NOT NULL,
    nan_count INTEGER NOT NULL, encoding INTEGER NOT NULL, nodes BLOB NOT NULL, data BLOB NOT NULL
);
CREATE TABLE tail (id INTEGER PRIMARY KEY, frame BLOB NOT NULL);
CREATE TABLE arrays (
    id INTEGER PRIMARY KEY, series INTEGER NOT NULL, step INTEGER NOT NULL, time REAL,
    packing INTEGER NOT NULL, frame BLOB NOT NULL
);
CREATE INDEX arrays_by_step ON arrays (series, step);
CREATE TABLE journal (number INTEGER PRIMARY KEY, entry TEXT NOT NULL);
CREATE TABLE failures (id INTEGER PRIMARY KEY, failure TEXT NOT NULL);
"""


def create(file: Path, journal: Journal) -> tuple[sqlite3.Connection, Journal]:
    """Makes a run's file and opens it for writing.

    Args:
        file: where; must not exist.
        journal: `"wal"` tries WAL and falls back to a rollback journal; `"rollback"` does not try.

    Returns:
        The connection, and the journal it has.

    Raises:
        StoreError: the file cannot be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain(error, file) from error
    if file.exists():
        raise StoreError(f"{file} holds a run already; give each run a folder of its own.")
    connection = None
    try:
        connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=PATIENCE / 1000)
        # Before the first table, or it has no effect: lets the file shrink to what is in it when it is closed.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        kind = _set_journal(connection, journal)
        _make_tables(connection)
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        remove(file)
        if journal == "wal" and file.parent.is_dir() and os.access(file.parent, os.W_OK):
            # The file system refused WAL only when it was used: begin again without.
            return create(file, "rollback")
        raise explain(error, file) from error
    return connection, kind


def open_for_reading(file: Path) -> sqlite3.Connection:
    """Opens a run's file for reading only; to be closed soon, as an open reader keeps the writer from closing well.

    Raises:
        StoreError: it is not there, is no run's file, or was written by a newer version.
    """
    if not file.is_file():
        raise StoreError(f"There is no run at {file.parent}: it has no {file.name}. Give the folder of a run.")
    try:
        return _checked(_open(file, "mode=ro"), file)
    except sqlite3.OperationalError as error:
        if file.with_name(f"{file.name}-journal").exists() and os.access(file, os.W_OK):
            return _rolled_back(file)
        # A WAL file needs a place for its index beside it. Where the folder cannot be written and the log is empty,
        # the file is complete in itself and can be read as it lies.
        log = file.with_name(f"{file.name}-wal")
        if os.access(file.parent, os.W_OK):
            raise explain(error, file) from error
        if log.exists() and log.stat().st_size:
            raise StoreError(
                f"{file} was not closed, and its folder cannot be written, so the end of it in {log.name} cannot be "
                "read. Copy the folder to a place that can be written and open it there."
            ) from error
    try:
        return _checked(_open(file, "immutable=1"), file)
    except sqlite3.OperationalError as error:
        raise explain(error, file) from error


def remove(file: Path) -> None:
    """Removes a file that could not be made, with what SQLite put beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        found = file.with_name(file.name + suffix)
        if found.is_file():
            found.unlink()


def explain(error: BaseException, file: Path) -> StoreError:
    """Says in words what a failure of the run's file means, and what to do."""
    text = str(error)
    folder = file.parent
    if "full" in text or "No space" in text or "Disk quota" in text or "too large" in text:
        return StoreError(f"The disk of {folder} is full ({text}); free some space there.")
    refused = "readonly" in text or "Read-only" in text or "Permission" in text
    if not refused and not folder.is_dir():
        if isinstance(error, OSError):
            return StoreError(f"The run's folder {folder} cannot be made ({text}); give another run_dir.")
        return StoreError(f"The run's folder {folder} is gone ({text}); put it back, or start the run again.")
    if refused or not os.access(folder, os.W_OK):
        return StoreError(f"{folder} cannot be written ({text}); allow it, or give another run_dir.")
    if "malformed" in text or "not a database" in text:
        return StoreError(f"{file} is damaged or is no run's file ({text}).")
    if "locked" in text or "busy" in text:
        return StoreError(f"{file} is locked by another program ({text}); close what holds it.")
    if "I/O" in text:
        return StoreError(f"The disk of {folder} failed, or is full ({text}); look at its free space and its health.")
    return StoreError(f"{file} cannot be used ({text}).")


def _set_journal(connection: sqlite3.Connection, journal: Journal) -> Journal:
    if journal == "wal":
        try:
            answer = str(connection.execute("PRAGMA journal_mode=WAL").fetchone()[0])
        except sqlite3.OperationalError:
            answer = "refused"
        if answer == "wal":
            # In WAL, NORMAL syncs at checkpoints only; a killed process loses nothing, a power cut the last of the log.
            connection.execute("PRAGMA synchronous=NORMAL")
            # 256 KB: a run at 1,000 steps a second is folded back every few seconds, and its log adds a byte a record.
            connection.execute("PRAGMA wal_autocheckpoint=64")
            connection.execute("PRAGMA journal_size_limit=0")
            return "wal"
    connection.execute("PRAGMA journal_mode=TRUNCATE")
    connection.execute("PRAGMA synchronous=NORMAL")
    return "rollback"


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.executescript(f"BEGIN;{SCHEMA}PRAGMA application_id={APPLICATION};PRAGMA user_version={FORMAT};COMMIT;")


def _remove(file: Path) -> None:
    for suffix in ("", "-wal", "-journal"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _open(file: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?{how}", uri=True, isolation_level=None, timeout=PATIENCE / 1000)


def _rolled_back(file: Path) -> sqlite3.Connection:
    """A process was killed in the middle of a commit: the first who may write takes the half of it back."""
    try:
        with closing(_open(file, "mode=rw")) as connection:
            connection.execute("SELECT count(*) FROM about").fetchall()
        return _checked(_open(file, "mode=ro"), file)
    except sqlite3.Error as error:
        raise explain(error, file) from error


def _checked(connection: sqlite3.Connection, file: Path) -> sqlite3.Connection:
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.OperationalError:
        connection.close()
        raise
    except sqlite3.DatabaseError as error:
        connection.close()
        raise explain(error, file) from error
    if application != APPLICATION:
        connection.close()
        raise StoreError(f"{file} is no run's file; expected one that a training wrote.")
    if version > FORMAT:
        connection.close()
        raise StoreError(
            f"{file} has format {version}, this bidviz-core reads up to {FORMAT}; upgrade bidviz-core to read it."
        )
    return connection
