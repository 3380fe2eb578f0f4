"""Every kind of chart: in a tile and enlarged, light and dark, at any size, with nothing, one, many and bad values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, Request

from bidviz_core.specs import KINDS
from bidviz_core.values import Histogram, Image, Matrix, Table, Text

pytestmark = pytest.mark.browser

SETUP = """() => {
    window.store = new charts.SeriesStore({run: 'run', requestHistory: async () => [],
        requestArrays: async (query) => window.past?.(query) ?? []});
    window.apply = (text) => store.applyFrame(frameOf(text));
    window.place = (width, height) => {
        const box = document.createElement('div');
        box.style.cssText = `width:${width}px;height:${height}px;display:flex;flex-direction:column;position:relative`;
        document.body.replaceChildren(box);
        return box;
    };
    window.tile = (spec, name, width = 480, height = 240) => {
        window.panel?.destroy();
        window.box = place(width, height);
        window.panel = charts.createPanel(box, {spec, metric: {name, series: [name]}, store});
    };
    window.enlarge = (spec, name) => {
        window.panel?.destroy();
        window.box = place(1000, 600);
        window.panel = charts.openFocus(box, {spec, metric: {name, series: [name]}, store});
    };
    const filled = (canvas) => canvas.width && new Uint32Array(canvas.getContext('2d').getImageData(0, 0,
        canvas.width, canvas.height).data.buffer).some(Boolean);
    window.note = () => box.querySelector('.bvc-note:not([hidden])')?.innerText ?? '';
    window.gap = () => box.querySelector('.bvc-gap:not([hidden])')?.innerText ?? '';
    window.drawn = () => [...box.querySelectorAll('.bvc-chart canvas, .vega-embed canvas')].some(filled)
        || Boolean(box.querySelector('.js-plotly-plot .plot .point, .js-plotly-plot .js-line, .js-plotly-plot .hm img,'
            + ' .js-plotly-plot .hm image, .js-plotly-plot .trace, .gl-container canvas, img.bvc-figure[src],'
            + ' table.bvc-table')
        || box.querySelector('pre.bvc-text')?.innerText);
}"""
STEPS = np.arange(1, 2001)
#: Milliseconds for what a busy machine takes long for: Plotly and Vega are read once a page.
PATIENCE = 60_000


def figure(name: str) -> dict[str, Any]:
    """A line of whatever the series gives."""
    return {"figure": {"data": [{"type": "scatter", "y": {"$series": name}}], "layout": {}}}


def vega(name: str) -> dict[str, Any]:
    """Points over steps."""
    step = {"field": "step", "type": "quantitative"}
    value = {"field": "value", "type": "quantitative"}
    return {"spec": {"data": {"values": {"$series": name}}, "mark": "point", "encoding": {"x": step, "y": value}}}


#: Values of which each kind makes its picture: one as it should be, one with NaN and infinities, one that is empty.
ARRAYS: dict[str, tuple[Any, Any, Any]] = {
    "Bar": (np.arange(1.0, 6), np.array([np.nan, np.inf, -np.inf, 2.0]), np.empty(0)),
    "HistogramChart": (
        Histogram(np.array([1, 5, 2]), np.array([0.0, 1, 2, 3])),
        Histogram(np.array([1, 5, 2]), np.array([0.0, 1, 2, 3]), nan=3, below=1, above=2),
        Histogram(np.empty(0), np.array([0.0])),
    ),
    "Ridge": (
        Histogram(np.array([1, 5, 2]), np.array([0.0, 1, 2, 3])),
        Histogram(np.array([0, 0, 0]), np.array([0.0, 1, 2, 3]), nan=300),
        Histogram(np.empty(0), np.array([0.0])),
    ),
    "Heatmap": (np.arange(12.0).reshape(3, 4), np.array([[np.nan, np.inf], [-np.inf, 1]]), np.empty((0, 4))),
    "Scatter": (np.arange(12.0).reshape(6, 2), np.array([[np.nan, 1], [1, 2], [2, np.inf]]), np.empty((0, 2))),
    "Scatter3D": (
        np.arange(18.0).reshape(6, 3),
        np.array([[np.nan, 1, 1], [1, 2, 3], [2, 2, np.inf]]),
        np.empty((0, 3)),
    ),
    "ConfusionMatrix": (Matrix(np.eye(3), "abc", "abc"), Matrix(np.full((2, 2), np.nan)), Matrix(np.empty((0, 0)))),
    "ImageGrid": (
        Image(np.random.default_rng(0).random((5, 8, 8))),
        Image(np.full((4, 4), np.nan)),
        Image(np.empty((0, 4, 4))),
    ),
    "TableView": (Table(["a", "b"], [["x", 1.0]]), Table(["a"], [[float("nan")], [None]]), Table([], [])),
    "TextView": (Text("the cat"), Text("NaN " * 5000), Text("")),
}
SCALARS = ("Line", "Area", "PlotlyFigure", "VegaLite")


def spec_of(kind: str, name: str) -> dict[str, Any]:
    """The plainest spec of a kind that shows a series."""
    more = {"PlotlyFigure": figure, "VegaLite": vega}.get(kind, lambda _: {})(name)
    return {"kind": kind, "series": [name], **more}


@pytest.fixture
def theme() -> str:
    """The page's theme, for tests that do not try both."""
    return "light"


