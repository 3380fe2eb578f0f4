"""How much of the gradient is signal and how much the noise of few examples."""

from __future__ import annotations

import bidviz_core as bidviz
from bidviz_metric_noise.metrics import gradients


@bidviz.hookimpl
def register_metrics() -> list[bidviz.Metric]:
    """The one metric of this bundle, whose five numbers share their per-example gradients."""
    return [gradients]
