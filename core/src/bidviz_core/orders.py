"""What others want of the training thread: it attends to them at its step boundaries, and in a pause."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from bidviz_core.channel import Channel
from bidviz_core.control.reply import Later, Reply
from bidviz_core.messages.commands import Order

if TYPE_CHECKING:
    from bidviz_core.boundary import Boundary
    from bidviz_core.session import Session


class Orders:
    """Carries out calls and orders; everything but `call` is for the training thread.

    Args:
        session: the session.
        channel: where orders come from.
        boundary: knows whether the run is paused.
    """

    def __init__(self, session: Session, channel: Channel, boundary: Boundary) -> None:
        #: What orders that were put off want the coming step to keep, and of which modules.
        self.needed: frozenset[str] = frozenset()
        self.modules: Any = None
        self._session = session
        self._channel = channel
        self._boundary = boundary
        self._calls: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._later: list[tuple[Order, Later]] = []
        self._tried: set[int] = set()  # orders that were put off once already

    def call(self, function: Callable[[], Any]) -> Future[Any]:
        """Has a function called at the next boundary, or at once in a pause; from any thread."""
        future: Future[Any] = Future()
        self._calls.append((function, future))
        self._channel.nudge()
        return future

    def give_up(self) -> None:
        """The session ends: whoever waits for a boundary is let go."""
        while self._calls:
            function, future = self._calls.popleft()
            _settle(function, future)
        self.answer_waiting()
        while self._channel.orders:
            order = self._channel.orders.popleft()
            self._session.reply(order, Reply(False, "The run has ended."))

    def attend(self) -> None:
        """Serves all that waits, at a step boundary."""
        self._channel.pulse.attention = False  # before looking: what comes from now on raises it again
        self.serve()
        if self._later:
            self._channel.pulse.attention = True

    def serve(self) -> None:
        """Makes the calls and carries the orders out, those that were put off first."""
        while self._calls:
            function, future = self._calls.popleft()
            _settle(function, future)
        later, self._later = self._later, []
        for order, _ in later:
            self._carry_out(order)
        while self._channel.orders:
            self._carry_out(self._channel.orders.popleft())

    def answer_waiting(self) -> None:
        """No step comes: orders that wait for one and have an answer all the same get it."""
        waiting, self._later = self._later, []
        for order, later in waiting:
            if later.otherwise is None:
                self._later.append((order, later))
            else:
                self._tried.discard(order.id)
                self._session.reply(order, later.otherwise)

    def _carry_out(self, order: Order) -> None:
        try:
            reply = self._session.dispatcher.carry_out(order)
        except Later as later:
            paused = self._boundary.paused
            if paused or order.id in self._tried:
                self._tried.discard(order.id)
                reply = Reply(False, f"{later} The run is paused: resume it, then try again." if paused else str(later))
            else:
                self._tried.add(order.id)
                self._later.append((order, later))
                self.needed |= later.needs
                self.modules = later.modules
                return
        else:
            self._tried.discard(order.id)
        self._session.reply(order, reply)


def _settle(function: Callable[[], Any], future: Future[Any]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:  # whoever waits is told of Ctrl-C too, or would wait for ever
        future.set_exception(error)
        if not isinstance(error, Exception):
            raise  # and the training gets it as well: it is no fault of the call
