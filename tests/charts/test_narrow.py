"""What is too long for a narrow tile: names of reference lines, and tables with more columns than there is room for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from bidviz_core.values import Table

from .conftest import SETUP

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    opened = open_page()
    opened.evaluate(SETUP)
    return opened


WRITTEN = """() => {
    window.written = [];
    const fill = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
        const {width, actualBoundingBoxAscent: up, actualBoundingBoxDescent: down} = this.measureText(text);
        const left = this.textAlign === 'right' ? x - width : x;
        written.push({text, left, right: left + width, top: y - up, bottom: y + down});
        return fill.call(this, text, x, y, ...rest);
    };
}"""


def test_names_of_reference_lines_stay_inside_the_chart(page: Page, batch: Any) -> None:
    steps = np.arange(1, 101)
    page.evaluate("text => apply(text)", batch(1, steps, loss=steps / 100.0))
    page.evaluate(WRITTEN)
    long = "what a much larger model reached after a very long time of training"
    references = [{"value": 1.0, "label": "the most"}, {"value": 0.5, "label": long}]
    page.evaluate(
        """references => {
            window.box = tile({kind: 'Line', reference: references}, ['loss']);
            box.style.width = '180px';
        }""",
        references,
    )
    page.wait_for_function("() => written.some(({text}) => text.endsWith('…'))")
    inside = page.evaluate("""() => {
        const {left, top, width, height} = box.querySelector('.u-over').getBoundingClientRect();
        const canvas = box.querySelector('canvas').getBoundingClientRect();
        const ratio = devicePixelRatio;
        const edges = [(left - canvas.left) * ratio, (top - canvas.top) * ratio];
        const seen = written.filter(({text}) => text.endsWith('…') || text === 'the most');
        const within = (low, high, from, size) => low >= from - 1 && high <= from + size * ratio + 1;
        return seen.slice(-2).map(({text, left, right, top, bottom}) =>
            [text, within(left, right, edges[0], width), within(top, bottom, edges[1], height)]);
    }""")
    assert [one[1:] for one in inside] == [[True] * 2] * 2
    assert inside[0][0] == "the most"
    assert page.evaluate("() => box.querySelector('.u-over').title") == long  # all of it, for whoever points at it


def test_a_wide_table_says_at_which_edge_there_is_more_and_its_head_stays(page: Page, array_frame: Any) -> None:
    columns = ["layer", *(f"a long column {number}" for number in range(8))]
    table = Table(columns, [[f"layer {row}", *range(8)] for row in range(60)])
    page.evaluate("text => apply(text)", array_frame("table", 1, table))
    page.evaluate("() => { window.box = tile({kind: 'TableView'}, ['table']); box.style.width = '180px'; }")
    more = "words => box.querySelector('.bvc-scroll')?.dataset.more === words"
    page.wait_for_function(more, arg="right down")
    page.evaluate("() => box.querySelector('.bvc-scroll').scrollTo(40, 90)")
    page.wait_for_function(more, arg="left right down")
    assert page.evaluate("""() => {
        const [body, head] = ['.bvc-scroll', 'th'].map((one) => box.querySelector(one).getBoundingClientRect());
        return Math.abs(head.top - body.top) < 2;
    }""")
    page.evaluate("() => box.querySelector('.bvc-scroll').scrollTo(1e6, 1e6)")
    page.wait_for_function(more, arg="left")
    page.evaluate("() => { box.style.width = '1400px'; box.style.height = '2400px'; }")
    page.wait_for_function(more, arg="")


def test_a_table_stays_where_it_is_when_its_values_or_its_edges_change(page: Page, array_frame: Any) -> None:
    tops = """() => ['.bvc-scroll', 'th:nth-child(2)', 'tbody tr'].map((one) => {
        const {top, height} = box.querySelector(one).getBoundingClientRect();
        return [top, height];
    })"""
    columns = ["state", "layer", "gradient norm", "weight norm", "update over weight"]
    for step, state in enumerate(("healthy", "not finite"), start=1):
        table = Table(columns, [[state, "conv1", 0.5 * step, 2.0, 1e-3]])
        page.evaluate("text => apply(text)", array_frame("table", step, table))
        if step == 1:
            page.evaluate("() => { window.box = tile({kind: 'TableView'}, ['table']); box.style.width = '190px'; }")
        page.wait_for_function("state => box.querySelector('td')?.innerText === state", arg=state)
        if step == 1:
            before = page.evaluate(tops)
    assert page.evaluate(tops) == before
    page.evaluate("() => box.querySelector('.bvc-scroll').scrollTo(1e6, 0)")
    page.wait_for_function("() => getComputedStyle(box.querySelector('.bvc-aside')).visibility === 'hidden'")
    assert page.evaluate(tops) == before
