"""Chart specs: what is taken, what is refused and in which words, and that JSON gives back the same."""

from __future__ import annotations

import json
from typing import Any

import plotly.graph_objects as go
import pytest

import bidviz_core as bidviz
from bidviz_core.description import DescribedMetric, Description, decode_description, encode_description
from bidviz_core.errors import SpecError
from bidviz_core.grammars import named_series
from bidviz_core.specs import KINDS, chart_from_dict, chart_to_dict

OWN = {"kind": "sunburst.Sunburst", "title": "Layers", "series": ["layer/*"], "rings": 3, "inner": {"from": [1, 2.5]}}
VEGA = {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", "mark": "line", "title": "data: all of it"}
LOSS = {"$series": "loss"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_the_same_after_the_way_through_json(kind: str) -> None:
    chart = chart_from_dict({"kind": kind, "title": "One", "series": ["a", "b/*"], "help": "Healthy: flat."})
    written = json.loads(json.dumps(chart_to_dict(chart)))
    assert written["bidviz_chart"] == 1
    assert chart_from_dict(written) == chart
    assert type(chart) is KINDS[kind]


def test_a_bundles_own_kind_keeps_its_fields_beside_the_common_ones() -> None:
    chart = chart_from_dict(OWN)
    assert chart == bidviz.OwnChart(
        of="sunburst.Sunburst", title="Layers", series=("layer/*",), fields={"rings": 3, "inner": {"from": [1, 2.5]}}
    )
    assert json.loads(json.dumps(chart_to_dict(chart))) == {"bidviz_chart": 1, **OWN}
    about = Description(1, "x", "1", metrics=(DescribedMetric("m", charts=(chart, bidviz.Line())),), charts=(chart,))
    assert b'"sunburst.Sunburst"' in encode_description(about)
    assert decode_description(encode_description(about)) == about


def test_a_figure_that_plotly_made_is_taken_as_it_is() -> None:
    figure = json.loads(go.Figure(go.Scatter(y=[1, 2, 3]), layout={"title": "Three"}).to_json())
    chart = chart_from_dict({"kind": "PlotlyFigure", "figure": figure})
    assert chart_to_dict(chart)["figure"] == figure


def test_a_vega_lite_chart_may_say_in_which_version_it_is_written() -> None:
    chart = chart_from_dict({"kind": "VegaLite", "spec": {**VEGA, "data": {"values": {**LOSS, "last": 3}}}})
    assert named_series(chart_to_dict(chart)) == ("loss",)


def figure(**trace: Any) -> dict[str, Any]:
    return {"kind": "PlotlyFigure", "figure": {"data": [trace]}}


def vega(**more: Any) -> dict[str, Any]:
    return {"kind": "VegaLite", "spec": {**VEGA, **more}}


REFUSED = [
    ("Cloud", "not known; expected one of Line, Area"),
    ({"kind": "Line", "colour": "red"}, "unknown field `colour`"),
    ({"kind": "Line", "bidviz_chart": 2}, "upgrade bidviz-core"),
    ({"kind": "Line", "window": 0}, "Expected `int` >= 1"),
    ({"kind": "Line", "smooth": 1.0}, "Expected `float` < 1"),
    ({"kind": "Sun.Burst"}, "not known"),
    ({"kind": "sun.Burst", "rings": float("nan")}, "NaN and infinities"),
    ({"kind": "sun.Burst", "rings": object()}, "'rings' of the chart 'sun.Burst' is no JSON"),
    ({"kind": "sun.Burst", "icon": "https://example.org/a.png"}, "may not load anything, but icon is"),
    ({"kind": "sun.Burst", "of": 1}, "has of among its own fields"),
    (figure(type="choropleth"), "'choropleth' loads maps"),
    (figure(type="scattermap"), "'scattermap' loads maps"),
    (figure(type="scattergeo"), "'scattergeo' loads maps"),
    (figure(y={"$series": ""}), "figure.data.0.y names no series"),
    (figure(y={"$series": "loss", "colour": 1}), "figure.data.0.y has colour beside"),
    (figure(y={"$series": "loss", "last": 0}), "asks for the last 0"),
    (figure(y={"$series": "loss", "field": 3}), "has the field 3"),
    ({"kind": "PlotlyFigure", "figure": {"data": {}}}, "list of traces"),
    ({"kind": "PlotlyFigure", "figure": {"datum": []}}, "got datum as well"),
    ({"kind": "PlotlyFigure", "figure": {"layout": []}}, "layout is an object, got list"),
    ({"kind": "PlotlyFigure", "figure": {"layout": {"images": [{"source": "x.png"}]}}}, "layout.images.0.source is"),
    ({"kind": "VegaLite", "spec": {"data": {"values": LOSS}}}, "has a mark, or parts"),
    (vega(data={"url": "losses.csv"}), "spec.data.url is 'losses.csv'"),
    (vega(data={"url": {"expr": "'a' + 'b'"}}), "spec.data.url is"),
    (vega(mark="image"), "spec.mark draws images"),
    (vega(layer=[{"mark": {"type": "image"}}]), "spec.layer.0.mark draws images"),
    (vega(encoding={"href": {"value": "//example.org"}}), "spec.encoding.href.value is '//example.org'"),
    (vega(usermeta={"embedOptions": {"patch": "data:text/plain,x"}}), "may not load anything"),
]


@pytest.mark.parametrize(("spec", "words"), REFUSED, ids=lambda one: one if isinstance(one, str) else None)
def test_what_is_wrong_is_said(spec: Any, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        chart_from_dict(spec)
    assert words in str(caught.value)


def test_a_spec_made_in_python_is_checked_as_well() -> None:
    with pytest.raises(SpecError, match="may not load anything"):
        bidviz.VegaLite(spec={"mark": "line", "data": {"url": "x.csv"}})
    with pytest.raises(SpecError, match="no JSON"):
        bidviz.PlotlyFigure(figure={"data": [{"y": go.Figure}]})
    with pytest.raises(SpecError, match=r"called like 'sunburst\.Sunburst'"):
        bidviz.OwnChart(of="Sunburst")
