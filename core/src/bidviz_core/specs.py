"""Chart specs: plain data that says how series are drawn, never code and never a renderer's name.

A spec is a frozen struct here and a JSON object on the wire (`{"bidviz_chart": 1, "kind": "Line", …}`). What a
viewer changes on the page (window, scale, smoothing) is the view's own and does not come back here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from bidviz_core.errors import SpecError
from bidviz_core.grammars import OWN_KIND, check_fields, check_figure, check_vega

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
        rows: labels of a value's first axis; of bars of several numbers the last parts of their names, which are then
            places along one axis and have one colour.
        columns: labels of a value's second axis; of points the names of their two axes.
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

    def __post_init__(self) -> None:
        check_figure(self.figure)


class VegaLite(Chart, frozen=True, tag="VegaLite"):
    """A chart in Vega-Lite's grammar.

    Args:
        spec: the chart, with `{"$series": "name"}` where data goes.
    """

    spec: dict[str, Any] = {}

    def __post_init__(self) -> None:
        check_vega(self.spec)


class OwnChart(Chart, frozen=True, tag="Own"):
    """A chart of a kind that a bundle draws itself, with a renderer in the dashboard (`register_renderers`).

    In JSON its kind is what `of` says and its fields stand beside the common ones:
    `{"kind": "sunburst.Sunburst", "rings": 3}`.

    Args:
        of: the kind: the bundle's word, a dot, the chart's.
        fields: what is the kind's own; JSON only.
    """

    of: str
    fields: dict[str, Any] = {}

    def __post_init__(self) -> None:
        check_fields(self.of, self.fields)
        if taken := sorted(self.fields.keys() & {*_COMMON, "kind", "of", "fields", "bidviz_chart"}):
            raise SpecError(
                f"The chart {self.of!r} has {', '.join(taken)} among its own fields, which all charts have."
            )


_COMMON = frozenset(Chart.__struct_fields__)

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
    | OwnChart
)

#: The kinds that the page draws by itself.
KINDS: dict[str, type[Chart]] = {kind.__name__: kind for kind in AnyChart.__args__ if kind is not OwnChart}

VERSION = 1

#: What a help text says whose author is still to say it; the check asks for it, and lets it pass.
UNSAID = "Its author has not said yet what is {}."


def unsaid_in(text: str) -> str:
    """What a help text does not say the look of: `"healthy"`, `"sick"`, both, or nothing."""
    said = text.lower()
    for words in ("healthy and sick", "healthy", "sick"):
        said = said.replace(UNSAID.format(words).lower(), "")
    return " and ".join(word for word in ("healthy", "sick") if word not in said)


def chart_to_dict(chart: Chart) -> dict[str, Any]:
    """The JSON-able form of a spec, with its version first."""
    return {"bidviz_chart": VERSION, **spelled(msgspec.to_builtins(chart))}


def spelled(plain: dict[str, Any]) -> dict[str, Any]:
    """A spec's plain form as it is written: a bundle's kind by its own name, its fields beside the common ones."""
    if plain.get("kind") != OwnChart.__struct_config__.tag:
        return plain
    common = {key: value for key, value in plain.items() if key not in ("kind", "of", "fields")}
    return {"kind": plain["of"], **common, **plain.get("fields", {})}


def unspelled(written: dict[str, Any]) -> dict[str, Any]:
    """The inverse of `spelled`."""
    kind = written.get("kind")
    if not isinstance(kind, str) or not OWN_KIND.fullmatch(kind):
        return written
    common = {key: value for key, value in written.items() if key in _COMMON}
    own = {key: value for key, value in written.items() if key not in _COMMON and key not in ("kind", "bidviz_chart")}
    return {"kind": OwnChart.__struct_config__.tag, **common, "of": kind, "fields": own}


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
    plain = unspelled({key: value for key, value in data.items() if key != "bidviz_chart"})
    if plain.get("kind") not in (*KINDS, OwnChart.__struct_config__.tag):
        raise SpecError(
            f"A chart of kind {data.get('kind')!r} is not known; expected one of {', '.join(KINDS)}, "
            'or a bundle\'s own ("bundle.Kind").'
        )
    try:
        chart: AnyChart = msgspec.convert(plain, AnyChart)
    except msgspec.ValidationError as error:
        raise SpecError(f"The chart spec of kind {data['kind']!r} is not valid: {error}.") from None
    return chart


def series_in(value: Any) -> Iterator[str]:
    """The series that stand where data goes (`{"$series": name}`), anywhere in a figure of another grammar."""
    if isinstance(value, Mapping):
        if isinstance(value.get("$series"), str):
            yield value["$series"]
        for inner in value.values():
            yield from series_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from series_in(inner)
