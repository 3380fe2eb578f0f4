"""The link: the session's websocket to the dashboard, on one thread of its own.

The websocket's protocol is kept by `websockets` without its own threads: one thread, one socket and one pipe that wakes
it. Nothing that the training or the pump calls here ever waits for the network.
"""

from __future__ import annotations

import os
import random
import select
import socket
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from bidviz_core.endpoint import Endpoint
from bidviz_core.errors import LinkError
from bidviz_core.messages.commands import Order, decode_order
from bidviz_core.messages.notifications import Callback, CallbackContent, Notification, RunInfo, encode
from bidviz_core.outbox import Frame, Outbox

if TYPE_CHECKING:
    from bidviz_core.wire import Wire

#: Seconds between the first and the second try to connect; doubled each time up to `LONGEST_PAUSE`.
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
#: Seconds a dashboard may take to answer: one that is being started needs to import first.
ANSWER_WITHIN = 30.0
#: Seconds a dashboard may leave what was sent unread before the link is given up and made anew.
READ_WITHIN = 15.0

#: Bytes of notifications that are put into one message.
TOGETHER = 2**20

_links: weakref.WeakSet[Link] = weakref.WeakSet()


class Link:
    """Carries frames and notifications to the dashboard, and its orders back. Owns the thread `bidviz-link`.

    Args:
        endpoint: where the dashboard is.
        info: the run.
        greeting: gives what is sent first at each connect (the catalogue and the status); called on the link's thread.
        on_order: takes each order; called on the link's thread, must not wait.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        info: RunInfo,
        greeting: Callable[[], list[Notification]],
        on_order: Callable[[Order], None],
    ) -> None:
        self.connected = False
        #: Why there is no connection, as a sentence; empty while there is one.
        self.problem = ""
        self._endpoint = endpoint
        self._info = info
        self._greeting = greeting
        self._on_order = on_order
        self._outbox = Outbox()
        self._closing = threading.Event()
        self._close_by = 0.0
        # Made at the start: a link that is never started has nothing to close.
        self._wake_out: socket.socket | None = None
        self._wake_in: socket.socket | None = None
        self._wire: Wire | None = None
        self._woken = False
        self._inert = False
        self._thread = threading.Thread(target=self._work, name="bidviz-link", daemon=True)
        _links.add(self)

    # --- called by others; none of these waits, but for close -------------------------------------------------------

    @property
    def dropped(self) -> int:
        """How many frames and notifications were let go because too many waited."""
        return self._outbox.dropped

    def start(self) -> None:
        """Starts the thread."""
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_out.setblocking(False)
        self._wake_in.setblocking(False)
        self._thread.start()

    def send_frame(self, frame: bytes, *, wake: bool = True) -> None:
        """Sends a packed binary frame when it can; without `wake`, when something wakes the link's thread."""
        if not self._inert:
            self._outbox.put_frame(frame)
            if wake:
                self.wake()

    def send(self, notification: Notification, *, wake: bool = True) -> None:
        """Sends a notification when it can; without `wake`, when something wakes the link's thread."""
        if not self._inert:
            self._outbox.put(notification)
            if wake:
                self.wake()

    def wake(self) -> None:
        """Has the link's thread send what waits. Once for all: each wake takes the interpreter lock from others."""
        if not self._woken and len(self._outbox):
            self._wake()

    def close(self, timeout: float = 5.0) -> None:
        """Sends what waits, says goodbye and joins the thread.

        Args:
            timeout: seconds that this may take at most; what is not sent by then is let go.
        """
        if self._inert or self._closing.is_set():
            return
        self._close_by = time.monotonic() + timeout
        self._closing.set()
        self._wake()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout + 1.0)
        for one in (self._wake_in, self._wake_out):
            if one is not None and not self._thread.is_alive():
                one.close()

    # --- the thread -------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        pause = FIRST_PAUSE
        while True:
            began = time.monotonic()
            try:
                self._connect_and_carry()
            except (OSError, LinkError) as error:
                self.problem = str(error) or type(error).__name__
            finally:
                self.connected = False
                if self._wire is not None:
                    self._wire.drop()
                    self._wire = None
            if self._closing.is_set():
                return
            pause = FIRST_PAUSE if time.monotonic() - began > 2 * LONGEST_PAUSE else min(2 * pause, LONGEST_PAUSE)
            # Many trainings whose dashboard was started again should not all come back in the same instant.
            if self._closing.wait(pause * random.Random().uniform(0.5, 1.0)) and not len(self._outbox):
                return

    def _connect_and_carry(self) -> None:
        from bidviz_core.wire import Wire

        self._wire = wire = Wire.dial(self._endpoint.host, self._endpoint.port, ANSWER_WITHIN, self._wait_for_answer)
        self._shake_hands(wire)
        self.problem = ""
        wire.send_text(encode(self._greeting()))
        self.connected = True
        while True:
            if not wire.pending:
                self._fill(wire)
            closing = self._closing.is_set()
            if closing and not wire.pending and not len(self._outbox):
                wire.say_goodbye(self._close_by)
                return
            now = time.monotonic()
            if closing and now >= self._close_by:
                raise LinkError("The dashboard did not take what was left in time.")
            if wire.pending and now - wire.moved_at > READ_WITHIN:
                raise LinkError(f"The dashboard has read nothing for {READ_WITHIN:.0f} s.")
            patience = min(self._close_by - now, 1.0) if closing else 5.0
            if not wire.pending and len(self._outbox):
                patience = 0.0  # more waits than is taken at once
            if self._wait(wire, patience):
                for text in wire.receive():
                    self._take(text)
            if wire.pending:
                wire.flush()

    def _wait(self, wire: Wire, timeout: float) -> bool:
        """Waits for something to do; says whether there is something to read."""
        assert self._wake_in is not None
        writing = [wire.socket] if wire.pending else []
        ready, _, _ = select.select([wire.socket, self._wake_in], writing, [], max(timeout, 0.0))
        if self._wake_in in ready:
            self._drain_wake()
        return wire.socket in ready

    def _fill(self, wire: Wire) -> None:
        notices: list[bytes] = []
        size = 0

        def send_notices() -> None:
            nonlocal size
            if notices:
                wire.send_text(b"[" + b",".join(notices) + b"]")
                notices.clear()
                size = 0

        for one in self._outbox.take():
            if isinstance(one, Frame):
                send_notices()
                wire.send_bytes(one.data)
                continue
            data = encode(one)
            if size + len(data) > TOGETHER:  # a console's figures may be of megabytes each
                send_notices()
            notices.append(data)
            size += len(data)
        send_notices()
        wire.flush()

    def _take(self, text: bytes) -> None:
        try:
            order = decode_order(text)
        except msgspec.MsgspecError as error:
            number = msgspec.json.decode(text).get("id") if text.startswith(b"{") else None
            message = f"This session does not understand the command ({error}): it speaks an older protocol."
            self.send(Callback(CallbackContent(number, False, message)))
            return
        try:
            self._on_order(order)
        except Exception as error:  # noqa: BLE001 - told to the person who asked; the link goes on
            self.send(Callback(CallbackContent(order.id, False, f"{type(error).__name__}: {error}")))

    def _shake_hands(self, wire: Wire) -> None:
        from bidviz_core.handshake import greet_dashboard

        def ask(message: bytes) -> bytes:
            wire.send_text(message)
            deadline = time.monotonic() + ANSWER_WITHIN
            while True:
                wire.flush()
                answers = wire.receive()
                if answers:
                    return answers[0]
                self._wait_for_answer(wire, deadline)

        greet_dashboard(ask, wire.peer)

    def _wait_for_answer(self, wire: Wire, deadline: float) -> None:
        """Waits until something has come, be it a wake; a link that is being closed waits as long as that allows."""
        if self._closing.is_set():
            deadline = min(deadline, self._close_by)
        left = deadline - time.monotonic()
        if left <= 0:
            raise LinkError("Whoever listens at the dashboard's address does not answer.")
        self._wait(wire, left)

    def _wake(self) -> None:
        if self._wake_out is None:
            return
        self._woken = True
        try:
            self._wake_out.send(b"w")
        except (BlockingIOError, OSError):
            pass  # the pipe is full, so the thread wakes anyway; or it is closed, so there is none to wake

    def _drain_wake(self) -> None:
        assert self._wake_in is not None
        try:
            while len(self._wake_in.recv(4096)) == 4096:
                continue
        except BlockingIOError:
            pass
        # After the last read, or a wake that comes before it would be lost; before looking what waits.
        self._woken = False

    # --- after a fork -----------------------------------------------------------------------------------------------

    def _forget_in_child(self) -> None:
        """The parent's connection is not the child's: its descriptors are closed without a word on the wire."""
        self._inert = True
        self.connected = False
        self._outbox.clear()
        for one in (self._wake_in, self._wake_out, self._wire.socket if self._wire is not None else None):
            if one is not None and one.fileno() >= 0:
                os.close(one.detach())


def _after_fork() -> None:
    for link in list(_links):
        link._forget_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
