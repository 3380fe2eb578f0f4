"""What stands beside a chart: numbers of now and of before, their unit, the names of bars."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from .conftest import SETUP

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    opened = open_page()
    opened.evaluate(SETUP)
    return opened


def test_a_value_that_is_of_the_past_says_so(page: Page, batch: Any) -> None:
    """One layer was frozen at step 300; another is recorded seldom, and is as present as the rest."""
    steps = np.arange(1, 1001)
    page.evaluate("text => apply(text)", batch(1, steps[steps % 400 == 0], seldom=4.0))
    page.evaluate("text => apply(text)", batch(2, steps[:300], lstm=2.0, head=3.0))
    page.evaluate("text => apply(text)", batch(3, steps[300:], head=3.0))
    names = ["head", "lstm", "seldom"]
    page.evaluate("names => { window.box = tile({kind: 'Line', series: names}, names); }", names)
    page.wait_for_function("() => box.querySelector('.bvc-legend')?.innerText.includes('was 2')")
    read = "() => [...box.querySelectorAll('.bvc-legend b')].map((b) => [b.innerText, b.className, b.title])"
    assert page.evaluate(read) == [
        ["3", "", "3"],
        ["was 2", "bvc-past", "2, of step 300: no value is nearer"],
        ["4", "", "4"],
    ]
    page.evaluate("names => { window.bars = tile({kind: 'Bar', series: names}, names); }", names)
    page.wait_for_function("() => bars.querySelector('.bvc-gap').innerText === 'Dashed: lstm (step 300)'")
    page.evaluate("names => { window.alone = tile({kind: 'Line', series: names}, names); }", ["lstm"])
    page.wait_for_function("() => alone.querySelector('.bvc-where').innerText === 'step 300'")
    assert page.evaluate("() => alone.querySelector('.bvc-value').className") == "bvc-value bvc-past"
    page.evaluate("text => apply(text)", batch(4, [1001], lstm=5.0, head=3.0))
    page.wait_for_function("() => !box.querySelector('.bvc-past') && bars.querySelector('.bvc-gap').hidden")
    assert page.evaluate("() => alone.querySelector('.bvc-where').innerText") == ""


def test_a_series_that_ends_while_its_panel_is_open_becomes_of_the_past(page: Page, batch: Any) -> None:
    page.evaluate("text => apply(text)", batch(1, np.arange(1, 11), norm=2.0, loss=1.0))
    page.evaluate("() => { window.box = tile({kind: 'Line', series: ['norm']}, ['norm']); }")
    page.wait_for_function("() => box.querySelector('.bvc-value').innerText === '2'")
    page.evaluate("text => apply(text)", batch(2, np.arange(11, 200), loss=1.0))
    page.wait_for_function("() => box.querySelector('.bvc-where').innerText === 'step 10'")


def test_the_unit_of_several_numbers_is_said(page: Page, batch: Any) -> None:
    names = ["process", "machine"]
    page.evaluate("text => apply(text)", batch(1, [1, 2], process=98.0, machine=99.0))
    page.evaluate("names => { window.box = tile({kind: 'Line', series: names, unit: '%'}, names); }", names)
    page.wait_for_function("() => box.querySelector('.bvc-unit').innerText === 'in %'")
    assert page.evaluate("() => box.querySelector('.bvc-value').hidden")
    page.evaluate("() => { window.one = tile({kind: 'Line', series: ['process'], unit: '%'}, ['process']); }")
    page.wait_for_function("() => one.querySelector('.bvc-unit').innerText === '%'")


def test_every_bar_of_a_handful_has_its_name_also_in_a_narrow_tile(page: Page, batch: Any) -> None:
    names = ["data", "forward", "backward", "update", "ours", "other"]
    page.evaluate("text => apply(text)", batch(1, [1, 2], **dict.fromkeys(names, 3.0)))
    page.evaluate(
        """names => {
            window.written = [];
            const fill = CanvasRenderingContext2D.prototype.fillText;
            CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
                const half = this.measureText(text).width / 2;
                written.push({text, left: x - half, right: x + half, y});
                return fill.call(this, text, x, y, ...rest);
            };
            window.box = tile({kind: 'Bar', series: names, unit: 'ms'}, names);
            box.style.width = '215px';
        }""",
        names,
    )
    page.wait_for_function("() => box.querySelector('canvas')?.clientWidth === 215")
    page.evaluate("() => { written.length = 0; box.panel.recolour(charts.readTheme()); }")
    page.wait_for_function("() => written.some(({text}) => text === 'other')")
    words = page.evaluate("() => written")
    assert [word["text"] for word in words if word["text"].startswith("in ")] == ["in ms · step 2"]
    feet = [word for word in words if any(name.startswith(word["text"].rstrip("…")) for name in names)]
    assert [word["text"][:4] for word in feet] == [name[:4] for name in names]
    for row in {word["y"] for word in feet}:
        beside = [word for word in feet if word["y"] == row]
        assert all(one["right"] < other["left"] for one, other in itertools.pairwise(beside))
    assert feet[-1]["right"] <= 215


DRAWN = """() => {
    window.written = [];
    window.filled = [];
    const {fillText, fillRect} = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
        written.push({text, x, y});
        return fillText.call(this, text, x, y, ...rest);
    };
    CanvasRenderingContext2D.prototype.fillRect = function (x, y, width, height) {
        filled.push({colour: this.fillStyle, x, y, width, height});
        return fillRect.call(this, x, y, width, height);
    };
}"""


def test_points_say_what_their_axes_are(page: Page, batch: Any, array_frame: Any) -> None:
    page.evaluate(DRAWN)
    page.evaluate("text => apply(text)", array_frame("cloud", 1, np.arange(12.0).reshape(6, 2)))
    page.evaluate("() => tile({kind: 'Scatter', columns: ['uses', 'norm of the row']}, ['cloud'])")
    page.wait_for_function("() => written.some(({text}) => text === 'norm of the row')")
    words = {one["text"]: one for one in page.evaluate("() => written")}
    assert words["uses"]["y"] > max(one["y"] for text, one in words.items() if text != "uses")  # below the ticks
    points = [one for one in page.evaluate("() => filled") if one["width"] == one["height"] == 4]
    assert len(points) == 6
    assert min(one["y"] for one in points) > words["norm of the row"]["y"] + 10  # no point lies on a name
    # Of two series each axis is called as its series is.
    page.evaluate("text => apply(text)", batch(1, [1, 2], loss=3.0, norm=[4.0, 5.0]))
    page.evaluate("() => { written.length = 0; tile({kind: 'Scatter', series: ['loss', 'norm']}, ['loss', 'norm']); }")
    page.wait_for_function("() => ['loss', 'norm'].every((name) => written.some(({text}) => text === name))")


@pytest.mark.parametrize("rows", [["never", "1", "2+", "4+"], []])
def test_bars_along_one_axis_have_the_colour_of_what_they_are_of(page: Page, batch: Any, rows: list[str]) -> None:
    page.evaluate(DRAWN)
    places = ["never", "1", "2+"]
    names = [f"by-use/{table}/{place}" for table in ("words", "tags") for place in places]
    page.evaluate("text => apply(text)", batch(1, [1, 2], **dict.fromkeys(names, 3.0)))
    page.evaluate("([names, rows]) => tile({kind: 'Bar', series: names, rows}, names)", [names, rows])
    page.wait_for_function("() => filled.filter(({height}) => height > 40).length >= 6")
    bars = [one for one in page.evaluate("() => filled") if one["height"] > 40][-6:]
    first, second = ({one["colour"] for one in bars[at : at + 3]} for at in (0, 3))
    assert (len(first), len(second)) == ((1, 1) if rows else (3, 3))
    assert not first & second
