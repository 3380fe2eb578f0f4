"""How large the weights are, for BIDViz."""

import bidviz_core as bidviz
from bidviz_metric_example.charts import OVERVIEW
from bidviz_metric_example.metrics import weight_norm


@bidviz.hookimpl
def register_metrics():
    """The metrics of this bundle."""
    return [weight_norm]


@bidviz.hookimpl
def register_charts():
    """Charts over several series."""
    return [OVERVIEW]
