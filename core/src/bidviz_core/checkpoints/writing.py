"""Writes checkpoints behind the training, one after the other, on a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class Writer:
    """Owns the daemon thread `bidviz-checkpoints`, which starts with the first checkpoint."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._thread: threading.Thread | None = None

    def put(self, work: Callable[[], None]) -> None:
        """Has something done behind the training; it handles its own errors."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="bidviz-checkpoints", daemon=True)
            self._thread.start()
        self._queue.put(work)

    def flush(self, timeout: float | None = None) -> bool:
        """Waits until all that was put is done; false if that took too long."""
        if self._thread is None or self._thread is threading.current_thread():
            return True
        done = threading.Event()
        self._queue.put(done.set)
        return done.wait(timeout)

    def close(self, timeout: float) -> None:
        """Finishes what waits, for a bounded time, and joins the thread."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._queue.put(None)
            self._thread.join(timeout)
            self._thread = None

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            work()
