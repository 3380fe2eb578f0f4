"""The state of a torch training as one tree of plain data and tensors, and the way back into the living objects.

Going back is done in place: parameters, buffers and what optimizers keep stay the same tensors, so that whoever holds
on to one (a scheduler, an average, a compiled step) sees the old values in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bidviz_core.checkpoints.packing import copy
from bidviz_core.errors import CommandError


def model_state(model: nn.Module | None) -> dict[str, Any] | None:
    """Parameters, all buffers, extra state, modes and what is trained."""
    if model is None:
        return None
    return {
        "parameters": {name: one.detach() for name, one in model.named_parameters(remove_duplicate=False)},
        "buffers": dict(model.named_buffers(remove_duplicate=False)),
        "extra": {name: module.get_extra_state() for name, module in _with_extra_state(model)},
        "modes": {name: module.training for name, module in model.named_modules()},
        "trained": {name: one.requires_grad for name, one in model.named_parameters(remove_duplicate=False)},
    }


def optimizer_state(optimizer: Optimizer) -> dict[str, Any]:
    """What an optimizer keeps, by its parameters' numbers, and its groups' settings."""
    numbers = {id(one): index for index, one in enumerate(_parameters(optimizer))}
    return {
        "kind": type(optimizer).__name__,
        "shapes": [tuple(one.shape) for one in _parameters(optimizer)],
        "state": {
            numbers.get(id(key), key): dict(value)
            for key, value in optimizer.state.items()
            if id(key) in numbers or not isinstance(key, Tensor)
        },
        "groups": [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups],
        "sizes": [len(group["params"]) for group in optimizer.param_groups],
    }


def check_model(model: nn.Module | None, kept: dict[str, Any] | None) -> None:
    """Refuses the state of another model.

    Raises:
        CommandError: naming the first difference.
    """
    if model is None or kept is None:
        if (model is None) != (kept is None):
            raise CommandError("The checkpoint is from another training: one of the two has no model.")
        return
    for what, present in (
        ("parameters", dict(model.named_parameters(remove_duplicate=False))),
        ("buffers", dict(model.named_buffers(remove_duplicate=False))),
    ):
        old = kept[what]
        missing, extra = sorted(present.keys() - old.keys()), sorted(old.keys() - present.keys())
        if missing or extra:
            name = (missing or extra)[0]
            where = "the model, not the checkpoint," if missing else "the checkpoint, not the model,"
            raise CommandError(f"The checkpoint is from another model: {where} has {name!r}. Nothing was changed.")
        for name, tensor in present.items():
            theirs = old[name]
            if tensor.shape != theirs.shape or tensor.dtype != theirs.dtype:
                raise CommandError(
                    f"The checkpoint is from another model: {name} has the shape {_form(theirs)} there and "
                    f"{_form(tensor)} here. Nothing was changed."
                )


def check_optimizer(optimizer: Optimizer, kept: dict[str, Any]) -> None:
    """Refuses the state of another optimizer.

    Raises:
        CommandError: naming the difference.
    """
    shapes = [tuple(one.shape) for one in _parameters(optimizer)]
    sizes = [len(group["params"]) for group in optimizer.param_groups]
    if kept["kind"] != type(optimizer).__name__:
        wrong = f"it is from {kept['kind']}, the script has {type(optimizer).__name__}"
    elif kept["sizes"] != sizes or [tuple(shape) for shape in kept["shapes"]] != shapes:
        wrong = f"its parameter groups hold {kept['sizes']} parameters, those of the script {sizes}, or of other shapes"
    else:
        return
    raise CommandError(f"The checkpoint's optimizer does not fit: {wrong}. Nothing was changed.")


def put_back_model(model: nn.Module, kept: dict[str, Any]) -> None:
    """Writes a model's state into its tensors."""
    present: dict[str, Tensor] = {
        **dict(model.named_parameters(remove_duplicate=False)),
        **dict(model.named_buffers(remove_duplicate=False)),
    }
    old = {**kept["parameters"], **kept["buffers"]}
    copy([one.detach() for one in present.values()], [old[name] for name in present])
    for name, one in model.named_parameters(remove_duplicate=False):
        if one.requires_grad != kept["trained"][name]:
            one.requires_grad_(kept["trained"][name])
    for name, module in model.named_modules():
        if name in kept["modes"]:
            module.training = kept["modes"][name]
    for name, module in _with_extra_state(model):
        if name in kept["extra"]:
            module.set_extra_state(kept["extra"][name])


def put_back_optimizer(optimizer: Optimizer, kept: dict[str, Any]) -> None:
    """Writes an optimizer's state into the tensors it has; what it has not yet is made as its parameter lies."""
    parameters = _parameters(optimizer)
    keys = [parameters[key] if isinstance(key, int) else key for key in kept["state"]]
    targets: list[Tensor] = []
    sources: list[Tensor] = []
    for key, values in zip(keys, kept["state"].values(), strict=True):
        present = optimizer.state[key]
        for name in present.keys() - values.keys():
            del present[name]
        for name, value in values.items():
            present[name] = _written(
                present.get(name), value, _device_of(key, name, value, optimizer), targets, sources
            )
    if targets:
        copy(targets, sources)
    for key in list(optimizer.state):
        if not any(key is one for one in keys):
            del optimizer.state[key]
    put_back_groups(optimizer, kept)


def put_back_groups(optimizer: Optimizer, kept: dict[str, Any]) -> None:
    """Writes the settings of an optimizer's groups alone."""
    for group, settings in zip(optimizer.param_groups, kept["groups"], strict=True):
        for name in group.keys() - settings.keys() - {"params"}:
            del group[name]
        for name, value in settings.items():
            old = group.get(name)
            if isinstance(old, Tensor) and isinstance(value, Tensor) and old.shape == value.shape:
                old.copy_(value)  # capturable optimizers hold on to their tensor
            else:
                group[name] = _own(value)


def _written(present: Any, value: Any, device: torch.device, targets: list[Tensor], sources: list[Tensor]) -> Any:
    if not isinstance(value, Tensor):
        return _own(value)
    if not _fits(present, value):
        present = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=device)
    targets.append(present)
    sources.append(value)
    return present


def _fits(present: Any, value: Tensor) -> bool:
    return isinstance(present, Tensor) and present.shape == value.shape and present.dtype == value.dtype


def _device_of(key: Any, name: Any, value: Any, optimizer: Optimizer) -> torch.device:
    if not isinstance(key, Tensor):
        return torch.device("cpu")
    if name == "step" and isinstance(value, Tensor):  # torch keeps the count on the CPU unless the step is captured
        on_device = any(group.get("capturable") or group.get("fused") for group in optimizer.param_groups)
        return key.device if on_device else torch.device("cpu")
    return key.device


def _own(value: Any) -> Any:
    """A copy that does not lie in the memory of the checkpoint, which is used again."""
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: _own(inner) for key, inner in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_own(inner) for inner in value)
    return value


own_copy = _own


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    return [one for group in optimizer.param_groups for one in group["params"]]


def _with_extra_state(model: nn.Module) -> Iterable[tuple[str, nn.Module]]:
    plain = nn.Module.get_extra_state
    return ((name, one) for name, one in model.named_modules() if type(one).get_extra_state is not plain)


def _form(tensor: Tensor) -> str:
    return f"{_shape(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"


def _shape(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) or "scalar"
