"""Standard output, error, input and `sys.displayhook` for each thread: a console line's go to its person, all others
where they always went. In place only while a line runs; nothing is left afterwards."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from bidviz_core.metrics import printing


class Taker(Protocol):
    """What takes the output of one line."""

    def write(self, kind: str, text: str) -> None:
        """Takes text that was written to `stdout` or `stderr`."""


class _Stream:
    """A text stream that asks which thread writes; everything else is the stream's in whose place it stands."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.target: Any = None

    def write(self, text: str, /) -> int:
        taker = _takers.get(threading.get_ident())
        if taker is None:
            return int(self.target.write(text) or 0) if self.target is not None else len(text)
        taker.write(self._kind, text)
        return len(text)

    def writelines(self, lines: Any, /) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if threading.get_ident() not in _takers and self.target is not None:
            self.target.flush()

    def isatty(self) -> bool:
        return threading.get_ident() not in _takers and bool(self.target is not None and self.target.isatty())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.target, name)


class _Input:
    """A standard input that is at its end for a console line: it would take what is typed for the script."""

    def __init__(self) -> None:
        self.target: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(io.StringIO() if threading.get_ident() in _takers else self.target, name)

    def __iter__(self) -> Iterator[str]:
        return iter(()) if threading.get_ident() in _takers else iter(self.target)


_takers: dict[int, Taker] = {}
_hooks: dict[int, Callable[[object], Any]] = {}
_stdout, _stderr, _stdin = _Stream("stdout"), _Stream("stderr"), _Input()
_former_hook: Callable[[object], Any] = sys.displayhook


def _displayhook(value: object, /) -> None:
    _hooks.get(threading.get_ident(), _former_hook)(value)


@contextmanager
def routed(taker: Taker, displayhook: Callable[[object], Any]) -> Iterator[None]:
    """Gives this thread's output to a line while the body runs."""
    thread = threading.get_ident()
    former, former_hook = _takers.get(thread), _hooks.get(thread)
    _begin(thread, taker, displayhook)
    try:
        yield
    finally:
        _end(thread, former, former_hook)


def forget(thread: int) -> None:
    """What a thread writes from here on is no line's; for one that was given up and does not return."""
    with printing.lock:
        _take_away(thread)


def _begin(thread: int, taker: Taker, displayhook: Callable[[object], Any]) -> None:
    global _former_hook
    with printing.lock:
        _takers[thread], _hooks[thread] = taker, displayhook
        outputs = _present()
        for mine, now in zip((_stdout, _stderr), outputs, strict=True):
            if now is not mine:
                mine.target = now
        _put(_stdout, _stderr)
        if sys.stdin is not _stdin:
            _stdin.target = sys.stdin
            sys.stdin = _stdin
        if sys.displayhook is not _displayhook:
            _former_hook = sys.displayhook
            sys.displayhook = _displayhook


def _end(thread: int, former: Taker | None, former_hook: Callable[[object], Any] | None) -> None:
    with printing.lock:
        if former is not None and former_hook is not None:
            _takers[thread], _hooks[thread] = former, former_hook
            return
        _take_away(thread)


def _take_away(thread: int) -> None:
    _takers.pop(thread, None)
    _hooks.pop(thread, None)
    if _takers:
        return
    # Where somebody has put a stream of their own over ours, ours stays below it and passes everything on.
    out, error = _present()
    _put(_stdout.target if out is _stdout else out, _stderr.target if error is _stderr else error)
    if sys.stdin is _stdin:
        sys.stdin = _stdin.target
    if sys.displayhook is _displayhook:
        sys.displayhook = _former_hook


def _present() -> tuple[Any, Any]:
    """The streams in place, below those that catch what a metric prints just now."""
    stream = sys.stdout
    return stream.catcher.outputs if isinstance(stream, printing.CaughtStream) else (stream, sys.stderr)


def _put(out: Any, error: Any) -> None:
    stream = sys.stdout
    if isinstance(stream, printing.CaughtStream):
        stream.catcher.outputs = (out, error)
    else:
        sys.stdout, sys.stderr = out, error
