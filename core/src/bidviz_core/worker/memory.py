"""Memory that the training and the worker share: without a name, so that nothing can be left behind.

On Linux it is a memory file descriptor, elsewhere a temporary file that is deleted as soon as it is open. Both are gone
with the last process that holds them, however it ends. One descriptor serves for the worker's life: when more room is
needed, the file grows and both sides map it anew.
"""

from __future__ import annotations

import mmap
import os
import tempfile

import numpy as np
from numpy.typing import NDArray

#: Before the tensors stand three numbers: which metric runs, the how manieth run it is, and which run is to be
#: interrupted. So the training knows whom a crash hit, and an interruption that comes late hits nobody.
HEADER = 64
#: Every tensor begins at a multiple of this, which suits every data type and the processor's vector loads.
ALIGNMENT = 64


def open_memory() -> int:
    """A descriptor of new shared memory of size 0; child processes get it only when they are given it."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("bidviz-snapshot", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile(prefix="bidviz-snapshot-") as file:
        return os.dup(file.fileno())


class SharedMemory:
    """One process's view of the memory.

    Args:
        descriptor: as `open_memory` gave it.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.size = 0
        self.map: mmap.mmap | None = None
        self._header: NDArray[np.uint32] = np.zeros(3, np.uint32)

    def reserve(self, size: int) -> bool:
        """Sees to it that there is room for so many bytes; the training's side.

        Returns:
            Whether the memory was mapped anew, so that views of it have to be made anew.

        Raises:
            OSError: there is no room.
        """
        if size <= self.size:
            return False
        size = -(-max(size, 2 * self.size, 1 << 16) // mmap.PAGESIZE) * mmap.PAGESIZE
        os.ftruncate(self.descriptor, size)
        if hasattr(os, "posix_fallocate"):
            # A write into memory that the system turns out not to have would kill the training.
            os.posix_fallocate(self.descriptor, 0, size)
        self._map(size)
        return True

    def follow(self, size: int) -> bool:
        """Maps what the other side has reserved; the worker's side. Says whether that was new."""
        if size <= self.size:
            return False
        self._map(os.fstat(self.descriptor).st_size)
        return True

    def _map(self, size: int) -> None:
        flags = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
        # The old map lives on for as long as something looks into it.
        self.map = mmap.mmap(self.descriptor, size, flags=flags)
        self.size = size
        self._header = np.frombuffer(self.map, np.uint32, 3)

    def say_running(self, metric: int) -> None:
        """The worker says which metric runs now; 0 for none."""
        if metric:
            self._header[1] += 1
        self._header[0] = metric

    def running(self) -> tuple[int, int]:
        """Which metric runs, 0 for none, and a number that is another one for every run."""
        return int(self._header[0]), int(self._header[1])

    def ask_to_interrupt(self, run: int) -> None:
        """The training says which run is meant by the signal that follows."""
        self._header[2] = run

    def is_to_interrupt(self) -> bool:
        """Whether a signal means the present run; the worker's side."""
        return bool(self._header[2] == self._header[1])

    def forget_running(self) -> None:
        """The training clears what a worker said that is no more."""
        self._header[0] = 0

    def close(self) -> None:
        """Gives the memory up; it is gone when the other side has, too."""
        self.map = None
        self._header = np.zeros(3, np.uint32)
        self.size = 0
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
