"""What the tensors of a model's layers say: sizes, silence, the state they were begun in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from bidviz_core.views import TensorView

#: Values of a weight that are looked at.
SAMPLE = 4096
#: The weight of a new value in a layer's usual norm, which is an average of logarithms.
_WEIGHT = 0.05
#: Looks in a row in which a unit has to be without a gradient.
LASTING = 3


@lru_cache(maxsize=16)
def layers_of(names: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """The positions of each layer's tensors: a layer is a module with the parameters of its own."""
    groups: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        groups.setdefault(name.rpartition(".")[0] or name, []).append(position)
    return {layer: tuple(members) for layer, members in groups.items()}


def layer_norms(view: TensorView) -> dict[str, float]:
    """The L2 norm of each layer's tensors, from one fused operation that all metrics of a step share."""
    norms = view.host_norms()
    return {layer: _together([norms[one] for one in members]) for layer, members in layers_of(view.names).items()}


def layer_sizes(view: TensorView) -> dict[str, int]:
    """The number of values of each layer, of sparse tensors those that are held."""
    counts = [tensor._nnz() if tensor.is_sparse else tensor.numel() for tensor in view.tensors]
    return {layer: sum(counts[one] for one in members) for layer, members in layers_of(view.names).items()}


def _together(norms: Sequence[float]) -> float:
    norm = math.hypot(*norms)
    return math.nan if norm == math.inf and any(map(math.isnan, norms)) else norm


def is_zero(view: TensorView, layer: str) -> bool:
    """Whether every value of a layer is exactly 0; a norm of 0 may have been too small for float32."""
    tensors = view.tensors
    return not any(bool(tensors[one].count_nonzero()) for one in layers_of(view.names)[layer])


def vanishing(sizes: dict[str, float], size: float, share: float) -> list[str]:
    """The layers whose root mean square is below `size`, or below `share` of the median layer's; not those at 0."""
    known = [value for value in sizes.values() if math.isfinite(value) and value > 0]
    usual = median(known) if known else 0.0
    return [layer for layer, value in sizes.items() if 0 < value < max(size, share * usual)]


class UsualNorms:
    """The usual gradient norm of each layer."""

    def __init__(self) -> None:
        self._logarithms: dict[str, float] = {}
        self._looks: dict[str, int] = {}

    def jumps(self, norms: dict[str, float], jump: float) -> dict[str, float]:
        """Takes norms in; gives the layers that are so many times above their usual norm, with how many times."""
        found = {}
        for layer, norm in norms.items():
            if not math.isfinite(norm) or norm <= 0:
                continue
            known, looks = self._logarithms.get(layer), self._looks.get(layer, 0)
            self._looks[layer] = looks + 1
            if known is not None and looks >= LASTING and math.log(norm) - known > math.log(jump):
                found[layer] = math.exp(math.log(norm) - known)
            self._logarithms[layer] = (
                math.log(norm) if known is None else (1 - _WEIGHT) * known + _WEIGHT * math.log(norm)
            )
        return found


class SilentUnits:
    """Units whose bias has got no gradient for some looks: behind a rectifier that is never active for any example."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._silent: Any = None

    def shares(self, view: TensorView) -> dict[str, float]:
        """Takes gradients in.

        Returns:
            By layer the share of the units that were silent in the last `LASTING` looks, this one included.
        """
        import torch  # only now: a learner without torch never comes here

        biases = [
            (name, tensor.detach())
            for name, tensor in zip(view.names, view.tensors, strict=True)
            if name.rpartition(".")[2] == "bias" and tensor.ndim == 1 and not tensor.is_sparse and len(tensor) > 1
        ]
        if not biases:
            return {}
        names = tuple(name for name, _ in biases)
        device = biases[0][1].device
        flat = torch.cat([tensor.to(device, torch.float32, copy=False) for _, tensor in biases])
        silent = (flat == 0).cpu().numpy()
        if names != self._names or self._silent is None or len(self._silent) != len(silent):
            self._names, self._silent = names, np.zeros(len(silent), np.int64)
        self._silent = (self._silent + 1) * silent
        lengths = np.array([len(tensor) for _, tensor in biases])
        starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
        shares = np.add.reduceat((self._silent >= LASTING).astype(np.float64), starts) / lengths
        return {name.rpartition(".")[0] or name: float(share) for name, share in zip(names, shares, strict=True)}


def badly_begun(model: Any, small: float, large: float) -> dict[str, str]:
    """Layers whose weights are no good beginning, with what is wrong in words.

    The standard deviation of a layer's weights times the root of its number of inputs is about 1 (Glorot & Bengio
    2010), 1.4 (He et al. 2015), 0.6 as torch begins. Weights that are all 0 are left out: they are often meant.

    Args:
        model: a module.
        small: below this it is too small.
        large: above this it is too large.
    """
    import torch

    found = {}
    kinds = (torch.nn.Linear, torch.nn.modules.conv._ConvNd)
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None)
        if not isinstance(module, kinds) or not isinstance(weight, torch.Tensor) or weight.numel() < 16:
            continue
        rows = weight.detach()[:8].reshape(min(8, len(weight)), -1)
        sample = _sample(weight.detach()).float()
        if not sample.any():
            continue
        if len(rows) > 1 and bool((rows == rows[0]).all()) and bool(rows.any()):
            found[name] = "has units that are all alike, and so they stay"
            continue
        gain = float(sample.std()) * math.sqrt(weight[0].numel())
        if gain > large or gain < small:
            found[name] = f"has weights with a standard deviation of {gain:.2g} / √inputs, expected about 1 / √inputs"
    return found


def _sample(weight: Tensor) -> Tensor:
    flat = weight.reshape(-1)
    return flat[:: max(1, flat.numel() // SAMPLE)]
