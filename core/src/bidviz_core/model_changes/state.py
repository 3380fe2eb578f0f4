"""The optimizers' state of some parameters: copied to the bit, put back, and made as it was before the first update."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import Adagrad, Optimizer

from bidviz_core.model_changes.subject import state_keys

#: How an optimizer says that it makes a parameter's state when it first meets it.
_MADE_WHEN_MET = ("len(state) == 0", "not in state", "setdefault", "if not state", "state.get(")


class KeptState(NamedTuple):
    """The state an optimizer held for one parameter.

    Args:
        optimizer: the optimizer.
        key: the parameter it is kept under.
        state: its values, tensors copied to the host; none where there was no state.
        devices: where its tensors were.
    """

    optimizer: Optimizer
    key: Tensor
    state: dict[str, Any] | None
    devices: dict[str, torch.device]


def keep_state(optimizers: Sequence[Optimizer], tensors: Sequence[Tensor]) -> list[KeptState]:
    """Copies what the optimizers hold for these parameters."""
    kept = []
    for optimizer in optimizers:
        for key in state_keys(optimizer, tensors):
            present = optimizer.state.get(key)
            devices = {name: value.device for name, value in (present or {}).items() if isinstance(value, Tensor)}
            held = None if present is None else {name: _host_copy(value) for name, value in present.items()}
            kept.append(KeptState(optimizer, key, held, devices))
    return kept


def put_back_state(kept: Sequence[KeptState]) -> None:
    """Puts back what `keep_state` copied."""
    for optimizer, key, held, devices in kept:
        if held is None:
            optimizer.state.pop(key, None)
            continue
        state = optimizer.state[key]
        for name in set(state) - set(held):
            del state[name]
        for name, value in held.items():
            present = state.get(name)
            if isinstance(value, Tensor):
                if isinstance(present, Tensor) and present.shape == value.shape and present.dtype == value.dtype:
                    present.copy_(value)  # what was captured into a graph holds on to its tensor
                else:
                    state[name] = value.to(devices[name], copy=True)
            else:
                state[name] = copy.deepcopy(value)


def size_of(kept: Sequence[KeptState]) -> int:
    """Bytes of the copies."""
    return sum(_bytes(value) for one in kept if one.state is not None for value in one.state.values())


def present_size(optimizers: Sequence[Optimizer], tensors: Sequence[Tensor]) -> int:
    """Bytes of what the optimizers hold for these parameters, before it is copied."""
    keys = [(optimizer, key) for optimizer in optimizers for key in state_keys(optimizer, tensors)]
    return sum(_bytes(value) for optimizer, key in keys for value in optimizer.state.get(key, {}).values())


def reset_state(optimizers: Sequence[Optimizer], tensors: Sequence[Tensor]) -> tuple[int, list[str]]:
    """Makes the state of these parameters as it was before their first update.

    Returns:
        For how many there was a state, and what a person should know.
    """
    count = 0
    notes: list[str] = []
    for optimizer in optimizers:
        for key in state_keys(optimizer, tensors):
            state = optimizer.state.get(key)
            if not state:
                continue
            count += 1
            if isinstance(optimizer, Adagrad):  # makes its state when it is made, and counts on it
                start = optimizer.defaults.get("initial_accumulator_value", 0.0)
                state["sum"].fill_(complex(start, start) if state["sum"].is_complex() else start)
                state["step"].zero_()
            elif _is_captured(optimizer, key) or not _made_when_met(optimizer):
                _zero(state)
                if not _made_when_met(optimizer):
                    notes.append(f"{type(optimizer).__name__} is not torch's: its state was set to zero in place.")
            else:
                optimizer.state.pop(key)
    return count, list(dict.fromkeys(notes))


def _is_captured(optimizer: Optimizer, key: Tensor) -> bool:
    return any(
        group.get("capturable", False) for group in optimizer.param_groups if any(one is key for one in group["params"])
    )


def _made_when_met(optimizer: Optimizer) -> bool:
    """Whether the optimizer makes a state that is missing; torch's own do, of others the source tells."""
    if type(optimizer).__module__.startswith("torch.optim"):
        return True
    try:
        source = inspect.getsource(type(optimizer))
    except (OSError, TypeError):
        return False
    return any(sign in source for sign in _MADE_WHEN_MET)


def _zero(state: dict[str, Any]) -> None:
    for name, value in state.items():
        if isinstance(value, Tensor):
            value.zero_()
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            state[name] = type(value)(0)


def _host_copy(value: Any) -> Any:
    return value.detach().to("cpu", copy=True) if isinstance(value, Tensor) else copy.deepcopy(value)


def _bytes(value: Any) -> int:
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    return sum(map(_bytes, value)) if isinstance(value, (list, tuple)) else 8
