"""Whether gradients are finite, asked of all at once, and whether a model's own values are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer


def bad_gradients(optimizer: Optimizer, names: Sequence[str], tensors: Sequence[Tensor]) -> list[str]:
    """Names the parameters of an optimizer whose gradients are not all finite; one read from the device.

    Under a `GradScaler` that leaves bad updates out by itself there is nothing to say.
    """
    if getattr(optimizer, "found_inf", None) is not None:
        return []
    owners = [one for group in optimizer.param_groups for one in group["params"] if one.grad is not None]
    if not owners:
        return []
    with torch.no_grad():
        gradients = [_values(one.grad) for one in owners]
        # The largest value of each, which NaN and infinity go through; sums would overflow where all is finite.
        largest = torch._foreach_norm([one for one in gradients if one.numel()], float("inf"))
        devices = {one.device for one in largest}
        if all(
            bool(torch.stack([one for one in largest if one.device == device]).isfinite().all()) for device in devices
        ):
            return []
        bad = {id(owner) for owner, one in zip(owners, gradients, strict=True) if not bool(one.isfinite().all())}
    known = {id(tensor): name for name, tensor in zip(names, tensors, strict=True)}
    return [known.get(id(owner), "a parameter") for owner in owners if id(owner) in bad]


def spoilt(names: Sequence[str], tensors: Sequence[Tensor], infinity: bool = True) -> list[str]:
    """The names of those tensors of a model that hold NaN or infinity; it reads all of them.

    Args:
        names: their names.
        tensors: the tensors.
        infinity: whether infinity counts.
    """
    with torch.no_grad():
        return [name for name, tensor in zip(names, tensors, strict=True) if _is_spoilt(tensor, infinity)]


def _is_spoilt(tensor: Tensor, infinity: bool) -> bool:
    if tensor.is_meta or not (tensor.is_floating_point() or tensor.is_complex()):
        return False
    try:
        values = _values(tensor.detach())
        return not bool(values.isfinite().all()) if infinity else bool(values.isnan().any())
    except (RuntimeError, ValueError):  # not initialized yet, or of a kind that torch cannot ask
        return False


def _values(gradient: Tensor) -> Tensor:
    return gradient._values() if gradient.is_sparse else gradient
