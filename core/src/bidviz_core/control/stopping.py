"""How a stop gets out of a script that knows nothing of it: quietly, and with exit status 0."""

from __future__ import annotations

import contextlib
import sys
import threading
from types import TracebackType
from typing import Any

from bidviz_core.errors import TrainingStopped


class QuietEnd:
    """Takes the place of `sys.excepthook` and `threading.excepthook` from a stop until the run is closed.

    Python ends with status 1 after an exception that nobody caught, whatever the hook does, but for a hook that raises
    `SystemExit` itself.
    """

    def __init__(self) -> None:
        self._former: tuple[Any, Any] | None = None
        self._ours: tuple[Any, Any] = (self._uncaught, self._uncaught_in_thread)

    def install(self) -> None:
        """Puts the hooks on; calling it again does nothing."""
        if self._former is None:
            self._former = sys.excepthook, threading.excepthook
            sys.excepthook, threading.excepthook = self._ours

    def remove(self) -> None:
        """Puts back what was there, unless somebody has put another in our place, or the stop is still on its way out.

        A script that calls `session.close()` in a `finally` does so while `TrainingStopped` passes through it.
        """
        if self._former is None or isinstance(sys.exc_info()[1], TrainingStopped):
            return
        if sys.excepthook is self._ours[0]:
            sys.excepthook = self._former[0]
        if threading.excepthook is self._ours[1]:
            threading.excepthook = self._former[1]
        self._former = None

    def _uncaught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        former = self._former[0] if self._former is not None else sys.__excepthook__
        if issubclass(kind, TrainingStopped):
            with contextlib.suppress(OSError, ValueError):
                print(f"BIDViz: {error}", file=sys.stderr, flush=True)
            raise SystemExit(0)
        former(kind, error, trace)

    def _uncaught_in_thread(self, arguments: Any) -> None:
        former = self._former[1] if self._former is not None else threading.__excepthook__
        if not issubclass(arguments.exc_type, TrainingStopped):
            former(arguments)
