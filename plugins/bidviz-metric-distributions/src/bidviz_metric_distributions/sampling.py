"""Which values of a layer are looked at: all of a small one, evenly spaced runs of a large one."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

    from bidviz_core.views import TensorView

#: Of a layer that has more values than this, so many are looked at. The standard error of a mean is then 0.8 % of the
#: standard deviation, that of a share of a tenth 0.23 %.
MOST_OF_A_LAYER = 16_384
#: The same for all layers together.
MOST_OF_ALL = 131_072
#: Neighbours that are taken together: reading one value of a cache line costs what reading all of it does.
RUN = 256
#: The fewest runs, so that the beginning of a tensor does not stand for the whole.
LEAST_RUNS = 16
#: More rows than this nobody can tell apart: the layers of a larger model are put together by block.
MOST_LAYERS = 60


class Samples(NamedTuple):
    """The values that are looked at, in memory of their own that nobody writes to any more.

    Args:
        layers: names, in the order of the model.
        values: for each layer a vector.
        whole: a vector over all layers, of each its share.
    """

    layers: tuple[str, ...]
    values: tuple[Tensor, ...]
    whole: Tensor


def samples_of(view: TensorView) -> Samples:
    """The samples of a view; ask through `view.once(samples_of)`, so that metrics share them.

    Tensors without values are left out; of sparse gradients the stored values count, each row once.
    """
    import torch  # only now: a learner without torch never comes here

    names, tensors = [], []
    for name, tensor in zip(view.names, view.tensors, strict=True):
        dense = tensor.coalesce().values() if tensor.is_sparse else tensor
        if dense.is_complex():
            dense = torch.view_as_real(dense)
        if dense.numel():
            names.append(name)
            tensors.append(dense)
    layers = layers_of(tuple(names))
    if not layers:
        return Samples((), (), torch.zeros(0))
    values = tuple(thinned([tensors[position] for position in members], MOST_OF_A_LAYER) for members in layers.values())
    device = tensors[0].device
    whole = thinned([tensor for tensor in tensors if tensor.device == device], MOST_OF_ALL)
    return Samples(tuple(layers), values, whole)


def thinned(tensors: list[Tensor], most: int) -> Tensor:
    """At most so many values of some tensors, of each its share, as one vector in memory of its own.

    Args:
        tensors: dense tensors of one device, with values.
        most: the most values.
    """
    import torch

    sizes = [tensor.numel() for tensor in tensors]
    total = sum(sizes)
    if total <= most:
        parts = [tensor.reshape(-1) for tensor in tensors]
        if len(parts) == 1:
            return parts[0].clone()
    else:
        parts = [_runs(tensor, size, max(1, size * most // total)) for tensor, size in zip(tensors, sizes, strict=True)]
        if len(parts) == 1:
            return parts[0]
    return torch.cat([part.to(parts[0].device) for part in parts])


def _runs(tensor: Tensor, size: int, wanted: int) -> Tensor:
    """A copy of so many values of a tensor, in runs of neighbours that are evenly spaced over it."""
    length = max(1, min(RUN, wanted // LEAST_RUNS))
    runs = max(1, wanted // length)
    apart = (size - length) // (runs - 1) if runs > 1 else 0
    flat = tensor if tensor.is_contiguous() else _in_order_of_memory(tensor)
    return flat.as_strided((runs, length), (apart, 1)).clone(memory_format=_contiguous()).view(-1)


@cache
def _contiguous() -> Any:
    import torch  # only now: a learner without torch never comes here

    return torch.contiguous_format


def _in_order_of_memory(tensor: Tensor) -> Tensor:
    """The tensor's values one behind the other, in the order of memory where that saves a copy."""
    order = sorted(range(tensor.dim()), key=tensor.stride, reverse=True)
    turned = tensor.permute(order)
    return turned if turned.is_contiguous() else tensor.contiguous()


@lru_cache(maxsize=32)
def layers_of(names: tuple[str, ...], at_most: int = MOST_LAYERS) -> dict[str, tuple[int, ...]]:
    """Puts tensors together by the module they belong to, and modules by block where there are too many.

    Args:
        names: qualified names of tensors (`"encoder.0.weight"`).
        at_most: the most layers to tell apart.

    Returns:
        For each layer the positions of its tensors.
    """
    paths = [tuple(name.split(".")[:-1]) or (name,) for name in names]
    depth = max(map(len, paths), default=0)
    while depth > 1 and len({path[:depth] for path in paths}) > at_most:
        depth -= 1
    too_many = len({path[:depth] for path in paths}) > at_most
    groups: dict[str, list[int]] = {}
    for position, path in enumerate(paths):
        layer = ".".join(path[:depth])
        if too_many and layer not in groups and len(groups) >= at_most - 1:
            layer = "others"
        groups.setdefault(layer, []).append(position)
    return {layer: tuple(members) for layer, members in groups.items()}
