"""What one console line gives while it runs: sent to its person as it comes, kept as text for the answer, bounded."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any

#: Characters of a line's text that are sent, and that are kept for its answer.
MOST_SENT = 1_000_000
MOST_KEPT = 100_000
#: Bytes of all that one line may show.
MOST_SHOWN = 24_000_000
#: Bytes of one figure, image or table, and how many of them one line may show.
MOST_DISPLAY = 6_000_000
MOST_DISPLAYS = 50
#: Seconds that text may wait for more of it.
SEND_EVERY = 0.05

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]")

Tell = Callable[[str, str, "dict[str, Any]"], None]


def without_colours(text: str) -> str:
    """Text without the escape sequences of a terminal."""
    return _ANSI.sub("", text) if "\x1b" in text else text


class Output:
    """Takes what a line prints and shows; from any thread.

    Args:
        tell: sends one message (kind, text, data), or none where nobody follows the line as it runs.
    """

    def __init__(self, tell: Tell | None) -> None:
        self.displays: list[dict[str, Any]] = []
        self._tell = tell
        self._lock = threading.RLock()  # a signal's handler may print in the middle of a print
        self._kept: list[str] = []
        self._kept_length = 0
        self._waiting: list[tuple[str, str]] = []
        self._sent = 0
        self._cut = 0
        self._shown = 0  # bytes of figures and tables
        self._rich = 0
        self._sent_at = 0.0
        self.closed = False

    def write(self, kind: str, text: str) -> None:
        """Takes text of `stdout` or `stderr`."""
        text = text if isinstance(text, str) else str(text)
        with self._lock:
            if self.closed:
                return
            if self._kept_length < MOST_KEPT:
                self._kept.append(text[: MOST_KEPT - self._kept_length])
            self._kept_length += len(text)
            if self._tell is None:
                return
            room = MOST_SENT - self._sent
            if room > 0:
                self._waiting.append((kind, text[:room]))
                self._sent += min(room, len(text))
            self._cut += max(0, len(text) - max(room, 0))
            if text.endswith("\n") and time.monotonic() - self._sent_at > SEND_EVERY:
                self._send()

    def show(self, data: dict[str, Any]) -> None:
        """Takes something in its forms by media type."""
        plain = str(data.get("text/plain", ""))
        with self._lock:
            if self.closed:
                return
            if plain and self._kept_length < MOST_KEPT:
                self._kept.append(plain[: MOST_KEPT - self._kept_length])
            self._kept_length += len(plain)
            kept, size = _bounded(data, plain, MOST_SHOWN - self._shown if self._rich < MOST_DISPLAYS else 0)
            self._rich += len(kept) > 1
            self._shown += size
            self.displays.append(kept)
            del self.displays[:-MOST_DISPLAYS]
            self._send()
            if self._tell is not None:
                self._tell("display", "", kept)

    def waits(self, text: str) -> None:
        """Says that the training waits for the line."""
        if self._tell is not None:
            self._tell("waits", text, {})

    def flush(self) -> None:
        """Sends what waits."""
        if self._waiting:
            with self._lock:
                self._send()

    def close(self) -> str:
        """Sends the rest, and gives all text without colours, cut at a bound."""
        with self._lock:
            if self._cut:
                self._waiting.append(("stderr", f"\n… {self._cut:,} more characters were printed and are not shown.\n"))
            self._send()
            self.closed = True
            text = without_colours("".join(self._kept))
        over = self._kept_length - MOST_KEPT
        return text if over <= 0 else f"{text}\n… {over:,} more characters."

    def _send(self) -> None:
        self._sent_at = time.monotonic()
        waiting, self._waiting = self._waiting, []
        if self._tell is None:
            return
        kind, parts = "", list[str]()
        for one, text in waiting:
            if one != kind and parts:
                self._tell(kind, "".join(parts), {})
                parts = []
            kind = one
            parts.append(text)
        if parts:
            self._tell(kind, "".join(parts), {})


def _bounded(data: dict[str, Any], plain: str, room: int) -> tuple[dict[str, Any], int]:
    """Those forms that are not too big, with their size; what is left out is said in the text."""
    taken = 0
    kept: dict[str, Any] = {"text/plain": plain[:MOST_KEPT]}
    if len(plain) > MOST_KEPT:
        kept["text/plain"] += f"… ({len(plain):,} characters in all)"
    for kind, value in data.items():
        if kind == "text/plain":
            continue
        size = len(value) if isinstance(value, str) else _size(value)
        if size <= min(MOST_DISPLAY, room - taken):
            kept[kind] = value
            taken += size
        else:
            bound = f"{MOST_DISPLAY / 1e6:.0f} MB a figure, {MOST_SHOWN / 1e6:.0f} MB and {MOST_DISPLAYS} a line"
            kept["text/plain"] += f" ({kind} of {size / 1e6:.1f} MB is left out; the bound is {bound})"
    return kept, taken


def _size(value: Any) -> int:
    """About how many bytes a value takes as JSON; values that are none count as too big."""
    import msgspec

    try:
        return len(msgspec.json.encode(value))
    except (TypeError, ValueError, OverflowError):
        return MOST_DISPLAY + 1
