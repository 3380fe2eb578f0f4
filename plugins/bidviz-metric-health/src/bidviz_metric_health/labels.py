"""How often each class comes among the labels that a training has seen."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

#: More classes than that are no classes but words.
MOST_CLASSES = 1000


def labels_in(learner: Any) -> np.ndarray[Any, Any] | None:
    """The class labels of a step's batch: whole numbers, one for each example, beside as many rows of scores.

    Returns:
        n labels; none where targets are something else, or cannot be had.
    """
    from bidviz_core.metrics.failure import Unavailable

    sources = learner.sources()
    if "targets" not in sources or "outputs" not in sources:
        return None
    try:
        targets, outputs = sources["targets"](), sources["outputs"]()
    except Unavailable:
        return None
    if not hasattr(outputs, "ndim") or outputs.ndim != 2 or targets.ndim != 1 or len(outputs) != len(targets):
        return None
    if targets.is_floating_point() or outputs.shape[1] < 2 or outputs.shape[1] > MOST_CLASSES:
        return None
    found: np.ndarray[Any, Any] = targets.cpu().numpy()
    return found[found >= 0]  # -100 and the like say that an example does not count


def no_labels(learner: Any) -> str | None:
    """Why a learner has no labels, or nothing where it may have."""
    return None if "targets" in learner.sources() else "what it trains towards is not known without torch."


class Labels:
    """The last labels that came."""

    def __init__(self) -> None:
        self._batches: deque[np.ndarray[Any, Any]] = deque()
        self.count = 0

    def add(self, labels: np.ndarray[Any, Any], most: int) -> None:
        """Takes labels in, and lets the oldest go while `most` stay."""
        self._batches.append(labels)
        self.count += len(labels)
        while self._batches and self.count - len(self._batches[0]) >= most:
            self.count -= len(self._batches.popleft())

    def imbalance(self) -> tuple[float, int, int]:
        """The most frequent class over the least frequent one that comes at all, and which these are."""
        classes, counts = np.unique(np.concatenate(self._batches), return_counts=True)
        if len(classes) < 2:
            return 1.0, int(classes[0]), int(classes[0])
        most, least = int(counts.argmax()), int(counts.argmin())
        return float(counts[most] / counts[least]), int(classes[most]), int(classes[least])
