"""The tensors of a torch learner: which are trained, how they are called, and views of them without a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer


def trained_tensors(model: nn.Module | None, optimizers: Sequence[Optimizer]) -> tuple[list[str], list[Tensor]]:
    """Qualified names and tensors of everything that is trained.

    Args:
        model: the model; its trainable parameters, each once, however often they are shared.
        optimizers: where there is no model, the parameters of their groups, which have numbers for names.
    """
    names: list[str] = []
    tensors: list[Tensor] = []
    if model is not None:
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                names.append(name.replace("_orig_mod.", ""))  # a compiled model's parameters keep their own names
                tensors.append(parameter)
        return names, tensors
    for index, optimizer in enumerate(optimizers):
        prefix = "parameter" if index == 0 else f"optimizer{index + 1}.parameter"
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                names.append(f"{prefix}{len(names)}")
                tensors.append(parameter)
    return names, tensors


def same_tensors(ones: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """Whether two lists hold the very same tensors."""
    return len(ones) == len(others) and all(one is other for one, other in zip(ones, others, strict=True))


def same_layout(ones: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """Whether values of one list can be copied to the other as they are."""
    return len(ones) == len(others) and all(
        one.shape == other.shape and one.dtype == other.dtype and one.device == other.device
        for one, other in zip(ones, others, strict=True)
    )


def detached(value: Any) -> Any:
    """A value with every tensor in it detached from its graph."""
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, dict):
        return {key: detached(inner) for key, inner in value.items()}
    if type(value) in (list, tuple):
        return type(value)(detached(inner) for inner in value)
    return value
