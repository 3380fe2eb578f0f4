"""Live batches and history come to one line: nothing lost, nothing doubled, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

#: A store whose history is answered by `window.answers`, in turn, and whose requests are kept.
STORE = """() => {
    window.asked = [];
    window.answers = [];
    window.store = new charts.SeriesStore({run: 'run', requestArrays: async () => [], requestHistory: async (query) => {
        asked.push(query);
        const answer = answers.shift();
        if (answer === 'refuse') throw new Error('the connection is lost.');
        return answer ? [charts.decodeFrame(frameOf(answer))] : [];
    }});
    const pairs = ({columns: {step, value}, from, to}) =>
        Array.from({length: to - from}, (_, i) => [step[from + i], value[from + i]]);
    window.held = (name, start = -Infinity, stop = Infinity) =>
        store.scalars.get(name).parts(start, stop).flatMap(pairs);
    window.apply = (text) => store.applyFrame(frameOf(text));
}"""


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    opened = open_page()
    opened.evaluate(STORE)
    return opened


def apply(page: Page, *frames: str) -> None:
    for frame in frames:
        page.evaluate("text => apply(text)", frame)


def steps_held(page: Page) -> list[float]:
    return [step for step, _ in page.evaluate("() => held('loss')")]


def test_history_and_live_batches_join_without_loss_or_doubling(page: Page, batch: Any, history: Any) -> None:
    apply(page, *(batch(n, [2 * n - 1, 2 * n], loss=[n, n]) for n in range(5, 11)))
    page.evaluate("text => { answers.push(text); store.need(['loss']); }", history("loss", range(1, 15), 0.0, 7))
    page.wait_for_function("() => store.scalars.get('loss').base")
    apply(page, batch(11, [21, 22], loss=[1, 2]))
    assert steps_held(page) == list(range(1, 23))


def test_a_batch_that_comes_twice_counts_once(page: Page, batch: Any) -> None:
    apply(page, batch(1, [1], loss=1), batch(2, [2], loss=1), batch(2, [2], loss=1), batch(1, [1], loss=1))
    assert steps_held(page) == [1, 2]
    assert page.evaluate("() => store.sequence") == 2


def test_another_runs_batches_are_passed_over(page: Page, batch: Any) -> None:
    apply(page, batch(1, [1], run="other", loss=1))
    assert page.evaluate("() => store.names()") == []


def test_history_that_ends_before_the_first_live_batch_is_asked_for_again(page: Page, batch: Any, history: Any) -> None:
    apply(page, batch(9, [9], loss=9))
    answers = [history("loss", range(1, 6), 0.0, 5), history("loss", range(1, 9), 0.0, 8)]
    page.evaluate("given => { answers.push(...given); store.need(['loss']); }", answers)
    page.wait_for_function("() => held('loss').length === 9")
    assert steps_held(page) == list(range(1, 10))


def test_after_a_gap_history_is_asked_again(page: Page, batch: Any, history: Any) -> None:
    page.evaluate("text => { answers.push(text); store.need(['loss']); }", history("loss", [1], 0.0, 1))
    page.wait_for_function("() => store.scalars.get('loss')?.base")
    apply(page, batch(2, [2], loss=2))
    page.evaluate(
        "text => { answers.push(text); store.gap({sequence: 6, dropped: 3}); }", history("loss", range(1, 6), 0, 5)
    )
    apply(page, batch(6, [6], loss=6))
    page.wait_for_function("() => held('loss').length === 6")
    assert steps_held(page) == [1, 2, 3, 4, 5, 6]


def test_memory_is_bounded_and_no_extreme_is_lost(page: Page, batch: Any) -> None:
    rng = np.random.default_rng(3)
    values = rng.standard_normal(200_000)
    values[1234], values[77_777], values[150_000], values[150_001] = 99, np.nan, np.inf, -np.inf
    for n, first in enumerate(range(0, len(values), 5000), start=1):
        apply(page, batch(n, np.arange(first, first + 5000), loss=values[first : first + 5000]))
    size, high, nan, count, last = page.evaluate(
        """() => {
            const series = store.scalars.get('loss');
            const parts = series.parts(-Infinity, Infinity);
            const all = (field) =>
                parts.flatMap(({columns, from, to}) => Array.from(columns[field].subarray(from, to)));
            return [series.older.capacity + series.recent.capacity, all('high').map(String), all('nan'), all('count'),
                all('step').at(-1)];
        }"""
    )
    assert size <= 4096
    assert "99" in high
    assert "Infinity" in high
    assert sum(nan) == 1
    assert sum(count) == 200_000
    assert last == 199_999


def test_merged_live_records_yield_no_gap_to_history_that_ends_within_them(
    page: Page, batch: Any, history: Any
) -> None:
    for n in range(1, 41):
        apply(page, batch(n, np.arange(101 * n, 101 * n + 101), loss=np.full(101, n)))
    page.evaluate("text => { answers.push(text); store.need(['loss']); }", history("loss", range(101, 1010), 0.5, 9))
    page.wait_for_function("() => store.scalars.get('loss').base")
    steps = steps_held(page)
    assert steps == sorted(steps)
    assert max(np.diff(steps)) <= page.evaluate("() => store.scalars.get('loss').span")


def test_a_finer_stretch_is_used_where_it_covers(page: Page, batch: Any, history: Any) -> None:
    coarse = history("loss", range(0, 10_000, 100), 0.0, 1, per=100)
    page.evaluate("text => { answers.push(text); store.need(['loss']); }", coarse)
    page.wait_for_function("() => store.scalars.get('loss')?.base")
    page.wait_for_function("() => asked.length === 2")  # the last bucket's records, for the readout
    fine = history("loss", range(2000, 3001), 1.0, 1)
    page.evaluate("text => { answers.push(text); return store.detailNow(['loss'], 2000, 3000, 1500); }", fine)
    assert page.evaluate("() => asked.at(-1)") == {"series": ["loss"], "start": 2000, "stop": 3001, "points": 1500}
    assert len(page.evaluate("() => held('loss', 2100, 2200)")) == 103  # with a neighbour on either side
    assert len(page.evaluate("() => held('loss', 2100, 4000)")) < 30


def test_the_last_value_of_a_run_that_is_over_is_a_record_and_no_mean(page: Page, history: Any) -> None:
    answers = [history("loss", [0, 100], [5.0, 6.0], 1, per=100), history("loss", [100, 150, 199], [1.0, 2.0, 3.0], 1)]
    page.evaluate("given => { answers.push(...given); store.need(['loss']); }", answers)
    page.wait_for_function("() => store.latest('loss')?.value === 3")


def test_a_request_that_fails_is_told_and_made_again(page: Page, history: Any) -> None:
    page.evaluate("() => { answers.push('refuse'); store.need(['loss']); }")
    page.wait_for_function("() => store.problem")
    assert page.evaluate("() => store.problem") == "History could not be read: the connection is lost."
    page.evaluate("text => { answers.push(text); store.reconnected(); }", history("loss", [1, 2], 0.0, 1))
    page.wait_for_function("() => store.scalars.get('loss')?.base")
    assert page.evaluate("() => store.problem") == ""


def test_a_lasting_failure_is_not_asked_for_in_a_rush(page: Page) -> None:
    page.evaluate("() => { answers.push(...Array(100).fill('refuse')); store.listen(() => store.need(['loss'])); }")
    page.evaluate("() => store.need(['loss'])")
    page.wait_for_function("() => store.problem")
    page.evaluate("async () => { for (let i = 0; i < 30; i++) await new Promise(requestAnimationFrame); }")
    assert page.evaluate("() => asked.length") == 1


def test_a_run_that_goes_back_loses_what_lay_beyond(page: Page, batch: Any) -> None:
    apply(page, batch(1, [1, 2, 3, 4], loss=[1, 2, 3, 4]), batch(2, [3, 4], loss=[30, 40]))
    assert page.evaluate("() => held('loss')") == [[1, 1], [2, 2], [3, 30], [4, 40]]


def test_listeners_hear_names_once_a_frame(page: Page, batch: Any) -> None:
    heard = page.evaluate(
        """async (frames) => {
            const heard = [];
            store.onChange((names) => heard.push([...names].sort()));
            frames.forEach(apply);
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            return heard;
        }""",
        [batch(1, [1], loss=1, acc=2), batch(2, [2], loss=1)],
    )
    assert heard == [["acc", "loss"]]


def test_arrays_keep_the_last_few_and_come_by_step(page: Page, array_frame: Any) -> None:
    apply(page, *(array_frame("v", step, np.arange(4) + step) for step in range(1, 101)))
    apply(page, array_frame("v", 100, np.arange(4) + 100))
    kept = page.evaluate("() => store.arrays.get('v').records.map(({step}) => step)")
    assert kept == list(range(37, 101))
    assert page.evaluate("() => [...store.arrays.get('v').at(50).value.data]") == [50, 51, 52, 53]
    assert page.evaluate("() => store.kind('v')") == "array"


def back(page: Page, step: int, after: int) -> None:
    """Tells the store that the run went back to a step just after another was made."""
    page.evaluate("rewind => store.wentBack([rewind])", {"step": step, "time": 1.7e9 + after + 0.5})


def test_what_a_run_left_behind_goes_at_once_and_what_comes_of_it_late_is_passed_over(
    page: Page, batch: Any, array_frame: Any
) -> None:
    apply(page, batch(1, range(1, 11), loss=[0.5] * 9 + [np.nan], lr=[0.1] * 9 + [1e30]))
    apply(
        page, *(array_frame("v", step, np.arange(4) + step) for step in (4, 10)), array_frame("late", 10, np.arange(4))
    )
    back(page, 9, after=10)
    assert steps_held(page) == list(range(1, 10))
    latest = page.evaluate("() => ['loss', 'lr', 'v', 'late'].map((name) => store.latest(name)?.step ?? null)")
    assert latest == [9, 9, 4, None]
    assert page.evaluate("() => [store.newest, store.latest('loss').value]") == [9, 0.5]
    # Of step 10, once more and from before the run went back: only what is later than that counts.
    apply(page, batch(2, [10], acc=1.0, loss=np.nan), array_frame("v", 10, np.arange(4), 2))
    assert steps_held(page) == list(range(1, 10))
    assert page.evaluate("() => [store.latest('v').step, store.newest]") == [4, 9]
    page.evaluate("() => store.rewinds[0].time = 1.7e9 + 9.5")  # as if it had been before
    apply(page, batch(3, [10, 11], loss=[0.3, 0.2], lr=0.1))
    assert page.evaluate("() => held('loss').slice(-3)") == [[9, 0.5], [10, 0.3], [11, 0.2]]
    assert page.evaluate("() => held('lr').every(([, value]) => value === 0.1)")


def test_a_new_pass_that_came_before_the_news_of_it_stays(page: Page, batch: Any) -> None:
    """Gone back by one step: the new pass begins with the very step that the old one ended with."""
    apply(page, batch(1, range(1, 11), loss=[0.5] * 9 + [np.nan]))
    apply(page, batch(2, [10], loss=0.25))
    page.evaluate("() => { store.scalars.get('loss').recent.time[10] += 5; }")  # made later
    back(page, 9, after=10)
    assert page.evaluate("() => held('loss').slice(-2)") == [[9, 0.5], [10, 0.25]]
    assert page.evaluate("() => store.latest('loss').value") == 0.25


def test_buckets_that_reach_beyond_the_step_go_and_are_asked_for_again(page: Page, batch: Any, history: Any) -> None:
    coarse = history("loss", range(0, 1000, 100), 0.5, 5, per=100, high=np.array([1.0] * 9 + [1e30]))
    page.evaluate("text => { answers.push(text); store.need(['loss']); }", coarse)
    page.wait_for_function("() => store.scalars.get('loss')?.base && asked.length === 2")
    # The run's file may lag behind: what it says then is not taken for the last word.
    lagging = history("loss", [*range(0, 1000, 100), 960], 0.5, 5, per=90)
    clean = history("loss", range(0, 950, 50), 0.5, 5, per=50)
    # After each comes the question for the end of its last bucket.
    page.evaluate("given => answers.push(...given)", [lagging, None, clean, None])
    back(page, 950, after=999)
    assert steps_held(page) == list(range(0, 900, 100))
    page.wait_for_function("() => store.scalars.get('loss').base.per === 50")
    assert steps_held(page) == list(range(0, 950, 50))


def test_a_close_look_that_was_on_its_way_is_asked_for_again(page: Page, batch: Any, history: Any) -> None:
    apply(page, batch(1, range(1, 11), loss=0.5))
    back(page, 9, after=10)
    old = history("loss", range(5, 11), 1.0, 1)
    page.evaluate("text => { answers.push(text); return store.detailNow(['loss'], 5, 10, 100, 'me'); }", old)
    assert page.evaluate("() => store.scalars.get('loss').details.length") == 0
