"""Where a learner keeps its centres, and what of a batch they can be compared with."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Names under which k-means and its kind keep their centres, k × d: our example's, scikit-learn's, others'.
NAMES = (
    "centres",
    "centers",
    "cluster_centers_",
    "cluster_centres_",
    "centroids",
    "means",
    "means_",
    "codebook",
    "prototypes",
)
#: More points of a batch than this are thinned out evenly.
MOST_POINTS = 4_096
#: More centres than this are thinned out for pictures of pairs.
MOST_PICTURED = 64

HOW = (
    "give the learner that holds the centres, watch(learner), as its attribute centres, centroids or cluster_centers_ "
    "(k × d), and the points with session.step_done(minibatch=points)."
)


def centres_of(model: Any) -> Array | None:
    """The centres of a learner, a copy in float64, or none where it has none (yet).

    Args:
        model: any object with an attribute of `NAMES`, a k × d array or tensor, or a method that gives one.
    """
    for name in NAMES:
        try:
            found = getattr(model, name, None)
        except Exception:  # noqa: BLE001 - a property of an object that we do not know
            continue
        if callable(found) and not hasattr(found, "shape"):
            continue  # calling what we do not know may change it
        table = _table(found)
        if table is not None:
            return table
    return None


def points_of(batch: Any, width: int) -> Array | None:
    """The points of a batch, n × d in float64, at most `MOST_POINTS`, or none where they do not fit the centres.

    Args:
        batch: an array, a tensor, or a tuple that begins with one; what stands behind the first axis is flattened.
        width: the d of the centres.
    """
    if isinstance(batch, (tuple, list)) and batch and hasattr(batch[0], "shape"):
        batch = batch[0]
    if hasattr(batch, "shape") and len(batch.shape) > 1 and batch.shape[0] > MOST_POINTS:
        batch = batch[:: -(-batch.shape[0] // MOST_POINTS)]
    table = _table(batch)
    return table if table is not None and table.shape[1] == width else None


def why_none(learner: Any) -> str | None:
    """Why a torch model has nothing for this bundle; a learner without torch may still be given its centres."""
    torch = sys.modules.get("torch")
    model = learner.model
    is_torch = bool(getattr(learner, "optimizers", ())) or (torch is not None and isinstance(model, torch.nn.Module))
    if is_torch and centres_of(model) is None:
        return f"the model has no centres. For k-means and its kind: {HOW}"
    return None


def _table(found: Any) -> Array | None:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(found, torch.Tensor):
        if found.is_complex() or found.is_sparse:
            return None
        found = found.detach().double().cpu().numpy()
    if hasattr(found, "toarray") and hasattr(found, "nnz"):
        found = found.toarray()  # scipy's sparse matrices
    if not isinstance(found, (np.ndarray, list, tuple)):
        return None
    try:
        table = np.array(found, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if table.ndim > 2:
        table = table.reshape(len(table), -1)
    return table if table.ndim == 2 and table.size else None
