"""The examples that a classifier does worst on, as pictures where they are some."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

import bidviz_core as bidviz
from bidviz_metric_classification.reading import Reading

#: Larger pictures are made smaller, by means over areas.
MOST_PIXELS = 96
_CHANNELS = (1, 3)


def worst_rows(reading: Reading, most: int) -> Tensor:
    """Which examples were given the least probability for their true class, the worst first."""
    said = reading.probabilities.gather(1, reading.targets[:, None]).flatten()
    return said.argsort()[:most]


def as_pictures(inputs: Any, rows: Tensor) -> Tensor | None:
    """Some examples of a batch as `n × H × W` or `n × H × W × 3`, or none where they are no pictures.

    Args:
        inputs: the batch; pictures are `B × C × H × W` or `B × H × W × C` with 1 or 3 channels.
        rows: n positions in it.
    """
    if not isinstance(inputs, Tensor) or inputs.ndim != 4 or inputs.is_complex():
        return None
    if inputs.shape[1] in _CHANNELS:
        chosen = inputs[rows]
    elif inputs.shape[3] in _CHANNELS:
        chosen = inputs[rows].permute(0, 3, 1, 2)
    else:
        return None
    height, width = chosen.shape[2:]
    if max(height, width) > MOST_PIXELS:
        size = [max(1, side * MOST_PIXELS // max(height, width)) for side in (height, width)]
        whole = chosen.dtype == torch.uint8
        chosen = functional.interpolate(chosen.float(), size, mode="area")
        chosen = chosen.round().to(torch.uint8) if whole else chosen
    return chosen[:, 0] if chosen.shape[1] == 1 else chosen.permute(0, 2, 3, 1)


def labels(reading: Reading, rows: Tensor) -> list[str]:
    """A caption for each of some examples: what is true, what was said, and how surely."""
    chosen = reading.probabilities[rows]
    said = chosen.argmax(1).tolist()
    true = reading.targets[rows].tolist()
    return [
        f"{one}, said {other} ({sure:.0%})"
        for one, other, sure in zip(true, said, chosen.amax(1).tolist(), strict=True)
    ]


def table(reading: Reading, rows: Tensor) -> bidviz.Table:
    """The same as a table, with their place in the batch."""
    chosen = reading.probabilities[rows]
    of_true = chosen.gather(1, reading.targets[rows][:, None]).flatten()
    columns = ("example", "true class", "said", "probability of what was said", "probability of the true class")
    values = (reading.rows[rows], reading.targets[rows], chosen.argmax(1), chosen.amax(1), of_true)
    return bidviz.Table(columns, list(zip(*(value.tolist() for value in values), strict=True)))
