"""The actions: what each does to parameters and to their optimizers' state, and what a person should know of it."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import LBFGS, Optimizer

from bidviz_core.errors import CommandError
from bidviz_core.model_changes.initializing import buffers_of, initialize, modules_to_reset
from bidviz_core.model_changes.kept import Kept, keep, size_to_keep
from bidviz_core.model_changes.state import reset_state
from bidviz_core.model_changes.subject import Parameter, listed, matching, of_optimizer, parameters_of, plain_name


class Done(NamedTuple):
    """What an action did.

    Args:
        parameters: those that it changed.
        kept: what it replaced, or none where that was too large to be kept.
        size: bytes of the copy, also of one that was too large.
        summary: one line of text.
        notes: what a person should know.
    """

    parameters: list[Parameter]
    kept: Kept | None
    size: int
    summary: str
    notes: list[str]


def perform(
    model: Any,
    optimizers: Sequence[Optimizer],
    action: str,
    pattern: str,
    value: float | None,
    seed: int,
    most_bytes: int,
) -> Done:
    """Checks a change, copies what it replaces, and makes it; on the training thread, at a step boundary.

    Args:
        model: the model, or none.
        optimizers: the optimizers.
        action: which.
        pattern: of the parameters' names.
        value: the factor of `scale`, the bound of `clip`.
        seed: of `initialize`.
        most_bytes: a larger copy is not kept.

    Raises:
        CommandError: it does not fit; nothing was changed.
    """
    if action not in ACTIONS:
        raise CommandError(f"There is no action {action!r}: {', '.join(ACTIONS)}.")
    everything = parameters_of(model, optimizers)
    chosen = matching(everything, pattern)
    _check_value(action, value)
    if action in ("freeze", "unfreeze"):
        chosen = _to_switch(everything, chosen, trained=action == "unfreeze", optimizers=optimizers)
    elif action != "reset_state":
        _check_kinds(action, chosen)
    modules = modules_to_reset(model, chosen) if action == "initialize" else []
    buffers = buffers_of(modules)
    values = action not in ("freeze", "reset_state")
    states = action != "freeze" or any(isinstance(one, LBFGS) for one in optimizers)
    size = size_to_keep(chosen, buffers, optimizers) if values or states else 0
    kept = keep(chosen, buffers, optimizers, values=values, states=states) if size <= most_bytes else None
    tensors = [tensor for _, tensor in chosen]
    with torch.no_grad():
        if action == "initialize":
            notes = _notes_of_start(initialize(modules, chosen, seed), buffers)
            if reset_state(optimizers, tensors)[0]:
                notes.append("Their optimizer state was reset with them.")
        else:
            notes = ACTIONS[action](tensors, value, optimizers)
    numbers = sum(tensor.numel() for tensor in tensors)
    count = f"{len(chosen)} parameters, {numbers:,} numbers" if len(chosen) > 1 else f"{numbers:,} numbers"
    words = _WORDS[action].format(value=value)
    summary = f"{words} {listed([one.name for one in chosen])} ({count})"
    return Done(chosen, kept, kept.size if kept is not None else size, summary, notes)


def present_tensors(model: Any, optimizers: Sequence[Optimizer]) -> Mapping[str, Tensor]:
    """Parameters and buffers by name, as they are now."""
    found = dict(parameters_of(model, optimizers))
    if isinstance(model, nn.Module):
        found.update({plain_name(name): buffer for name, buffer in model.named_buffers()})
    return found


def checksums(model: Any, optimizers: Sequence[Optimizer], names: Sequence[str]) -> dict[str, int]:
    """A checksum of each of these parameters that is still there; reads them all."""
    wanted = set(names)
    return {
        name: zlib.crc32(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        for name, tensor in parameters_of(model, optimizers)
        if name in wanted and tensor.layout is torch.strided
    }


def describe(model: Any, optimizers: Sequence[Optimizer]) -> list[dict[str, Any]]:
    """The parameters as the page shows them."""
    updated = {id(tensor) for optimizer in optimizers for tensor in of_optimizer(optimizer)}
    return [
        {
            "name": name,
            "shape": [] if nn.parameter.is_lazy(tensor) else list(tensor.shape),
            "trained": tensor.requires_grad,
            "updated": id(tensor) in updated,
            "type": str(tensor.dtype).removeprefix("torch."),
        }
        for name, tensor in parameters_of(model, optimizers)
    ]


def _check_value(action: str, value: float | None) -> None:
    if action == "scale" and (value is None or not math.isfinite(value)):
        raise CommandError(f"scale needs a finite factor as its value, got {value!r}.")
    if action == "clip" and (value is None or not math.isfinite(value) or value <= 0):
        raise CommandError(f"clip needs a bound above 0 as its value, got {value!r}: values are kept within ±bound.")


def _check_kinds(action: str, chosen: Sequence[Parameter]) -> None:
    for name, tensor in chosen:
        if not tensor.is_floating_point() and not (tensor.is_complex() and action == "scale"):
            raise CommandError(
                f"{name} holds {str(tensor.dtype).removeprefix('torch.')}, which {action} cannot change."
            )


def _to_switch(
    everything: Sequence[Parameter], chosen: Sequence[Parameter], trained: bool, optimizers: Sequence[Optimizer]
) -> list[Parameter]:
    """Those of the chosen that are not so yet; refuses to leave nothing to train."""
    if trained:
        for name, tensor in chosen:
            if not (tensor.is_floating_point() or tensor.is_complex()):
                raise CommandError(f"{name} holds {str(tensor.dtype).removeprefix('torch.')}: it cannot be trained.")
    switched = [one for one in chosen if one.tensor.requires_grad != trained]
    if not switched:
        state = "trained" if trained else "frozen"
        raise CommandError(f"{listed([one.name for one in chosen])}: already {state}, so there is nothing to do.")
    if not trained:
        ids = {id(tensor) for _, tensor in switched}
        left = [tensor for _, tensor in everything if tensor.requires_grad and id(tensor) not in ids]
        had = any(tensor.grad is not None for _, tensor in everything)
        if not left or (had and all(tensor.grad is None for tensor in left)):
            raise CommandError(
                "That would leave nothing that the loss depends on, and the next backward pass would fail: "
                "keep at least one layer trained, or pause the run."
            )
    return switched


def _freeze(tensors: Sequence[Tensor], value: float | None, optimizers: Sequence[Optimizer]) -> list[str]:
    for tensor in tensors:
        tensor.requires_grad_(False)
        # Without a gradient torch's optimizers pass a parameter over, weight decay and momentum included.
        tensor.grad = None
    notes = ["Their optimizer state is kept for when they are trained again."]
    if any(isinstance(one, LBFGS) for one in optimizers):
        reset_state([one for one in optimizers if isinstance(one, LBFGS)], tensors)
        notes = ["LBFGS goes on along old directions: its history was dropped, so that they stay where they are."]
    return notes


def _unfreeze(tensors: Sequence[Tensor], value: float | None, optimizers: Sequence[Optimizer]) -> list[str]:
    for tensor in tensors:
        tensor.requires_grad_(True)
    updated = {id(tensor) for optimizer in optimizers for tensor in of_optimizer(optimizer)}
    if any(id(tensor) not in updated for tensor in tensors):
        return ["Some of them belong to no optimizer, so nothing updates them: optimizer.add_param_group does that."]
    return []


def _scale(tensors: Sequence[Tensor], value: float | None, optimizers: Sequence[Optimizer]) -> list[str]:
    assert value is not None
    for tensor in tensors:
        tensor.mul_(value)
    return []


def _clip(tensors: Sequence[Tensor], value: float | None, optimizers: Sequence[Optimizer]) -> list[str]:
    assert value is not None
    outside = int(sum(int((tensor.abs() > value).sum()) for tensor in tensors))
    for tensor in tensors:
        tensor.clamp_(-value, value)
    return [f"{outside:,} numbers lay outside ±{value:g}."]


def _reset(tensors: Sequence[Tensor], value: float | None, optimizers: Sequence[Optimizer]) -> list[str]:
    count, notes = reset_state(optimizers, tensors)
    return notes if count else ["Their optimizers held no state for them."]


def _notes_of_start(usual: Sequence[str], buffers: Mapping[str, Tensor]) -> list[str]:
    notes = []
    if usual:
        notes.append(f"No module as a whole was chosen for {listed(usual)}: torch's usual start was used.")
    if buffers:
        notes.append(f"With them: {listed(list(buffers))}.")
    return notes


_Action = Callable[[Sequence[Tensor], "float | None", Sequence[Optimizer]], list[str]]

#: Every action; `initialize` needs the modules and is done above.
ACTIONS: Mapping[str, _Action] = {
    "freeze": _freeze,
    "unfreeze": _unfreeze,
    "initialize": lambda tensors, value, optimizers: [],
    "scale": _scale,
    "clip": _clip,
    "reset_state": _reset,
}

_WORDS = {
    "freeze": "froze",
    "unfreeze": "trains again:",
    "initialize": "initialised",
    "scale": "scaled by {value!r}:",
    "clip": "clipped to ±{value!r}:",
    "reset_state": "reset the optimizer's state of",
}
