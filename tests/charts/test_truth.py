"""Ten million points with one spike, one NaN and one Inf: each is seen, in pixels, at a thousand random zooms."""

from __future__ import annotations

import base64
import itertools
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from bidviz_core.frames import pack_frame
from bidviz_core.messages.notifications import RunInfo, Status
from bidviz_core.records import Batch, ScalarBlock
from bidviz_core.store import StoreReader, StoreWriter

RECORDS = 10_000_000
ZOOMS, AT_ONCE = 1000, 50
SPIKE = 30.0  # the values scatter around 1 by 0.1
SEED = 20260711

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Run:
    """A stored run and the steps at which something happened in it."""

    reader: StoreReader
    spike: int
    nan: int
    inf: int

    @property
    def events(self) -> dict[str, int]:
        return {"spike": self.spike, "nan": self.nan, "inf": self.inf}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Ten million records in a real run's file."""
    random = np.random.default_rng(SEED)
    spike, nan, inf = (int(step) for step in random.choice(np.arange(1, RECORDS + 1), 3, replace=False))
    folder = tmp_path_factory.mktemp("ten-million")
    info = RunInfo(id="run", name="ten-million", folder=str(folder), started=1.7e9, pid=1, host="localhost")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIDVIZ_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        writer = StoreWriter(folder, info)
        size = 500_000
        for sequence, first in enumerate(range(1, RECORDS + 1, size), start=1):
            steps = np.arange(first, first + size)
            values = 1 + 0.1 * random.standard_normal(size)
            for step, value in ((spike, SPIKE), (nan, np.nan), (inf, np.inf)):
                values[steps == step] = value
            writer.append(Batch(sequence, [ScalarBlock(("loss",), steps, 1.7e9 + steps * 1e-3, values[None])]))
            writer.commit()
        writer.close(Status(state="ended", step=RECORDS, sequence=sequence))
    return Run(StoreReader(folder), spike, nan, inf)


def history_text(reader: StoreReader, start: int | None, stop: int | None, points: int) -> str:
    """The frame with which the dashboard answers a request for history."""
    columns = reader.history("loss", start, stop, points)
    header = {"type": "history", "run": "run", "series": "loss", "sequence": columns.sequence, "total": columns.total}
    buffers = [columns.step, columns.value, columns.low, columns.high, columns.nan_count, columns.time]
    return base64.b64encode(pack_frame(header, [column.astype(np.float64) for column in buffers])).decode()


def zoom_of(run: Run, start: int, stop: int, points: int) -> dict[str, Any]:
    """What is drawn of one zoom, with the frame that has its history."""
    return {"text": history_text(run.reader, start, stop + 1, points), "start": start, "stop": stop, "points": points}


def zooms_around(step: int, count: int, random: np.random.Generator) -> list[tuple[int, int]]:
    """Random stretches from 20 steps to all of the run that hold a step, though not at their very edge."""
    widths = np.exp(random.uniform(np.log(20), np.log(RECORDS * 0.98), count))
    places = random.uniform(0.02, 0.98, count)
    starts = np.clip(step - places * widths, 1, RECORDS - widths)
    return [(int(start), int(start + width)) for start, width in zip(starts, widths, strict=True)]


SETUP = """async ({first, plain}) => {
    document.body.style.margin = '0';
    const box = document.createElement('div');
    box.style.cssText = 'width:900px;height:300px;display:flex;flex-direction:column;background:white';
    document.body.append(box);
    // The tile's own renderer, kept at hand so that each zoom can be drawn at once.
    charts.registerRenderer('Line', {light: true, create: (host, panel) =>
        (window.plot = new charts.LinePlot(host, panel, {band: false}))});
    if (plain) {
        const fill = charts.PixelColumns.prototype.fill;
        charts.PixelColumns.prototype.fill = function (...given) {
            fill.apply(this, given);
            for (let i = 0; i < this.length; i++) {
                this.low[i] = this.high[i] = this.value[i];
                this.nan[i] = this.above[i] = this.below[i] = 0;
            }
            return this;
        };
    }
    const decode = (text) => charts.decodeFrame(frameOf(text));
    window.answer = first;
    window.store = new charts.SeriesStore({run: 'run', requestArrays: async () => [],
        // The panel asks too, once a zoom has stood still: what it would get here is the answer to another question.
        requestHistory: async ({start}) => (start === (window.asked ?? start) ? [decode(window.answer)] : [])});
    store.setCatalogue({series: {loss: 'scalar'}, metrics: []});
    charts.createPanel(box, {spec: {kind: 'Line'}, metric: {name: 'loss', series: ['loss']}, store});
    while (!window.plot?.plot || !store.scalars.get('loss')?.base) await new Promise(requestAnimationFrame);
    return window.plot.plot.bbox;
}"""

