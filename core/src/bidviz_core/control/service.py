"""The service thread: orders that must be served while a step takes long, and the sinks' batches. It is no user's code
that runs here but that of sinks and installers, and it may take its time: nobody waits for it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from bidviz_core.control.reply import Reply
from bidviz_core.messages.bundles import FindBundles, InspectBundle, RemoveBundle, RollbackBundle
from bidviz_core.messages.commands import (
    OUT_OF_BAND,
    InstallBundle,
    InterruptMetric,
    Method,
    Order,
    ShareBundle,
)
from bidviz_core.records import Batch

if TYPE_CHECKING:
    from bidviz_core.session import Session

_MAX_WAITING = 256
#: These may take seconds to minutes, so that nothing else may wait behind them.
_LOOKING: frozenset[type[Method]] = frozenset({FindBundles, InspectBundle})
_INSTALLING: frozenset[type[Method]] = frozenset({InstallBundle, RollbackBundle, RemoveBundle})


class Service:
    """Owns the threads for quick orders, for finding, installing and sharing bundles, and for sinks; each at need.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._orders = _Worker("bidviz-service")
        self._looking = _Worker("bidviz-finding")
        self._installing = _Worker("bidviz-installing")
        self._sharing = _Worker("bidviz-sharing")
        self._batches = _Worker("bidviz-sinks")
        self.batches_dropped = 0

    def take(self, order: Order) -> bool:
        """Takes an order that need not wait for a step boundary; false if it must."""
        kind = type(order.command)
        if kind not in OUT_OF_BAND:
            return False
        if kind is InterruptMetric:  # may not wait behind anything
            self._session.reply(order, self._session.dispatcher.carry_out(order))
        elif not self._worker(kind).put(lambda: self._serve(order)):
            self._session.reply(order, Reply(False, "Too many requests wait already; try again in a moment."))
        return True

    def write_records(self, batch: Batch) -> None:
        """Hands a batch to the sinks, or counts it as dropped when they do not keep up."""
        session = self._session
        if not self._batches.put(
            lambda: session.plugins.tell("records_written", session=session, records=list(batch.records()))
        ):
            self.batches_dropped += 1

    def close(self) -> None:
        """Serves what waits, for a bounded time, and joins the threads."""
        self._orders.close(2.0)
        self._looking.close(0.2)
        self._sharing.close(0.2)
        self._installing.close(0.2)  # an installation that is broken off leaves everything as it was
        self._batches.close(5.0)

    def _worker(self, kind: type[Method]) -> _Worker:
        if kind is ShareBundle:  # its check takes half a minute, or many on a busy machine
            return self._sharing
        return self._looking if kind in _LOOKING else self._installing if kind in _INSTALLING else self._orders

    def _serve(self, order: Order) -> None:
        self._session.reply(order, self._session.dispatcher.carry_out(order))


class _Worker:
    """A named daemon thread behind a bounded queue, started at the first use."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue: queue.Queue[Callable[[], None] | None] = queue.Queue(_MAX_WAITING)
        self._thread: threading.Thread | None = None

    def put(self, work: Callable[[], None]) -> bool:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait(work)
        except queue.Full:
            return False
        return True

    def close(self, timeout: float) -> None:
        if self._thread is None:
            return
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            return  # it does not keep up: the daemon thread ends with the process
        if self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            work = self._queue.get()
            if work is None:
                return
            work()
