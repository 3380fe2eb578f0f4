"""The enlarged chart: Plotly from our own server, the whole history, each zoom at its own resolution, no cloud."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

OPEN = """([text, options]) => {
    window.asked = [];
    const frame = charts.decodeFrame(frameOf(text));
    window.store = new charts.SeriesStore({run: 'run', requestArrays: async () => [],
        requestHistory: async (query) => { asked.push(query); return [frame]; }});
    store.setCatalogue({series: {loss: 'scalar'}, metrics: []});
    store.setMarks([{step: 300, time: 1.7e9 + 300, author: 'person', text: 'lr'}]);
    window.box = document.createElement('div');
    box.style.cssText = 'width:900px;height:500px';
    document.body.append(box);
    window.focus = charts.openFocus(box, {metric: {name: 'loss', series: ['loss']}, store, title: 'loss', ...options});
    window.plotted = () => box.querySelector('.js-plotly-plot');
}"""


def buckets(history: Any) -> str:
    """A thousand buckets of ten records with a spike, a NaN and an Inf."""
    values = np.ones(1000)
    high, nan = values + 0.1, np.zeros(1000)
    high[200], nan[400], high[600] = 50, 1, np.inf
    return str(history("loss", np.arange(0, 10_000, 10), values, 3, per=10, low=values - 0.1, high=high, nan=nan))


def test_the_whole_history_with_its_extremes_and_marks(open_page: Callable[..., Page], history: Any) -> None:
    page = open_page()
    page.evaluate(OPEN, [buckets(history), {}])
    page.wait_for_function("() => plotted()?.data?.length > 2")
    traces = page.evaluate("() => plotted().data.map(({name, y}) => [name, Math.max(...y)])")
    assert [name for name, _ in traces] == ["loss: least to largest", "loss", "loss: NaN", "loss: +Inf"]
    assert traces[0][1] == 50
    assert page.evaluate("() => plotted().data.at(-1).x") == [6000]
    assert page.evaluate("() => plotted().layout.shapes.length") == 1
    assert "about 10 records" in page.evaluate("() => box.querySelector('[role=status]').innerText")


def test_there_is_no_way_to_the_cloud(open_page: Callable[..., Page], history: Any) -> None:
    page = open_page(fresh=True)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.evaluate(OPEN, [buckets(history), {}])
    page.wait_for_selector(".modebar-btn", state="attached")
    words = page.evaluate(
        "() => [...box.querySelectorAll('.modebar-btn')].map((one) => one.dataset.title ?? '').join()"
    )
    assert "Download" in words
    assert not any(word in words for word in ("Cloud", "Chart Studio", "Edit in", "Share"))
    assert page.evaluate("() => box.querySelector('.modebar-btn--logo')") is None
    assert {url.split("/")[2] for url in requested if url.startswith("http")} == {urlsplit(page.url).netloc}


def test_each_zoom_fetches_its_own_resolution(open_page: Callable[..., Page], history: Any) -> None:
    page = open_page()
    page.evaluate(OPEN, [buckets(history), {}])
    page.wait_for_function("() => plotted()?.data?.length > 2")
    page.evaluate("() => { asked.length = 0; }")
    area = page.evaluate("() => box.querySelector('.nsewdrag').getBoundingClientRect().toJSON()")
    page.mouse.move(area["x"] + area["width"] * 0.4, area["y"] + 100)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.6, area["y"] + 110, steps=5)
    page.mouse.up()
    page.wait_for_function("() => asked.length")
    query = page.evaluate("() => asked[0]")
    assert 3000 < query["start"] < 5000 < query["stop"] < 7000
    assert query["points"] == 2000


def test_it_goes_on_with_the_run(open_page: Callable[..., Page], history: Any, batch: Any) -> None:
    page = open_page()
    page.evaluate(OPEN, [history("loss", [1, 2, 3], [4, 5, 6], 1), {}])
    page.wait_for_function("() => plotted()?.data?.[0]?.x.length === 3")
    page.evaluate("text => store.applyFrame(frameOf(text))", batch(2, [4, 5, 60], loss=[7, np.nan, 8]))
    page.wait_for_function("() => plotted().data[0].x.at(-1) === 60 && plotted().layout.xaxis.range[1] >= 60")
    assert page.evaluate("() => plotted().data.map(({name}) => name)") == ["loss", "loss: NaN"]


def test_the_scale_is_switched_in_place(open_page: Callable[..., Page], history: Any) -> None:
    page = open_page()
    page.evaluate(OPEN, [buckets(history), {"view": {"yScale": "log"}}])
    page.wait_for_function("() => plotted()?.layout?.yaxis?.type === 'log'")
    # Plotly itself writes 2 for 0.2: each label is to be the number at which it stands, so they rise.
    labels = page.evaluate(
        "() => [...box.querySelectorAll('.yaxislayer-above .ytick text')].map((one) => one.textContent)"
    )
    numbers = [float(label.replace("\u2212", "-")) for label in labels]
    assert len(numbers) > 2
    assert numbers == sorted(set(numbers))
    page.get_by_role("button", name="Scale: logarithmic").click()
    page.wait_for_function("() => plotted().layout.yaxis.type === 'linear'")


def test_without_the_library_it_says_so_and_shows_the_tiles_chart(open_page: Callable[..., Page], history: Any) -> None:
    page = open_page(plotly=False, allow_errors=True)
    page.evaluate(OPEN, [buckets(history), {}])
    page.wait_for_function("() => box.innerText.includes('could not be loaded from the dashboard')")
    page.wait_for_selector(".bvc-panel canvas")


def test_the_picture_can_be_taken_away(open_page: Callable[..., Page], history: Any) -> None:
    page = open_page()
    page.evaluate(OPEN, [buckets(history), {}])
    page.wait_for_function("() => plotted()?.data?.length > 2")
    assert page.evaluate("async () => (await focus.exportPNG()).type") == "image/png"
    page.evaluate("() => focus.destroy()")
    assert page.evaluate("() => box.childElementCount") == 0


def test_a_figure_of_a_specs_own_gets_the_series(open_page: Callable[..., Page], history: Any) -> None:
    page = open_page()
    figure = {"data": [{"x": {"$series": "loss", "field": "step"}, "y": {"$series": "loss"}}], "layout": {}}
    spec = {"kind": "PlotlyFigure", "series": ["loss"], "figure": figure}
    page.evaluate(OPEN, [history("loss", [1, 2, 3], [4, 5, 6], 1), {"spec": spec}])
    page.wait_for_function("() => plotted()?.data?.[0]?.y?.length === 3")
    assert page.evaluate("() => [plotted().data[0].x, plotted().data[0].y]") == [[1, 2, 3], [4, 5, 6]]


def test_the_chart_is_as_high_as_its_place(open_page: Callable[..., Page], history: Any) -> None:
    """What stands below it (the entries around a step) makes its place lower and higher while it is open."""
    page = open_page()
    page.evaluate(OPEN, [buckets(history), {}])
    page.wait_for_function("() => plotted()?.data?.length > 2")
    filled = """height => {
        box.style.height = `${height}px`;
        const [plot, drawn] = ['.bvc-focus-plot', '.main-svg'].map((one) => box.querySelector(one).clientHeight);
        return plot > height - 120 && Math.abs(plot - drawn) < 2;
    }"""
    for height in (700, 360, 500):
        page.wait_for_function(filled, arg=height)
    page.evaluate("() => { box.style.display = 'none'; }")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.evaluate("() => focus.destroy()")
