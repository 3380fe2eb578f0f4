"""Whether a classifier is right as often as it says: over the last batches, in bins of its confidence."""

from __future__ import annotations

from collections import deque
from typing import Any

import torch
from torch import Tensor
from torchmetrics.functional.classification import binary_calibration_error

import bidviz_core as bidviz
from bidviz_metric_classification.bins import BIN_NAMES, BINS
from bidviz_metric_classification.reading import Reading

#: So many batches count.
WINDOW = 20


def remember(reading: Reading, state: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Adds a batch to the last ones.

    Returns:
        The confidence of each example's most probable class, and 1 where that is the true one, 0 elsewhere.
    """
    kept = state.setdefault("kept", deque(maxlen=WINDOW))
    confidence, said = reading.probabilities.max(1)
    kept.append((confidence, (said == reading.targets).long()))
    return torch.cat([one for one, _ in kept]), torch.cat([one for _, one in kept])


def judge(confidence: Tensor, right: Tensor) -> dict[str, Any]:
    """The expected and the largest calibration error, and each bin's.

    Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", arXiv:1706.04599.

    Args:
        confidence: n numbers from 0 to 1.
        right: n numbers, 0 or 1.
    """
    if not len(confidence):
        return {}
    errors = {
        name: binary_calibration_error(confidence, right, n_bins=BINS, norm=norm, validate_args=False)
        for name, norm in (("expected error", "l1"), ("largest error", "max"))
    }
    edges = torch.linspace(0, 1, BINS + 1, device=confidence.device)[1:-1]
    bins = torch.bucketize(confidence, edges, right=True)  # a bin takes its lower edge in
    counts = torch.bincount(bins, minlength=BINS)
    sure = torch.bincount(bins, confidence, minlength=BINS) / counts
    true = torch.bincount(bins, right.to(confidence.dtype), minlength=BINS) / counts
    rows = [
        (name, number, *((one, other) if number else (None, None)))
        for name, number, one, other in zip(BIN_NAMES, counts.tolist(), sure.tolist(), true.tolist(), strict=True)
    ]
    return {
        **errors,
        "overconfidence": confidence.mean() - right.to(confidence.dtype).mean(),
        "gaps": (true - sure).nan_to_num(0.0),
        "bins": bidviz.Table(("confidence", "examples", "mean confidence", "share that was right"), rows),
    }
