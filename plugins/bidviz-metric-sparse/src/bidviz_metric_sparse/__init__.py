"""Very sparse input: features seen, rows of embeddings that are updated, rows never touched, norm against frequency."""

from __future__ import annotations

import bidviz_core as bidviz
from bidviz_metric_sparse.metrics import features, norms, rows, updates


@bidviz.hookimpl
def register_metrics() -> list[bidviz.Metric]:
    """The four metrics of this bundle."""
    return [rows, updates, norms, features]
