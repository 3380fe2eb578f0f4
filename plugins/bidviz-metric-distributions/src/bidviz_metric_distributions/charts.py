"""How the distributions are drawn, and what healthy and sick ones look like."""

from __future__ import annotations

from bidviz_core import Heatmap, HistogramChart, Line, Ridge
from bidviz_core.specs import Reference

_SAMPLED = "Of a layer with more than 16,384 values, so many are counted, evenly spread. "
_RIDGES = "The latest stands in front. "

WEIGHTS = HistogramChart(
    title="Weights",
    series=("distributions/weights/all",),
    help=(
        "The values of all weights, now. Healthy: one bell or a sharp peak around 0 that widens slowly. "
        "Sick: a lone peak at 0 that everything falls into (weight decay is too strong), far tails (exploding), "
        "two peaks far from 0 (saturating), values that are no number."
    ),
)
WEIGHTS_OVER_STEPS = Ridge(
    title="Weights over steps",
    series=("distributions/weights/all",),
    help=(
        _RIDGES + "Healthy: ridges change slowly and then hardly at all. "
        "Sick: they do not change from the start (nothing is learnt), or widen without end."
    ),
)
WEIGHTS_BY_LAYER = Ridge(
    title="Weights by layer",
    series=("distributions/weights/layer/*",),
    help=(
        _SAMPLED + _RIDGES + "Healthy: each layer's ridges move a little and settle. Sick: one layer stands still "
        "while others move, falls into 0, or widens without end."
    ),
)
GRADIENTS = HistogramChart(
    title="Gradients",
    series=("distributions/gradients/all",),
    y_scale="log",
    help=(
        "All gradients, now; counts on a log scale. Healthy: symmetric about 0, with tails that thin out. "
        "Sick: everything in the bin at 0 (vanishing), a few values very far out (a bad batch, exploding), one side "
        "only (all weights pushed one way)."
    ),
)
GRADIENTS_OVER_STEPS = Ridge(
    title="Gradients over steps",
    series=("distributions/gradients/all",),
    help=_RIDGES + "Healthy: narrower as the loss falls. Sick: they widen, or collapse while the loss is high.",
)
GRADIENTS_BY_LAYER = Ridge(
    title="Gradients by layer",
    series=("distributions/gradients/layer/*",),
    help=(
        _SAMPLED + _RIDGES + "Healthy: all layers within two or three powers of ten in width. "
        "Sick: ridges that are a needle at 0 in the early layers (vanishing)."
    ),
)
UPDATES = HistogramChart(
    title="Updates",
    series=("distributions/updates/all",),
    y_scale="log",
    help=(
        "What the last update added to each weight. Healthy: symmetric about 0, a thousandth of the weights wide. "
        "Sick: two walls at plus and minus the learning rate long after the start (Adam before its second moment has "
        "settled, or clipped signs), wider than the weights (the rate is too high)."
    ),
)
UPDATES_OVER_STEPS = Ridge(
    title="Updates over steps",
    series=("distributions/updates/all",),
    help=_RIDGES + "Healthy: narrows with the learning rate. Sick: widens while the rate does not.",
)
SPREAD_OF_WEIGHTS = Line(
    title="Spread of weights by layer",
    series=("distributions/moments/weights/std/*",),
    y_scale="log",
    help=(
        "Standard deviation of each layer's weights. Healthy: level or growing slowly. "
        "Sick: falling to nothing (the layer dies of weight decay) or growing by powers of ten. "
        "Layers whose weights are all the same (fresh biases, norms) start at 0, which a log scale cannot show."
    ),
)
SPREAD_OF_GRADIENTS = Line(
    title="Spread of gradients by layer",
    series=("distributions/moments/gradients/std/*",),
    y_scale="log",
    help=(
        "Standard deviation of each layer's gradients. Healthy: layers within three powers of ten, falling slowly. "
        "Sick: a fan that opens with depth (vanishing or exploding)."
    ),
)
MEANS = Line(
    title="Mean of weights by layer",
    series=("distributions/moments/weights/mean/*",),
    reference=(Reference(0.0, "balanced"),),
    help=(
        "Healthy: close to 0, but for norm layers, whose weights are near 1. Sick: a steady drift away from 0: the "
        "layer only ever gets pushed one way."
    ),
)
SKEWNESS = Line(
    title="Skewness of gradients by layer",
    series=("distributions/moments/gradients/skewness/*",),
    reference=(Reference(0.0, "symmetric"),),
    help=(
        "Healthy: swings about 0. Sick: far on one side for long: a few examples, or a few units, push one way "
        "(class imbalance, a dead half of the layer)."
    ),
)
TAILS = Line(
    title="Tails of gradients by layer",
    series=("distributions/moments/gradients/kurtosis/*",),
    reference=(Reference(0.0, "normal"),),
    help=(
        "Excess kurtosis: 0 for a normal distribution, large where few values are very large. "
        "Healthy: some tens; embeddings and last layers more, since most of their gradients are 0. "
        "Sick: jumps by powers of ten: single values rule the update (clip, or look at the batch)."
    ),
)
WEIGHT_QUANTILES = Line(
    title="Quantiles of all weights",
    series=("distributions/quantiles/weights/all/*",),
    help=(
        "So much of all weights lies below each line. Healthy: lines run level, the outer ones open slowly. "
        "Sick: outer lines run away (exploding) or close on 0 (weight decay is too strong)."
    ),
)
GRADIENT_QUANTILES = Line(
    title="Quantiles of all gradients",
    series=("distributions/quantiles/gradients/all/*",),
    help=(
        "So much of all gradients lies below each line. Healthy: symmetric about 0, closing slowly. "
        "Sick: outer lines spike (bad batches) or all lie on 0 (vanishing)."
    ),
)
WEIGHT_SIZES = Heatmap(
    title="Size of weights: layers × quantiles",
    series=("distributions/quantiles/weights/sizes",),
    help=(
        "log10 of the absolute value below which so much of a layer lies. Healthy: like colours from top to bottom. "
        "Sick: a row far darker or lighter than its neighbours; ▼ where the values are 0."
    ),
)
GRADIENT_SIZES = Heatmap(
    title="Size of gradients: layers × quantiles",
    series=("distributions/quantiles/gradients/sizes",),
    help=(
        "log10 of the absolute value below which so much of a layer's gradient lies. Healthy: within three units from "
        "top to bottom. Sick: a steady change with depth (vanishing or exploding); ▼ over most of a row: most of it "
        "gets no gradient (dead units, rows of an embedding that the batch did not use)."
    ),
)
