"""Chart specs: plain data that says how series are drawn, never code and never a renderer's name.

A spec is a frozen struct here and a JSON object on the wire (`{"bidviz_chart": 1, "kind": "Line", …}`). What a
viewer changes on the page (window, scale, smoothing) is the view's own and does not come back here.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from bidviz_core.errors import SpecError

Scale: TypeAlias = Literal["linear", "log"]
XAxis: TypeAlias = Literal["step", "epoch", "time"]
Reduce: TypeAlias = Literal["last", "mean", "min", "max"]
Positive: TypeAlias = Annotated[int, msgspec.Meta(gt=0)]
Fraction: TypeAlias = Annotated[float, msgspec.Meta(ge=0, lt=1)]


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A horizontal line to compare with.

    Args:
        value: where it stands on the y axis.
        label: what it means.
    """

    value: float
    label: str = ""


class Chart(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="kind"
):
    """What every chart has in common.

    Args:
        title: what stands above it; empty means the metric's name.
        series: names or patterns (`layer/*`) of the series it shows; empty means those of its metric.
        x: what runs along the x axis.
        x_scale: linear or log.
        y_scale: linear or log.
        unit: the unit of the values, as text.
        window: show the last n steps at the start; `None` is the whole history.
        reduce: how values that fall on one point are put together; `None` keeps least and largest.
        smooth: the weight of an exponential average the panel starts with, from 0 (none) to below 1.
        reference: lines to compare with.
        rows: labels of a value's first axis.
        columns: labels of a value's second axis.
        bins: labels of a histogram's bins.
        help: what a healthy and a sick curve look like.
    """

    title: str = ""
    series: tuple[str, ...] = ()
    x: XAxis = "step"
    x_scale: Scale = "linear"
    y_scale: Scale = "linear"
    unit: str = ""
    window: Positive | None = None
    reduce: Reduce | None = None
    smooth: Fraction = 0.0
    reference: tuple[Reference, ...] = ()
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    bins: tuple[str, ...] = ()
    help: str = ""


class Line(Chart, frozen=True, tag="Line"):
    """Series over steps, a line each."""


class Area(Chart, frozen=True, tag="Area"):
    """A line with the band between its least and largest value."""


class Bar(Chart, frozen=True, tag="Bar"):
    """The latest value of each series, or the latest vector, as bars."""


class HistogramChart(Chart, frozen=True, tag="HistogramChart"):
    """The latest histogram, which moves as the training does."""


class Ridge(Chart, frozen=True, tag="Ridge"):
    """Histograms over steps, one behind the other."""


class Heatmap(Chart, frozen=True, tag="Heatmap"):
    """The latest matrix, or a vector over steps, as colours."""


class Scatter(Chart, frozen=True, tag="Scatter"):
    """Points: the latest `n × 2` array, or one series against another."""


class Scatter3D(Chart, frozen=True, tag="Scatter3D"):
    """Points in space: the latest `n × 3` array."""


class ConfusionMatrix(Chart, frozen=True, tag="ConfusionMatrix"):
    """The latest square matrix of true classes (rows) against predicted ones (columns)."""


class ImageGrid(Chart, frozen=True, tag="ImageGrid"):
    """The latest images side by side."""


class TableView(Chart, frozen=True, tag="TableView"):
    """The latest table, or the latest values of the series by name."""


class TextView(Chart, frozen=True, tag="TextView"):
    """The latest text."""


class PlotlyFigure(Chart, frozen=True, tag="PlotlyFigure"):
    """A figure in Plotly's grammar.

    Args:
        figure: the figure, with `{"$series": "name"}` where data goes.
    """

    figure: dict[str, Any] = {}


class VegaLite(Chart, frozen=True, tag="VegaLite"):
    """A chart in Vega-Lite's grammar.

    Args:
        spec: the chart, with `{"$series": "name"}` where data goes.
    """

    spec: dict[str, Any] = {}


AnyChart: TypeAlias = (
    Line
    | Area
    | Bar
    | HistogramChart
    | Ridge
    | Heatmap
    | Scatter
    | Scatter3D
    | ConfusionMatrix
    | ImageGrid
    | TableView
    | TextView
    | PlotlyFigure
    | VegaLite
)

KINDS: dict[str, type[Chart]] = {kind.__name__: kind for kind in AnyChart.__args__}

VERSION = 1
_URL = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//|^\s*data:", re.IGNORECASE)
_LOADING_KEYS = frozenset({"url", "src", "source", "href"})


def chart_to_dict(chart: Chart) -> dict[str, Any]:
    """The JSON-able form of a spec, with its version first."""
    return {"bidviz_chart": VERSION, **msgspec.to_builtins(chart)}


def chart_from_dict(data: Any) -> AnyChart:
    """Reads and validates a spec.

    Args:
        data: what `chart_to_dict` gave, or JSON decoded; a plain kind (`"Line"`) is a spec with its defaults.

    Raises:
        SpecError: it does not fit the schema, or loads something from a URL.
    """
    if isinstance(data, str):
        data = {"kind": data}
    if not isinstance(data, dict):
        raise SpecError(f"A chart spec is an object, got {type(data).__name__}.")
    version = data.get("bidviz_chart", VERSION)
    if version != VERSION:
        raise SpecError(f"This BIDViz knows version {VERSION} of chart specs, got {version!r}: upgrade bidviz-core.")
    if data.get("kind") not in KINDS:
        raise SpecError(f"A chart of kind {data.get('kind')!r} is not known; expected one of {', '.join(KINDS)}.")
    plain = {key: value for key, value in data.items() if key != "bidviz_chart"}
    try:
        chart: AnyChart = msgspec.convert(plain, AnyChart)
    except msgspec.ValidationError as error:
        raise SpecError(f"The chart spec of kind {data['kind']!r} is not valid: {error}.") from None
    _refuse_urls(plain, ())
    return chart


def _refuse_urls(value: Any, path: tuple[str, ...]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key.lower() in _LOADING_KEYS and isinstance(inner, str) and inner:
                where = ".".join((*path, key))
                raise SpecError(
                    f"A chart spec may not load anything, but {where} is {inner!r}: put the data in a series."
                )
            _refuse_urls(inner, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            _refuse_urls(inner, (*path, str(index)))
    elif isinstance(value, str) and path and path[0] in ("figure", "spec") and _URL.match(value):
        raise SpecError(f"A chart spec may not load anything, but {'.'.join(path)} is {value[:80]!r}.")
