"""How curvature is drawn, and what healthy and sick look like."""

from __future__ import annotations

from bidviz_core import Line, Scatter
from bidviz_core.specs import Reference

EIGENVALUE = Line(
    title="Largest Hessian eigenvalue",
    series=("curvature/eigenvalue/largest", "curvature/eigenvalue/stable up to"),
    y_scale="log",
    help=(
        "How sharply the loss bends in its sharpest direction, on the step's batch; for plain SGD also the sharpness "
        "up to which its steps are stable, (2 + 2 momentum) / lr. Costs about 5 steps each time. "
        "Healthy: rises early, then levels out, for full batches just at the stable line. "
        "Sick: climbs past the stable line while the loss oscillates (lower the learning rate), or below 0 for long, "
        "where a log scale shows nothing: the loss bends down there (a saddle)."
    ),
)

EIGENVALUE_ERROR = Line(
    title="Largest eigenvalue, error",
    series=("curvature/eigenvalue/error",),
    help=(
        "How far the power iteration may still be from an eigenvalue, as a share of it. "
        "Healthy: below 0.3, falling over the first runs. "
        "Sick: near 1 for long: the two largest eigenvalues are of like size, or the batch is too small to say."
    ),
)

TRACE = Line(
    title="Hessian trace",
    series=("curvature/trace/trace",),
    help=(
        "Sum of the curvatures in all directions, by Hutchinson's estimate on the step's batch. "
        "Costs about 5 steps each time. "
        "Healthy: rises early, then falls slowly or stays level: the training settles in a flat place. "
        "Sick: climbs by powers of ten (the loss gets sharp: lower the learning rate, or warm it up), or negative for "
        "long (a saddle)."
    ),
)

TRACE_ERROR = Line(
    title="Hessian trace, standard error",
    series=("curvature/trace/error",),
    help=(
        "The standard error of the trace's estimate. Healthy: well below the trace. "
        "Sick: of its size: trust only the trend of the trace."
    ),
)

ALONG = Scatter(
    title="Loss along the last step",
    series=("curvature/line/loss",),
    help=(
        "The loss of the step's batch on the straight line of the last update: 0 is where it began, 1 where it ended. "
        "Costs about 4 steps each time. "
        "Healthy: falls from 0 to 1, with its lowest point near 1 or beyond. "
        "Sick: a bowl with its lowest point well before 1 (steps too long), or rising from 0 on (the update goes "
        "against this batch: momentum, or a gradient that is mostly noise)."
    ),
)

LOWEST = Line(
    title="Lowest point along the last step",
    series=("curvature/line/lowest",),
    reference=(Reference(1.0, "the step's end"),),
    help=(
        "Where the loss was lowest of the places looked at, in lengths of the last step. "
        "Healthy: 1 or above. Sick: below 1 for long (steps too long); 2 for long: steps could be longer."
    ),
)

ALPHA = Line(
    title="Alpha",
    series=("curvature/alpha",),
    reference=(Reference(-1.0), Reference(0.0, "the minimum"), Reference(1.0)),
    help=(
        "Where the last step landed on the parabola through its two ends: -1 did not move, 0 in the minimum, 1 at the "
        "same height on the other side. Costs about 2 steps each time. "
        "Healthy: between -1 and 0, or scattered about 0. "
        "Sick: above 0 for long (steps overshoot: lower the learning rate), at -1 for long (steps far too short)."
    ),
)
