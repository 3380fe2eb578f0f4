"""The metric of this bundle."""

import bidviz_core as bidviz

ROSE = bidviz.OwnChart(
    of="rose.Rose",
    title="Where the gradient goes",
    help="Healthy: petals of like size. Sick: one petal has it all, and the others are bare.",
    fields={"petals": 12},
)


@bidviz.metric(every=5, chart=ROSE)
def gradient_rose(grads):
    """Each tensor's share of the squared norm of all gradients (0 to 1)."""
    squares = grads.norms() ** 2
    return dict(zip(grads.names, squares / squares.sum(), strict=True))
