"""Initialising again: by the modules' own `reset_parameters`, with random numbers of its own."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bidviz_core.model_changes.subject import Parameter, plain_name

#: What modules call it; torch's attention and transformer have it with an underscore.
_METHODS = ("reset_parameters", "_reset_parameters")


def modules_to_reset(model: Any, chosen: Sequence[Parameter]) -> list[tuple[str, nn.Module, Callable[[], None]]]:
    """The modules that initialise themselves: all of whose parameters are chosen, outermost first, none twice."""
    if not isinstance(model, nn.Module):
        return []
    ids = {id(tensor) for _, tensor in chosen}
    found: list[tuple[str, nn.Module, Callable[[], None]]] = []
    inside: set[int] = set()
    for name, module in model.named_modules():
        own = list(module.parameters())
        if id(module) in inside or not own or not all(id(one) in ids for one in own):
            continue
        reset = next((getattr(module, method) for method in _METHODS if callable(getattr(module, method, None))), None)
        if reset is None or any(hasattr(one, "parametrizations") for one in module.modules()):
            continue  # a parametrised weight is computed, so that writing to it is lost
        found.append((plain_name(name), module, reset))
        inside |= {id(one) for one in module.modules()}
    return found


def buffers_of(modules: Sequence[tuple[str, nn.Module, Callable[[], None]]]) -> dict[str, Tensor]:
    """The buffers that modules may write when they initialise themselves, such as running statistics."""
    return {
        plain_name(f"{name}.{inner}" if name else inner): buffer
        for name, module, _ in modules
        for inner, buffer in module.named_buffers()
    }


def initialize(
    modules: Sequence[tuple[str, nn.Module, Callable[[], None]]], chosen: Sequence[Parameter], seed: int
) -> list[str]:
    """Initialises parameters, and touches no random number of the training's.

    A parameter that no module initialises gets torch's usual start: a matrix or a kernel that of `nn.Linear`
    (uniform, Kaiming), a vector named `weight` ones, any other vector zeros.

    Args:
        modules: those that initialise themselves.
        chosen: all parameters to be initialised.
        seed: of the random numbers.

    Returns:
        The names of those that got the usual start.
    """
    with private_random(seed, {tensor.device for _, tensor in chosen}), torch.no_grad():
        covered: set[int] = set()
        for _, module, reset in modules:
            before = [(owner, key, tensor) for owner in module.modules() for key, tensor in owner._parameters.items()]
            reset()
            covered |= {id(tensor) for tensor in module.parameters()} | {id(tensor) for *_, tensor in before}
            for owner, key, tensor in before:
                made = owner._parameters[key]
                if tensor is not None and made is not None and made is not tensor:
                    tensor.copy_(made)  # a new one would be unknown to the optimizer
                    owner._parameters[key] = tensor
        rest = [parameter for parameter in chosen if id(parameter.tensor) not in covered]
        for one in rest:
            _usual_start(one.name, one.tensor)
    return [name for name, _ in rest]


def _usual_start(name: str, tensor: Tensor) -> None:
    if tensor.dim() >= 2:
        nn.init.kaiming_uniform_(tensor, a=math.sqrt(5))
    elif name.rsplit(".", 1)[-1] == "weight":
        tensor.fill_(1)
    else:
        tensor.zero_()


@contextmanager
def private_random(seed: int, devices: set[torch.device]) -> Iterator[None]:
    """Random numbers from a seed, and everybody's generators put back as they were."""
    kept_python, kept_numpy, kept_host = random.getstate(), np.random.get_state(), torch.get_rng_state()
    others = [device for device in devices if device.type not in ("cpu", "meta")]
    kept_others = [torch.get_device_module(device.type).get_rng_state(device) for device in others]
    try:
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.default_generator.manual_seed(seed)
        for device in others:
            generator = torch.Generator(device).manual_seed(seed)
            torch.get_device_module(device.type).set_rng_state(generator.get_state(), device)
        yield
    finally:
        random.setstate(kept_python)
        np.random.set_state(kept_numpy)
        torch.set_rng_state(kept_host)
        for device, state in zip(others, kept_others, strict=True):
            torch.get_device_module(device.type).set_rng_state(state, device)
