"""Which modules are looked at, and along which axis of their tensors the units lie."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

from bidviz_metric_activations.bends import Bends, bends_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

#: More lines than this nobody can tell apart.
MOST_MODULES = 60
#: Modules behind which the second axis holds the channels.
_CHANNELS_FIRST = ("Conv", "BatchNorm", "InstanceNorm", "GroupNorm", "MaxPool", "AvgPool", "Upsample", "PixelShuffle")


class Place(NamedTuple):
    """Where a non-linearity is applied.

    Args:
        bends: its bends.
        channels_first: whether units lie along the second axis; along the last one otherwise.
        is_output: whether its input is the module's output (`linear1` of a transformer's layer, whose non-linearity is
            a function), rather than what goes in.
        in_place: whether it writes its output over its input.
    """

    bends: Bends
    channels_first: bool
    is_output: bool
    in_place: bool


#: Filled while modules are listed, which names a module before those inside it and in the order they are made.
_places: weakref.WeakKeyDictionary[Any, Place] = weakref.WeakKeyDictionary()


class Listing:
    """Goes through a model's modules and remembers which come before which."""

    def __init__(self) -> None:
        self._last = ""

    def select(self, name: str, module: Any) -> bool:
        """Whether a non-linearity is applied by this module, or to its output."""
        if not name:
            self._last = ""
        inner = getattr(module, "linear1", None)
        function = getattr(module, "activation", None)
        if inner is not None and callable(function) and not hasattr(function, "named_modules"):
            bends = bends_of(function)
            if bends is not None:
                _places[inner] = Place(bends, False, True, False)
        bends = bends_of(module)
        if bends is not None:
            first = any(part in self._last for part in _CHANNELS_FIRST)
            _places[module] = Place(bends, first, False, bool(getattr(module, "inplace", False)))
        elif next(module.children(), None) is None:
            self._last = type(module).__name__
        return module in _places


def place_of(module: Any) -> Place:
    """The place of a module that `Listing.select` took."""
    return _places[module]


def looks_before(module: Any) -> bool:
    """Whether a module is looked at before it runs: what it writes over is gone afterwards."""
    return not _places[module].is_output


def places_in(model: Any) -> list[Place]:
    """The places of all non-linearities of a model."""
    listing = Listing()
    return [place_of(module) for name, module in modules_of(model) if listing.select(name, module)]


def modules_of(model: Any) -> list[tuple[str, Any]]:
    """The modules of a torch model by their names; none of anything else."""
    return list(model.named_modules()) if hasattr(model, "named_modules") else []


def has_parameters(name: str, module: Any) -> bool:
    """Whether a module is a layer: it has parameters of its own."""
    return next(module.parameters(recurse=False), None) is not None


def units_last(values: Tensor, channels_first: bool) -> Tensor:
    """Turns a tensor so that its units lie along the last axis, as a view.

    Args:
        values: what goes into a non-linearity, batch first.
        channels_first: whether units lie along the second axis.
    """
    if channels_first and values.dim() > 2:
        return values.movedim(1, -1)
    return values


def thinned(values: Tensor, most: int) -> Tensor:
    """Fewer values: every k-th of the batch, then of the axes behind it, as a view; the last axis is cut last."""
    for axis in range(values.dim()):
        if values.numel() <= most:
            break
        step = min(-(-values.numel() // most), values.shape[axis])
        values = values[(slice(None),) * axis + (slice(None, None, step),)]
    return values


def evenly(names: Iterable[str], most: int = MOST_MODULES) -> list[str]:
    """At most so many names, evenly spaced, with the first and the last."""
    listed = list(names)
    if len(listed) <= most:
        return listed
    return [listed[round(index * (len(listed) - 1) / (most - 1))] for index in range(most)]


def first_tensor(value: Any) -> Any:
    """The first tensor of what a module takes or gives, or none."""
    if isinstance(value, (tuple, list)):
        value = value[0] if value else None
    if not hasattr(value, "is_floating_point") or not value.is_floating_point() or getattr(value, "is_nested", False):
        return None
    return value if value.layout == _strided() and value.numel() and value.dim() else None


def _strided() -> Any:
    import torch  # only now: a learner without torch never comes here

    return torch.strided
