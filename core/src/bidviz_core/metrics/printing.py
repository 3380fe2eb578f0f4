"""Keeps what a metric prints with the metric, and out of the training's log."""

from __future__ import annotations

import io
import sys
import threading
from typing import Any, TextIO

KEPT = 10_000
#: Held whenever `sys.stdout` is exchanged, here or for a console line, which another thread may run meanwhile.
lock = threading.Lock()


class PrintCatcher(io.TextIOBase):
    """A standard output that catches one thread's text and passes on that of all others."""

    def __init__(self) -> None:
        self._thread = 0
        self._parts: list[str] = []
        self._length = 0
        #: Those in whose place it stands, while it stands there.
        self.outputs: tuple[TextIO, TextIO] | None = None

    def start(self) -> None:
        """Begins to catch what this thread prints."""
        self._thread = threading.get_ident()
        self._parts = []
        self._length = 0
        with lock:
            self.outputs = (sys.stdout, sys.stderr)
            sys.stdout = sys.stderr = self

    def stop(self) -> str:
        """Ends it, and gives the text, cut at a bound."""
        with lock:
            if self.outputs is not None:
                sys.stdout, sys.stderr = self.outputs
                self.outputs = None
        if not self._length:
            return ""
        text = "".join(self._parts)[:KEPT]
        return text if self._length <= KEPT else f"{text}… ({self._length:,} characters in all)"

    def write(self, text: str, /) -> int:
        """Keeps the metric's text, counting what is over the bound; other threads' goes where it always went."""
        if threading.get_ident() != self._thread:
            outputs = self.outputs
            return outputs[0].write(text) if outputs else len(text)
        if self._length < KEPT:
            self._parts.append(text[:KEPT])
        self._length += len(text)
        return len(text)

    def flush(self) -> None:
        """Nothing waits here."""

    def writable(self) -> bool:
        """It can be written to."""
        return True

    @property
    def encoding(self) -> Any:  # type: ignore[override]
        """That of the output in whose place it stands."""
        return getattr(self.outputs[0], "encoding", "utf-8") if self.outputs else "utf-8"
