"""How noise is drawn, and what healthy and sick look like."""

from __future__ import annotations

from bidviz_core import Line
from bidviz_core.specs import Reference

SCALE = Line(
    title="Gradient noise scale",
    series=("noise/gradients/scale", "noise/gradients/batch size"),
    y_scale="log",
    unit="examples",
    help=(
        "The batch size at which noise and signal in the gradient are of like size, beside the one that is used. "
        "Costs about 4 steps each time. "
        "Healthy: rises slowly as the loss falls; the batch size is of its order or below: every example counts. "
        "Sick: far below the batch size (examples are wasted: a smaller batch learns as much), or infinite or a "
        "thousand times above for long: the steps are mostly noise (larger batches, or a lower learning rate)."
    ),
)

TESTS = Line(
    title="Tests of the batch size",
    series=(
        "noise/gradients/norm test",
        "noise/gradients/inner product test",
        "noise/gradients/orthogonality test",
    ),
    y_scale="log",
    reference=(Reference(1.0),),
    help=(
        "By how much the batch's gradient may be off, in all (norm), along itself (inner product) and across itself "
        "(orthogonality), as a share of its norm. "
        "Healthy: inner product below 1, norm and orthogonality below about 6: the direction can be trusted. "
        "Sick: inner product above 1 for long (many steps go uphill: enlarge the batch), all far below 0.1 "
        "(the batch could be smaller)."
    ),
)

SIGNAL = Line(
    title="Gradient signal to noise",
    series=("noise/gradients/signal to noise",),
    y_scale="log",
    help=(
        "Squared mean by variance of each parameter's gradient over the examples, averaged over all parameters. "
        "Healthy: high in the beginning, falling as the examples are learnt. "
        "Sick: near 1 / batch size from the start, where it is what pure noise gives (nothing is learnt), or "
        "falling early while the loss is still high."
    ),
)
