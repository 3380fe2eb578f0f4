"""The maths of clusters against scikit-learn and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import entropy
from sklearn.cluster import KMeans

from bidviz_metric_clustering.clusters import (
    assign,
    distances,
    movement,
    nearest_other,
    separation,
    sizes_of,
    uniformity,
)

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_distortion_and_labels_are_scikit_learns(offset: float) -> None:
    points = RANDOM.normal(size=(500, 6)) + RANDOM.integers(0, 4, size=(500, 1)) * 5 + offset
    model = KMeans(4, n_init=3, random_state=0).fit(points)
    found = assign(points, model.cluster_centers_)
    assert found.nearest.tolist() == model.labels_.tolist()
    assert found.squared.sum() == pytest.approx(model.inertia_, rel=1e-9)
    table = np.sort(cdist(points, model.cluster_centers_), 1)
    np.testing.assert_allclose(np.sqrt(found.second), table[:, 1], rtol=1e-5)
    assert separation(found) == pytest.approx(float(np.mean(1 - table[:, 0] / table[:, 1])), rel=1e-5)
    assert sizes_of(found.nearest, 4).tolist() == np.bincount(model.labels_, minlength=4).tolist()


shapes = st.tuples(st.integers(1, 20), st.integers(1, 6), st.integers(1, 4), st.integers(0, 2**32 - 1))


@settings(max_examples=100, deadline=None)
@given(shapes, st.sampled_from([1e-20, 1.0, 1e20]))
def test_any_points_and_centres(shape: tuple[int, int, int, int], scale: float) -> None:
    count, clusters, width, seed = shape
    random = np.random.default_rng(seed)
    points, centres = random.normal(size=(count, width)) * scale, random.normal(size=(clusters, width)) * scale
    found = assign(points, centres)
    table = cdist(points, centres)
    np.testing.assert_allclose(np.sqrt(found.squared), table.min(1), rtol=1e-6)
    np.testing.assert_allclose(distances(centres), cdist(centres, centres), rtol=1e-6, atol=1e-7 * scale)
    assert math.isnan(separation(found)) == (clusters == 1)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=2, max_size=30).filter(any))
def test_uniformity_is_scipys_entropy(sizes: list[int]) -> None:
    found = uniformity(np.array(sizes))
    assert found == pytest.approx(float(entropy(sizes)) / math.log(len(sizes)), abs=1e-12)
    assert 0 <= found <= 1 + 1e-12


def test_the_ends_of_the_scale() -> None:
    assert uniformity(np.array([5, 5, 5])) == pytest.approx(1.0)
    assert uniformity(np.array([9, 0, 0])) == 0.0
    assert math.isnan(uniformity(np.array([9])))
    assert math.isnan(uniformity(np.array([0, 0])))
    centres = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    assert nearest_other(distances(centres)).tolist() == pytest.approx([1.0, math.hypot(3, 3), 1.0])
    assert movement(centres, centres + np.array([3.0, 4.0])).tolist() == [5.0, 5.0, 5.0]
    # On top of each other: neither is nearer.
    assert separation(assign(np.array([[1.0]]), np.array([[0.0], [0.0]]))) == 0.0
    assert math.isnan(separation(assign(np.array([[0.0]]), np.array([[0.0], [0.0]]))))


def test_what_is_no_number_belongs_to_no_cluster_and_shows() -> None:
    points = np.array([[0.0], [math.nan], [2.0]])
    found = assign(points, np.array([[0.0], [2.0]]))
    assert found.nearest.tolist() == [0, -1, 1]
    assert sizes_of(found.nearest, 2).tolist() == [1, 1]
    assert math.isnan(found.squared.mean())
    assert math.isnan(separation(found))
    lost = assign(np.array([[0.0], [2.0]]), np.array([[math.nan], [1.0]]))
    assert lost.nearest.tolist() == [1, 1]
    assert lost.squared.tolist() == [1.0, 1.0]
    assert np.isnan(distances(np.array([[math.nan], [1.0]]))[0, 1])
