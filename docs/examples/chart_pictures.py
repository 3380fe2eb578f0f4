"""Draws the pictures of `docs/charts.md`: one of each kind of chart, from made-up values, by the page's own renderers.

python docs/examples/chart_pictures.py docs/images/charts
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

import bidviz_core as bidviz
from bidviz_core.description import DescribedMetric, Description
from bidviz_core.samples import sample_of

STEPS = np.arange(1, 601)
RANDOM = np.random.default_rng(7)
DIGITS = tuple("0123456789")


def losses() -> dict[str, Any]:
    """A training and a validation loss, with a spike, a NaN and an accuracy."""
    train = 2.3 * np.exp(-STEPS / 140) + 0.05 + 0.04 * RANDOM.random(600)
    train[330] = 1.9
    train[460] = np.nan
    held_out = 2.3 * np.exp(-STEPS / 160) + 0.16 + 0.01 * RANDOM.random(600)
    return {"loss/train": train, "loss/val": held_out, "accuracy": 1 - held_out / 2.5}


def norms() -> dict[str, Any]:
    """Norms of layers, one of them about to vanish."""
    layers = {"conv1": 0.004, "conv2": 0.09, "dense": 0.7, "head": 1.4}
    return {f"norm/{name}": size * np.exp(0.25 * RANDOM.standard_normal(600)) for name, size in layers.items()}


def histograms() -> list[bidviz.Histogram]:
    """Weights that spread out while they are trained."""
    shapes = [(step, RANDOM.normal(0.15 * step / 600, 0.05 + 0.3 * step / 600, 4000)) for step in range(20, 601, 20)]
    return [bidviz.Histogram(*np.histogram(values, 60, (-1, 1.4))) for _, values in shapes]


def confusion() -> Any:
    """Six classes, two of them often taken for each other."""
    names = ("cat", "dog", "fox", "hen", "owl", "pig")
    counts = RANDOM.poisson(0.7, (6, 6)) + np.diag(RANDOM.integers(70, 95, 6))
    counts[1, 2], counts[2, 1] = 18, 31
    return bidviz.Matrix(counts.astype(float), names, names)


def pictures() -> bidviz.Image:
    """Eight small pictures of strokes."""
    grid = np.mgrid[-1:1:12j, -1:1:12j]
    shapes = [np.exp(-8 * (grid[0] * np.cos(turn) + grid[1] * np.sin(turn)) ** 2) for turn in np.linspace(0, 2.8, 8)]
    return bidviz.Image((np.stack(shapes) * 255).astype(np.uint8), [f"{turn}°" for turn in range(0, 160, 20)])


def cloud(columns: int) -> Any:
    """Three clusters."""
    centres = np.array([[0, 0, 0], [3, 1.5, -1], [0.5, 3, 2.5]])
    return (centres[RANDOM.integers(0, 3, 500)] + 0.55 * RANDOM.standard_normal((500, 3)))[:, :columns]


FIGURE = {
    "data": [
        {"type": "violin", "y": {"$series": "norm/conv1"}, "name": "conv1", "meanline": {"visible": True}},
        {"type": "violin", "y": {"$series": "norm/dense"}, "name": "dense", "meanline": {"visible": True}},
    ],
    "layout": {"yaxis": {"type": "log", "title": {"text": "norm"}}, "showlegend": False},
}
VEGA = {
    "data": {"values": {"$series": "norm/*"}},
    "transform": [{"calculate": "split(datum.series, '/')[1]", "as": "layer"}],
    "mark": {"type": "boxplot", "extent": "min-max"},
    "encoding": {
        "y": {"field": "layer", "type": "nominal", "title": None},
        "x": {"field": "value", "type": "quantitative", "scale": {"type": "log"}, "title": "norm"},
        "color": {"field": "layer", "type": "nominal", "legend": None},
    },
}
TEXT = """the cat sat on the mat and looked
at the sea and the
"""


def charts() -> dict[str, Any]:
    """A chart of each kind, by its name."""
    good = (bidviz.Reference(0.2, "good"),)
    return {
        "Line": bidviz.Line(series=("loss/train", "loss/val"), reference=good),
        "Area": bidviz.Area(series=("reward",)),
        "Bar": bidviz.Bar(series=("norm/*",), y_scale="log"),
        "HistogramChart": bidviz.HistogramChart(series=("weights",)),
        "Ridge": bidviz.Ridge(series=("weights",)),
        "Heatmap": bidviz.Heatmap(series=("per class",), rows=DIGITS),
        "Scatter": bidviz.Scatter(series=("flat",)),
        "Scatter3D": bidviz.Scatter3D(series=("space",)),
        "ConfusionMatrix": bidviz.ConfusionMatrix(series=("confusion",)),
        "ImageGrid": bidviz.ImageGrid(series=("images",)),
        "TableView": bidviz.TableView(series=("layers",)),
        "TextView": bidviz.TextView(series=("sample",)),
        "PlotlyFigure": bidviz.PlotlyFigure(figure=FIGURE),
        "VegaLite": bidviz.VegaLite(spec=VEGA),
    }


def description() -> Description:
    """A bundle that has a metric for each kind of chart."""
    scalars = {**losses(), **norms()}
    samples = {name: sample_of(STEPS.tolist(), [float(one) for one in values]) for name, values in scalars.items()}
    table = bidviz.Table(
        ("layer", "state", "norm"),
        [
            ("conv1", "vanishing", 0.0041),
            ("conv2", "healthy", 0.089),
            ("dense", "healthy", 0.72),
            ("head", "no number", np.nan),
        ],
    )
    vectors = [np.clip(RANDOM.normal(step / 300, 0.2, 10), 0, 1) for step in range(10, 301, 10)]
    many = np.arange(1, 6001)
    swinging = np.log(many) * (1 + 0.35 * np.sin(many / 3) * RANDOM.random(6000))
    samples["reward"] = sample_of(many.tolist(), [round(float(one), 3) for one in swinging])
    arrays: dict[str, tuple[list[int], list[Any]]] = {
        "weights": (list(range(20, 601, 20)), histograms()),
        "per class": (list(range(10, 301, 10)), vectors),
        "flat": ([600], [cloud(2)]),
        "space": ([600], [cloud(3)]),
        "confusion": ([600], [confusion()]),
        "images": ([600], [pictures()]),
        "layers": ([600], [table]),
        "sample": ([600], [bidviz.Text(TEXT)]),
    }
    samples |= {name: sample_of(steps, values) for name, (steps, values) in arrays.items()}
    metrics = tuple(DescribedMetric(name, charts=(chart,)) for name, chart in charts().items())
    return Description(1, "charts", "1", metrics=metrics, samples=samples)


def main(folder: str) -> None:
    """Draws all of them."""
    from bidviz_dashboard.pictures import draw_bundle

    for path in draw_bundle(description(), Path(folder), width=400, told=lambda panel, words: print(panel, words)):
        print(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
