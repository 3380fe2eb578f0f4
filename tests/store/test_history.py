"""History is every record to the bit, and every zoom of it true: each record in one bucket, no spike or NaN lost."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidviz_core.errors import StoreError
from bidviz_core.messages.notifications import Status
from bidviz_core.records import Batch, ScalarBlock
from bidviz_core.store import Columns, StoreReader, StoreWriter

from .runs import MakeWriter, about, batch


class Wild(NamedTuple):
    """A series as bad as they come."""

    steps: np.ndarray
    times: np.ndarray
    values: np.ndarray


def wild_series(rng: np.random.Generator, length: int, gaps: list[int], rewinds: int, first: int) -> Wild:
    """Steps with gaps and repetitions, values with NaN and infinities, times that are not always numbers."""
    steps = first + np.cumsum(rng.choice(gaps, length))
    for at in rng.integers(0, length, rewinds):
        steps[at:] -= (steps[at] - steps[0]) // 2
    values = rng.normal(size=length) * 10.0 ** rng.integers(-300, 300, length)
    for strange in (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.7e308, -1.7e308, 5e-324):
        values[rng.random(length) < rng.choice([0.0, 0.001, 0.3])] = strange
    if rng.random() < 0.2:
        values[length // 3 : length // 2] = np.nan
    times = 1.79e9 + np.cumsum(rng.normal(0.001, 0.0005, length))
    times[rng.random(length) < 0.001] = np.nan
    return Wild(steps, times, values)


def write(folder: Path, series: Wild, rng: np.random.Generator) -> StoreWriter:
    """Writes it in blocks and commits of any size, sometimes beside other series of the same and of other blocks."""
    writer = StoreWriter(folder, about(folder))
    at, sequence = 0, 0
    while at < len(series.steps):
        end = at + int(rng.choice([1, 7, 50, 3000, 20_000, 70_000]))
        part = slice(at, min(end, len(series.steps)))
        names = ("wild", "other") if rng.random() < 0.5 else ("wild",)
        rows = np.array([series.values[part]] * len(names))
        sequence += 1
        writer.append(Batch(sequence, [ScalarBlock(names, series.steps[part], series.times[part], rows)]))
        if rng.random() < 0.3:
            writer.commit()
        at = part.stop
    writer.commit(Status())
    return writer


def check_zoom(series: Wild, columns: Columns, start: int | None, stop: int | None, points: int | None) -> None:
    """Compares with the definition, computed from the records themselves."""
    order = np.argsort(series.steps, kind="stable")
    steps, times, values = (column[order] for column in series)
    chosen = np.ones(len(steps), bool)
    if start is not None:
        chosen &= steps >= start
    if stop is not None:
        chosen &= steps < stop
    steps, times, values = steps[chosen], times[chosen], values[chosen]
    assert columns.total == len(steps) == columns.counts.sum()
    if points is None or len(steps) <= points:
        assert np.array_equal(columns.step, steps)
        for column in (columns.value, columns.low, columns.high):
            assert column.tobytes() == values.tobytes()
        assert columns.time.tobytes() == times.tobytes()
        assert np.array_equal(columns.nan_count, np.isnan(values))
        return
    assert 1 <= len(columns.step) <= points
    assert (np.diff(columns.step) > 0).all()
    borders = np.searchsorted(steps, columns.step)  # buckets are what lies from one entry's step to the next one's
    assert np.array_equal(np.diff([*borders, len(steps)]), columns.counts)
    for index, (begin, end) in enumerate(zip(borders, [*borders[1:], len(steps)], strict=True)):
        inside = values[begin:end]
        numbers, finite = inside[~np.isnan(inside)], inside[np.isfinite(inside)]
        assert columns.nan_count[index] == np.isnan(inside).sum()
        assert same(columns.low[index], numbers.min() if len(numbers) else np.nan)
        assert same(columns.high[index], numbers.max() if len(numbers) else np.nan)
        assert same(columns.time[index], times[begin])
        if len(inside) == 1:
            assert same(columns.value[index], inside[0])
        elif not len(finite):
            assert np.isnan(columns.value[index])
        else:
            scale = np.abs(finite).max()
            expected = np.sum(finite / len(finite)) if scale else 0.0
            assert columns.value[index] == pytest.approx(expected, abs=scale * 1e-9 + 1e-320, rel=1e-9)


def same(one: float, other: float) -> bool:
    return bool(one == other) or bool(np.isnan(one) and np.isnan(other))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    length=st.sampled_from([1, 2, 127, 129, 5000, 16_384, 40_000, 90_000]),
    gaps=st.lists(st.sampled_from([0, 0, 1, 1, 1, 2, 10, 1000, 10**9]), min_size=1, max_size=4),
    rewinds=st.sampled_from([0, 0, 0, 1, 3]),
    first=st.sampled_from([0, 1, -5, 2**62, -(2**62)]),
    closed=st.booleans(),
)
def test_any_zoom_is_true(seed: int, length: int, gaps: list[int], rewinds: int, first: int, closed: bool) -> None:
    rng = np.random.default_rng(seed)
    series = wild_series(rng, length, gaps, rewinds, first)
    with tempfile.TemporaryDirectory() as folder:
        writer = write(Path(folder) / "run", series, rng)
        if closed:
            writer.close(Status(state="ended"))
        reader = StoreReader(Path(folder) / "run")
        for start, stop, points in zooms(rng, series):
            check_zoom(series, reader.history("wild", start, stop, points), start, stop, points)
        writer.close(Status(state="ended"))


def zooms(rng: np.random.Generator, series: Wild) -> Iterator[tuple[int | None, int | None, int | None]]:
    yield None, None, None
    for points in (1, 2, 20, 1000):
        yield None, None, points
        start, stop = sorted(int(step) for step in rng.choice(series.steps, 2))
        yield start, stop, points
        yield start, stop + 1, None
        yield stop, None, points
        yield None, start, points


def test_a_spike_a_nan_and_an_infinity_are_in_every_zoom(make_writer: MakeWriter) -> None:
    length = 300_000
    values = np.random.default_rng(3).normal(size=length)
    spike, nan, infinity = 12_345, 150_001, 299_998
    values[spike], values[nan], values[infinity] = 1e6, np.nan, -np.inf
    writer = make_writer()
    for sequence, at in enumerate(range(0, length, 10_000), 1):
        writer.append(batch(sequence, np.arange(at, at + 10_000), loss=values[at : at + 10_000]))
        writer.commit()
    reader = StoreReader(writer.file)
    rng = np.random.default_rng(4)
    for place in (spike, nan, infinity):
        for width in (1, 100, 3000, 50_000, length):
            start = max(0, place - int(rng.integers(0, width)))
            columns = reader.history("loss", start, start + width, 100)
            at = np.searchsorted(columns.step, place, "right") - 1
            shown = {
                spike: columns.high[at] == 1e6,
                nan: columns.nan_count[at] == 1,
                infinity: columns.low[at] == -np.inf,
            }
            assert shown[place], (place, width)


def test_series_of_other_cadences_share_a_file(make_writer: MakeWriter) -> None:
    """At step 10, 20, … three series come in one block, at the others two, at 7, 14, … one beside them."""
    writer = make_writer()
    expected: dict[str, list[tuple[int, float]]] = {"a": [], "b": [], "tenth": [], "seventh": []}
    for step in range(1, 40_001):
        names = ("a", "b", "tenth") if step % 10 == 0 else ("a", "b")
        blocks = [ScalarBlock(names, np.array([step]), np.array([1.0 * step]), np.full((len(names), 1), 0.5 * step))]
        if step % 7 == 0:
            blocks.append(
                ScalarBlock(("seventh",), np.array([step]), np.array([1.0 * step]), np.array([[step + 0.25]]))
            )
            expected["seventh"].append((step, step + 0.25))
        for name in names:
            expected[name].append((step, 0.5 * step))
        writer.append(Batch(step, blocks))
        if step % 500 == 0:
            writer.commit()
    reader = StoreReader(writer.file)
    for again in range(2):
        for name, records in expected.items():
            columns = reader.history(name)
            assert list(zip(columns.step.tolist(), columns.value.tolist(), strict=True)) == records
            assert np.array_equal(columns.time, columns.step)
        if not again:
            writer.close(Status(state="ended"))


def test_many_records_of_one_step_are_all_kept(make_writer: MakeWriter) -> None:
    writer = make_writer()
    writer.append(batch(1, [5, 5, 5], a=[1, 2, 3]))
    writer.append(batch(2, [5, 6], a=[4, 5]))
    writer.commit()
    writer.append(Batch(3, [ScalarBlock(("a", "b"), np.array([6]), np.array([0.0]), np.array([[6.0], [7.0]]))]))
    writer.commit()
    for _ in range(2):
        columns = StoreReader(writer.file).history("a")
        assert columns.step.tolist() == [5, 5, 5, 5, 6, 6]
        assert columns.value.tolist() == [1, 2, 3, 4, 5, 6]
        writer.close(Status(state="ended"))


def test_a_name_twice_in_a_block_is_two_records_of_a_step(make_writer: MakeWriter) -> None:
    writer = make_writer()
    writer.append(
        Batch(1, [ScalarBlock(("a", "a"), np.array([1, 2]), np.zeros(2), np.array([[1.0, 2.0], [3.0, 4.0]]))])
    )
    writer.close(Status(state="ended"))
    columns = StoreReader(writer.file).history("a")
    assert sorted(zip(columns.step.tolist(), columns.value.tolist(), strict=True)) == [(1, 1), (1, 3), (2, 2), (2, 4)]


def test_a_frame_of_history_is_all_float64(make_writer: MakeWriter) -> None:
    writer = make_writer()
    writer.append(batch(7, [1, 2, 3], a=[1, np.nan, 3]))
    writer.commit()
    columns = StoreReader(writer.file).history("a")
    assert columns.sequence == 7
    buffers = columns.buffers()
    assert [buffer.dtype.str for buffer in buffers] == ["<f8"] * 6
    assert buffers[0].tolist() == [1, 2, 3]
    assert buffers[4].tolist() == [0, 1, 0]


def test_an_empty_range_is_empty(make_writer: MakeWriter) -> None:
    writer = make_writer()
    writer.append(batch(1, range(1, 20_001), a=1.0))
    writer.commit()
    reader = StoreReader(writer.file)
    for start, stop in ((30_000, None), (None, 1), (50, 50), (60, 50), (2**70, 2**71), (-(2**70), -(2**69))):
        for points in (None, 10):
            assert len(reader.history("a", start, stop, points).step) == 0
    assert reader.history("a", -(2**70), 2**70).total == 20_000
    assert reader.history("a", np.int64(5), np.int64(7)).step.tolist() == [5, 6]


def test_an_unknown_series_is_told_with_those_there_are(make_writer: MakeWriter) -> None:
    writer = make_writer()
    reader = StoreReader(writer.file)
    with pytest.raises(StoreError, match="has no series 'loss'; it has none yet"):
        reader.history("loss")
    writer.append(batch(1, [1], loss=1.0, accuracy=0.5))
    writer.commit()
    with pytest.raises(StoreError, match="The run run run0 has no series 'los'; it has accuracy, loss"):
        reader.history("los")
    writer.append(batch(2, [2], **{f"norm/{index}": 1.0 for index in range(50)}))
    writer.commit()
    with pytest.raises(StoreError, match=r"no series 'norm/499'; it has norm/49, .*\(52 in all\)"):
        reader.history("norm/499")


@pytest.mark.parametrize("points", [0, -1])
def test_points_must_be_positive(make_writer: MakeWriter, points: int) -> None:
    with pytest.raises(StoreError, match=f"points is {points}; expected a positive number, or none"):
        StoreReader(make_writer().file).history("a", points=points)
