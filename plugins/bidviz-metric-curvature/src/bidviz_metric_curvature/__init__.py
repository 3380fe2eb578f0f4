"""Whether the loss is flat or sharp where the training stands, and where on it the last step landed."""

from __future__ import annotations

import bidviz_core as bidviz
from bidviz_metric_curvature.metrics import alpha, eigenvalue, line, trace


@bidviz.hookimpl
def register_metrics() -> list[bidviz.Metric]:
    """The four metrics of this bundle."""
    return [eigenvalue, trace, line, alpha]
