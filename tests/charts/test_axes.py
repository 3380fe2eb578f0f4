"""Axes: round ticks with no more digits than tell them apart, epochs, moments; ranges that do not twitch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from .conftest import SETUP

pytestmark = pytest.mark.browser

LINEAR = [
    ((0, 10, 5), ["0", "2", "4", "6", "8", "10"]),
    ((0.1, 0.32, 4), ["0.1", "0.2", "0.3"]),
    ((12_480_000, 12_480_400, 4), ["12.4800M", "12.4801M", "12.4802M", "12.4803M", "12.4804M"]),
    ((0, 50_000, 5), ["0", "10k", "20k", "30k", "40k", "50k"]),
    ((-2e-5, 2e-5, 4), ["−2e-5", "−1e-5", "0", "1e-5", "2e-5"]),
    ((5, 5, 4), ["5"]),
    ((-1e308, 1e308, 3), ["−8e307", "0", "8e307"]),
]
LOG = [
    ((0.001, 1000, 7), ["0.001", "0.01", "0.1", "1", "10", "100", "1k"]),
    ((0.5, 20, 6), ["0.5", "1", "2", "5", "10", "20"]),
    ((1e-8, 1e8, 4), ["1e−6", "0.001", "1", "1k", "1M"]),
]


def test_ticks_are_round_and_short(open_page: Callable[..., Page]) -> None:
    page = open_page()
    for given, expected in LINEAR:
        read = page.evaluate("given => charts.tickTexts(charts.linearTicks(...given))", given)
        assert [text.replace("−", "-") for text in read] == [text.replace("−", "-") for text in expected], given


def test_log_ticks_are_powers_and_their_parts(open_page: Callable[..., Page]) -> None:
    page = open_page()
    for given, expected in LOG:
        read = page.evaluate("given => charts.tickTexts(charts.logTicks(...given), true)", given)
        assert [text.replace("−", "-") for text in read][:3] == [text.replace("−", "-") for text in expected][:3], given
        assert len(read) <= 3 * given[2]


def test_the_range_grows_at_once_and_shrinks_slowly(open_page: Callable[..., Page]) -> None:
    ranges = open_page().evaluate(
        """() => {
            const keeper = new charts.RangeKeeper();
            return [[[0, 1], 0], [[0, 100], 100], [[0, 1], 200], [[0, 1], 60000], [null, 60001]]
                .map(([extent, now]) => [...keeper.update(extent, false, now)]);
        }"""
    )
    assert ranges[1][1] > 100
    assert 90 < ranges[2][1] < 106
    assert ranges[3] == pytest.approx(ranges[0], abs=1e-6)
    assert ranges[4] == ranges[3]


def test_a_range_beyond_all_measure_is_given_back_within_seconds(open_page: Callable[..., Page]) -> None:
    page = open_page()
    high = page.evaluate(
        """() => {
            const keeper = new charts.RangeKeeper();
            return [[[0, 1e30], 0], [[0, 1], 1], [[0, 1], 20000]]
                .map(([extent, now]) => keeper.update(extent, false, now)[1]);
        }"""
    )
    assert high[0] > 1e30
    assert high[1] < 200
    assert high[2] < 1.1


def test_numbers_at_the_limits_of_floats_have_a_range(open_page: Callable[..., Page]) -> None:
    page = open_page()
    for extent, log in [
        ([-1.7e308, 1.7e308], False),
        ([5e-324, 5e-324], True),
        ([0, 0], False),
        ([1e-300, 1e300], True),
    ]:
        low, high = page.evaluate("([extent, log]) => new charts.RangeKeeper().update(extent, log, 0)", [extent, log])
        assert low < high or (log and low <= high), extent
        assert np.isfinite([low, high]).all()


#: The pixels of the first canvas that are drawn on, left of where its lines begin.
NUMBERS = """box => {
    const canvas = box.querySelector('canvas');
    const left = Math.round(parseFloat(box.querySelector('.u-over').style.left) * devicePixelRatio) - 2;
    const {data} = canvas.getContext('2d').getImageData(0, 0, left, canvas.height - 24);
    return new Uint32Array(data.buffer).filter(Boolean).length;
}"""


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("peak", [3.0, 3e30, 2e38, 1.7e308])
def test_the_axis_has_numbers_however_large_they_are(
    peak: float, scale: str, open_page: Callable[..., Page], batch: Any
) -> None:
    page = open_page()
    page.evaluate(SETUP)
    page.evaluate("text => apply(text)", batch(1, np.arange(1, 5), loss=np.array([1.0, 0.5, peak, np.nan])))
    box = page.evaluate_handle("scale => tile({kind: 'Line', y_scale: scale}, ['loss'])", scale)
    page.wait_for_function("box => inked(box)", arg=box)
    assert page.evaluate(NUMBERS, box) > 40


def test_a_distance_that_no_double_holds_has_numbers_too(open_page: Callable[..., Page], batch: Any) -> None:
    page = open_page()
    page.evaluate(SETUP)
    page.evaluate("text => apply(text)", batch(1, np.arange(1, 4), loss=np.array([1.7e308, -1.7e308, 0.0])))
    box = page.evaluate_handle("() => tile({kind: 'Line'}, ['loss'])")
    page.wait_for_function("box => inked(box)", arg=box)
    assert page.evaluate(NUMBERS, box) > 40


def test_what_rounding_alone_makes_differ_is_a_level_line(open_page: Callable[..., Page]) -> None:
    page = open_page()
    read = "extent => new charts.RangeKeeper().update(extent, false, 0)"
    assert page.evaluate(read, [0.003, 0.003 * (1 + 6e-8)]) == pytest.approx([0.0027, 0.0033], rel=1e-3)
    low, high = page.evaluate(read, [0.003, 0.00301])
    assert high - low < 2e-5
    low, high = page.evaluate(read, [1_000_000_000, 1_000_000_500])  # counted things
    assert high - low < 1000


def test_epochs_stand_where_they_begin(open_page: Callable[..., Page], batch: Any) -> None:
    page = open_page()
    steps = np.arange(1, 301)
    page.evaluate(
        """text => {
            const nothing = async () => [];
            window.store = new charts.SeriesStore({run: 'run', requestHistory: nothing, requestArrays: nothing});
            store.applyFrame(frameOf(text));
            const box = document.createElement('div');
            box.style.cssText = 'width:480px;height:220px;display:flex';
            document.body.append(box);
            window.panel = charts.createPanel(box, {spec: {kind: 'Line', x: 'epoch', series: ['loss']}, store});
        }""",
        batch(1, steps, loss=steps, epoch=(steps - 1) // 100),
    )
    ticks = page.evaluate("() => panel.ticksAlong(1, 300, 5, 'step')")
    assert ticks == {"at": [1, 101, 201], "texts": ["0", "1", "2"]}
    assert page.evaluate("() => panel.ticksAlong(1.7e9, 1.7e9 + 3600, 4, 'time').at.length") >= 4


@pytest.mark.parametrize(("how", "expected"), [("min", 0.5), ("max", 9.0), ("mean", 2.0)])
def test_a_spec_may_ask_for_one_number_a_column(
    how: str, expected: float, open_page: Callable[..., Page], history: Any
) -> None:
    frame = history("loss", [1, 2], [2.0, 2.0], 1, per=4, low=np.array([0.5, 0.5]), high=np.array([9.0, 9.0]))
    drawn = open_page().evaluate(
        """([text, how]) => {
            const columns = charts.columnsOfHistory(charts.decodeFrame(frameOf(text)));
            const pixels = new charts.PixelColumns();
            pixels.fill([{columns, from: 0, to: 2}], 'step', (step) => step * 100, 0, 300);
            pixels.reduce(how);
            return [pixels.value[0], pixels.low[0], pixels.high[0]];
        }""",
        [frame, how],
    )
    assert drawn == [expected] * 3


def test_smoothing_is_debiased_and_the_same_at_every_resolution(open_page: Callable[..., Page], history: Any) -> None:
    values = np.repeat([1.0, 3.0], 500)
    fine = history("loss", np.arange(1000), values, 1)
    coarse = history("loss", np.arange(0, 1000, 10), values[::10], 1, per=10)
    smoothed = """([text, weight]) => {
        const columns = charts.columnsOfHistory(charts.decodeFrame(frameOf(text)));
        const [part] = charts.smooth([{columns, from: 0, to: columns.length}], weight);
        return Array.from(part.columns.value);
    }"""
    page = open_page()
    exact = page.evaluate(smoothed, [fine, 0.99])
    rough = page.evaluate(smoothed, [coarse, 0.99])
    assert exact[0] == 1.0  # not pulled towards zero by what was before the first record
    assert np.allclose(exact[9::10], rough, atol=1e-9)
