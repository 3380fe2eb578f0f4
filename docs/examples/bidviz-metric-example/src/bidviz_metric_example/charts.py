"""How the weight norm is drawn."""

import bidviz_core as bidviz

WEIGHT_NORM = bidviz.Line(
    title="Weight norm",
    help="Healthy: grows slowly, then levels out. Sick: grows without end (try weight decay), or jumps.",
)

OVERVIEW = bidviz.Line(
    title="Loss and weights",
    series=("loss", "weight_norm"),
    y_scale="log",
    help="Healthy: the loss falls while the weights grow. Sick: they go on growing when it no longer falls.",
)
