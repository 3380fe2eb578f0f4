"""What keeps the worker in bounds: memory, priority, and that it never outlives the training."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading
from pathlib import Path

_SET_PARENT_DEATH_SIGNAL = 1
_NICENESS = 10


def step_back() -> None:
    """Takes a lower priority: where every core is busy, the training comes first."""
    os.nice(_NICENESS)


def end_with_parent(commands: int) -> None:
    """Sees to it that this process ends when the training does, whatever both are doing.

    On Linux the kernel sends SIGKILL. Everywhere a thread notices that the training's end of the pipe is closed; it
    needs the interpreter lock, which a metric deep in C may hold for long.

    Args:
        commands: the pipe.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    threading.Thread(target=_wait_for_end, args=(commands,), name="bidviz-worker-parent", daemon=True).start()


def _wait_for_end(commands: int) -> None:
    watched = select.poll()
    watched.register(commands, 0)  # nothing but the end is of interest
    watched.poll()
    # The present metric may finish if it does so at once: the training asks for that when it closes.
    if not finished.wait(5.0):
        os._exit(0)


#: Set when the last command was served.
finished = threading.Event()


class MemoryLimit:
    """A limit on the memory that this process takes for itself; what it shares with the training does not count.

    Beyond it Python raises `MemoryError` and torch a `RuntimeError`: the metric fails, and the process lives.

    Args:
        extra: bytes beyond what is used now; 0 for no limit.
    """

    def __init__(self, extra: int) -> None:
        self._extra = extra
        self._base = _data_size() if extra else 0
        self.allow(0)

    def allow(self, snapshot: int) -> None:
        """Sets the limit for a snapshot of so many bytes: a metric may need a few copies of it."""
        if not self._extra or not self._base:
            return
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = self._base + self._extra + 4 * snapshot
        if hard != resource.RLIM_INFINITY:
            limit = min(limit, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _data_size() -> int:
    """Bytes that count for RLIMIT_DATA; 0 where that cannot be known."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:")), 0)
