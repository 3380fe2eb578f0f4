"""The states of the random generators that a training draws from, as something that can be kept and put back."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from typing import Any


def take_states(own: Sequence[Any] = ()) -> dict[str, Any]:
    """The states of `random`, numpy's global generator, torch's (CPU, and CUDA once in use), and given generators.

    Args:
        own: torch or numpy generators of the script's.
    """
    states: dict[str, Any] = {"random": random.getstate(), "own": [_state_of(one) for one in own]}
    if numpy := sys.modules.get("numpy"):
        states["numpy"] = numpy.random.get_state(legacy=False)
    if torch := sys.modules.get("torch"):
        states["torch"] = torch.get_rng_state()
        if torch.cuda.is_initialized():
            states["cuda"] = [generator.get_state() for generator in torch.cuda.default_generators]
    return states


def put_back_states(states: dict[str, Any], own: Sequence[Any] = ()) -> None:
    """Puts back what `take_states` gave; generators of CUDA devices that are not there any more are left alone."""
    random.setstate(states["random"])
    if "numpy" in states and (numpy := sys.modules.get("numpy")):
        numpy.random.set_state(states["numpy"])
    if "torch" in states and (torch := sys.modules.get("torch")):
        torch.set_rng_state(_whole(states["torch"]))
        if "cuda" in states and torch.cuda.is_available():
            torch.cuda.init()
            for generator, state in zip(torch.cuda.default_generators, states["cuda"], strict=False):
                generator.set_state(_whole(state))
    for one, state in zip(own, states["own"], strict=False):
        if hasattr(one, "bit_generator"):
            one.bit_generator.state = state
        else:
            one.set_state(_whole(state))


def same_states(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two states are equal to the bit."""
    return _same(one, other)


def generators_of(loader: Any) -> list[Any]:
    """The generators that a DataLoader and its samplers were given, each once."""
    batch_sampler = getattr(loader, "batch_sampler", None)
    places = (loader, getattr(loader, "sampler", None), batch_sampler, getattr(batch_sampler, "sampler", None))
    found: list[Any] = []
    for place in places:
        for name in ("generator", "rng"):
            one = getattr(place, name, None)
            known = hasattr(one, "bit_generator") or (hasattr(one, "get_state") and hasattr(one, "set_state"))
            if known and not any(one is other for other in found):
                found.append(one)
    return found


def _whole(state: Any) -> Any:
    """A state in memory of its own: torch reads one that is a part of something larger from the wrong place."""
    return state.clone() if hasattr(state, "clone") else state


def _state_of(generator: Any) -> Any:
    return generator.bit_generator.state if hasattr(generator, "bit_generator") else generator.get_state()


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(_same(*pair) for pair in zip(one, other, strict=True))
    if hasattr(one, "tobytes"):
        return bool((one == other).all())
    return bool((one == other).all()) if hasattr(one, "numel") else bool(one == other)
