"""The process in which bundles' code is checked, and how it is spoken with."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, TypeAlias

import msgspec

from bidviz_core.testing.examining import (
    Before,
    Began,
    BuiltIn,
    Ended,
    Fell,
    Forked,
    Loaded,
    MetricDone,
    PolicyDone,
    Told,
    Wanted,
)

AnyEvent: TypeAlias = Began | MetricDone | PolicyDone | Told | Loaded | BuiltIn | Ended


class CheckProcess:
    """A process that checks one bundle after the other, each in a child of its own; it starts when it is first needed.

    A child that came down, or is given up, takes nothing with it. From the second child on the process has imported
    torch before, which takes longer than most checks: who checks several bundles does it with one `CheckProcess`.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._child = 0
        self._said: IO[bytes]

    def __enter__(self) -> CheckProcess:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends it; a further check starts it anew."""
        if self._child:  # it is given up in the middle
            with suppress(ProcessLookupError):  # it may have ended just now
                os.kill(self._child, signal.SIGKILL)
        self._process, self._child = None, 0
        self._stack.close()

    def examine(self, site: Path, name: str, before: Before, patience: float) -> tuple[list[AnyEvent], str]:
        """Examines a bundle as far as it goes.

        Args:
            site: the folder from which it is imported.
            name: its distribution's name.
            before: what was done before, in a child that came down.
            patience: seconds that one run of a metric may take.

        Returns:
            What it told, and why that came to its end before `Ended`.
        """
        process = self._process if self._process is not None else self._start()
        assert process.stdin is not None
        began = self._said.seek(0, os.SEEK_END)
        process.stdin.write(msgspec.json.encode(Wanted(str(site), name, before)) + b"\n")
        process.stdin.flush()
        events: list[AnyEvent] = []
        while True:
            try:
                text = self._lines.get(timeout=patience)
            except queue.Empty:
                self._give_up(process)
                return events, f"it did not come back within {patience:g} s"
            event = _decode(text) if text is not None else Fell(process.wait())  # without forks it is the process
            if isinstance(event, Forked):
                self._child = event.process
            elif isinstance(event, Fell):
                break
            else:
                events.append(event)
        self._child = 0
        how = (
            f"the process died with signal {-event.status}"
            if event.status < 0
            else f"the process ended with status {event.status}"
        )
        how += self._last_line(began)
        if text is None:
            self.close()
        return events, how

    def _start(self) -> subprocess.Popen[bytes]:
        self._said = self._stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
        self._process = process = self._stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "bidviz_core.testing"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
            )
        )
        lines = self._lines = queue.Queue()
        stream = process.stdout
        assert stream is not None

        def read() -> None:
            for line in stream:
                lines.put(line)
            lines.put(None)

        thread = threading.Thread(target=read, name="bidviz-check", daemon=True)
        thread.start()
        self._stack.callback(thread.join, 10)
        self._stack.callback(process.kill)  # it waits for nothing but us
        return process

    def _give_up(self, process: subprocess.Popen[bytes]) -> None:
        if not self._child:
            self.close()
            return
        os.kill(self._child, signal.SIGKILL)
        self._child = 0
        while (text := self._lines.get()) is not None and not isinstance(_decode(text), Fell):
            pass  # what it told at the last moment

    def _last_line(self, began: int) -> str:
        self._said.seek(max(began, self._said.seek(0, os.SEEK_END) - 2000))
        last = self._said.read().decode(errors="replace").strip().splitlines()[-1:]
        return f" ({last[0][:200]})" if last else ""


_decode = msgspec.json.Decoder(AnyEvent | Forked | Fell).decode
