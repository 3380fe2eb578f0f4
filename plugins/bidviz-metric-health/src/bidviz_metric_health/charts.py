"""What the rules look at, drawn; their findings link to these, or to the finer charts of other bundles."""

from __future__ import annotations

from bidviz_core import Line
from bidviz_core.specs import Reference

LOSS = Line(
    title="Loss in blocks of 50 steps",
    series=("health/loss/block", "health/loss/best"),
    help=(
        "The mean loss of each block and the best so far: what LossNotDecreasing and Plateau judge. "
        "Healthy: both fall together, then level out. Sick: the block's stays above the best and climbs; or both stand "
        "still from the beginning, far above nothing."
    ),
)

GRADIENTS = Line(
    title="Smallest and largest layer gradient",
    series=("health/gradients/smallest", "health/gradients/largest"),
    y_scale="log",
    reference=(Reference(1e-8, "vanishing"),),
    help=(
        "Root mean square of the gradient of the layer where it is smallest, and where it is largest. "
        "Healthy: a level band less than four powers of ten wide. Sick: the lower line falls away (vanishing), the "
        "upper one climbs or breaks off (exploding, NaN)."
    ),
)

SILENT = Line(
    title="Units without a gradient",
    series=("health/gradients/silent",),
    reference=(Reference(0.5, "DeadRelu"),),
    help=(
        "The share of units that got no gradient in three looks in a row, of the layer with most of them. "
        "Healthy: near 0. Sick: above a half: those units are dead, and the layer is as wide as what is left."
    ),
)

UPDATES = Line(
    title="Smallest and largest update / weight",
    series=("health/updates/smallest", "health/updates/largest"),
    y_scale="log",
    reference=(Reference(1e-3, "usual"),),
    help=(
        "Norm of an update divided by that of the weights, of the layers where it is smallest and largest. "
        "Healthy: about 1e-3. Sick: above 1e-1 (the learning rate is too high), below 1e-8 or broken off (nothing "
        "changes)."
    ),
)

UNITS = Line(
    title="Dead and saturated units",
    series=("health/activations/dead", "health/activations/saturated"),
    reference=(Reference(0.5, "sick"),),
    help=(
        "Of the worst module of each kind: the share of ReLU units that were active for no example in three looks in a "
        "row, and of the inputs of tanh and sigmoid where these are flat. Healthy: near 0. Sick: above a half."
    ),
)

CLASSES = Line(
    title="Most / least frequent class",
    series=("health/classes/imbalance",),
    y_scale="log",
    reference=(Reference(10, "ClassImbalance"),),
    help="Of the last 500 labels. Healthy: below 3. Sick: above 10: the rare class is hardly learned.",
)

DATA = Line(
    title="Waiting for data",
    series=("health/data/share",),
    reference=(Reference(0.5, "StalledDataLoader"),),
    help="The share of a step that goes into getting its batch. Healthy: below 0.1. Sick: above a half.",
)
