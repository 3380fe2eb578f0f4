"""How the norms are drawn, and what a healthy and a sick curve look like."""

from __future__ import annotations

from bidviz_core import Bar, Line, TableView
from bidviz_core.specs import Reference

GLOBAL_NORM = Line(
    title="Gradient norm",
    series=("gradnorm/norm/global",),
    y_scale="log",
    help=(
        "L2 norm of all gradients together, as the update used them. "
        "Healthy: falls slowly or stays level, with a spread of less than ten; higher at each epoch's last batch where "
        "that is shorter, since fewer examples average out less (8 instead of 64: up to three times; drop_last=True). "
        "Sick: climbs by powers of ten (the learning rate is too high), single spikes a hundred times higher (a bad "
        "batch: clip), falls to nothing while the loss is still high (vanishing), a gap (NaN or Inf)."
    ),
)

LAYER_NORMS = Line(
    title="Gradient norm by layer",
    series=("gradnorm/norm/layer/*",),
    y_scale="log",
    help=(
        "L2 norm of each layer's gradients. "
        "Healthy: the layers lie within two or three powers of ten and move together. "
        "Sick: they fan out with depth: early layers far below the late ones (vanishing) or far above (exploding); "
        "a layer at 0 gets no gradient at all."
    ),
)

LAYER_BARS = Bar(
    title="Gradient norm by layer, now",
    series=("gradnorm/norm/layer/*",),
    y_scale="log",
    help="Healthy: bars of like height. Sick: a staircase from the first layer to the last.",
)

GRADIENT_TO_WEIGHT = Line(
    title="Gradient / weight",
    series=("gradnorm/weights/*",),
    y_scale="log",
    help=(
        "Norm of each layer's gradient divided by the norm of its weights: comparable between layers of any size. "
        "Healthy: level, within a few powers of ten of each other. "
        "Sick: one layer far away from the rest, or all rising: weights shrink or gradients explode."
    ),
)

UPDATE_TO_WEIGHT = Line(
    title="Update / weight",
    series=("gradnorm/updates/*",),
    y_scale="log",
    reference=(Reference(1e-3, "usual"),),
    help=(
        "Norm of what one update changed divided by the norm of the weights, for each layer. "
        "Healthy: around 1e-3. Sick: above 1e-2 for long (the learning rate is too high: weights are thrown about), "
        "below 1e-5 (too low, or the layer is as good as frozen). Layers that begin at zero, as biases do, start high."
    ),
)

SICK_LAYERS = Line(
    title="Sick layers",
    series=("gradnorm/health/vanishing", "gradnorm/health/exploding", "gradnorm/health/not finite"),
    help=(
        "How many layers are vanishing, exploding, or hold NaN or Inf. "
        "Healthy: 0. Sick: anything else for more than a moment; the table says which."
    ),
)

LAYER_TABLE = TableView(
    title="Layers",
    series=("gradnorm/health/layers",),
    help=(
        "Each layer as it is now, sick ones first. Healthy: the first column says 'healthy' everywhere. "
        "Sick: 'vanishing': gradients of less than 1e-4 of the usual layer's, or below 1e-8 a value; 'exploding': more "
        "than 1e3 times the usual layer's, or 100 times the layer's own average; 'not finite': NaN or Inf."
    ),
)
