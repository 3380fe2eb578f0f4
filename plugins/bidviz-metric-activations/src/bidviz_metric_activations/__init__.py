"""Dead and saturated units, moments of activations layer by layer, and the entropy of attention."""

from __future__ import annotations

import bidviz_core as bidviz
from bidviz_metric_activations.attention import attention_entropy as attention_entropy
from bidviz_metric_activations.metrics import attention, dead, moments, saturation


@bidviz.hookimpl
def register_metrics() -> list[bidviz.Metric]:
    """The four metrics of this bundle."""
    return [dead, saturation, moments, attention]
