"""The thread that attends to the worker process: starts it, carries messages, notices its end, starts it again."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from bidviz_core.frames import unpack_frame
from bidviz_core.worker.memory import SharedMemory
from bidviz_core.worker.messages import Command, Incoming, pack_command
from bidviz_core.worker.process import WorkerProcess

_TICK = 1.0
_OUTPUT_TICK = 0.05
_LONGEST_WAIT = 30.0
_LIVED_WELL = 60.0
_IDLE = 60.0  # a metric that is removed is often added again a moment later, and a start takes seconds
_LONGEST_START = 180.0
_STARTS = 3


class Timing(NamedTuple):
    """How long things may take, in seconds.

    Args:
        limit: one run of a metric.
        grace: what an interrupted metric has before its process is killed.
    """

    limit: float
    grace: float


class Supervisor(Protocol):
    """Whose process it is; every method is called on the attendant's thread, and does not wait."""

    def needed(self) -> bool:
        """Whether there is anything for a worker to do."""

    def is_working(self) -> bool:
        """Whether the process works on a snapshot."""

    def greeting(self) -> list[Command]:
        """What a new process is told first."""

    def answered(self, header: dict[str, Any], buffers: Sequence[NDArray[Any]]) -> None:
        """An answer came."""

    def leaving(self) -> None:
        """The process has ended or is about to: nothing can be given to it any more."""

    def died(self, number: int, reason: str, printed: str) -> None:
        """The process ended while that metric (0: none) ran."""

    def hopeless(self, reason: str, printed: str) -> None:
        """The process cannot be started."""


