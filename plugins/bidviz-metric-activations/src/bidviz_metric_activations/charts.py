"""How activations are drawn, and what healthy and sick ones look like."""

from __future__ import annotations

from bidviz_core import Heatmap, Line
from bidviz_core.specs import Reference

DEAD = Line(
    title="Dead units by layer",
    series=("activations/dead/lasting/*",),
    unit="share",
    help=(
        "Share of each rectifier's units that have let nothing through in ten looks in a row, for no example of the "
        "batch. Healthy: 0, or a few percent. Sick: rising steps that never come down: such units get no gradient "
        "and stay dead (the learning rate was too high, biases too low; try LeakyReLU or GELU, a lower rate, another "
        "initialisation)."
    ),
)
SILENT = Line(
    title="Silent units in this batch",
    series=("activations/dead/now/*",),
    unit="share",
    help=(
        "Share of each rectifier's units that let nothing through in this step's batch. Healthy: low and swinging; "
        "small batches have more. Sick: near 1: a layer that hardly anything passes."
    ),
)
SATURATED_HIGH = Line(
    title="Saturated above",
    series=("activations/saturation/high/*",),
    unit="share",
    help=(
        "Share of inputs beyond the upper bend of tanh, sigmoid, hardtanh, ReLU6 and their kind, where the slope is "
        "below a twentieth of its steepest. Healthy: under a tenth. Sick: a half or more: gradients do not pass "
        "(weights or inputs are too large: normalise, initialise smaller, lower the rate)."
    ),
)
SATURATED_LOW = Line(
    title="Saturated below",
    series=("activations/saturation/low/*",),
    unit="share",
    help=(
        "Share of inputs at or below the lower bend, where the slope is below a twentieth of its steepest; for a "
        "ReLU, below 0. Healthy: about a half for ReLU, under a third for GELU and SiLU, under a tenth for tanh and "
        "sigmoid. Sick: near 1: the layer is shut; for tanh a half on both sides: it has become a switch."
    ),
)
MEAN = Line(
    title="Mean of outputs by layer",
    series=("activations/moments/mean/*",),
    help="Healthy: level, near 0 behind a norm layer. Sick: a drift without end, or one layer far from the rest.",
)
DEVIATION = Line(
    title="Spread of outputs by layer",
    series=("activations/moments/std/*",),
    y_scale="log",
    help=(
        "Standard deviation of what each layer gives. Healthy: layers within a power of ten of each other, level. "
        "Sick: shrinking or growing with depth (initialisation), climbing without end (exploding), 0 (a layer that "
        "always says the same)."
    ),
)
LARGEST = Line(
    title="Largest output by layer",
    series=("activations/moments/largest/*",),
    y_scale="log",
    reference=(Reference(65504.0, "float16 ends"),),
    help=(
        "The largest absolute value of what each layer gives. Healthy: level. Sick: climbing by powers of ten, which "
        "sixteen-bit training does not survive; single features that grow to thousands in transformers."
    ),
)
SHAPE = Line(
    title="Tails of outputs by layer",
    series=("activations/moments/kurtosis/*",),
    reference=(Reference(0.0, "normal"),),
    help=(
        "Excess kurtosis of what each layer gives. Healthy: under ten, steady. "
        "Sick: hundreds: a few units carry everything (outlier features; they spoil quantisation)."
    ),
)
ENTROPY = Line(
    title="Attention entropy by layer",
    series=("activations/attention/mean/*",),
    reference=(Reference(1.0, "all keys alike"),),
    help=(
        "How widely queries look, averaged over heads: 1 all keys alike, 0 one key only. Healthy: starts near 1, "
        "falls as heads specialise, then settles between 0.2 and 0.9. Sick: falls to 0 within a few hundred steps "
        "(entropy collapse: the loss soon spikes; lower the rate, normalise queries and keys), or stays at 1 (heads "
        "learn nothing)."
    ),
)
ENTROPY_BY_HEAD = Heatmap(
    title="Attention entropy: layers × heads",
    series=("activations/attention/heads",),
    help=(
        "Healthy: heads differ. Sick: whole rows at 0 (collapsed) or at 1 (heads that look at everything alike, and "
        "could be pruned)."
    ),
)
