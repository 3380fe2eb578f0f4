"""Whether the training that writes a run is still there: a lock that goes with its process, however it goes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bidviz_core.store.forks import hear_of_forks

if sys.platform != "win32":
    import fcntl
else:  # pragma: no cover
    fcntl = None

FILE = "run.lock"


class Presence:
    """Held by the writer as long as it lives; taken away at its close, left behind unlocked by a killed process.

    A lock of the open file, not of the process: one of the process would be lost as soon as anything in it, a backup
    of the folder for instance, opened and closed the lock's file. Forked children let go of it at once.

    Args:
        folder: the run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._descriptor: int | None = None
        if fcntl is None:
            return
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            # A file system without locks: whoever asks goes by the time of the last commit.
            os.close(descriptor)
            self._file.unlink(missing_ok=True)
            return
        self._descriptor = descriptor
        hear_of_forks(self)

    def end(self) -> None:
        """Takes the lock away."""
        if self._descriptor is not None:
            self._file.unlink(missing_ok=True)
            self.after_fork()

    def after_fork(self) -> None:
        """Closes this process's handle of the lock; in a child that leaves the parent's as it is."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_present(folder: Path) -> bool | None:
    """Whether the process that writes the run in this folder lives; none where that cannot be told from a lock."""
    if fcntl is None:
        return None
    try:
        descriptor = os.open(folder / FILE, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return False
