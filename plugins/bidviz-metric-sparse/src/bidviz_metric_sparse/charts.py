"""How sparse input is drawn, and what healthy and sick use of it looks like."""

from __future__ import annotations

from bidviz_core import Bar, HistogramChart, Line, Scatter
from bidviz_metric_sparse.counting import LABELS

NEVER = Line(
    title="Rows never touched",
    series=("sparse/rows/never/*",),
    unit="share",
    help=(
        "Share of each table's rows that no step of this run has used. Healthy: falls fast, then flattens out at "
        "what the data really lacks. Sick: level near 1 (the table is far too large, or most of the vocabulary never "
        "occurs: hash into fewer rows), level from the first step (the same few rows all the time: look at the "
        "data's order)."
    ),
)
BATCH = Line(
    title="Rows used in a step",
    series=("sparse/rows/batch/*",),
    unit="rows",
    help=(
        "How many different rows each step uses. Healthy: level, with some spread. Sick: drops to a few (empty or "
        "repeated batches), or steps to another level (the data changed)."
    ),
)
NEW = Line(
    title="Rows used for the first time",
    series=("sparse/rows/new/*",),
    unit="rows",
    help=(
        "Healthy: high at first, then falls towards 0 within the first epoch. Sick: stays high epoch after epoch "
        "(identifiers that never come back: they cannot be learnt, hash or drop them)."
    ),
)
USES = HistogramChart(
    title="Updates per row, in powers of two",
    series=("sparse/updates/rows/*",),
    y_scale="log",
    help=(
        "How many rows were used in how many steps: 0 is never, 1 once, 2 twice or three times, 3 four to seven "
        "times, and so on. Healthy: a long slope down (words are few and often, many and seldom) that wanders to the "
        "right. Sick: a wall in the first bins that does not move: most rows get no update, or one, and stay as they "
        "were initialised."
    ),
)
CONCENTRATION = Line(
    title="Uses that fall on the commonest hundredth of rows",
    series=("sparse/updates/concentration/*",),
    unit="share",
    help=(
        "Healthy: under a half for words, level. Sick: near 1: a few rows take all updates and the rest hardly learns "
        "(sub-sample what is common, weigh the loss, or use a rate for each row as Adagrad does)."
    ),
)
NORMS = Scatter(
    title="Norm against frequency",
    series=("sparse/norms/points/*",),
    columns=("log10 of 1 + steps that used the row", "norm of the row"),
    help=(
        "A point for each of 512 rows: log10(1 + steps that used it) across, the row's norm up. Healthy: a cloud "
        "that rises or falls gently to the right. Sick: the commonest rows far above all others (they take too large "
        "steps: weight decay, a smaller rate), or rare rows at 0 (decay eats what is not updated: use it on used "
        "rows only)."
    ),
)
NORMS_BY_USE = Bar(
    title="Mean norm of rows by use",
    series=("sparse/norms/by-use/*",),
    rows=LABELS,
    help=(
        "The mean norm of rows never used, used in 1 step, in 2-3, 4-7, and so on. Healthy: bars of like height. "
        "Sick: a staircase up (common rows blow up), or the never used far above the rest (they keep their initial "
        "norm while the others decay)."
    ),
)
FEATURES = Line(
    title="Features of sparse input",
    series=("sparse/features/seen", "sparse/features/batch"),
    unit="columns",
    help=(
        "Columns of the sparse batch that hold something: in this batch, and in any batch looked at so far. Healthy: "
        "seen rises fast, then flattens. Sick: it keeps rising in a straight line (identifiers that never come "
        "back), or stays far below the number of columns (too many hash buckets)."
    ),
)
DENSITY = Line(
    title="Density of sparse input",
    series=("sparse/features/density",),
    y_scale="log",
    unit="share",
    help=(
        "Share of cells of the batch that are stored. Healthy: level. Sick: jumps (broken preprocessing), 0 (empty "
        "batches)."
    ),
)
