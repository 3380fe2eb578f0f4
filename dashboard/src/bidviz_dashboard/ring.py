"""The last frames of a run, kept so that a client that comes back misses nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from bidviz_dashboard.sockets import WireFrame

#: Bytes kept of a run.
KEPT_BYTES = 32 * 2**20
#: Batches sent again to one who asks for no number: history lags behind by half a second, and must overlap.
OVERLAP = 60


class Kept(NamedTuple):
    """A frame and what its head says.

    Args:
        sequence: its batch.
        name: the series of an array; empty for a batch of scalars.
        step: the last step in it.
        frame: the frame.
    """

    sequence: int
    name: str
    step: int
    frame: WireFrame


class Ring:
    """Frames in the order in which they came, the oldest let go."""

    def __init__(self) -> None:
        self.last = 0
        self._kept: deque[Kept] = deque()
        self._bytes = 0
        self._complete_from = 1

    def add(self, kept: Kept) -> bool:
        """Keeps a frame; false if batches before it are missing."""
        gapless = kept.sequence <= self.last + 1
        if not gapless:
            self._complete_from = kept.sequence
        self.last = max(self.last, kept.sequence)
        self._kept.append(kept)
        self._bytes += len(kept.frame.payload)
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            gone = self._kept.popleft()
            self._bytes -= len(gone.frame.payload)
            self._complete_from = max(self._complete_from, gone.sequence + 1)
        return gapless

    def cut(self, sequence: int) -> None:
        """Lets go of what came after a batch: the run's file ends with it, and nothing comes any more."""
        self._kept = deque(kept for kept in self._kept if kept.sequence <= sequence)
        self._bytes = sum(len(kept.frame.payload) for kept in self._kept)
        self.last = min(self.last, sequence)

    def missed(self, since: int) -> int:
        """The first batch from which all are here, where some after `since` are not; else 0."""
        return self._complete_from if self.last > since and self._complete_from > since + 1 else 0

    def after(self, since: int | None) -> Iterator[Kept]:
        """The frames after a batch; after none, the last few."""
        first = self.last - OVERLAP if since is None else since
        return (kept for kept in self._kept if kept.sequence > first)
