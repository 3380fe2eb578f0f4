"""How clusters are drawn, and what healthy and sick ones look like."""

from __future__ import annotations

from bidviz_core import Area, Bar, Heatmap, Line
from bidviz_core.specs import Reference

DISTORTION = Area(
    title="Distortion",
    series=("clustering/fit/distortion",),
    unit="squared distance",
    help=(
        "Mean squared distance of the batch's points to their nearest centres, which k-means minimises. Healthy: "
        "falls fast, then levels out with the noise of the batches. Sick: rises (centres are thrown about: a longer "
        "memory, a smaller rate), level from the start (centres do not move)."
    ),
)
SEPARATION = Line(
    title="Separation",
    series=("clustering/fit/separation",),
    help=(
        "Simplified silhouette: 1 - distance to the nearest centre / distance to the second, averaged over the points. "
        "Healthy: rises, then level; above 0.5 clusters are distinct. "
        "Sick: near 0: points lie half-way between centres (too many clusters, or none in the data)."
    ),
)
UNIFORMITY = Line(
    title="Evenness of cluster sizes",
    series=("clustering/sizes/uniformity",),
    reference=(Reference(1.0, "all alike"),),
    help=(
        "Entropy of the sizes divided by that of equal ones. Healthy: 0.8 to 1 for data without rare kinds, level. "
        "Sick: falling: a few clusters swallow the rest (start anew with k-means++, split the largest)."
    ),
)
EMPTY = Line(
    title="Empty clusters",
    series=("clustering/sizes/empty",),
    unit="clusters",
    help=(
        "Clusters without a point in this batch. Healthy: 0, with batches much larger than the number of clusters. "
        "Sick: the same number for long: dead centres that no point is nearest to (move them to far points)."
    ),
)
SIZES = Bar(
    title="Cluster sizes",
    series=("clustering/sizes/points",),
    unit="points",
    help="Points of the batch in each cluster. Healthy: bars of like height. Sick: one tower, and bars at 0.",
)
DISTANCES = Heatmap(
    title="Distances between clusters",
    series=("clustering/distances/between",),
    help=(
        "Healthy: all of like colour but the diagonal. Sick: pairs near 0 off the diagonal (two centres share a "
        "cluster), one stripe far lighter than all (a centre that ran away to outliers)."
    ),
)
CLOSEST = Line(
    title="Distance to the nearest other centre",
    series=("clustering/distances/least", "clustering/distances/median"),
    help=(
        "The least, and the median over the centres. Healthy: both level out apart from 0. "
        "Sick: the least falls to 0: two centres have become one."
    ),
)
MOVEMENT = Line(
    title="Movement of the centres",
    series=("clustering/movement/mean", "clustering/movement/largest"),
    y_scale="log",
    help=(
        "How far centres moved per step since they were looked at last, the mean and the farthest. Healthy: falls "
        "steadily by powers of ten. Sick: level (does not converge: lower the rate), 0 from the start, spikes (a "
        "centre was moved elsewhere, or a bad batch)."
    ),
)
MOVED = Bar(
    title="Movement by centre",
    series=("clustering/movement/centres",),
    help=(
        "How far each centre moved per step. Healthy: bars of like height, shrinking. Sick: one that alone keeps "
        "moving."
    ),
)