@pytest.fixture
def page(kept_page: tuple[Page, list[str]], theme: str, batch: Any, array_frame: Any) -> Iterator[Page]:
    """A run with every series of `ARRAYS`, and numbers: many, bad and one; in a store of the test's own."""
    page, complaints = kept_page
    complaints.clear()
    page.set_default_timeout(PATIENCE)
    page.evaluate("theme => { charts.chooseTheme(theme); delete window.past; }", theme)
    page.evaluate(SETUP)
    bad = np.ones(2000)
    bad[[100, 200, 300]] = np.nan, np.inf, -np.inf
    page.evaluate(
        "text => apply(text)", batch(1, STEPS, good=np.exp(-STEPS / 500), bad=bad, empty=np.full(2000, np.nan))
    )
    page.evaluate("text => apply(text)", batch(2, [2000], one=0.5))
    for kind, values in ARRAYS.items():
        for word, value in zip(("good", "bad", "empty"), values, strict=True):
            page.evaluate("text => apply(text)", array_frame(f"{kind}/{word}", 2000, value))
    yield page
    page.evaluate("() => { window.panel?.destroy(); delete window.panel; document.body.replaceChildren(); }")
    assert complaints == []


def test_every_kind_is_in_this_list() -> None:
    assert {*ARRAYS, *SCALARS} == set(KINDS)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_in_a_tile_and_enlarged(kind: str, theme: str, page: Page) -> None:
    good, bad, empty = (word if kind in SCALARS else f"{kind}/{word}" for word in ("good", "bad", "empty"))
    for size in ([480, 240], [160, 110], [1200, 700]) if theme == "light" else ([480, 240],):
        page.evaluate("([spec, name, size]) => tile(spec, name, ...size)", [spec_of(kind, good), good, size])
        page.wait_for_function("() => drawn()")
        assert page.evaluate("() => note()") == ""
    page.evaluate("([spec, name]) => enlarge(spec, name)", [spec_of(kind, good), good])
    page.wait_for_function("() => drawn()")
    assert page.evaluate("() => note()") == ""
    others = [bad, empty, *(["one"] if kind in SCALARS else [])]
    for name in others if theme == "light" else [bad]:
        for way in ("tile", "enlarge"):
            page.evaluate("([way, spec, name]) => window[way](spec, name)", [way, spec_of(kind, name), name])
            page.wait_for_function("() => drawn() || note()")
            assert not page.evaluate("() => note()") or page.evaluate("() => note()").endswith(".")


