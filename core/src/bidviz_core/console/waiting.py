"""Top-level `await`: an event loop of the console's own, on whatever thread the line runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any


class Awaiting:
    """Runs coroutines to their end, one at a time; what a line started goes on in the next one that awaits."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        #: Whether what waits is being ended after an interrupt.
        self.ending = False

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Runs a coroutine, also where a loop runs on this thread already (as in a notebook)."""
        if self._loop is None or self._loop.is_closed():
            self._loop = asyncio.new_event_loop()
        loop = self._loop
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        task = loop.create_task(coroutine)
        try:
            return loop.run_until_complete(task)
        except BaseException:
            self.ending = True
            self._end_tasks(loop)  # an interrupt leaves them in the middle
            raise
        finally:
            self.ending = False
            asyncio._set_running_loop(outer)

    def wake(self) -> None:
        """Lets a loop that waits for the time or a file look up, so that an interrupt for its thread comes through."""
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # it was closed meanwhile
                loop.call_soon_threadsafe(_nothing)

    def close(self) -> None:
        """Ends what still waits, and the loop."""
        loop, self._loop = self._loop, None
        if loop is None or loop.is_closed() or loop.is_running():
            return
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        try:
            self._end_tasks(loop)
        finally:
            asyncio._set_running_loop(outer)
            loop.close()

    @staticmethod
    def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks and not loop.is_running():
            loop.run_until_complete(asyncio.wait(tasks, timeout=1.0))


def _nothing() -> None:
    pass
