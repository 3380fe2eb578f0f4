"""A training that draws with a bundle's own kind of chart, and with one that no bundle here draws."""

from __future__ import annotations

import sys
from typing import Any

import training

import bidviz_core as bidviz


@bidviz.metric(every=5, chart={"kind": "nobody.Here", "title": "Nobody's", "script": "page.js"})
def nobodys(loss: object) -> object:
    """The loss again."""
    return loss


VEGA = bidviz.VegaLite(
    title="In Vega-Lite",
    spec={
        "data": {"values": {"$series": "twice"}},
        "transform": [{"calculate": "datum.value / 2", "as": "half"}],
        "mark": "point",
        "encoding": {
            "x": {"field": "step", "type": "quantitative"},
            "y": {"field": "half", "type": "quantitative"},
        },
    },
)
PLOTLY = bidviz.PlotlyFigure(title="In Plotly", figure={"data": [{"type": "box", "y": {"$series": "twice"}}]})


@bidviz.metric(every=5, chart=(VEGA, PLOTLY))
def twice(loss: Any) -> Any:
    """Twice the loss."""
    return 2 * loss


if __name__ == "__main__":
    training.main(*sys.argv[1:], plugins=("bidviz-metric-rose",), metrics=(nobodys, twice))
