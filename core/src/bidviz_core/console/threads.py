"""The console's own threads: one for lines that are not to hold the training up, one for what goes on beside lines."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from bidviz_core.console.output import SEND_EVERY, Output

#: Seconds after which a person is told that the training waits for their line.
SAY_AFTER = 0.5


class Line:
    """A daemon thread that does one piece of work after the other. It can be given up in the middle of one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = threading.Condition()
        self._work: deque[Callable[[], None]] = deque()
        self._thread: threading.Thread | None = None
        self._busy = False
        self._closed = False

    @property
    def ident(self) -> int:
        """The thread's identity; 0 while there is none."""
        return (self._thread.ident or 0) if self._thread is not None else 0

    def put(self, work: Callable[[], None]) -> None:
        """Has something done after all that waits."""
        with self._changed:
            self._work.append(work)
            if self._thread is None:
                self._start()
            self._changed.notify_all()

    def wait_until_idle(self, timeout: float) -> bool:
        """Waits until nothing is being done and nothing waits; false if that took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy and not self._work, timeout)

    def give_up(self) -> None:
        """Leaves the present work to itself: what waits, and what comes, is done by another thread."""
        with self._changed:
            self._busy = False
            self._start()

    def close(self, timeout: float, drop: bool = False) -> None:
        """Lets the work end, for a bounded time; with `drop` what waits is not done."""
        with self._changed:
            self._closed = True
            if drop:
                self._work.clear()
            self._changed.notify_all()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        me = threading.current_thread()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._work or self._closed or self._thread is not me)
                if self._thread is not me or not self._work:
                    return
                work = self._work.popleft()
                self._busy = True
            try:
                work()
            finally:
                with self._changed:
                    if self._thread is me:
                        self._busy = False
                    self._changed.notify_all()


class Attendant:
    """Sends what lines print while they run and print nothing more, and says when the training waits for one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._lines: dict[Output, int] = {}  # how many looks until the person is told; -1 for never
        self._thread: threading.Thread | None = None
        self._closed = False

    def begin(self, output: Output, waits: bool) -> None:
        """A line begins."""
        with self._changed:
            self._lines[output] = round(SAY_AFTER / SEND_EVERY) if waits else -1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="bidviz-console-output", daemon=True)
                self._thread.start()
            elif len(self._lines) == 1:
                self._changed.notify()

    def end(self, output: Output) -> None:
        """It is over."""
        with self._changed:
            self._lines.pop(output, None)

    def close(self) -> None:
        """Ends the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(1.0)

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                self._changed.wait(SEND_EVERY if self._lines else None)
                for output, looks in list(self._lines.items()):
                    output.flush()
                    if looks > 0:
                        self._lines[output] = looks - 1
                    elif looks == 0:
                        self._lines[output] = -1
                        output.waits("The training waits for this line.")