#: Draws zooms as the panel does, reads the pixels of each, and says where something of a colour is. Many in one call:
#: between two calls the browser puts what is drawn on its screen, which nobody looks at.
DRAW = """async (zooms) => {
  const all = [];
  for (const {text, start, stop, points} of JSON.parse(zooms)) {
    [window.answer, window.asked] = [text, start];
    await store.detailNow(['loss'], start, stop, points);
    const before = performance.now();
    plot.setZoom([start, stop]);
    plot.draw();
    const took = performance.now() - before;
    const {ctx, bbox} = plot.plot;
    const image = ctx.getImageData(bbox.left, bbox.top, bbox.width, bbox.height);
    const pixels = new Uint32Array(image.data.buffer);
    const [red, blue] = [[], []];
    for (let at = 0; at < pixels.length; at++) {
        const pixel = pixels[at];
        if (pixel === 0 || pixel === 0xffffffff || pixel >>> 24 < 200) continue;
        const [r, g, b] = [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
        const isRed = r === 0xbb && g === 0x2d && b === 0x1f;
        if (!isRed && !(b > 120 && r < 60)) continue;
        (isRed ? red : blue).push([at % image.width, Math.floor(at / image.width)]);
    }
    const top = (plot.y[1] - 30) / (plot.y[1] - plot.y[0]) * bbox.height;
    const peaks = blue.filter(([, y]) => y <= top + 4).map(([x]) => x);
    all.push({took, red, peaks, height: bbox.height, width: bbox.width});
  }
  return JSON.stringify(all);
}"""


def draw(page: Page, zooms: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is seen of each zoom; as text, which Playwright hands over without looking at each of its numbers."""
    drawn: list[dict[str, Any]] = json.loads(page.evaluate(DRAW, json.dumps(zooms)))
    return drawn


def seen(drawn: dict[str, Any], zoom: tuple[int, int], run: Run) -> dict[str, bool]:
    """For each event, whether it is drawn where it belongs, and nowhere when it is out of sight."""
    start, stop = zoom
    height, width = drawn["height"], drawn["width"]
    per_step = width / (stop - start)

    def column_of(step: int) -> float:
        return (step - start) * per_step

    # A bucket is drawn at its first step: at most two pixels away, as there are as many buckets as pixels.
    near = 6 + min(per_step, 2)
    upper = [x for x, y in drawn["red"] if y < 12]
    lower = [x for x, y in drawn["red"] if y > height - 12]
    found = {"inf": upper, "nan": lower, "spike": drawn["peaks"]}
    right = {}
    for name, step in run.events.items():
        expected = start <= step <= stop
        if not expected:
            # The spike sets the range of y: without it the highest pixel is noise, and says nothing.
            right[name] = name == "spike" or not found[name]
        else:
            right[name] = any(abs(x - column_of(step)) <= near for x in found[name])
    return right


def test_every_event_is_seen_at_a_thousand_zooms(run: Run, open_page: Callable[..., Page]) -> None:
    page = open_page()
    box = page.evaluate(SETUP, {"first": history_text(run.reader, None, None, 1000), "plain": False})
    points = int(np.ceil(box["width"]))
    random = np.random.default_rng(SEED + 1)
    zooms = [(name, zoom) for name, step in run.events.items() for zoom in zooms_around(step, ZOOMS // 3 + 1, random)]
    random.shuffle(zooms)
    read, drew, failures = [], [], []
    for first in range(0, ZOOMS, AT_ONCE):
        some = zooms[first : first + AT_ONCE]
        asked = []
        for _, (start, stop) in some:
            began = time.perf_counter()
            asked.append(zoom_of(run, start, stop, points))
            read.append(time.perf_counter() - began)
        for (name, (start, stop)), drawn in zip(some, draw(page, asked), strict=True):
            drew.append(drawn["took"])
            right = seen(drawn, (start, stop), run)
            if not all(right.values()):
                failures.append((name, start, stop, right))
    assert len(drew) == ZOOMS
    print(f"read {statistics.median(read) * 1e3:.1f} ms, drawn {statistics.median(drew):.1f} ms (median of {ZOOMS})")
    assert failures == []


def test_a_zoom_without_events_has_no_marks(run: Run, open_page: Callable[..., Page]) -> None:
    page = open_page()
    box = page.evaluate(SETUP, {"first": history_text(run.reader, None, None, 1000), "plain": False})
    points = int(np.ceil(box["width"]))
    bounds = [1, *sorted(run.events.values()), RECORDS]
    quiet = [(low + 100, high - 100) for low, high in itertools.pairwise(bounds) if high - low > 1000]
    assert quiet
    for start, stop in quiet:
        [drawn] = draw(page, [zoom_of(run, start, stop, points)])
        assert drawn["red"] == []


def test_a_renderer_without_extremes_fails_the_check(run: Run, open_page: Callable[..., Page]) -> None:
    """The control: with the least, the largest and the NaN of each bucket taken out, the check must notice."""
    page = open_page()
    box = page.evaluate(SETUP, {"first": history_text(run.reader, None, None, 1000), "plain": True})
    points = int(np.ceil(box["width"]))
    random = np.random.default_rng(SEED + 2)
    noticed = dict.fromkeys(run.events, 0)
    for name, step in run.events.items():
        # From a thousand records a pixel on: closer by, the mean of a bucket shows the spike as well.
        for start, stop in [zoom for zoom in zooms_around(step, 40, random) if zoom[1] - zoom[0] > 1000 * points]:
            [drawn] = draw(page, [zoom_of(run, start, stop, points)])
            noticed[name] += not seen(drawn, (start, stop), run)[name]
    assert all(noticed.values()), noticed
