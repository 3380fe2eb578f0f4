"""Takes the tensors of a state apart from the rest of it, and copies them all into one piece of memory."""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

#: Each tensor begins at a multiple of this.
_ALIGNED = 64
Spec = tuple[str, list[int], list[int], int]  # data type, shape, strides, offset


class Packed(NamedTuple):
    """A state taken apart.

    Args:
        state: its pickle, with tensors by number.
        tensors: the tensors.
    """

    state: bytes
    tensors: list[Tensor]


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.tensors: list[Tensor] = []
        self._known: dict[tuple[Any, ...], int] = {}

    def persistent_id(self, value: Any) -> int | None:
        if not isinstance(value, Tensor) or not _is_plain(value):
            return None
        # Tied weights come as different objects over the same memory: kept once.
        key = (value.data_ptr(), value.dtype, value.device, tuple(value.shape), value.stride())
        number = self._known.get(key) if value.numel() else None
        if number is None:
            number = self._known[key] = len(self.tensors)
            self.tensors.append(value.detach())
        return number


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, tensors: Sequence[Tensor]) -> None:
        super().__init__(file)
        self._tensors = tensors

    def persistent_load(self, number: Any) -> Tensor:
        tensor: Tensor = self._tensors[number]
        return tensor


def pack(state: Any) -> Packed:
    """Takes a state apart; what the tensors hold is still to be copied."""
    file = io.BytesIO()
    pickler = _Pickler(file)
    pickler.dump(state)
    return Packed(file.getvalue(), pickler.tensors)


def unpack(state: bytes, tensors: Sequence[Tensor]) -> Any:
    """Puts a state together again."""
    return _Unpickler(io.BytesIO(state), tensors).load()


def lay_out(tensors: Sequence[Tensor]) -> tuple[list[Spec], int]:
    """Where each tensor lies in one piece of memory, and how many bytes that has."""
    specs: list[Spec] = []
    offset = 0
    for tensor in tensors:
        strides = list(tensor.stride()) if _is_dense(tensor) else _row_strides(tensor.shape)
        specs.append((str(tensor.dtype).removeprefix("torch."), list(tensor.shape), strides, offset))
        offset += -(-tensor.numel() * tensor.element_size() // _ALIGNED) * _ALIGNED
    return specs, offset


def views(memory: Tensor, specs: Sequence[Spec]) -> list[Tensor]:
    """The tensors in a piece of memory."""
    found = []
    for name, shape, strides, offset in specs:
        dtype: torch.dtype = getattr(torch, name)
        count = 1
        for length in shape:
            count *= length
        flat = memory[offset : offset + count * dtype.itemsize].view(dtype)
        found.append(flat.as_strided(shape, strides) if count else flat.reshape(shape))
    return found


def copy(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    """Copies tensors in one go; from a GPU without waiting for it."""
    with torch.no_grad():
        torch._foreach_copy_(list(targets), list(sources), non_blocking=True)


def _is_plain(tensor: Tensor) -> bool:
    # What is left to torch's own pickling is small or rare: sparse, quantized and lazy tensors, and subclasses.
    kind = type(tensor) in (Tensor, torch.nn.Parameter, torch.nn.Buffer)
    return kind and tensor.layout is torch.strided and not tensor.is_quantized and not tensor.is_meta


def _is_dense(tensor: Tensor) -> bool:
    return bool(torch.ops.aten.is_non_overlapping_and_dense(tensor)) if tensor.dim() else True


def _row_strides(shape: Sequence[int]) -> list[int]:
    strides, step = [], 1
    for length in reversed(shape):
        strides.append(step)
        step *= max(1, length)
    return strides[::-1]
