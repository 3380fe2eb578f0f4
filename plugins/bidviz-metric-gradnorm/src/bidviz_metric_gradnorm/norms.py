"""The maths: pure functions over names and numbers, which know nothing of a session."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

#: More lines than this nobody can tell apart: the layers of a larger model are put together by block.
MOST_LAYERS = 100

#: Beyond these a float32 sum of squares has under- or overflowed.
_LEAST, _MOST = 1e-18, 1e18


class Layers(NamedTuple):
    """Which tensors make up which layer.

    Args:
        names: k layer names, in the order of the model.
        members: for each layer the positions of its tensors.
        picks: for each layer what takes its norms out of a list of all.
        keys: what the global norm is called in a metric's result, and each layer's.
    """

    names: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    picks: tuple[Callable[[Sequence[float]], Sequence[float]], ...]
    keys: tuple[str, ...]


@lru_cache(maxsize=16)
def layers_of(names: tuple[str, ...], at_most: int = MOST_LAYERS) -> Layers:
    """Puts tensors together by the module they belong to, and modules by block where there are too many.

    Args:
        names: qualified names of tensors (`"encoder.0.weight"`).
        at_most: the most layers to tell apart.
    """
    paths = [tuple(name.split(".")[:-1]) or (name,) for name in names]
    depth = max(map(len, paths), default=0)
    while depth > 1 and len({path[:depth] for path in paths}) > at_most:
        depth -= 1
    groups: dict[str, list[int]] = {}
    for position, path in enumerate(paths):
        layer = ".".join(path[:depth])
        if layer not in groups and len(groups) >= at_most - 1 and len({path[:depth] for path in paths}) > at_most:
            layer = "others"
        groups.setdefault(layer, []).append(position)
    members = tuple(map(tuple, groups.values()))
    keys = ("global", *(f"layer/{layer}" for layer in groups))
    return Layers(tuple(groups), members, tuple(map(_pick, members)), keys)


def mended(norms: list[float], tensors: Sequence[Tensor]) -> list[float]:
    """The norms, computed again in float64 where float32 was too narrow.

    A float32 sum of squares is 0 for values below 1e-23 and infinite from 1e19, where the norm itself is neither.

    Args:
        norms: n norms, as a fused operation gave them.
        tensors: the n tensors.
    """
    if not norms or (min(norms) > _LEAST and max(norms) < _MOST):
        return norms
    import torch  # only now: most norms are fine, and a learner without torch never comes here

    values = list(norms)
    for position, value in enumerate(norms):
        if value < _LEAST or value > _MOST:
            tensor = tensors[position]
            tensor = tensor.coalesce().values() if tensor.is_sparse else tensor
            values[position] = torch.linalg.vector_norm(tensor, dtype=torch.float64).item()
    return values


def together(norms: Sequence[float]) -> float:
    """The norm of parts whose norms are known; NaN where one is NaN, also beside an infinite one."""
    norm = math.hypot(*norms)
    return math.nan if norm == math.inf and any(map(math.isnan, norms)) else norm


def with_total(norms: list[float], tensors: Sequence[Tensor]) -> tuple[list[float], float]:
    """The norms as `mended` gives them, and the norm of all `together`."""
    total = math.hypot(*norms)
    if norms and total < _MOST and min(norms) > _LEAST:
        return norms, total
    norms = mended(norms, tensors)
    return norms, together(norms)


def by_layer(norms: Sequence[float], layers: Layers) -> list[float]:
    """The norm of each layer from the norms of its tensors."""
    hypot = math.hypot
    values = [hypot(*pick(norms)) for pick in layers.picks]
    return [together(pick(norms)) for pick in layers.picks] if math.inf in values else values


def by_layer_on_device(norms: Tensor, layers: Layers) -> tuple[Tensor, Tensor]:
    """The same for norms on an accelerator, without waiting for it.

    Returns:
        The global norm and the norm of each layer, in float64 on the device: the squares of float32 norms fit there.
    """
    import torch  # only now: a learner without torch never comes here

    positions = torch.tensor(_positions(layers), device=norms.device)
    squares = norms.double().square()
    summed = torch.zeros(len(layers.names), dtype=torch.float64, device=norms.device).index_add_(0, positions, squares)
    return squares.sum().sqrt(), summed.sqrt()


def ratio(part: float, whole: float) -> float:
    """`part / whole`; NaN where the whole is 0, for there is nothing to compare with."""
    return part / whole if whole else math.nan


def _pick(members: tuple[int, ...]) -> Callable[[Sequence[float]], Sequence[float]]:
    first, last = members[0], members[-1]
    # The tensors of a layer nearly always stand side by side.
    return itemgetter(slice(first, last + 1)) if members == tuple(range(first, last + 1)) else itemgetter(*members)


def _positions(layers: Layers) -> list[int]:
    owner = {position: index for index, members in enumerate(layers.members) for position in members}
    return [owner[position] for position in range(len(owner))]
