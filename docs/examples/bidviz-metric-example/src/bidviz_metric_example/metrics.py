"""The metric of this bundle."""

import bidviz_core as bidviz
from bidviz_metric_example import charts


@bidviz.metric(every=10, chart=charts.WEIGHT_NORM)
def weight_norm(params):
    """Global L2 norm of the weights (in the unit of the weights)."""
    return params.norm()
