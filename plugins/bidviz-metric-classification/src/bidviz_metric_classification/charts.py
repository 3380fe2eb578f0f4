"""How a classifier is drawn, and what healthy and sick look like."""

from __future__ import annotations

from bidviz_core import Bar, ConfusionMatrix, ImageGrid, Line, TableView
from bidviz_core.specs import Reference
from bidviz_metric_classification.bins import BIN_NAMES

ACCURACY = Line(
    title="Accuracy of the batch",
    series=("classification/accuracy/all", "classification/accuracy/mean of classes", "classification/accuracy/chance"),
    smooth=0.8,
    help=(
        "Share of the batch that is classified right, the mean of that over the classes, and the share of the batch's "
        "commonest class, which is what always saying the same would give. On the batches that are trained on, in "
        "training mode. Healthy: rises from chance, then ever more slowly. "
        "Sick: stays at chance (nothing is learnt), the mean of classes far below the rest (rare classes are given "
        "up), or falls back by much at once."
    ),
)

NOT_FINITE = Line(
    title="Scores that are no numbers",
    series=("classification/accuracy/not finite",),
    help="Examples of the batch whose scores hold NaN or Inf. Healthy: 0. Sick: anything else.",
)

CONFUSION = ConfusionMatrix(
    title="Confusion",
    series=("classification/confusion",),
    help=(
        "Examples by true class (rows) and said class (columns), of the last 50 batches looked at. "
        "Healthy: the diagonal stands out. "
        "Sick: a column that takes all (one class is said for everything), bright pairs off the diagonal (two classes "
        "are taken for each other: look at their examples or labels), an empty row (the class does not come)."
    ),
)

RECALL = Line(
    title="Recall by class",
    series=("classification/classes/recall/*",),
    help=(
        "Share of each class's examples that is found, over the last 50 batches looked at. "
        "Healthy: all rise, the hard ones later. Sick: one at 0 for long, or falling while others rise: it is "
        "forgotten."
    ),
)

PRECISION = Line(
    title="Precision by class",
    series=("classification/classes/precision/*",),
    help=(
        "Share of what is said to be of a class that is of it, over the last 50 batches looked at. "
        "Healthy: all rise. Sick: one far below the rest: it is said too often; a gap: it is never said."
    ),
)

F1 = Bar(
    title="F1 by class, now",
    series=("classification/classes/f1/*",),
    help=(
        "Harmonic mean of precision and recall of each class. Healthy: bars of like height. "
        "Sick: single ones far below the rest: rare, mislabelled or hard classes."
    ),
)

CALIBRATION = Line(
    title="Calibration error",
    series=("classification/calibration/expected error", "classification/calibration/overconfidence"),
    reference=(Reference(0.0),),
    help=(
        "Expected calibration error: by how much confidence and accuracy differ, over bins of confidence; and the mean "
        "confidence minus the accuracy. Over the last 20 batches looked at. "
        "Healthy: below 0.05. Sick: rising while accuracy stands still: the classifier grows too sure of itself "
        "(overfitting: label smoothing, weight decay, or stop); below 0: not sure enough."
    ),
)

GAPS = Bar(
    title="Accuracy minus confidence",
    series=("classification/calibration/gaps",),
    columns=BIN_NAMES,
    help=(
        "For examples of each confidence, by how much they are right more often than the classifier says; a bin "
        "without examples has no bar. Healthy: bars near 0. Sick: bars far below 0 on the right (too sure), "
        "above 0 (not sure enough)."
    ),
)

BINS = TableView(
    title="Reliability",
    series=("classification/calibration/bins",),
    help=(
        "Examples by confidence, and how many of them were right. Healthy: the last two columns are alike. "
        "Sick: the last one far below the one before it: the classifier is too sure."
    ),
)

WORST = ImageGrid(
    title="Worst examples of the batch",
    series=("classification/worst/pictures",),
    help=(
        "The pictures whose true class was given the least probability, the worst first: true class, said class, and "
        "how surely. Healthy: odd or unclear pictures. "
        "Sick: clear pictures with a wrong label, cut or empty ones (the data are broken), always the same two classes."
    ),
)

WORST_TABLE = TableView(
    title="Worst examples of the batch, by place",
    series=("classification/worst/examples",),
    help=(
        "The examples whose true class was given the least probability, with their place in the batch. "
        "Healthy: no class stands out. Sick: said with near certainty and wrong: look at these examples and labels."
    ),
)
