"""Where the gradient goes, as the petals of a rose, for BIDViz."""

import bidviz_core as bidviz
from bidviz_metric_rose.metrics import gradient_rose


@bidviz.hookimpl
def register_metrics():
    """The metrics of this bundle."""
    return [gradient_rose]
