"""What a person sees on a tile: the right chart for a value, its latest value, marks, a shared crosshair, a zoom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from bidviz_core.specs import KINDS
from bidviz_core.values import Histogram, Image, Matrix, Table, Text

from .conftest import SETUP

pytestmark = pytest.mark.browser

VALUES: dict[str, Any] = {
    "array": np.arange(8.0),
    "two": np.arange(12.0).reshape(3, 4),
    "matrix": Matrix(np.eye(3), ["a", "b", "c"], ["x", "y", "z"]),
    "histogram": Histogram(np.array([1, 5, 2]), np.array([0.0, 1, 2, 3])),
    "image": Image(np.arange(64).reshape(8, 8).astype(np.uint8), ["seven"]),
    "images": Image(np.random.default_rng(0).random((5, 8, 8, 3))),
    "table": Table(["layer", "norm"], [["conv1", 0.5], ["conv2", None]]),
    "text": Text("the cat"),
    "cloud": np.random.default_rng(0).random((50, 2)),
    "space": np.random.default_rng(0).random((50, 3)),
}


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    opened = open_page()
    opened.evaluate(SETUP)
    return opened


@pytest.fixture
def filled(page: Page, batch: Any, array_frame: Any) -> Page:
    """A run with a record of every kind."""
    steps = np.arange(1, 401)
    loss = np.exp(-steps / 100)
    page.evaluate("text => apply(text)", batch(1, steps, loss=loss, acc=1 - loss))
    for name, value in VALUES.items():
        page.evaluate("text => apply(text)", array_frame(name, 400, value))
    return page


def text(page: Page, box: str, selector: str) -> str:
    return str(page.evaluate(f"() => {box}.querySelector('{selector}').innerText.trim()"))


CHOSEN = {
    "loss": "Line",
    "array": "Bar",
    "two": "Heatmap",
    "matrix": "Heatmap",
    "histogram": "HistogramChart",
    "image": "ImageGrid",
    "table": "TableView",
    "text": "TextView",
}

DRAWN = [
    ("Line", ["loss", "acc"]),
    ("Area", ["loss"]),
    ("Bar", ["loss", "acc"]),
    ("Bar", ["array"]),
    ("HistogramChart", ["histogram"]),
    ("HistogramChart", ["cloud"]),
    ("Ridge", ["histogram"]),
    ("Heatmap", ["array"]),
    ("ConfusionMatrix", ["matrix"]),
    ("Scatter", ["cloud"]),
    ("Scatter", ["loss", "acc"]),
    ("ImageGrid", ["images"]),
]


def test_a_value_chooses_its_chart(filled: Page) -> None:
    for name, kind in CHOSEN.items():
        filled.evaluate("name => { window.box?.remove(); window.box = tile(null, [name]); }", name)
        chosen = "kind => box.querySelector('.bvc-chart').getAttribute('aria-label').endsWith(': ' + kind)"
        filled.wait_for_function(chosen, arg=kind)
        filled.wait_for_function("() => inked(box) || box.querySelector('table, pre')?.innerText")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_drawn_kind_leaves_ink(theme: str, filled: Page) -> None:
    filled.evaluate("theme => charts.chooseTheme(theme)", theme)
    for kind, names in DRAWN:
        filled.evaluate("([kind, names]) => { window.box?.remove(); window.box = tile({kind}, names); }", [kind, names])
        filled.wait_for_function("() => inked(box)")
        assert filled.evaluate("() => box.querySelector('.bvc-note').hidden"), kind


@pytest.mark.parametrize("name", [*VALUES, "loss"])
def test_every_kind_of_the_specs_draws_any_value_or_says_why_not(name: str, filled: Page) -> None:
    """Whatever a metric returns under whatever chart: a drawing or a sentence, never an error or an empty box."""
    filled.evaluate(
        "([kinds, name]) => { window.boxes = kinds.map((kind) => tile({kind}, [name])); }", [sorted(KINDS), name]
    )
    for index in range(len(KINDS)):
        filled.evaluate("index => { window.box = boxes[index]; box.scrollIntoView(); }", index)
        filled.wait_for_function(
            "() => inked(box) || box.querySelector('table, pre')?.innerText || box.querySelector('.bvc-note').innerText"
        )
        note = text(filled, "box", ".bvc-note")
        assert not note or note.endswith((".", ")")), note


def test_a_kind_that_nobody_draws_is_said(page: Page, batch: Any) -> None:
    page.evaluate("text => { apply(text); window.box = tile({kind: '../../etc'}, ['loss']); }", batch(1, [1], loss=1))
    page.wait_for_function("() => box.querySelector('.bvc-note').innerText.includes('cannot be drawn here')")


def test_a_bundles_renderer_draws_its_own_kind(page: Page, batch: Any) -> None:
    page.evaluate(
        """text => {
            apply(text);
            charts.registerRenderer('Gauge', {create: (host, panel) => ({draw() {
                host.textContent = 'gauge ' + panel.lines()[0].series.latest.value; }})});
            window.box = tile({kind: 'Gauge'}, ['loss']);
        }""",
        batch(1, [1], loss=42),
    )
    page.wait_for_function("() => box.innerText.includes('gauge 42')")


def test_before_the_first_value_it_says_so(page: Page, batch: Any) -> None:
    page.evaluate("() => { window.box = tile(null, ['later']); }")
    page.wait_for_function("() => box.querySelector('.bvc-note').innerText === 'No value yet.'")
    page.evaluate("text => apply(text)", batch(1, [1], later=2))
    page.wait_for_function("() => box.querySelector('.bvc-note').hidden && inked(box)")


def test_the_latest_value_is_large_with_four_digits_and_exact_on_hover(page: Page, batch: Any) -> None:
    frame = batch(1, [1, 2], loss=[1, 0.23104912])
    page.evaluate("text => { apply(text); window.box = tile({kind: 'Line', unit: 'nats'}, ['loss']); }", frame)
    page.wait_for_function("() => box.querySelector('.bvc-value').innerText === '0.2310'")
    assert text(page, "box", ".bvc-unit") == "nats"
    assert page.evaluate("() => box.querySelector('.bvc-value').title") == "0.23104912"
    page.evaluate("text => apply(text)", batch(2, [3], loss=np.nan))
    page.wait_for_function("() => box.querySelector('.bvc-value').innerText === 'NaN'")


@pytest.mark.parametrize(("scale", "expected"), [("linear", [1, 1, 1, 0]), ("log", [1, 1, 1, 2])])
def test_what_has_no_place_on_the_axis_is_marked(scale: str, expected: list[int], page: Page, batch: Any) -> None:
    values = np.ones(200)
    values[[50, 100, 150]] = np.nan, np.inf, -np.inf
    values[[20, 180]] = -1, 0
    page.evaluate(
        """([text, scale]) => {
            apply(text);
            charts.registerRenderer('Line', {light: true, create: (host, panel) =>
                (window.plot = new charts.LinePlot(host, panel, {band: false}))});
            tile({kind: 'Line', y_scale: scale}, ['loss']);
        }""",
        [batch(1, np.arange(200), loss=values), scale],
    )
    page.wait_for_function("() => window.plot?.marks.nan")
    marks = page.evaluate("() => plot.marks")
    assert [marks["nan"], marks["above"], marks["below"], marks["under"]] == expected


def test_the_crosshair_is_shared_at_the_same_step(filled: Page) -> None:
    filled.evaluate(
        "() => { window.one = tile({kind: 'Line'}, ['loss']); window.two = tile({kind: 'Line'}, ['acc']); }"
    )
    filled.wait_for_function("() => inked(one) && inked(two)")
    box = filled.evaluate("() => one.querySelector('.u-over').getBoundingClientRect().toJSON()")
    filled.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    filled.wait_for_function("() => two.querySelector('.bvc-crosshair').style.display === 'block'")
    filled.wait_for_function("() => two.querySelector('.bvc-where').innerText")
    steps = [text(filled, one, ".bvc-where") for one in ("one", "two")]
    assert steps[0] == steps[1]
    assert abs(int(steps[0].removeprefix("step ")) - 200) <= 3
    filled.mouse.move(0, 0)
    filled.wait_for_function("() => two.querySelector('.bvc-crosshair').style.display === 'none'")


def test_a_drag_zooms_and_asks_for_its_own_resolution(page: Page, history: Any) -> None:
    coarse = history("loss", range(0, 100_000, 100), 0.5, 1, per=100)
    page.evaluate(
        """text => {
            const frame = charts.decodeFrame(frameOf(text));
            window.answer = ({points}) => points === 1000 ? [frame] : [];
            store.setCatalogue({series: {loss: 'scalar'}, metrics: []});
            window.box = tile({kind: 'Line'}, ['loss']);
        }""",
        coarse,
    )
    page.wait_for_function("() => inked(box)")
    over = page.evaluate("() => box.querySelector('.u-over').getBoundingClientRect().toJSON()")
    y = over["y"] + over["height"] / 2
    page.mouse.move(over["x"] + over["width"] * 0.25, y)
    page.mouse.down()
    page.mouse.move(over["x"] + over["width"] * 0.3, y, steps=4)
    page.mouse.up()
    page.wait_for_function("() => asked.some(({start, points}) => points && start > 24000)")
    query = page.evaluate("() => asked.find(({start, points}) => points && start > 24000)")
    assert 24_000 < query["start"] < 26_000
    assert 29_000 < query["stop"] < 31_000
    assert query["points"] >= over["width"]
    page.get_by_role("button", name="Reset zoom").click()
    page.wait_for_function("() => box.querySelector('.bvc-unzoom').hidden")


def test_a_double_click_asks_to_enlarge(filled: Page) -> None:
    filled.evaluate("() => { window.box = tile(null, ['loss']); window.heard = 0;"
                    " document.addEventListener('bidviz:enlarge', () => heard++); }")  # fmt: skip
    filled.wait_for_function("() => inked(box)")
    filled.locator(".u-over").dblclick()
    assert filled.evaluate("() => heard") == 1


def test_what_is_out_of_sight_or_paused_draws_nothing_and_catches_up(page: Page, batch: Any) -> None:
    page.evaluate(
        """text => {
            apply(text);
            window.drawn = 0;
            charts.registerRenderer('Count', {light: true, create: () => ({draw: () => drawn++})});
            const space = document.createElement('div');
            space.style.height = '5000px';
            document.body.append(space);
            window.box = tile({kind: 'Count'}, ['loss']);
        }""",
        batch(1, [1], loss=1),
    )
    frames = "async () => { for (let i = 0; i < 8; i++) await new Promise(requestAnimationFrame); }"
    page.evaluate(frames)
    assert page.evaluate("() => drawn") == 0
    page.evaluate("() => box.scrollIntoView()")
    page.wait_for_function("() => drawn > 0")
    page.evaluate("() => { charts.scheduler.pause(); drawn = 0; }")
    page.evaluate("text => apply(text)", batch(2, [2], loss=2))
    page.evaluate(frames)
    assert page.evaluate("() => drawn") == 0
    page.evaluate("() => charts.scheduler.resume()")
    page.wait_for_function("() => drawn === 1")


def test_a_chart_that_fails_leaves_the_others_alone(open_page: Callable[..., Page], batch: Any) -> None:
    page = open_page(allow_errors=True)
    page.evaluate(SETUP)
    page.evaluate(
        """text => {
            apply(text);
            charts.registerRenderer('Broken', {light: true, create: () => ({draw() { throw new Error('broken'); }})});
            tile({kind: 'Broken'}, ['loss']);
            window.box = tile({kind: 'Line'}, ['loss']);
        }""",
        batch(1, [1, 2], loss=[1, 2]),
    )
    page.wait_for_function("() => inked(box)")


def test_names_and_patterns_follow_the_catalogue(page: Page, batch: Any) -> None:
    page.evaluate("() => { window.box = tile({kind: 'Line', series: ['norm/*']}, []); }")
    page.evaluate("text => apply(text)", batch(1, [1], **{"norm/a": 1, "norm/b": 2, "other": 3}))
    page.wait_for_function("() => box.panel.series().join() === 'norm/a,norm/b'")
    page.wait_for_function(
        "() => box.querySelector('.bvc-legend').innerText.replace(/\\s+/g, ' ').trim() === 'a 1 b 2'"
    )


def test_a_view_replaces_what_the_spec_says(filled: Page) -> None:
    filled.evaluate(
        """() => {
            charts.registerRenderer('Line', {light: true, create: (host, panel) =>
                (window.plot = new charts.LinePlot(host, panel, {band: false}))});
            window.box = tile({kind: 'Line', y_scale: 'log', window: 50}, ['loss']);
        }"""
    )
    filled.wait_for_function("() => window.plot?.plot && plot.logY && plot.x[0] === 350")
    filled.evaluate("() => box.panel.update({view: {yScale: 'linear', window: null, smooth: 0.9, x: 'time'}})")
    filled.wait_for_function("() => !plot.logY && plot.field === 'time' && plot.x[1] - plot.x[0] === 399")


def test_the_picture_and_the_values_can_be_taken_away(filled: Page, batch: Any, history: Any) -> None:
    answer = history("loss", range(1, 401), np.arange(1, 401), 1)
    filled.evaluate("text => apply(text)", batch(2, [401], loss=7))
    filled.evaluate(
        "text => { window.answer = ({points}) => points === null ? [charts.decodeFrame(frameOf(text))] : [];"
        " window.box = tile(null, ['loss'], {title: 'The loss'}); }",
        answer,
    )
    filled.wait_for_function("() => inked(box)")
    lines = filled.evaluate("() => box.panel.exportCSV()").splitlines()
    assert lines[0] == "step,time,loss"
    assert lines[1] == "1,1700000001,1"
    assert lines[-2:] == ["400,1700000400,400", "401,1700000401,7"]
    kind, size = filled.evaluate(
        "async () => { const blob = await box.panel.exportPNG(); return [blob.type, blob.size]; }"
    )
    assert kind == "image/png"
    assert size > 1000


def test_a_tried_value_has_a_preview(page: Page) -> None:
    page.evaluate(
        """() => {
            window.box = document.createElement('div');
            box.style.cssText = 'width:300px;height:160px;display:flex;flex-direction:column';
            document.body.append(box);
            window.preview = charts.createPreview(box, {spec: 'Line', record: {kind: 'scalar', value: 'NaN'}});
        }"""
    )
    page.wait_for_function("() => box.querySelector('.bvc-value')?.innerText === 'NaN'")
    records = [
        {"kind": "scalars", "names": ["a", "b"], "values": [1, 2]},
        {"kind": "histogram", "buffers": [{"dtype": "<f8", "data": [1, 2]}, {"dtype": "<f8", "data": [0, 1, 2]}]},
    ]
    for record in records:
        page.evaluate("record => { preview.destroy(); window.preview = charts.createPreview(box, {record}); }", record)
        page.wait_for_function("() => inked(box)")


def test_bars_on_a_log_axis_stand_where_their_values_are(page: Page, array_frame: Any) -> None:
    values = [0.001, 1.0, 100.0, 0.0, -2.0]
    page.evaluate("() => { window.box = tile({kind: 'Bar', y_scale: 'log'}, ['sizes']); }")
    page.evaluate("text => apply(text)", array_frame("sizes", 1, np.array(values)))
    page.wait_for_function("() => inked(box)")
    ends, marked = page.evaluate(
        """() => {
            const canvas = box.querySelector('canvas');
            const {data, width, height} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            const [left, right] = [46, width - 8];
            const at = (bar) => Math.round(left + (bar + 0.5) * (right - left) / 5);
            const firm = (bar) => {
                for (let y = 0; y < height; y++) {
                    const i = 4 * (y * width + at(bar));
                    if (data[i + 3] > 250 && data[i + 2] > data[i] + 60) return y;
                }
                return null;
            };
            const red = (bar) => {
                for (let y = 0; y < height; y++) for (let x = at(bar) - 6; x < at(bar) + 6; x++) {
                    const i = 4 * (y * width + x);
                    if (data[i + 3] > 100 && data[i] > data[i + 2] + 60) return true;
                }
                return false;
            };
            return [[0, 1, 2, 3, 4].map(firm), [0, 1, 2, 3, 4].map(red)];
        }"""
    )
    assert ends[0] > ends[1] > ends[2]
    assert (ends[0] - ends[1]) / (ends[1] - ends[2]) == pytest.approx(1.5, abs=0.1), "three decades beside two"
    assert ends[3:] == [None, None]
    assert marked == [False, False, False, True, True]


def test_a_legend_lists_what_has_room_and_counts_the_rest(page: Page, batch: Any) -> None:
    names = [f"a rather long name of layer {number}" for number in range(6)]
    page.evaluate("text => apply(text)", batch(1, [1, 2], **dict.fromkeys(names, 1.0)))
    page.evaluate("names => { window.box = tile({kind: 'Line', series: names}, names); }", names)
    for width, listed in ((480, 6), (300, 6), (200, 3)):
        page.evaluate("width => { box.style.width = `${width}px`; }", width)
        page.wait_for_function("n => box.querySelectorAll('.bvc-legend b').length === n", arg=listed)
        cut = page.evaluate(
            """() => {
                const room = box.querySelector('.bvc-readout').getBoundingClientRect();
                return [...box.querySelectorAll('.bvc-legend li, .bvc-legend b')].filter((item) => {
                    const {right, bottom} = item.getBoundingClientRect();
                    return right > room.right + 1 || bottom > room.bottom + 1;
                }).length;
            }"""
        )
        assert cut == 0, width
        if listed < 6:
            rest = page.locator(".bvc-rest")
            assert rest.inner_text() == f"+ {6 - listed} more"
            assert rest.get_attribute("title") == "\n".join(names[listed:])
