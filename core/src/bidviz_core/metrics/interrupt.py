"""Interrupts a metric that does not return, and never anything else that the training thread does.

Another thread may raise an exception in the training thread only while a metric runs there. Both sides meet at a
lock: the training thread says under it that a metric begins and ends, and whoever interrupts looks and raises under it.
"""

from __future__ import annotations

import ctypes
import signal
import threading
import time
from types import TracebackType

_raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc


class MetricInterrupted(BaseException):
    """Raised inside a metric that a person interrupted."""


class Interruptible:
    """The stretch in which a metric runs: `with interruptible.running(name): …`."""

    def __init__(self) -> None:
        self.name = ""
        self.began = 0.0
        self._lock = threading.Lock()
        self._thread = 0
        self._sent = False
        self._sent_signal = False

    def running(self, name: str) -> Interruptible:
        """Names the metric that is about to run."""
        self.name = name
        return self

    def __enter__(self) -> None:
        self._thread = threading.get_ident()
        self._sent = False
        self.began = time.perf_counter()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.began = 0.0
        if not self._sent:
            # The common way out: nobody is at the door, unless somebody is opening it just now.
            with self._lock:
                self._thread = 0
            if not self._sent:
                return
        self._swallow_late()
        if kind is None or isinstance(error, KeyboardInterrupt):
            raise MetricInterrupted

    def _swallow_late(self) -> None:
        """Takes in what was sent but has not arrived, so that it cannot hit the script."""
        try:
            with self._lock:
                thread, self._thread = self._thread or threading.get_ident(), 0
                _raise_in_thread(ctypes.c_ulong(thread), None)
            if self._sent_signal:
                for _ in range(1000):  # a signal that is pending is raised between two of these
                    pass
        except (MetricInterrupted, KeyboardInterrupt):
            pass  # this is the one that was sent

    def interrupt(self) -> str:
        """Raises in the metric that is running.

        Returns:
            The metric's name, or an empty text when none is running.
        """
        with self._lock:
            thread = self._thread
            if not thread or not self.began:
                return ""
            self._sent = True
            _raise_in_thread(ctypes.c_ulong(thread), ctypes.py_object(MetricInterrupted))
            # A sleep or a read in C notices nothing until a signal comes.
            self._sent_signal = (
                thread == threading.main_thread().ident and signal.getsignal(signal.SIGINT) is signal.default_int_handler
            )
            if self._sent_signal:
                signal.pthread_kill(thread, signal.SIGINT)
            return self.name

    def seconds(self) -> float:
        """How long the present metric has been running; 0 when none is."""
        began = self.began
        return time.perf_counter() - began if began else 0.0
