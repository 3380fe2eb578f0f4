"""What waits for one client: bounded, with a writer of its own, so that nobody ever waits for a slow one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bidviz_core.messages.notifications import Gap, GapContent, encode
from bidviz_dashboard.sockets import PatientSocket, WireFrame, text_frame

#: Bytes of live frames that may wait for one client before they are let go.
LIVE_BYTES = 8 * 2**20
LIVE_FRAMES = 400
#: Bytes of answers that may wait; whoever makes more of them waits for this client, and holds up nobody else.
ANSWER_BYTES = 8 * 2**20
#: Notifications that may wait; a client that far behind is not reading.
NOTICES = 5000
#: Bytes of one text frame into which notifications are put together.
_TOGETHER = 2**18


@dataclass(slots=True)
class _Notice:
    """One notification, encoded; one with a key is replaced by a newer one with the same key while it waits."""

    data: bytes
    key: str = ""


@dataclass(slots=True)
class _Live:
    run: str
    sequence: int
    frame: WireFrame


class Mailbox:
    """A client's queue and the thread that empties it.

    Args:
        name: for the thread's name.
        connection: where it is sent.
        on_broken: called once, on the writer's thread, when the client is gone or does not read.
        convert: for clients that take no frames: makes encoded notifications of one, without brackets, or nothing.
    """

    def __init__(
        self,
        name: str,
        connection: PatientSocket,
        on_broken: Callable[[], None],
        convert: Callable[[WireFrame], bytes] | None = None,
    ) -> None:
        self.convert = convert
        self._connection = connection
        self._on_broken = on_broken
        self._changed = threading.Condition()
        self._waiting: deque[_Notice | _Live | WireFrame] = deque()
        self._keyed: dict[str, _Notice] = {}
        self._live_bytes = self._live_frames = self._answer_bytes = self._notices = 0
        self._closed = False
        self._thread = threading.Thread(target=self._write, name=f"bidviz-writer-{name}", daemon=True)
        self._thread.start()

    def put_notice(self, data: bytes, key: str = "") -> None:
        """Queues an encoded notification. It is never let go; a client with too many of them is given up."""
        with self._changed:
            if self._closed:
                return
            waiting = self._keyed.get(key) if key else None
            if waiting is not None:
                waiting.data = data
                return
            notice = _Notice(data, key)
            self._waiting.append(notice)
            self._notices += 1
            if key:
                self._keyed[key] = notice
            too_many = self._notices > NOTICES
            self._changed.notify_all()
        if too_many:
            self._connection.break_off()

    def put_live(self, run: str, sequence: int, frame: WireFrame) -> None:
        """Queues a live frame. When too much waits, all live frames of that run are let go and a `gap` tells of it."""
        with self._changed:
            if self._closed:
                return
            self._waiting.append(_Live(run, sequence, frame))
            self._live_bytes += len(frame.payload)
            self._live_frames += 1
            if self._live_bytes > LIVE_BYTES or self._live_frames > LIVE_FRAMES:
                self._let_go(run)
            self._changed.notify_all()

    def put_answer(self, frame: WireFrame) -> None:
        """Queues a binary answer; waits while too much of them waits. Call it on the client's own thread only."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._answer_bytes < ANSWER_BYTES)
            if not self._closed:
                self._waiting.append(frame)
                self._answer_bytes += len(frame.payload)
                self._changed.notify_all()

    def forget_live(self) -> None:
        """Takes out the live frames that wait, without a word."""
        with self._changed:
            self._waiting = deque(one for one in self._waiting if not isinstance(one, _Live))
            self._live_bytes = self._live_frames = 0

    def close(self, timeout: float = 1.0) -> None:
        """Sends what waits as far as that goes within `timeout` seconds, and joins the writer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    def _let_go(self, run: str) -> None:
        gone = [one for one in self._waiting if isinstance(one, _Live) and one.run == run]
        kept: deque[_Notice | _Live | WireFrame] = deque(
            one for one in self._waiting if not (isinstance(one, _Live) and one.run == run)
        )
        self._live_bytes -= sum(len(one.frame.payload) for one in gone)
        self._live_frames -= len(gone)
        self._waiting = kept
        told = Gap(GapContent(run, gone[-1].sequence + 1, len(gone)))
        key = f"gap {run}"
        if key in self._keyed:
            self._keyed[key].data = encode(told)
        else:
            notice = self._keyed[key] = _Notice(encode(told), key)
            self._waiting.append(notice)
            self._notices += 1

    def _write(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._waiting or self._closed)
                    if not self._waiting:
                        return
                    batch = self._take()
                self._send(batch)
                with self._changed:
                    self._answer_bytes -= sum(len(one.payload) for one in batch if isinstance(one, WireFrame))
                    self._changed.notify_all()
        except OSError:
            with self._changed:
                self._closed = True
                self._waiting.clear()
                self._changed.notify_all()
            self._on_broken()

    def _take(self) -> list[_Notice | _Live | WireFrame]:
        """A few frames at a time: what waits longer can still be let go."""
        batch: list[_Notice | _Live | WireFrame] = []
        size = 0
        while self._waiting and size < _TOGETHER:
            one = self._waiting.popleft()
            batch.append(one)
            if isinstance(one, _Notice):
                self._notices -= 1
                size += len(one.data)
                if one.key:
                    self._keyed.pop(one.key, None)
            elif isinstance(one, _Live):
                self._live_frames -= 1
                self._live_bytes -= len(one.frame.payload)
                size += len(one.frame.payload)
            else:
                size += len(one.payload)
        return batch

    def _send(self, batch: list[_Notice | _Live | WireFrame]) -> None:
        together: list[bytes] = []
        for one in batch:
            if isinstance(one, _Notice):
                together.append(one.data)
                continue
            frame = one.frame if isinstance(one, _Live) else one
            if self.convert is not None:
                converted = self.convert(frame)
                if converted:
                    together.append(converted)
                continue
            self._send_together(together)
            self._connection.send_frame(frame)
        self._send_together(together)

    def _send_together(self, together: list[bytes]) -> None:
        if together:
            self._connection.send_frame(text_frame(b"[" + b",".join(together) + b"]"))
            together.clear()
