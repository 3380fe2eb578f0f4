"""Keeps what a metric prints with the metric, and out of the training's log."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterable
from typing import Any

KEPT = 10_000
#: Held whenever `sys.stdout` is exchanged, here or for a console line, which another thread may run meanwhile.
lock = threading.Lock()


class PrintCatcher:
    """Catches what one thread prints, to output and to error, and lets all others' text go where it always went."""

    def __init__(self) -> None:
        self.thread = 0
        #: Whether its streams stand in the place of the script's.
        self.catching = False
        #: Those in whose place they stand, or stood last: a thread may have taken hold of one just before it went.
        self.outputs: tuple[Any, Any] = (None, None)
        self._streams = (CaughtStream(self, 0), CaughtStream(self, 1))
        self._parts: list[str] = []
        self._length = 0

    def start(self) -> None:
        """Begins to catch what this thread prints."""
        self.thread = threading.get_ident()
        self._parts = []
        self._length = 0
        with lock:
            self.outputs = (sys.stdout, sys.stderr)
            self.catching = True
            sys.stdout, sys.stderr = self._streams

    def stop(self) -> str:
        """Ends it, and gives the text, cut at a bound."""
        with lock:
            if self.catching:
                sys.stdout, sys.stderr = self.outputs
                self.catching = False
        if not self._length:
            return ""
        text = "".join(self._parts)[:KEPT]
        return text if self._length <= KEPT else f"{text}… ({self._length:,} characters in all)"

    def take(self, text: str) -> None:
        """Keeps the metric's text, counting what is over the bound."""
        if self._length < KEPT:
            self._parts.append(text[:KEPT])
        self._length += len(text)


class CaughtStream:
    """One of the two streams of a `PrintCatcher`; for other threads it is the stream in whose place it stands.

    Args:
        catcher: whose it is.
        number: 0 for standard output, 1 for standard error.
    """

    def __init__(self, catcher: PrintCatcher, number: int) -> None:
        self.catcher = catcher
        self._number = number

    def write(self, text: str, /) -> int:
        """Keeps the metric's text; other threads' goes where it always went."""
        if self._caught():
            self.catcher.take(text)
            return len(text)
        below = self.catcher.outputs[self._number]
        return len(text) if below is None else int(below.write(text) or 0)

    def writelines(self, lines: Iterable[str], /) -> None:
        """Writes them one after the other."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Nothing of the metric's waits here."""
        below = self.catcher.outputs[self._number]
        if below is not None and not self._caught():
            below.flush()

    def __getattr__(self, name: str) -> Any:
        """What else a stream has: a text in memory's for the metric, whose bytes are nobody's; else the script's."""
        return getattr(io.StringIO() if self._caught() else self.catcher.outputs[self._number], name)

    def _caught(self) -> bool:
        return self.catcher.catching and threading.get_ident() == self.catcher.thread
