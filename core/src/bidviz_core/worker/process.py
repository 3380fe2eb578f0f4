"""Starts the worker's process, and holds the ends of its pipes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path

_OUTPUT_KEPT = 16 * 1024
_READ_AT_ONCE = 1 << 20


class WorkerProcess:
    """A worker process that was started just now.

    It is started with `python -m`, in a session of its own (a Ctrl-C at the terminal is the training's), with one
    thread for torch, at a lower priority, and without graphics cards: all that it works on is in memory.

    Args:
        memory: the descriptor of the shared memory.
    """

    def __init__(self, memory: int) -> None:
        command_end, self.commands = os.pipe()
        self.answers, answer_end = os.pipe()
        self.output, output_end = os.pipe()
        handed = (command_end, answer_end, memory)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "bidviz_core.worker", *map(str, handed)],
                stdin=subprocess.DEVNULL,
                stdout=output_end,
                stderr=output_end,
                pass_fds=handed,
                start_new_session=True,
                env=_environment(),
            )
        except OSError:
            self._close_ends()
            raise
        finally:
            for descriptor in (command_end, answer_end, output_end):
                os.close(descriptor)
        for descriptor in (self.commands, self.answers, self.output):
            os.set_blocking(descriptor, False)
        self._tail: deque[bytes] = deque()
        self._tail_size = 0

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def write(self, data: bytes) -> int:
        """Writes as much as fits without waiting.

        Returns:
            How many bytes; all of them when the worker is gone, since nobody waits for the rest.
        """
        try:
            return os.write(self.commands, data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)

    def read(self) -> bytes | None:
        """A piece of the answers, or none when nothing waits; empty when the process has ended."""
        try:
            return os.read(self.answers, _READ_AT_ONCE)
        except BlockingIOError:
            return None

    def read_output(self) -> bool:
        """Takes a piece of what the process printed, of which the end is kept; false when it has ended."""
        try:
            data = os.read(self.output, 64 * 1024)
        except BlockingIOError:
            return True
        self._tail.append(data[-_OUTPUT_KEPT:])
        self._tail_size += len(self._tail[-1])
        while self._tail_size - len(self._tail[0]) >= _OUTPUT_KEPT:
            self._tail_size -= len(self._tail.popleft())
        return bool(data)

    @property
    def printed(self) -> str:
        """The end of what the process printed."""
        return b"".join(list(self._tail)).decode(errors="replace")[-_OUTPUT_KEPT:]

    def interrupt(self) -> None:
        """Sends the signal that interrupts a metric."""
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Ends the process, whatever it does, and what it has started."""
        if self._process.poll() is not None:
            return
        try:
            os.killpg(self.pid, signal.SIGKILL)  # it leads a group of its own
        except ProcessLookupError:
            pass  # it ended just now

    def end(self, wait: float) -> str:
        """Waits for the process to end, ends it when that takes too long, and closes the pipes.

        Args:
            wait: seconds.

        Returns:
            How it ended (`"exit status 3"`, `"signal SIGSEGV"`).
        """
        try:
            code = self._process.wait(wait)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._process.wait()
        while self._more_output() and self.read_output():
            pass
        self._close_ends()
        return f"exit status {code}" if code >= 0 else f"signal {_signal_name(-code)}"

    def _more_output(self) -> bool:
        # The process is gone, but a child of its own may hold the pipe: only what is there already counts.
        waiting = select.poll()
        waiting.register(self.output, select.POLLIN)
        return bool(waiting.poll(0))

    def close_commands(self) -> None:
        """Tells the process to end when it has done what it was told."""
        if self.commands >= 0:
            os.close(self.commands)
            self.commands = -1

    def _close_ends(self) -> None:
        for name in ("commands", "answers", "output"):
            if getattr(self, name) >= 0:
                os.close(getattr(self, name))
                setattr(self, name, -1)

    def forget(self) -> None:
        """Lets go of everything in a forked child, whose process this is not."""
        self._close_ends()
        self._process.returncode = 0  # otherwise it would be waited for, in vain, by a process that is not its parent


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        environment[name] = "1"
    environment["CUDA_VISIBLE_DEVICES"] = ""
    environment["BIDVIZ_DASHBOARD"] = "off"
    # However the training found this package, the worker is to find the same one.
    ours = str(Path(__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join([ours, *filter(None, [environment.get("PYTHONPATH")])])
    return environment


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
