"""The server's end of a websocket: a patient, locked socket, and frames that are laid out once for all who get them."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from typing import Any, NamedTuple

from simple_websocket import ConnectionClosed, Server
from wsproto.utilities import LocalProtocolError

#: Seconds a client may leave its side full before its connection is given up.
PATIENCE = 5.0
#: Seconds for which what a refused client still sends is read, so that it gets to see why.
_LINGER = 2.0
_TEXT, _BINARY, _CLOSE = 0x1, 0x2, 0x8
_GOING_AWAY = 1001


class WireFrame(NamedTuple):
    """A message as it goes over the wire: its head and its payload, which is shared by all who get it."""

    head: bytes
    payload: bytes


def text_frame(payload: bytes) -> WireFrame:
    """A text message."""
    return WireFrame(_head(_TEXT, len(payload)), payload)


def binary_frame(payload: bytes) -> WireFrame:
    """A binary message."""
    return WireFrame(_head(_BINARY, len(payload)), payload)


def goodbye_frame(why: str) -> WireFrame:
    """The close of a server that ends."""
    payload = struct.pack("!H", _GOING_AWAY) + why.encode()[:120]
    return WireFrame(_head(_CLOSE, len(payload)), payload)


def _head(opcode: int, size: int) -> bytes:
    first = 0x80 | opcode
    if size < 126:
        return bytes((first, size))
    if size < 2**16:
        return struct.pack("!BBH", first, 126, size)
    return struct.pack("!BBQ", first, 127, size)


def _closes(data: bytes) -> bool:
    """Whether one of the control frames in a piece that `simple_websocket` sends is a close."""
    at = 0
    while at + 2 <= len(data) and data[at] & 0xF8 == 0x88:  # control frames have a length below 126, unmasked
        if data[at] & 0xF == _CLOSE:
            return True
        at += 2 + data[at + 1]
    return False


class PatientSocket:
    """Stands before a connection's socket: whole sends, one at a time, none longer than `PATIENCE` without progress.

    `simple_websocket` writes from its reader's thread (answers to pings and closes) while we write from another, does
    not look at how much of a send was taken, and would wait forever for a client that has stopped reading.

    Args:
        connection: the socket that the web server accepted.
        patience: seconds.
    """

    def __init__(self, connection: socket.socket, patience: float = PATIENCE) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._broken = False
        self._said_goodbye = False
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._patience = patience
        # What was accepted but not read yet must not grow without bound in the kernel either.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)
        self.local: tuple[Any, ...] = connection.getsockname()

    def send(self, data: bytes) -> int:
        """Sends all of it.

        Raises:
            OSError: the client is gone, or does not read.
        """
        with self._lock:
            # `simple_websocket` answers a close on its reader's thread; what we send after that breaks the protocol.
            self._said_goodbye = self._said_goodbye or _closes(data)
            self._send(memoryview(data))
        return len(data)

    def send_frame(self, frame: WireFrame) -> None:
        """Sends a message.

        Raises:
            OSError: the client is gone, or does not read.
        """
        with self._lock:
            if self._said_goodbye:
                raise ConnectionAbortedError("the connection was closed")
            if len(frame.payload) < 2**14:
                self._send(memoryview(frame.head + frame.payload))
            else:
                self._send(memoryview(frame.head))
                self._send(memoryview(frame.payload))

    def recv(self, size: int) -> bytes:
        """Reads what has come."""
        return self._connection.recv(size)

    def fileno(self) -> int:
        """The descriptor."""
        return self._connection.fileno()

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def break_off(self) -> None:
        """Ends the connection in both directions: whoever waits on it wakes."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        """Sends no more, but reads for a moment what still comes: a close with data unread wipes out what was said."""
        with contextlib.suppress(OSError, ValueError):
            self._connection.shutdown(socket.SHUT_WR)
            deadline = time.monotonic() + _LINGER
            while (left := deadline - time.monotonic()) > 0:
                ready, _, _ = select.select([self._connection], [], [], left)
                if not ready or not self._connection.recv(65536, socket.MSG_DONTWAIT):
                    return

    def _send(self, view: memoryview) -> None:
        if self._broken:
            raise ConnectionAbortedError("the connection was given up")
        try:
            while view:
                try:
                    sent = self._connection.send(view, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    # A timeout of the socket's own would begin anew with every part that the kernel takes.
                    if not select.select([], [self._connection], [], self._patience)[1]:
                        raise TimeoutError("the client does not read") from None
                    continue
                view = view[sent:]
        except OSError:
            # Part of a message may be out: nothing that follows could be understood.
            self._broken = True
            raise


def close_quietly(ws: Server, connection: PatientSocket, code: int = 1000, reason: str = "") -> None:
    """Says goodbye where that still can be heard, and ends the connection."""
    with contextlib.suppress(ConnectionClosed, OSError, LocalProtocolError):
        ws.close(code, reason or None)
    connection.finish()
