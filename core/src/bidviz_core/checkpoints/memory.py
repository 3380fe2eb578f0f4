"""Memory for copies of a training's state, used again: fresh memory costs more to touch than the copy itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from bidviz_core.checkpoints.packing import Spec, copy, lay_out, views
from bidviz_core.errors import CommandError

#: One copy that is written, and one that is taken meanwhile.
_MOST = 2


class Held:
    """A copy of tensors in memory.

    Args:
        memory: the piece of memory.
        specs: where each tensor lies in it.
        size: how many bytes of the memory they take.
    """

    def __init__(self, memory: Tensor, specs: list[Spec], size: int) -> None:
        self.memory = memory
        self.specs = specs
        self.size = size
        self.tensors = views(memory, specs)
        self.busy = True
        self._copied: list[Any] = []

    def take(self, sources: Sequence[Tensor]) -> None:
        """Copies tensors in; those of a GPU are there when `wait` has returned."""
        copy(self.tensors, sources)
        devices = {source.device for source in sources if source.is_cuda}
        self._copied = []
        for device in devices:
            event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            event.record(torch.cuda.current_stream(device))
            self._copied.append(event)

    def wait(self) -> None:
        """Waits until everything has come from the GPUs."""
        for event in self._copied:
            event.synchronize()
        self._copied = []

    def as_bytes(self) -> Any:
        """What it holds, as a buffer."""
        return self.memory[: self.size].numpy()

    def let_go(self) -> None:
        """It is not needed any more; the memory may be used again."""
        self.busy = False


class Memory:
    """The copies of one session; at most two at a time."""

    def __init__(self) -> None:
        self._held: list[Held] = []

    def hold(self, tensors: Sequence[Tensor]) -> Held:
        """Copies tensors.

        Raises:
            CommandError: both copies are still in use, or there is no memory for another.
        """
        specs, size = lay_out(tensors)
        held = self._free(specs, size, any(tensor.is_cuda for tensor in tensors))
        held.take(tensors)
        return held

    def close(self) -> None:
        """Lets all memory go."""
        self._held.clear()

    def _free(self, specs: list[Spec], size: int, pinned: bool) -> Held:
        for held in self._held:
            if not held.busy and held.specs == specs:
                held.busy = True
                return held
        free = next((held for held in self._held if not held.busy and len(held.memory) >= size), None)
        self._held = [held for held in self._held if held.busy]
        if len(self._held) >= _MOST:
            raise CommandError("Two checkpoints are still being written: try again when they are ready.")
        try:
            memory = free.memory if free is not None else allocate(size, pinned)
        except (RuntimeError, MemoryError) as error:
            raise CommandError(f"There is no memory for a copy of {size:,} bytes: {error}") from None
        held = Held(memory, specs, size)
        self._held.append(held)
        return held


def allocate(size: int, pinned: bool = False) -> Tensor:
    """Memory of so many bytes."""
    return torch.empty(size, dtype=torch.uint8, pin_memory=pinned)


def read_into(size: int) -> Any:
    """Memory to read a file into, as a buffer."""
    return allocate(size).numpy()


def held_in(buffer: Any, specs: Sequence[Any]) -> Held:
    """The tensors in what was read from a file."""
    memory = torch.from_numpy(buffer)
    return Held(memory, [tuple(spec) for spec in specs], len(memory))
