"""The metrics: what of the clusters, how often, drawn how."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

import bidviz_core as bidviz
from bidviz_metric_clustering import charts
from bidviz_metric_clustering.clusters import (
    Assignment,
    assign,
    distances,
    movement,
    nearest_other,
    separation,
    sizes_of,
    uniformity,
)
from bidviz_metric_clustering.finding import HOW, MOST_PICTURED, centres_of, points_of, why_none

_NO_CENTRES = f"No centres have been found: {HOW}"
_NO_POINTS = f"The points of the step are not known, or do not fit the centres: {HOW}"

#: Of each learner the step, the batch and the centres that were assigned last, and what came of it.
_latest: weakref.WeakKeyDictionary[Any, tuple[int, int, Any, Assignment]] = weakref.WeakKeyDictionary()


@bidviz.metric(name="clustering/fit", every=20, chart=[charts.DISTORTION, charts.SEPARATION], fits=why_none)
def fit(learner: Any, step: int) -> Any:
    """Distortion: the mean squared distance of the batch's points to their nearest centres, and how distinct these are.

    With the centres as the step left them. The distortion in the square of the points' unit (MacQueen, 1967), the
    separation from 0 to 1.
    """
    found = _assigned(learner, step)
    if isinstance(found, bidviz.Nothing):
        return found
    assignment, _ = found
    return {"distortion": float(assignment.squared.mean()), "separation": separation(assignment)}


@bidviz.metric(name="clustering/sizes", every=20, chart=[charts.UNIFORMITY, charts.EMPTY, charts.SIZES], fits=why_none)
def sizes(learner: Any, step: int) -> Any:
    """How many of the batch's points belong to each cluster, how even that is (0 to 1), and how many are empty."""
    found = _assigned(learner, step)
    if isinstance(found, bidviz.Nothing):
        return found
    assignment, clusters = found
    counted = sizes_of(assignment.nearest, clusters)
    empty = int(np.count_nonzero(counted == 0))
    return {"uniformity": uniformity(counted), "empty": empty, "points": counted.astype(np.float64)}


@bidviz.metric(name="clustering/distances", every=100, chart=[charts.CLOSEST, charts.DISTANCES], fits=why_none)
def between(learner: Any) -> Any:
    """Distances between the centres of clusters: each pair, and to the nearest other one (in the points' unit)."""
    centres = centres_of(learner.model)
    if centres is None:
        return bidviz.Nothing(_NO_CENTRES)
    if len(centres) < 2:
        return bidviz.Nothing("There is one centre only, and no distance between clusters.")
    table = distances(centres)
    closest = nearest_other(table)
    chosen = range(0, len(centres), -(-len(centres) // MOST_PICTURED))
    names = tuple(map(str, chosen))
    pictured = bidviz.Matrix(table[np.ix_(chosen, chosen)], names, names)
    return {"least": float(closest.min()), "median": float(np.median(closest)), "between": pictured}


@bidviz.metric(name="clustering/movement", every=20, chart=[charts.MOVEMENT, charts.MOVED], fits=why_none)
def moved(learner: Any, step: int, state: dict[str, Any]) -> Any:
    """How far the centres moved per step since they were looked at last: the mean, the farthest, and each."""
    centres = centres_of(learner.model)
    if centres is None:
        return bidviz.Nothing(_NO_CENTRES)
    before, at = state.get("centres"), state.get("step", step)
    state["centres"], state["step"] = centres, step
    if before is None or before.shape != centres.shape or step <= at:
        return bidviz.Nothing("The centres have been looked at once so far.")
    each = movement(before, centres) / (step - at)
    return {"mean": float(each.mean()), "largest": float(each.max()), "centres": each}


def _assigned(learner: Any, step: int) -> tuple[Assignment, int] | bidviz.Nothing:
    """The batch's points and their nearest centres, worked out once for the metrics of a step."""
    centres = centres_of(learner.model)
    if centres is None:
        return bidviz.Nothing(_NO_CENTRES)
    batch = getattr(learner, "minibatch", None)
    known = _latest.get(learner)
    if known is not None and known[:2] == (step, id(batch)) and np.array_equal(known[2], centres):
        return known[3], len(centres)
    points = points_of(batch, centres.shape[1])
    if points is None:
        return bidviz.Nothing(_NO_POINTS)
    assignment = assign(points, centres)
    _latest[learner] = (step, id(batch), centres, assignment)
    return assignment, len(centres)
