"""What waits for one client: in order, bounded, and told of when it is let go."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from bidviz_core.messages.notifications import ErrorContent, ErrorMessage, encode
from bidviz_dashboard import mailbox as mailbox_module
from bidviz_dashboard.mailbox import Mailbox
from bidviz_dashboard.ring import KEPT_BYTES, Kept, Ring
from bidviz_dashboard.sockets import PatientSocket, binary_frame, text_frame


class Reader:
    """The other end: reads when told to."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.create_server(("127.0.0.1", 0)), socket.socket()
        self.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        self.theirs.connect(self.ours.getsockname())
        accepted, _ = self.ours.accept()
        self.connection = PatientSocket(accepted, patience=0.5)
        self.accepted = accepted

    def messages(self) -> list[object]:
        """Everything up to the end of the connection."""
        protocol = ClientProtocol(parse_uri("ws://x/"), state=State.OPEN, max_size=None)
        self.theirs.settimeout(20)
        found: list[object] = []
        while data := self.theirs.recv(2**20):
            protocol.receive_data(data)
            for frame in protocol.events_received():
                payload = bytes(frame.data)  # type: ignore[union-attr]
                found.append(json.loads(payload) if frame.opcode is Opcode.TEXT else payload)  # type: ignore[union-attr]
        return found

    def close(self) -> None:
        for one in (self.ours, self.theirs, self.accepted):
            one.close()


@pytest.fixture
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.close()


def notice(text: str) -> bytes:
    return encode(ErrorMessage(ErrorContent(text)))


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 300_000])
def test_frames_of_every_size_are_read_by_others(reader: Reader, size: int) -> None:
    reader.connection.send_frame(binary_frame(b"x" * size))
    reader.connection.send_frame(text_frame(b"[1]"))
    reader.accepted.shutdown(socket.SHUT_WR)
    assert reader.messages() == [b"x" * size, [1]]


def test_everything_comes_in_order(reader: Reader) -> None:
    box = Mailbox("t", reader.connection, lambda: None)
    for number in range(50):
        box.put_notice(notice(str(number)))
        box.put_live("r", number, binary_frame(bytes([number])))
    box.close()
    reader.accepted.shutdown(socket.SHUT_WR)
    found: list[object] = []
    for message in reader.messages():
        found += [message] if isinstance(message, bytes) else [one["content"]["msg"] for one in message]  # type: ignore[attr-defined]
    assert found == [item for number in range(50) for item in (str(number), bytes([number]))]


def test_a_slow_client_loses_live_frames_is_told_and_keeps_the_rest(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox_module, "LIVE_BYTES", 2**22)
    reader.connection = PatientSocket(reader.accepted, patience=20)
    box = Mailbox("t", reader.connection, lambda: None)
    for number in range(1, 101):
        box.put_live("r", number, binary_frame(number.to_bytes(4, "little") + b"x" * 2**18))
        box.put_notice(notice(str(number)))
    closing = threading.Thread(target=box.close, args=(20,), name="test-close")
    closing.start()
    read: list[object] = []
    reading = threading.Thread(target=lambda: read.extend(reader.messages()), name="test-read")
    reading.start()
    closing.join(20)
    reader.accepted.shutdown(socket.SHUT_WR)
    reading.join(20)
    notices = [one for message in read if isinstance(message, list) for one in message]
    assert [one["content"]["msg"] for one in notices if one["msgType"] == "error_message"] == [
        str(number) for number in range(1, 101)
    ]
    gaps = [one["content"] for one in notices if one["msgType"] == "gap"]
    live = [int.from_bytes(message[:4], "little") for message in read if isinstance(message, bytes)]
    assert live == sorted(live)
    assert gaps
    assert gaps[-1]["sequence"] <= 101
    # What was let go lies before the gap's number; all from there on has come.
    assert set(range(gaps[-1]["sequence"], 101)) <= set(live)


def test_a_client_that_reads_nothing_is_given_up(reader: Reader) -> None:
    broken = threading.Event()
    box = Mailbox("t", reader.connection, broken.set)
    for number in range(400):
        # One by one: of many at once the box lets most go, and what is left fits into the kernel's buffers.
        box.put_live("r", number, binary_frame(b"x" * 2**20))
        if broken.wait(0.05):
            break
    assert broken.is_set()
    box.put_live("r", 999, binary_frame(b"x"))  # nothing happens any more
    box.close()


def test_of_a_keyed_notice_the_newest_is_sent(reader: Reader) -> None:
    reader.connection = PatientSocket(reader.accepted, patience=20)
    box = Mailbox("t", reader.connection, lambda: None)
    for _ in range(8):
        box.put_live("r", 1, binary_frame(b"x" * 2**19))  # keeps the writer busy
    for number in range(100):
        box.put_notice(notice(str(number)), "status")
    closing = threading.Thread(target=box.close, args=(20,), name="test-close")
    closing.start()
    read: list[object] = []
    reading = threading.Thread(target=lambda: read.extend(reader.messages()), name="test-read")
    reading.start()
    closing.join(20)
    reader.accepted.shutdown(socket.SHUT_WR)
    reading.join(20)
    notices = [one["content"]["msg"] for message in read if isinstance(message, list) for one in message]
    assert notices[-1] == "99"
    assert len(notices) < 100


def test_the_ring_keeps_the_last_frames_and_knows_what_is_missing() -> None:
    ring = Ring()
    assert ring.missed(0) == 0
    for number in range(1, 11):
        assert ring.add(Kept(number, "", number, binary_frame(b"x")))
    assert ring.missed(0) == 0
    assert [kept.sequence for kept in ring.after(7)] == [8, 9, 10]
    assert not ring.add(Kept(15, "", 15, binary_frame(b"x")))
    assert ring.missed(7) == 15
    assert ring.missed(15) == 0
    assert ring.missed(14) == 0


def test_the_ring_is_bounded() -> None:
    ring = Ring()
    for number in range(1, 101):
        ring.add(Kept(number, "", number, binary_frame(b"x" * (KEPT_BYTES // 10))))
    kept = [one.sequence for one in ring.after(0)]
    assert kept == list(range(91, 101))
    assert ring.missed(0) == 91


def test_nothing_is_sent_after_a_close(reader: Reader) -> None:
    """The reader's thread answers a client's close while another thread may be about to send."""
    pong, close = b"\x8a\x02hi", b"\x88\x02\x03\xe8"
    reader.connection.send(pong)
    reader.connection.send_frame(text_frame(b"before"))
    reader.connection.send(pong + close)
    with pytest.raises(ConnectionAbortedError, match="closed"):
        reader.connection.send_frame(text_frame(b"after"))
