"""What is kept of a module's call: pure functions over tensors, called inside the forward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bidviz_metric_activations.places import first_tensor, place_of, thinned, units_last

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

#: So many values of a call are looked at for shares; the standard error of a share of a half is 0.2 %.
MOST_VALUES = 65_536
#: For moments, which take more arithmetic; the standard error of a mean is 1.1 % of the standard deviation.
MOST_OF_MOMENTS = 8_192
#: Layers whose moments are taken together: what is in between takes half a megabyte, and stays in the cache.
AT_ONCE = 8


class Saturation(NamedTuple):
    """How many values lie beyond a non-linearity's bends.

    Args:
        low: at or below the lower bend, a 0-d tensor, or none where there is no such bend.
        high: at or above the upper bend, likewise.
        total: how many values were looked at.
    """

    low: Tensor | None
    high: Tensor | None
    total: int


def look_for_dead(
    module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any, seen: Tensor | None
) -> Tensor | None:
    """The largest input of each unit of a rectifier, over the batch and all positions: at most 0 for a dead one.

    Returns:
        A vector of as many numbers as units; over all calls of a step where there are several.
    """
    place = place_of(module)
    values = first_tensor(output if place.is_output else args)
    if values is None:
        return seen
    turned = units_last(values, place.channels_first)
    largest = turned.amax(tuple(range(turned.dim() - 1))) if turned.dim() > 1 else turned
    if seen is not None and seen.shape == largest.shape:
        return seen.maximum(largest)
    # Without axes to reduce it would be the training's own tensor, which may be written over.
    return largest.clone() if turned.dim() == 1 else largest


def look_for_saturation(
    module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any, seen: Saturation | None
) -> Saturation | None:
    """Counts the inputs beyond the bends of a non-linearity; over all calls of a step."""
    place = place_of(module)
    values = first_tensor(output if place.is_output else args)
    if values is None:
        return seen
    values = thinned(values, MOST_VALUES)
    low = (values <= place.bends.low).sum() if place.bends.low > -float("inf") else None
    high = (values >= place.bends.high).sum() if place.bends.high < float("inf") else None
    if seen is None:
        return Saturation(low, high, values.numel())
    return Saturation(
        None if low is None or seen.low is None else seen.low + low,
        None if high is None or seen.high is None else seen.high + high,
        seen.total + values.numel(),
    )


def look_at_moments(
    module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any, seen: Tensor | None
) -> Tensor | None:
    """What moments are taken of: some values of what a layer gives, of its last call, in float32.

    They are copied, and taken when the step is over, for all layers together: beside the forward pass, whose caches
    and instructions are others, the same arithmetic takes three times as long.
    """
    values = first_tensor(output)
    if values is None:
        return seen
    import torch  # only now: a learner without torch never comes here

    chosen = thinned(values.detach(), MOST_OF_MOMENTS)
    return chosen.to(torch.float32, copy=True, memory_format=torch.contiguous_format).view(-1)


def moments_of_all(kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The moments of vectors, those of one length and device together.

    Args:
        kept: by name a vector of float32 with values.

    Returns:
        By name, in no order, what `moments_of` gives.
    """
    import torch  # only now: a learner without torch never comes here

    alike: dict[tuple[Any, int], list[str]] = {}
    for name, values in kept.items():
        alike.setdefault((values.device, values.numel()), []).append(name)
    found: dict[str, Tensor] = {}
    for names in alike.values():
        for start in range(0, len(names), AT_ONCE):
            part = names[start : start + AT_ONCE]
            found |= zip(part, _moments_of_rows(torch.stack([kept[name] for name in part])).unbind(), strict=True)
    return found


def moments_of(values: Tensor) -> Tensor:
    """Moments, the population's, of any tensor with values.

    With m_k = mean((x - mean)^k): std = m_2^(1/2), skewness = m_3 / m_2^(3/2), kurtosis = m_4 / m_2^2 - 3.

    Args:
        values: any shape and floating type.

    Returns:
        A vector of five: mean, standard deviation, skewness, excess kurtosis, largest absolute value, in float32.
    """
    return _moments_of_rows(values.float().reshape(1, -1))[0]


def _moments_of_rows(rows: Tensor) -> Tensor:
    import torch  # only now: a learner without torch never comes here

    mean = rows.mean(1, keepdim=True)
    centred = rows - mean
    # Divided before they are raised to a power: the fourth of a float32 may be beyond what float32 holds.
    scale = _largest(centred).clamp_min(torch.finfo(torch.float32).tiny)
    unit = centred.div_(scale)
    square = unit * unit
    variance = square.mean(1)
    skewness = unit.mul_(square).mean(1) / variance**1.5
    kurtosis = square.mul_(square).mean(1) / (variance * variance) - 3.0
    deviation = variance.sqrt() * scale[:, 0]
    return torch.stack((mean[:, 0], deviation, skewness, kurtosis, _largest(rows)[:, 0]), 1)


def _largest(rows: Tensor) -> Tensor:
    # Both at once, `aminmax`, takes four times as long along an axis; a maximum norm ten times.
    return rows.amax(1, keepdim=True).maximum(-rows.amin(1, keepdim=True))
