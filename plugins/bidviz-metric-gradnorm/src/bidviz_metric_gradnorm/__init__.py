"""Gradient norms, their ratio to the weights, the size of updates, and layers that vanish or explode."""

from __future__ import annotations

import bidviz_core as bidviz
from bidviz_metric_gradnorm.charts import LAYER_BARS
from bidviz_metric_gradnorm.metrics import gradnorm, health, updates, weights


@bidviz.hookimpl
def register_metrics() -> list[bidviz.Metric]:
    """The four metrics of this bundle."""
    return [gradnorm, weights, updates, health]


@bidviz.hookimpl
def register_charts() -> list[bidviz.Bar]:
    """The gradient norm of each layer side by side, as it is now."""
    return [LAYER_BARS]
