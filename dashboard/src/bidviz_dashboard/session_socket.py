"""A session's end of the link at `/session`: the proof, then frames and notifications in, orders out."""

from __future__ import annotations

import contextlib
import logging
import uuid

import msgspec
from simple_websocket import Server

from bidviz_core.errors import LinkError
from bidviz_core.frames import MAGIC
from bidviz_core.handshake import answer_session
from bidviz_core.messages.commands import Order
from bidviz_core.messages.commands import encode as encode_order
from bidviz_core.messages.notifications import CatalogueMessage, Notification, decode_notifications
from bidviz_core.outbox import LARGEST
from bidviz_dashboard.hub import Hub
from bidviz_dashboard.mailbox import Mailbox
from bidviz_dashboard.ring import Kept
from bidviz_dashboard.sockets import PatientSocket, binary_frame, goodbye_frame, text_frame

log = logging.getLogger("bidviz_dashboard")

#: Seconds for the proof, and for the catalogue after it.
PROMPT = 10.0


class _FrameHead(msgspec.Struct):
    type: str
    run: str
    sequence: int
    name: str = ""
    step: int = 0


_decode_head = msgspec.json.Decoder(_FrameHead).decode


class SessionPeer:
    """A session that has proven itself.

    Args:
        connection: its socket.
    """

    def __init__(self, connection: PatientSocket) -> None:
        self._connection = connection
        self._mailbox = Mailbox(f"session-{uuid.uuid4().hex[:4]}", connection, connection.break_off)

    def send(self, order: Order) -> None:
        """Queues an order. It never waits for the session."""
        self._mailbox.put_answer(text_frame(encode_order(order)))

    def break_off(self) -> None:
        """Ends the connection."""
        self._connection.break_off()

    def say_goodbye(self, why: str) -> None:
        """Ends the connection with a reason; the session will try to come back."""
        with contextlib.suppress(OSError):
            self._connection.send_frame(goodbye_frame(why))
        self._connection.break_off()

    def close(self) -> None:
        """Ends the writer."""
        self._mailbox.close(0.2)


def serve_session(hub: Hub, ws: Server, connection: PatientSocket, secret: bytes) -> str:
    """Serves one connection of a session to its end.

    Args:
        hub: the hub.
        ws: the websocket, already accepted.
        connection: its socket.
        secret: the user's.

    Returns:
        Why the dashboard ended it, as a sentence; empty if the session did.
    """
    try:
        if not _prove(ws, connection, secret):
            return "The proof failed: this session is not of the dashboard's user"
    except LinkError as error:
        return str(error)
    ws.max_message_size = LARGEST
    first = ws.receive(timeout=PROMPT)
    try:
        notices: list[Notification] = list(decode_notifications(first)) if first is not None else []
    except msgspec.MsgspecError as error:
        return f"Not understood: {str(error)[:80]}"
    if not notices or not isinstance(notices[0], CatalogueMessage):
        return "Expected the run's catalogue as the first notification"
    run = notices[0].content.run.id
    peer = SessionPeer(connection)
    hub.session_came(peer, notices[0].content)
    try:
        hub.notices_came(run, notices)
        return _carry(hub, ws, run)
    finally:
        hub.session_went(peer, run)
        peer.close()


def _prove(ws: Server, connection: PatientSocket, secret: bytes) -> bool:
    hello = ws.receive(timeout=PROMPT)
    answer, judge = answer_session(hello or b"", connection.local, secret)
    connection.send_frame(text_frame(answer))
    second = ws.receive(timeout=PROMPT)
    if second is None or not judge(second):
        return False
    connection.send_frame(text_frame(b'{"welcome": true}'))
    return True


def _carry(hub: Hub, ws: Server, run: str) -> str:
    while True:
        # Not for ever: after a message that is too big simple_websocket may wake us a moment too early, once.
        message = ws.receive(timeout=PROMPT)
        if isinstance(message, str):
            try:
                notices = decode_notifications(message)
            except msgspec.MsgspecError as error:
                return f"Not understood: {str(error)[:80]}"
            hub.notices_came(run, notices)
        elif message is not None:
            kept = _kept(bytes(message))
            if kept is None or kept[0] != run:
                return "Expected a binary frame of this session's own run"
            hub.frame_came(run, kept[1])


def _kept(data: bytes) -> tuple[str, Kept] | None:
    if data[:4] != MAGIC:
        return None
    try:
        head = _decode_head(data[8 : 8 + int.from_bytes(data[4:8], "little")])
    except msgspec.MsgspecError:
        return None
    return head.run, Kept(head.sequence, head.name, head.step, binary_frame(data))
