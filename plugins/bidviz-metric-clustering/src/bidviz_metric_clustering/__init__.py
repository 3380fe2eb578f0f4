"""Distortion, sizes, distances and movement of clusters, for k-means and its kind."""

from __future__ import annotations

import bidviz_core as bidviz
from bidviz_metric_clustering.metrics import between, fit, moved, sizes


@bidviz.hookimpl
def register_metrics() -> list[bidviz.Metric]:
    """The four metrics of this bundle."""
    return [fit, sizes, between, moved]
