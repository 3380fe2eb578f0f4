"""Interrupts a metric that does not return, and never anything else that the training thread does.

Another thread may raise an exception in the training thread only while a metric runs there. Both sides meet at a
lock: the training thread says under it that a metric begins and ends, and whoever interrupts looks and raises under it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")

_raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc


class MetricInterrupted(BaseException):
    """Raised inside a metric that a person interrupted."""


#: What an interrupt comes as: an exception in the thread, and a signal where that is the main one.
INTERRUPTS = (MetricInterrupted, KeyboardInterrupt)
#: Turns of an empty loop in which a signal that was sent is raised.
AWHILE = 20_000


class Interruptible:
    """The stretch in which a metric or a console line runs: `interruptible.call(name, function)`."""

    def __init__(self) -> None:
        self.name = ""
        self.began = 0.0
        self._lock = threading.Lock()
        self._thread = 0
        self._sent = False
        self._handler: Callable[[int, Any], None] | None = None

    def call(self, name: str, function: Callable[..., Result], *arguments: Any) -> Result:
        """Calls a function that another thread may interrupt.

        Args:
            name: what runs, for the page.
            function: the function.
            arguments: its arguments.

        Returns:
            What it returns.

        Raises:
            MetricInterrupted: somebody interrupted it.
        """
        outer = (self.name, self.began, self._thread)  # a console line may have metrics run
        self.name = name
        self._sent = False
        self.began = time.perf_counter()
        self._thread = threading.get_ident()
        try:
            try:
                return function(*arguments)
            finally:
                with self._lock:
                    self._thread = 0
                    self.began = 0.0
                if self._sent:
                    raise MetricInterrupted
        except (MetricInterrupted, KeyboardInterrupt):
            if not self._sent:
                raise  # a Ctrl-C is the script's
            self._settle()
            raise MetricInterrupted from None
        finally:
            if outer[2]:
                with self._lock:
                    self.name, self.began, self._thread = outer
                    self._sent = False

    def _settle(self) -> None:
        """Takes in what was sent and has not arrived yet, so that it cannot hit the script."""
        for _ in range(3):  # an exception and a signal were sent: each can break one attempt
            try:
                with self._lock:
                    self._thread = 0
                    self.began = 0.0
                    _raise_in_thread(ctypes.c_ulong(threading.get_ident()), None)
                for _ in range(AWHILE):  # a pending signal is raised between two of these
                    pass
                return
            except (MetricInterrupted, KeyboardInterrupt):
                continue

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
            on_main = thread == threading.main_thread().ident
            if on_main and signal.getsignal(signal.SIGINT) in (signal.default_int_handler, self._handler):
                signal.pthread_kill(thread, signal.SIGINT)
            return self.name

    @contextmanager
    def breakable(self) -> Iterator[None]:
        """Lets a signal of ours reach what runs in the body, also where the script handles or ignores SIGINT itself.

        A script that was started in the background of a shell ignores it. Whatever SIGINT is not ours goes where the
        script wants it.
        """
        former = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or former in (None, signal.default_int_handler):
            yield
            return
        handler, outer = self._handle_signal(former), self._handler
        self._handler = handler
        signal.signal(signal.SIGINT, handler)
        try:
            yield
        finally:
            self._handler = outer
            if signal.getsignal(signal.SIGINT) is handler:  # the body may have set another
                signal.signal(signal.SIGINT, former)

    def _handle_signal(self, former: Any) -> Callable[[int, Any], None]:
        def handle(number: int, frame: Any) -> None:
            if self._sent:
                raise KeyboardInterrupt
            if callable(former):
                former(number, frame)
            elif former is signal.SIG_DFL:
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGINT)

        return handle

    def seconds(self) -> float:
        """How long the present metric has been running; 0 when none is."""
        began = self.began
        return time.perf_counter() - began if began else 0.0
