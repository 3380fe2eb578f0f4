"""What a change of the model replaced, kept on the host so that it can be undone to the bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bidviz_core.errors import CommandError
from bidviz_core.model_changes.state import KeptState, keep_state, present_size, put_back_state, size_of
from bidviz_core.model_changes.subject import Parameter


class KeptTensor(NamedTuple):
    """One parameter or buffer as it was.

    Args:
        name: its qualified name.
        value: a copy on the host, or none where the change leaves values alone.
        layout: its shape and data type.
        requires_grad: whether it was trained.
    """

    name: str
    value: Tensor | None
    layout: tuple[torch.Size, torch.dtype]
    requires_grad: bool


class Kept(NamedTuple):
    """Everything that one change replaced.

    Args:
        tensors: the parameters and the buffers.
        states: what the optimizers held for them.
        size: bytes of all copies.
    """

    tensors: list[KeptTensor]
    states: list[KeptState]
    size: int


def keep(
    parameters: Sequence[Parameter],
    buffers: Mapping[str, Tensor],
    optimizers: Sequence[Optimizer],
    *,
    values: bool,
    states: bool,
) -> Kept:
    """Copies what a change is about to replace.

    Args:
        parameters: those that change.
        buffers: those that change with them, such as running statistics.
        optimizers: the optimizers, whose state is kept too.
        values: whether values change.
        states: whether the optimizers' state changes, now or because of what follows.
    """
    tensors = [_kept(name, tensor, values) for name, tensor in parameters]
    tensors += [_kept(name, tensor, True) for name, tensor in buffers.items()]
    held = keep_state(optimizers, [tensor for _, tensor in parameters]) if states else []
    size = sum(one.value.numel() * one.value.element_size() for one in tensors if one.value is not None)
    return Kept(tensors, held, size + size_of(held))


def size_to_keep(
    parameters: Sequence[Parameter], buffers: Mapping[str, Tensor], optimizers: Sequence[Optimizer]
) -> int:
    """About how many bytes `keep` would copy, before it does."""
    own = [tensor for _, tensor in parameters]
    values = sum(tensor.numel() * tensor.element_size() for tensor in (*own, *buffers.values()))
    return values + present_size(optimizers, own)


def put_back(kept: Kept, present: Mapping[str, Tensor]) -> None:
    """Puts everything back.

    Args:
        kept: what `keep` copied.
        present: the model's parameters and buffers by name, as they are now.

    Raises:
        CommandError: something is gone or has another layout; nothing was changed.
    """
    for one in kept.tensors:
        tensor = present.get(one.name)
        if tensor is None:
            raise CommandError(f"{one.name} is no longer part of the model, so the change cannot be undone.")
        if _layout(tensor) != one.layout:
            raise CommandError(
                f"{one.name} is {_words(_layout(tensor))} now and was {_words(one.layout)} when it was changed: "
                "its kept copy does not fit. Go back to a checkpoint instead."
            )
    with torch.no_grad():
        for one in kept.tensors:
            tensor = present[one.name]
            if one.value is not None:
                tensor.copy_(one.value)
            if isinstance(tensor, nn.Parameter) and tensor.requires_grad != one.requires_grad:
                tensor.requires_grad_(one.requires_grad)
                if not one.requires_grad:
                    tensor.grad = None
        put_back_state(kept.states)


def _kept(name: str, tensor: Tensor, values: bool) -> KeptTensor:
    copied = tensor.detach().to("cpu", copy=True) if values else None
    return KeptTensor(name, copied, _layout(tensor), tensor.requires_grad)


def _layout(tensor: Tensor) -> tuple[torch.Size, torch.dtype]:
    return tensor.shape, tensor.dtype


def _words(layout: tuple[torch.Size, torch.dtype]) -> str:
    shape, dtype = layout
    return f"{tuple(shape)} of {str(dtype).removeprefix('torch.')}"
