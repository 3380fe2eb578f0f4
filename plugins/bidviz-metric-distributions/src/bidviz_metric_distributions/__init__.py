"""Weights, gradients and updates as histograms that move, with their moments and quantiles."""

from __future__ import annotations

import bidviz_core as bidviz
from bidviz_metric_distributions.metrics import gradients, moments, quantiles, updates, weights


@bidviz.hookimpl
def register_metrics() -> list[bidviz.Metric]:
    """The five metrics of this bundle."""
    return [weights, gradients, updates, moments, quantiles]
