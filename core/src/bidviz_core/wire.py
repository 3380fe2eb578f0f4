"""A websocket without threads: a non-blocking socket and the protocol of `websockets` over it."""

from __future__ import annotations

import logging
import select
import socket
import time
from collections.abc import Callable

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from bidviz_core.errors import LinkError

#: Bytes a message from the dashboard may have.
LARGEST = 4 * 2**20

# The protocol's own log would carry payloads; what matters is told by exceptions.
_log = logging.getLogger("bidviz_core.wire")
_log.addHandler(logging.NullHandler())
_log.propagate = False


class Wire:
    """One connection. Used by one thread.

    Args:
        connection: a connected socket.
        host: the host that was dialed, as it stands in a URL.
        port: the port.
    """

    def __init__(self, connection: socket.socket, host: str, port: int) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.socket = connection
        #: The dashboard's end of the connection, as the operating system names it.
        self.peer: tuple[object, ...] = connection.getpeername()
        #: When bytes last went out or came in.
        self.moved_at = time.monotonic()
        uri = parse_uri(f"ws://{f'[{host}]' if ':' in host else host}:{port}/session")
        # No compression: on loopback it costs 24 times what it saves.
        self._protocol = ClientProtocol(uri, max_size=LARGEST, logger=_log)
        self._out: list[memoryview] = []
        self._parts: list[bytes] = []
        self._ended = False

    @classmethod
    def dial(cls, host: str, port: int, within: float, wait: Callable[[Wire, float], None]) -> Wire:
        """Connects and makes the websocket's handshake.

        Args:
            host: the dashboard's host.
            port: its port.
            within: seconds in which it must have answered.
            wait: waits until the connection has something to read or room to write, at the latest until a
                `time.monotonic()`; raises when it is to wait no longer.

        Raises:
            OSError: nobody listens there.
            LinkError: whoever listens there is no dashboard, or does not answer.
        """
        deadline = time.monotonic() + within
        try:
            connection = socket.create_connection((host, port), timeout=within)
        except OSError as error:
            raise LinkError(f"No dashboard answers at {host}:{port} ({error.strerror or error}).") from None
        wire = cls(connection, host, port)
        try:
            wire._upgrade(deadline, wait)
        except BaseException:
            wire.drop()
            raise
        return wire

    @property
    def pending(self) -> bool:
        """Whether bytes wait to go out."""
        return bool(self._out)

    def send_text(self, text: bytes) -> None:
        """Queues a text message."""
        self._protocol.send_text(text)
        self._collect()

    def send_bytes(self, data: bytes) -> None:
        """Queues a binary message."""
        self._protocol.send_binary(data)
        self._collect()

    def flush(self) -> None:
        """Writes what waits, as far as the socket takes it.

        Raises:
            OSError: the connection is broken.
        """
        while self._out:
            try:
                count = self.socket.sendmsg(self._out[:64])
            except BlockingIOError:
                return
            self.moved_at = time.monotonic()
            while self._out and count >= len(self._out[0]):
                count -= len(self._out.pop(0))
            if count:
                self._out[0] = self._out[0][count:]

    def receive(self) -> list[bytes]:
        """Reads what has come.

        Returns:
            The complete messages.

        Raises:
            LinkError: the dashboard has closed the connection.
            OSError: it is broken.
        """
        messages: list[bytes] = []
        for event in self._read():
            if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._parts.append(bytes(event.data))
                if event.fin:
                    messages.append(b"".join(self._parts))
                    self._parts = []
        if not messages and (self._ended or self._protocol.state is not State.OPEN):
            reason = self._protocol.close_reason or "without a word"
            raise LinkError(f"The dashboard closed the connection: {reason}.")
        return messages

    def say_goodbye(self, deadline: float) -> None:
        """Closes the connection and waits until the other side has read everything.

        Args:
            deadline: the latest `time.monotonic()`.
        """
        self._protocol.send_close(1000)
        self._collect()
        while not self._ended and self._protocol.state is not State.CLOSED:
            self.flush()
            left = deadline - time.monotonic()
            if left <= 0:
                return
            select.select([self.socket], [self.socket] if self._out else [], [], left)
            self._read()

    def drop(self) -> None:
        """Closes the socket, with or without a goodbye."""
        if self.socket.fileno() >= 0:
            self.socket.close()

    def _upgrade(self, deadline: float, wait: Callable[[Wire, float], None]) -> None:
        self._protocol.send_request(self._protocol.connect())
        self._collect()
        while True:
            self.flush()
            wait(self, deadline)
            for event in self._read():
                if isinstance(event, Response):
                    self._check_upgrade(event)
                    return
            if self._ended or self._protocol.handshake_exc is not None:
                raise LinkError("Whoever listens there is no dashboard: it does not speak websocket.")

    def _check_upgrade(self, response: Response) -> None:
        if isinstance(self._protocol.handshake_exc, InvalidHandshake) or self._protocol.state is not State.OPEN:
            why = (response.body or b"").decode(errors="replace").strip().splitlines()
            raise LinkError(f"The dashboard refuses the link with status {response.status_code}: {' '.join(why)[:200]}")

    def _read(self) -> list[object]:
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return []
        self.moved_at = time.monotonic()
        if data:
            self._protocol.receive_data(data)
        else:
            self._ended = True
            self._protocol.receive_eof()
        events: list[object] = list(self._protocol.events_received())
        self._collect()
        return events

    def _collect(self) -> None:
        self._out += [memoryview(data) for data in self._protocol.data_to_send() if data]
