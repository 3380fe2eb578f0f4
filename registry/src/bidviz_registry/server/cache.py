"""Keeps what was read of each file, so that a registry of thousands starts at once; it can be removed at any time."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

import msgspec

from bidviz_registry.server.held import Held

#: Changes when `Held` or how it is read changes: an older cache is thrown away.
FORMAT = 1
_DECODER = msgspec.msgpack.Decoder(Held)


class Cache:
    """What was read of files, by name, size and time.

    A registry does without it where it cannot be written: it then reads everything at each start.

    Args:
        path: its SQLite file.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        for _ in range(2):
            try:
                self._database = self._open(path)
                return
            except sqlite3.Error:
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)  # damaged, or of another format

    def _open(self, path: Path) -> sqlite3.Connection:
        database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            database.execute("pragma journal_mode=wal")
            database.execute("pragma synchronous=normal")
            [version] = database.execute("pragma user_version").fetchone()
            if version not in (0, FORMAT):
                raise sqlite3.DatabaseError("another format")
            database.execute("create table if not exists held (filename text primary key, held blob) without rowid")
            database.execute(f"pragma user_version={FORMAT}")
        except sqlite3.Error:
            database.close()
            raise
        return database

    def load(self) -> dict[str, Held]:
        """All that is kept, by file name."""
        if self._database is None:
            return {}
        with self._lock, contextlib.suppress(sqlite3.Error, msgspec.MsgspecError):
            rows = self._database.execute("select held from held").fetchall()
            return {held.filename: held for held in (_DECODER.decode(row) for (row,) in rows)}
        return {}

    def keep(self, new: Iterable[Held], gone: Iterable[str]) -> None:
        """Keeps what was read, and forgets files that are gone; a full disk is no reason not to serve."""
        if self._database is None:
            return
        rows = [(held.filename, msgspec.msgpack.encode(held)) for held in new]
        with self._lock, contextlib.suppress(sqlite3.Error):
            self._database.execute("begin")
            try:
                self._database.executemany("insert or replace into held values (?, ?)", rows)
                self._database.executemany("delete from held where filename=?", [(name,) for name in gone])
                self._database.execute("commit")
            except sqlite3.Error:
                self._database.execute("rollback")

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None
