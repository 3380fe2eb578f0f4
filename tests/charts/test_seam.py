"""Where history at a chart's resolution meets live records, the line goes on as one: as dense, and as fine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

PER = 16  # records to a bucket of history
BORDER = 8_000  # the last step that history holds
LAST = 10_000  # live records are kept as they came, up to two thousand

SETUP = """async (text) => {
    document.body.style.margin = '0';
    const box = document.createElement('div');
    box.style.cssText = 'width:480px;height:220px;display:flex;flex-direction:column;background:white';
    document.body.append(box);
    charts.registerRenderer('Line', {light: true, create: (host, panel) =>
        (window.plot = new charts.LinePlot(host, panel, {band: false}))});
    window.asked = [];
    window.store = new charts.SeriesStore({run: 'run', requestArrays: async () => [], requestHistory: async (query) => {
        asked.push(query);
        return asked.length === 1 ? [charts.decodeFrame(frameOf(text))] : [];
    }});
    store.setCatalogue({series: {loss: 'scalar'}, metrics: []});
    window.panel = charts.createPanel(box, {spec: {kind: 'Line'}, metric: {name: 'loss', series: ['loss']}, store});
    while (!window.plot?.plot || !store.scalars.get('loss')?.base) await new Promise(requestAnimationFrame);
}"""

#: For each pixel column that is painted, how dark its paint is in the median, and how high it reaches.
COLUMNS = """() => {
    plot.draw();
    const {ctx, bbox} = plot.plot;
    const {data, width, height} = ctx.getImageData(bbox.left, bbox.top, bbox.width, bbox.height);
    const columns = [];
    for (let x = 0; x < width; x++) {
        const inked = [];
        for (let y = 0; y < height; y++) {
            const at = 4 * (y * width + x);
            if (data[at + 3] > 60 && data[at + 2] > data[at] + 60) inked.push(data[at + 3]);
        }
        inked.sort((a, b) => a - b);
        columns.push([inked.length, inked[inked.length >> 1] ?? 0]);
    }
    return {columns, range: plot.x};
}"""


@pytest.mark.parametrize("scale", [1, 2])
def test_the_band_is_as_dark_on_both_sides_of_the_border(
    open_page: Callable[..., Page], batch: Any, history: Any, scale: int
) -> None:
    page = open_page(fresh=True)
    session = page.context.new_cdp_session(page)
    metrics = {"width": 800, "height": 600, "deviceScaleFactor": scale, "mobile": False}
    session.send("Emulation.setDeviceMetricsOverride", metrics)
    random = np.random.default_rng(3)
    old = random.standard_normal((BORDER // PER, PER))
    steps = np.arange(1, BORDER, PER)
    frame = history("loss", steps, old.mean(1), 9, per=PER, low=old.min(1), high=old.max(1))
    page.evaluate(SETUP, frame)
    for number, first in enumerate(range(BORDER + 1, LAST, 500), start=10):
        live = np.arange(first, first + 500)
        page.evaluate("text => store.applyFrame(frameOf(text))", batch(number, live, loss=random.standard_normal(500)))
    drawn = page.evaluate(COLUMNS)
    columns = np.array(drawn["columns"])
    left, right = drawn["range"]
    border = int((BORDER - left) / (right - left) * len(columns))
    history_part, live_part = columns[20 : border - 5], columns[border + 5 : -5]
    assert len(live_part) > 40
    for measure, name in ((1, "darkness"), (0, "height")):
        before, after = np.median(history_part[:, measure]), np.median(live_part[:, measure])
        assert 0.8 < after / before < 1.25, (name, before, after)


def test_buckets_of_live_records_that_come_into_sight_are_asked_for_in_full(
    open_page: Callable[..., Page], batch: Any, history: Any
) -> None:
    page = open_page()
    page.evaluate(SETUP, history("loss", [1.0, 2.0], [0.0, 0.0], 1))
    for number in range(2, 102):  # 200,000 live records: those before the last two thousand are held in buckets
        live = np.arange(2000 * number, 2000 * number + 2000)
        page.evaluate("text => store.applyFrame(frameOf(text))", batch(number, live, loss=np.sin(live)))
    assert page.evaluate("() => store.scalars.get('loss').span") > 64
    page.evaluate("() => { panel.update({view: {window: 10000}}); }")
    page.wait_for_function("() => asked.length > 1")
    asked = page.evaluate("() => asked.at(-1)")
    assert asked["start"] <= 204_000 - 10_000
    assert asked["stop"] is None
    assert asked["points"] > 200
