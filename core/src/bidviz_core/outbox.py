"""What waits to go out on the link: bounded, never blocking whoever puts something in, counting what it lets go."""

from __future__ import annotations

import threading
from collections import deque
from typing import NamedTuple

from bidviz_core.messages.notifications import Notification, StatusMessage

FRAME_BYTES = 32 * 2**20
NOTICES = 4096
#: Bytes of a message that a dashboard takes from a session.
LARGEST = 16 * 2**20


class Frame(NamedTuple):
    """A packed binary frame."""

    data: bytes


class Outbox:
    """A queue of frames and notifications in the order in which they came.

    Frames are let go oldest first when more than `FRAME_BYTES` wait (the store has them); of the run's status only
    the newest is kept; other notifications are let go, oldest first, when more than `NOTICES` wait.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._lock = threading.Lock()
        self._waiting: deque[Frame | Notification] = deque()
        self._bytes = 0
        self._notices = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put_frame(self, data: bytes) -> None:
        """Takes a frame; one that the dashboard would refuse for its size is let go."""
        with self._lock:
            if len(data) > LARGEST:
                self.dropped += 1
                return
            self._waiting.append(Frame(data))
            self._bytes += len(data)
            if self._bytes > FRAME_BYTES:
                self._let_go_frames()

    def put(self, notification: Notification) -> None:
        """Takes a notification."""
        with self._lock:
            if isinstance(notification, StatusMessage):
                self._forget_status()
            self._waiting.append(notification)
            self._notices += 1
            if self._notices > NOTICES:
                self._let_go_notice()

    def take(self, most: int = 256) -> list[Frame | Notification]:
        """Gives the oldest things that wait, at most `most` of them."""
        with self._lock:
            taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
            self._bytes -= sum(len(one.data) for one in taken if isinstance(one, Frame))
            self._notices -= sum(not isinstance(one, Frame) for one in taken)
            return taken

    def clear(self) -> None:
        """Forgets everything; also renews the lock, for a child that was forked while another thread held it."""
        self._lock = threading.Lock()
        self._waiting = deque()
        self._bytes = self._notices = 0

    def _let_go_frames(self) -> None:
        kept: deque[Frame | Notification] = deque()
        while self._waiting:
            one = self._waiting.popleft()
            # Half of the bound, so that this walk over the queue is rare.
            if isinstance(one, Frame) and self._bytes > FRAME_BYTES // 2:
                self._bytes -= len(one.data)
                self.dropped += 1
            else:
                kept.append(one)
        self._waiting = kept

    def _let_go_notice(self) -> None:
        for index, one in enumerate(self._waiting):
            if not isinstance(one, Frame):
                del self._waiting[index]
                self._notices -= 1
                self.dropped += 1
                return

    def _forget_status(self) -> None:
        # A status that waits is always near the end: frames and few notices came after it.
        for back in range(1, min(len(self._waiting), 64) + 1):
            if isinstance(self._waiting[-back], StatusMessage):
                del self._waiting[-back]
                self._notices -= 1
                return
