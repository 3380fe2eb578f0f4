"""How a classifier does while it learns, seen on the batches that it learns from."""

from __future__ import annotations

import sys

import bidviz_core as bidviz
from bidviz_metric_classification.metrics import accuracy, calibration, classes, confusion, worst


@bidviz.hookimpl
def register_metrics() -> list[bidviz.Metric]:
    """The five metrics of this bundle."""
    if "torch" in sys.modules:
        # It takes a second, which is better spent before the training than at one of its steps.
        import torchmetrics.classification  # noqa: F401

    return [accuracy, confusion, classes, calibration, worst]
