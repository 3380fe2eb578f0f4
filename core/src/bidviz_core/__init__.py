"""BIDViz: look into a training that is running, and put it right, without stopping it.

    import bidviz_core as bidviz

    session = bidviz.watch(model, optimizer)

The names below are what scripts and bundles use. They are loaded when they are first asked for, so that importing this
package costs nothing and brings in neither torch nor a web framework.
"""

from __future__ import annotations

import gc
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bidviz_core.errors import (
        BidvizError,
        CommandError,
        FormulaError,
        LinkError,
        MetricError,
        PluginError,
        SpecError,
        StoreError,
        TrainingStopped,
        WatchError,
    )
    from bidviz_core.hookspecs import hookimpl
    from bidviz_core.metrics.definition import Metric, Observe, metric
    from bidviz_core.observer import WebServerChannel
    from bidviz_core.policies.definition import Policy, policy
    from bidviz_core.replaying.player import replay
    from bidviz_core.session import Session
    from bidviz_core.specs import (
        Area,
        Bar,
        ConfusionMatrix,
        Heatmap,
        HistogramChart,
        ImageGrid,
        Line,
        PlotlyFigure,
        Reference,
        Ridge,
        Scatter,
        Scatter3D,
        TableView,
        TextView,
        VegaLite,
    )
    from bidviz_core.store import open_run
    from bidviz_core.values import Histogram, Image, Matrix, Nothing, Table, Text
    from bidviz_core.watching import watch

__version__ = "0.1.0"

_PLACES = {
    "bidviz_core.errors": (
        "BidvizError",
        "CommandError",
        "FormulaError",
        "LinkError",
        "MetricError",
        "PluginError",
        "SpecError",
        "StoreError",
        "TrainingStopped",
        "WatchError",
    ),
    "bidviz_core.hookspecs": ("hookimpl",),
    "bidviz_core.metrics.definition": ("Metric", "Observe", "metric"),
    "bidviz_core.observer": ("WebServerChannel",),
    "bidviz_core.policies.definition": ("Policy", "policy"),
    "bidviz_core.replaying.player": ("replay",),
    "bidviz_core.session": ("Session",),
    "bidviz_core.specs": (
        "Area",
        "Bar",
        "ConfusionMatrix",
        "Heatmap",
        "HistogramChart",
        "ImageGrid",
        "Line",
        "PlotlyFigure",
        "Reference",
        "Ridge",
        "Scatter",
        "Scatter3D",
        "TableView",
        "TextView",
        "VegaLite",
    ),
    "bidviz_core.store": ("open_run",),
    "bidviz_core.values": ("Histogram", "Image", "Matrix", "Nothing", "Table", "Text"),
    "bidviz_core.watching": ("watch",),
}
_PLACE = {name: module for module, names in _PLACES.items() for name in names}

__all__ = [
    "Area",
    "Bar",
    "BidvizError",
    "CommandError",
    "ConfusionMatrix",
    "FormulaError",
    "Heatmap",
    "Histogram",
    "HistogramChart",
    "Image",
    "ImageGrid",
    "Line",
    "LinkError",
    "Matrix",
    "Metric",
    "MetricError",
    "Nothing",
    "Observe",
    "PlotlyFigure",
    "PluginError",
    "Policy",
    "Reference",
    "Ridge",
    "Scatter",
    "Scatter3D",
    "Session",
    "SpecError",
    "StoreError",
    "Table",
    "TableView",
    "Text",
    "TextView",
    "TrainingStopped",
    "VegaLite",
    "WatchError",
    "WebServerChannel",
    "__version__",
    "hookimpl",
    "metric",
    "open_run",
    "policy",
    "replay",
    "watch",
]


def __getattr__(name: str) -> Any:
    place = _PLACE.get(name)
    if place is None:
        raise AttributeError(f"bidviz_core has no {name!r}")
    # With torch's many objects about, each full collection that the new modules bring on takes 50 ms.
    collecting = gc.isenabled()
    gc.disable()
    try:
        value = getattr(import_module(place), name)
    finally:
        if collecting:
            gc.enable()
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
