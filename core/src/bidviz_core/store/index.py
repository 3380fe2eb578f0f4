"""The index of all run folders of this user, wherever they lie."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bidviz_core.errors import StoreError
from bidviz_core.identity import state_folder
from bidviz_core.store.database import FILE as RUN_FILE
from bidviz_core.store.database import explain

FILE = "runs.sqlite"
#: Seconds to wait for another training that registers itself at the same moment.
PATIENCE = 5.0


class IndexedRun(NamedTuple):
    """A row of the index.

    Args:
        id: the run's id.
        name: its name.
        folder: its own folder.
        started: seconds since the epoch.
    """

    id: str
    name: str
    folder: Path
    started: float


class RunIndex:
    """Knows the run folders; one small file, opened for each question and shared by all of the user's processes.

    Args:
        folder: where the index is; the user's state folder if none.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def add(self, folder: Path, run: str, name: str, started: float) -> None:
        """Registers a run, or a new place of one that is known.

        Raises:
            StoreError: the index cannot be written.
        """
        with self._open() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO runs (id, name, folder, started) VALUES (?, ?, ?, ?)",
                (run, name, str(folder.absolute()), started),
            )

    def runs(self) -> list[IndexedRun]:
        """All runs whose file is there, newest first; one on a disk that is not mounted comes back with it.

        Raises:
            StoreError: the index cannot be read.
        """
        with self._open() as connection:
            rows = connection.execute("SELECT id, name, folder, started FROM runs ORDER BY started DESC").fetchall()
        found = (IndexedRun(run, name, Path(folder), started) for run, name, folder, started in rows)
        return [run for run in found if (run.folder / RUN_FILE).is_file()]

    def forget(self, run: str) -> None:
        """Takes a run out of the index; its folder stays.

        Raises:
            StoreError: the index cannot be written.
        """
        with self._open() as connection:
            connection.execute("DELETE FROM runs WHERE id = ?", (run,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            file = (self._folder or state_folder()) / FILE
            connection = sqlite3.connect(file, isolation_level=None, timeout=PATIENCE)
        except OSError as error:
            raise StoreError(
                f"The index of runs cannot be opened ({error}); set BIDVIZ_STATE_DIR to a folder that can be written."
            ) from error
        except sqlite3.Error as error:
            raise explain(error, file) from error
        try:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS runs (id TEXT PRIMARY KEY, name TEXT NOT NULL, folder TEXT NOT NULL, "
                "started REAL NOT NULL)"
            )
            yield connection
        except sqlite3.Error as error:
            raise explain(error, file) from error
        finally:
            connection.close()
