"""The maths of clusters, in numpy and float64: assignment, distortion, sizes, distances, movement."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Assignment(NamedTuple):
    """Which centre is nearest to each point.

    Args:
        nearest: n indices of centres; -1 for a point that is no number.
        squared: n squared distances to them.
        second: n squared distances to the second nearest, Inf where there is one centre.
    """

    nearest: NDArray[np.intp]
    squared: Array
    second: Array


def assign(points: Array, centres: Array) -> Assignment:
    """Assigns each point to its nearest centre (Euclidean); a tie goes to the first.

    |x - c|^2 = |x|^2 - 2 x·c + |c|^2, about the centres' mean, so that points far from the origin lose no digits.

    Args:
        points: n × d.
        centres: k × d.
    """
    with np.errstate(all="ignore"):  # Inf and what comes of it are values
        middle = np.nan_to_num(centres).mean(0)
        moved, fixed = points - middle, centres - middle
        squares = (moved**2).sum(1)[:, None] - 2.0 * moved @ fixed.T + (fixed**2).sum(1)
        unknown = np.isnan(squares)
        squares[unknown] = np.inf  # a centre that is no number is nearest to nothing
        nearest = squares.argmin(1)
        # Exactly, for the one that matters: what cancels above may leave a small negative number.
        squared = ((points - centres[nearest]) ** 2).sum(1)
        squares[np.arange(len(points)), nearest] = np.inf
        second = np.maximum(squares.min(1), 0.0)
    lost = unknown.all(1)
    nearest[lost] = -1
    squared[lost] = second[lost] = np.nan
    return Assignment(nearest, squared, second)


def sizes_of(nearest: NDArray[np.intp], clusters: int) -> NDArray[np.intp]:
    """How many points belong to each of so many clusters; those that are no number belong to none."""
    return np.bincount(nearest[nearest >= 0], minlength=clusters)


def uniformity(sizes: NDArray[np.intp]) -> float:
    """How even the sizes of clusters are: their entropy, divided by that of clusters of like size.

    - sum p log p / log k: 1 where all have the same size, 0 where one has all points; NaN for fewer than two clusters
    or no points.
    """
    total = sizes.sum()
    if len(sizes) < 2 or not total:
        return float("nan")
    shares = sizes[sizes > 0] / total
    return abs(float(-(shares * np.log(shares)).sum() / np.log(len(sizes))))


def distances(centres: Array) -> Array:
    """The k × k Euclidean distances between centres, exact zeros on the diagonal."""
    with np.errstate(all="ignore"):
        moved = centres - np.nan_to_num(centres).mean(0)
        norms = (moved**2).sum(1)
        table = np.sqrt(np.maximum(norms[:, None] - 2.0 * moved @ moved.T + norms, 0.0))
    np.fill_diagonal(table, 0.0)
    return table


def nearest_other(table: Array) -> Array:
    """The distance of each centre to the nearest other one.

    Args:
        table: k × k distances, k at least 2.
    """
    others = table.copy()
    np.fill_diagonal(others, np.inf)
    found: Array = others.min(1)
    return found


def separation(assignment: Assignment) -> float:
    """The simplified silhouette (Hruschka et al., 2004): the mean of 1 - a / b over the points, from 0 to 1.

    a is the distance to the nearest centre, b that to the second nearest. A point that lies on both does not count; NaN
    where none does, or where a point is no number.
    """
    near, far = np.sqrt(assignment.squared), np.sqrt(assignment.second)
    counted = (far != 0) & ~np.isinf(far)
    return float(np.mean(1.0 - np.minimum(near[counted] / far[counted], 1.0))) if counted.any() else float("nan")


def movement(before: Array, after: Array) -> Array:
    """How far each centre moved (Euclidean)."""
    with np.errstate(all="ignore"):
        moved: Array = np.sqrt(((after - before) ** 2).sum(1))
    return moved
