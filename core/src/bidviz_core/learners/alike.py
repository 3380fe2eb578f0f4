"""Finds how a script reshaped a tensor, from the memory that both share, so that it can be done to another one."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def how_it_was_reshaped(tensor: Tensor, view: Tensor) -> Callable[[Tensor], Tensor] | None:
    """What makes of a tensor what the script made of it, for any length of the first dimension.

    Args:
        tensor: what the model gave.
        view: what the loss function got.

    Returns:
        A differentiable function, or none where one is no view of the whole of the other: same values in the same
        memory, in another shape or with dimensions in another order.
    """
    same_memory = (
        tensor.untyped_storage().data_ptr() == view.untyped_storage().data_ptr()
        and tensor.storage_offset() == view.storage_offset()
        and tensor.numel() == view.numel()
        and tensor.dtype == view.dtype
    )
    if not same_memory:
        return None
    if tensor.shape == view.shape and tensor.stride() == view.stride():
        return _as_it_is
    order = _order(tensor, view)
    if order is not None:
        return lambda other: other.permute(order)
    if tensor.is_contiguous() and view.is_contiguous():
        rest = tuple(view.shape[1:])
        return lambda other: other.reshape(-1, *rest)
    return None


def _as_it_is(tensor: Tensor) -> Tensor:
    return tensor


def _order(tensor: Tensor, view: Tensor) -> tuple[int, ...] | None:
    """The order of the dimensions in the view, where it is only that."""
    own = list(zip(tensor.stride(), tensor.shape, strict=True))
    theirs = list(zip(view.stride(), view.shape, strict=True))
    if len(own) != len(theirs) or sorted(own) != sorted(theirs) or len(set(own)) != len(own):
        return None
    return tuple(own.index(one) for one in theirs)
