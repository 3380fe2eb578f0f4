"""Runs whose session is not here: ended ones, and those that run without a dashboard. Read from their files."""

from __future__ import annotations

import logging
import re
import threading
from pathlib import Path

import msgspec

from bidviz_core.errors import BidvizError
from bidviz_core.messages.notifications import RunSummary, Status
from bidviz_core.store import RunIndex, StoreReader

log = logging.getLogger("bidviz_dashboard")

#: Runs shown at most, the newest of them.
SHOWN = 500
_FILE = "run.sqlite"
_ID = re.compile(r"[A-Za-z0-9_-]+")
_SETTLED = ("ended", "stopped", "failed", "lost")


class PastRuns:
    """Knows the run folders of the user's index and of one folder of runs.

    Args:
        run_dir: a folder of runs, or none.
    """

    def __init__(self, run_dir: Path | None) -> None:
        self._run_dirs = [run_dir] if run_dir is not None else []
        self._lock = threading.Lock()
        self._read: dict[Path, tuple[tuple[int, int], RunSummary]] = {}
        self._folders: dict[str, Path] = {}
        self._told: set[Path] = set()

    def refresh(self) -> list[RunSummary]:
        """Looks again; files that have not changed are not read again.

        Returns:
            The runs, newest first.
        """
        with self._lock:
            found = [summary for folder in self._find() if (summary := self._summary(folder)) is not None]
            newest = sorted(found, key=lambda one: one.run.started, reverse=True)
            self._folders = {one.run.id: Path(one.run.folder) for one in newest}
            return newest[:SHOWN]

    def reader(self, run: str) -> StoreReader | None:
        """A reader of a run's file, or none where no such run is known."""
        folder = self._folders.get(run) or self._look_for(run)
        return StoreReader(folder) if folder is not None else None

    def _look_for(self, run: str) -> Path | None:
        """A run that has come since the last refresh, without reading the files of all others."""
        if not _ID.fullmatch(run):
            return None
        for run_dir in self._run_dirs:
            # A run's folder ends in its id.
            for file in run_dir.glob(f"*-{run}/{_FILE}"):
                return file.parent
        try:
            return next((indexed.folder for indexed in RunIndex().runs() if indexed.id == run), None)
        except BidvizError as error:
            self._tell(Path("index"), error)
            return None

    def _find(self) -> list[Path]:
        folders: dict[Path, None] = {}
        try:
            folders = dict.fromkeys(indexed.folder for indexed in RunIndex().runs())
        except BidvizError as error:
            self._tell(Path("index"), error)
        for run_dir in self._run_dirs:
            folders |= dict.fromkeys(file.parent for file in run_dir.glob(f"*/{_FILE}"))
        return list(folders)

    def _summary(self, folder: Path) -> RunSummary | None:
        file = folder / _FILE
        try:
            stamp = _stamp(file)
            known = self._read.get(folder)
            # A state other than a final one can change without the file: its process may go.
            if (
                known is not None
                and known[0] == stamp
                and known[1].status.state in ("ended", "stopped", "failed", "lost")
            ):
                return known[1]
            summary = _read(folder)
        except (BidvizError, OSError) as error:
            self._tell(folder, error)
            return None
        self._read[folder] = (stamp, summary)
        return summary

    def _tell(self, place: Path, error: Exception) -> None:
        if place not in self._told:
            self._told.add(place)
            log.warning("%s is left out: %s", place, error)


def summary_of(reader: StoreReader) -> RunSummary:
    """A run's row in the table, from its file."""
    try:
        status = reader.last_status()
    except BidvizError:
        # It was killed before it had told anything.
        status = Status(state=reader.state(), detail="The training went without a word, before it had told of a step.")
    return RunSummary(run=reader.info, status=status, live=False)


def end_of(folder: Path) -> tuple[Status | None, int]:
    """What the file of a run says whose process has gone without a word: its status, and the last batch that it holds.

    Returns:
        No status where the file is not here, cannot be read, or belongs to a training that lives.
    """
    try:
        reader = StoreReader(folder)
        status = reader.last_status()
        return (status if status.state == "lost" else None), reader.sequence()
    except (BidvizError, OSError):
        return None, 0


def _read(folder: Path) -> RunSummary:
    summary = summary_of(StoreReader(folder))
    if Path(summary.run.folder) != folder:  # the folder was moved
        run = msgspec.structs.replace(summary.run, folder=str(folder))
        return RunSummary(run=run, status=summary.status, live=False)
    return summary


def _stamp(file: Path) -> tuple[int, int]:
    about = file.stat()
    log_file = file.with_name(f"{file.name}-wal")
    try:
        return about.st_mtime_ns, log_file.stat().st_mtime_ns
    except FileNotFoundError:
        return about.st_mtime_ns, 0