@pytest.mark.parametrize("kind", KINDS)
def test_a_tile_follows_its_size(kind: str, page: Page) -> None:
    name = "good" if kind in SCALARS else f"{kind}/good"
    page.evaluate("([spec, name]) => tile(spec, name, 400, 220)", [spec_of(kind, name), name])
    page.wait_for_function("() => drawn()")
    page.evaluate("() => { box.style.width = '700px'; }")
    page.wait_for_function(
        """() => {
            const parts = [...box.querySelectorAll('.bvc-chart canvas, .main-svg, .bvc-scroll')];
            return parts.some((part) => Math.abs(part.getBoundingClientRect().width - 700) < 20);
        }"""
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_spec_that_names_what_is_not_there_says_so(kind: str, page: Page) -> None:
    page.evaluate("() => store.setCatalogue({series: {good: 'scalar'}, metrics: []})")
    page.evaluate("([spec, name]) => tile(spec, name)", [spec_of(kind, "nowhere"), "nowhere"])
    page.wait_for_function("() => note() === 'There is no series “nowhere” in this run yet.'")
    page.evaluate(
        "([spec, name]) => tile(spec, name)", [{**spec_of("Line", "good"), "series": ["good", "nowhere"]}, "good"]
    )
    page.wait_for_function("() => drawn() && gap().startsWith('There is no series “nowhere”')")


WORDS = {
    "PlotlyFigure": "3 values are NaN or infinite",
    "VegaLite": "3 values are NaN or infinite",
}


@pytest.mark.parametrize("kind", WORDS)
def test_a_grammar_that_leaves_numbers_out_is_not_let_do_it_in_silence(kind: str, page: Page) -> None:
    page.evaluate("([spec]) => tile(spec, 'bad')", [spec_of(kind, "bad")])
    page.wait_for_function("words => gap().startsWith(words)", arg=WORDS[kind])


def test_a_table_tells_what_is_no_number_from_what_is_not_there(page: Page) -> None:
    page.evaluate("() => tile({kind: 'TableView'}, 'TableView/bad')")
    page.wait_for_function("() => drawn()")
    assert page.evaluate("() => [...box.querySelectorAll('td')].map((cell) => cell.innerText)") == ["NaN", ""]


def test_a_vega_lite_chart_goes_on_with_the_run(page: Page, batch: Any) -> None:
    page.evaluate("([spec]) => tile(spec, 'one')", [spec_of("VegaLite", "one")])
    page.wait_for_function("() => drawn() && box.querySelector('.bvc-vega').dataset.rows === '1'")
    page.evaluate("() => { window.before = box.querySelector('canvas'); }")
    page.evaluate("text => apply(text)", batch(3, np.arange(2001, 2011), one=np.arange(10.0)))
    page.wait_for_function("() => box.querySelector('.bvc-vega').dataset.rows === '11'")
    assert page.evaluate("() => before === box.querySelector('canvas')"), "new data made a new chart"


def test_ridges_come_from_the_whole_run_and_grow_with_it(page: Page, array_frame: Any) -> None:
    """History is asked for once, spread over the run; what comes live is added."""
    value = Histogram(np.array([1, 5, 2]), np.array([0.0, 1, 2, 3]))
    past = [array_frame("Ridge/good", step, value) for step in range(100, 2000, 100)]
    page.evaluate(
        """frames => {
            window.asked = [];
            window.past = (query) => { asked.push(query);
                return query.spread ? frames.map((text) => charts.decodeFrame(frameOf(text))) : []; };
            tile({kind: 'Ridge'}, 'Ridge/good');
        }""",
        past,
    )
    page.wait_for_function("() => drawn() && store.arrays.get('Ridge/good').over().length === 20")
    assert page.evaluate("() => asked.filter(({spread}) => spread).length") == 1
    for step in range(2001, 2101):
        page.evaluate("text => apply(text)", array_frame("Ridge/good", step, value, 2))
    held = page.evaluate("() => store.arrays.get('Ridge/good').over().map(({step}) => step)")
    assert held[0] == 100
    assert held == sorted(set(held))
    assert held[-64:] == list(range(2037, 2101)), "the latest are all there"
    page.evaluate("() => panel.update({spec: {kind: 'Ridge', window: 10}})")
    assert page.evaluate("() => panel.over('Ridge/good').length") == 11


def test_a_run_that_was_taken_back_forgets_the_values_beyond(page: Page, array_frame: Any) -> None:
    for step in (10, 20, 30):
        page.evaluate("text => apply(text)", array_frame("back", step, np.arange(3.0)))
    page.evaluate(
        """text => {
            const frame = charts.decodeFrame(frameOf(text));
            frame.header.time += 1e6;
            store.applyFrame(frame);
        }""",
        array_frame("back", 15, np.arange(3.0), 2),
    )
    assert page.evaluate("() => store.arrays.get('back').over().map(({step}) => step)") == [10, 15]


def test_several_histograms_stand_side_by_side_with_their_names(page: Page, array_frame: Any) -> None:
    value = Histogram(np.array([1, 5, 2]), np.array([0.0, 1, 2, 3]))
    for layer in range(12):
        page.evaluate("text => apply(text)", array_frame(f"layer/{layer}", 2000, value))
    for kind in ("HistogramChart", "Ridge"):
        page.evaluate("([kind]) => tile({kind, series: ['layer/*']}, 'layer', 900, 600)", [kind])
        page.wait_for_function("() => drawn() && !gap()")
        page.evaluate("([kind]) => tile({kind, series: ['layer/*']}, 'layer', 330, 240)", [kind])
        page.wait_for_function("() => gap() === '8 more have no room here: enlarge the chart.'")


def test_points_in_space_are_turned_by_dragging(page: Page) -> None:
    page.evaluate("() => tile({kind: 'Scatter3D'}, 'Scatter3D/good')")
    page.wait_for_function("() => drawn()")
    before = page.evaluate("() => box.querySelector('canvas').toDataURL()")
    area = page.locator("canvas").bounding_box()
    assert area is not None
    page.mouse.move(area["x"] + 100, area["y"] + 100)
    page.mouse.down()
    page.mouse.move(area["x"] + 180, area["y"] + 130, steps=4)
    page.mouse.up()
    page.wait_for_function("before => box.querySelector('canvas').toDataURL() !== before", arg=before)


@pytest.mark.parametrize("kind", ["PlotlyFigure", "VegaLite", "Ridge"])
def test_the_picture_of_a_kind_can_be_taken_away(kind: str, page: Page) -> None:
    name = "Ridge/good" if kind == "Ridge" else "good"
    page.evaluate("([spec, name]) => tile(spec, name)", [spec_of(kind, name), name])
    page.wait_for_function("() => drawn()")
    assert page.evaluate(
        "async () => { const blob = await panel.exportPNG(); return [blob.type, blob.size > 2000]; }"
    ) == [
        "image/png",
        True,
    ]


def test_a_figure_that_needs_webgl_leaves_no_context_in_a_tile(page: Page) -> None:
    trace = {"type": "scattergl", "mode": "markers", "y": {"$series": "good"}}
    spec = {"kind": "PlotlyFigure", "figure": {"data": [trace], "layout": {}}}
    page.evaluate("([spec]) => tile(spec, 'good')", [spec])
    page.wait_for_function("() => box.querySelector('img.bvc-figure')?.naturalWidth > 0 || note()")
    assert page.evaluate("() => box.querySelectorAll('.bvc-chart canvas').length") == 0


def test_what_a_chart_would_load_is_not_loaded(page: Page, array_frame: Any) -> None:
    """A spec that got past the checks, or an address in a table: no request leaves the page."""
    page.evaluate("text => apply(text)", array_frame("pictures", 1, Table(["u"], [["http://elsewhere.test/a.png"]])))
    requested: list[str] = []

    def asked(request: Request) -> None:
        requested.append(request.url)

    page.on("request", asked)
    encoding = {"url": {"field": "u"}, "href": {"field": "u"}}
    image = {"data": {"values": {"$series": "pictures"}}, "mark": "image", "encoding": encoding}
    page.evaluate("([spec]) => tile(spec, 'pictures')", [{"kind": "VegaLite", "spec": image}])
    page.wait_for_function("() => box.querySelector('.vega-embed canvas')")
    fetched = {"data": {"url": "http://elsewhere.test/data.json"}, "mark": "point"}
    page.evaluate("([spec]) => tile(spec, 'pictures')", [{"kind": "VegaLite", "spec": fetched, "series": ["pictures"]}])
    page.wait_for_function("() => box.querySelector('.vega-embed canvas') || note()")
    page.remove_listener("request", asked)
    assert not [url for url in requested if "elsewhere" in url]