class Attendant:
    """Owns the thread `bidviz-worker` and the process.

    Args:
        memory: the shared memory.
        supervisor: whose process it is.
        timing: how long things may take.
    """

    def __init__(self, memory: SharedMemory, supervisor: Supervisor, timing: Timing) -> None:
        self.process: WorkerProcess | None = None
        self.overran = 0  # the run of a metric that was interrupted for taking too long
        self._memory = memory
        self._supervisor = supervisor
        self._timing = timing
        self._lock = threading.Lock()
        self._backlog: deque[bytes] = deque()
        self._calls: deque[Callable[[], None]] = deque()
        self._closing: float | None = None  # when to stop waiting for the last results
        self._reason = ""
        self._asked: tuple[int, float] | None = None
        self._seen = (0, 0, 0.0)
        self._began = 0.0
        self._needed_at = 0.0
        self._ready = False
        self._deaths = 0
        self._failed_starts = 0
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)
        self._thread = threading.Thread(target=self._work, name="bidviz-worker", daemon=True)

    # --- called by any thread; nothing here waits for the process -----------------------------------------------------

    def start(self) -> None:
        """Starts the thread, and with it the process."""
        self._thread.start()

    def send(self, command: Command) -> None:
        """Sends a command to the process that is there; a later one is told everything by the greeting."""
        data = pack_command(command)
        with self._lock:  # held for a write that does not wait
            if self.process is None:
                return
            if not self._backlog:
                data = data[self.process.write(data) :]
            if data:
                self._backlog.append(data)
        if data:
            self.wake()

    def call(self, function: Callable[[], None]) -> None:
        """Has the thread call a function."""
        self._calls.append(function)
        self.wake()

    def wake(self) -> None:
        """Makes the thread look around."""
        with self._lock:  # the descriptor's number may belong to somebody else once it is closed
            if self._wake < 0:
                return
            try:
                os.write(self._wake, b"!")
            except BlockingIOError:
                pass  # so many calls wait already that it cannot be asleep

    def interrupt(self, run: int) -> bool:
        """Interrupts a run of a metric; it is killed with the process where it does not react."""
        with self._lock:
            if self.process is None:
                return False
            self._asked = (run, time.monotonic())
            self._memory.ask_to_interrupt(run)
            self.process.interrupt()
        return True

    def kill(self, reason: str) -> bool:
        """Ends the process at once; a new one is started."""
        with self._lock:
            if self.process is None:
                return False
            self._reason = reason
            self.process.kill()
        return True

    def close(self, timeout: float) -> None:
        """Ends the process, with a last chance for what it works on, and joins the thread."""
        self._closing = time.monotonic() + timeout
        self.wake()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout + 5.0)

    def forget(self) -> None:
        """Lets go of everything in a forked child."""
        self._lock = threading.Lock()
        process, self.process = self.process, None
        if process is not None:
            process.forget()
        self._close_wakers()

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while self._closing is None:
            if not self._supervisor.needed():
                self._wait(None)
                continue
            if self._begin():
                try:
                    self._attend()
                except Exception as error:  # noqa: BLE001 - a metric may write anything into the pipe of answers
                    self.kill(f"sent what is no answer ({type(error).__name__}: {error}), so its process was ended")
                self._end()
            if self._closing is None and self._deaths > 1:
                self._wait(time.monotonic() + min(_LONGEST_WAIT, 0.25 * 2 ** (self._deaths - 2)))
        self._run_calls()
        self._close_wakers()

    def _wait(self, until: float | None) -> None:
        """Serves calls until a moment, or until something is needed; ends early when it is time to close."""
        while self._closing is None and (until is None or until > time.monotonic()):
            if until is None and self._supervisor.needed():
                return
            left = None if until is None else max(0.0, until - time.monotonic())
            if _wait_for([self._woken], [], left):
                self._look_around()

    def _look_around(self) -> None:
        try:
            os.read(self._woken, 4096)
        except BlockingIOError:
            pass
        self._run_calls()

    def _run_calls(self) -> None:
        while self._calls:
            self._calls.popleft()()

    def _begin(self) -> bool:
        self._began = self._needed_at = time.monotonic()
        self._ready = False
        self._memory.forget_running()
        try:
            process = WorkerProcess(self._memory.descriptor)
        except OSError as error:
            self._deaths += 1
            self._failed_start(f"{type(error).__name__}: {error}", "")
            return False
        greeting = [pack_command(command) for command in self._supervisor.greeting()]
        with self._lock:
            self._reason = ""
            self._asked = None
            self._backlog = deque(greeting)
            self.process = process
        return True

    def _attend(self) -> None:
        """Carries messages until the process has ended, or is to end."""
        process = self.process
        assert process is not None
        incoming = Incoming()
        reads_output = True
        next_output = 0.0
        while True:
            if self._closing is not None and not (self._supervisor.is_working() and time.monotonic() < self._closing):
                return
            now = time.monotonic()
            if self._supervisor.needed():
                self._needed_at = now
            elif now - self._needed_at > _IDLE:
                return
            tick = min(_TICK, self._timing.limit / 4, self._timing.grace / 4)
            readers = [self._woken, process.answers]
            if reads_output:
                # A process that prints without end is read slowly: its pipe is full then, and it waits.
                if now >= next_output:
                    readers.append(process.output)
                else:
                    tick = min(tick, next_output - now)
            with self._lock:
                writers = [process.commands] if self._backlog else []
            ready = _wait_for(readers, writers, tick)
            if self._woken in ready:
                self._look_around()
            if process.commands in ready:
                self._flush(process)
            if process.output in ready:
                reads_output = process.read_output()
                next_output = now + _OUTPUT_TICK
            if process.answers in ready:
                if not self._take_answers(process, incoming):
                    return
            elif process.ended:
                return  # though a child of its own holds the pipe open
            self._look_at_clock()

    def _flush(self, process: WorkerProcess) -> None:
        with self._lock:
            while self._backlog:
                data = self._backlog.popleft()
                written = process.write(data)
                if written < len(data):
                    self._backlog.appendleft(data[written:])
                    return

    def _take_answers(self, process: WorkerProcess, incoming: Incoming) -> bool:
        data = process.read()
        if data is None:
            return True
        for message in incoming.feed(data):
            header, buffers = unpack_frame(message)
            if header["type"] == "ready":
                self._ready = True
                self._failed_starts = 0
            self._supervisor.answered(header, buffers)
        return bool(data)

    def _look_at_clock(self) -> None:
        """Interrupts a metric that takes too long, and kills what does not react to an interruption."""
        number, run = self._memory.running()
        now = time.monotonic()
        if not self._ready and now - self._began > _LONGEST_START:
            self.kill("did not start")
        if not number:
            return
        if self._seen[:2] != (number, run):
            self._seen = (number, run, now)
        if self._asked is not None and self._asked[0] == run:
            if now - self._asked[1] > self._timing.grace:
                late = f"took longer than {self._timing.limit:g} s and " if self.overran == run else ""
                self.kill(f"{late}did not react to an interruption, so it was ended with its process")
        elif now - self._seen[2] > self._timing.limit:
            self.overran = run
            self.interrupt(run)

    def seconds(self) -> float:
        """About how long the present metric has been running."""
        number, run = self._memory.running()
        return time.monotonic() - self._seen[2] if number and self._seen[:2] == (number, run) else 0.0

    def _end(self) -> None:
        process = self.process
        assert process is not None
        self._supervisor.leaving()
        with self._lock:
            self.process = None
            self._backlog.clear()
        number, _ = self._memory.running()
        wanted = self._closing is not None or not self._supervisor.needed()
        if wanted:
            process.close_commands()
        # Answers are at their end, so the process is gone, or its metric has closed the pipe: that is the same to us.
        how = process.end(0.5)
        if wanted:
            return
        self._deaths = self._deaths + 1 if time.monotonic() - self._began < _LIVED_WELL else 1
        if not self._ready:
            self._failed_start(how, process.printed)
            return
        self._supervisor.died(number, self._reason or self._crash(how), process.printed)

    def _crash(self, how: str) -> str:
        hint = "; the system sends it when memory runs out" if "SIGKILL" in how else ""
        return f"ended the worker's process ({how}{hint})"

    def _failed_start(self, how: str, printed: str) -> None:
        self._failed_starts += 1
        if self._failed_starts >= _STARTS:
            self._failed_starts = 0
            self._supervisor.hopeless(how, printed)

    def _close_wakers(self) -> None:
        with self._lock:
            for descriptor in {self._woken, self._wake} - {-1}:
                os.close(descriptor)
            self._woken = self._wake = -1


def _wait_for(readers: Sequence[int], writers: Sequence[int], seconds: float | None) -> set[int]:
    """Waits until one of the descriptors can be read or written, or is at its end."""
    waiting = select.poll()  # select.select knows no descriptor from 1024
    for descriptor in readers:
        waiting.register(descriptor, select.POLLIN)
    for descriptor in writers:
        waiting.register(descriptor, select.POLLOUT)
    return {descriptor for descriptor, _ in waiting.poll(None if seconds is None else max(0.0, seconds) * 1000)}
