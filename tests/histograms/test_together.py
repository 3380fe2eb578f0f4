"""Histograms that are counted together are those that are counted one by one, and those of the definition."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bidviz_core.binning import Counted, by_definition, count, edges_of
from bidviz_core.counting_together import LEAST, MOST_ELEMENTS, MOST_ROWS, PIECE, _script, count_many, groups_of
from bidviz_core.histograms import PendingHistogram, resolve_together
from bidviz_core.values import Histogram

Floats = NDArray[np.float32]


def check(rows: list[Floats], bins: int) -> list[Counted]:
    made = count_many([torch.from_numpy(row) for row in rows], bins)
    for row, one in zip(rows, made, strict=True):
        alone = count(row, bins, None)
        np.testing.assert_array_equal(one.edges, alone.edges)
        finite = row[np.isfinite(row)]
        if len(finite) and finite.min() < finite.max():
            np.testing.assert_array_equal(one.edges, edges_of(float(finite.min()), float(finite.max()), bins))
        assert one.counts.tolist() == by_definition(finite, one.edges).tolist()
        assert (one.nan, one.below, one.above) == (alone.nan, alone.below, alone.above)
        assert (one.counts.dtype, one.edges.dtype) == (np.int64, np.float64)
    return made


def row_of(shape: str, size: int, seed: int, bins: int) -> Floats:
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal(size)
    low, width = float(rng.normal() * 10.0 ** rng.integers(-3, 7)), 10.0 ** float(rng.integers(-3, 7))
    near = np.linspace(low, low + width, bins + 1).astype(np.float32)
    beside = np.concatenate([near, np.nextafter(near, np.float32(-np.inf)), np.nextafter(near, np.float32(np.inf))])
    with np.errstate(over="ignore"):
        made: dict[str, Any] = {
            "normal": normal,
            "relu": np.maximum(normal, 0),
            "tenths": np.round(normal, 1),
            "far": 1e4 + normal,
            "very far": 1e7 + normal,
            "next to each other": 1.0 + rng.integers(0, 3, size) * 2.0**-23,
            "tiny": normal * 1e-38,
            "smallest": rng.integers(-3, 4, size) * 2.0**-149,
            "huge": np.clip(normal * 1e38, -3.4e38, 3.4e38),
            "logarithmic": np.exp(normal * 8),
            "beside the edges": rng.permutation(np.resize(beside, size)),
            "equal": np.full(size, low),
            "bits": rng.integers(0, 2**32, size, dtype=np.uint32).view(np.float32),
            "nan": np.where(rng.random(size) < 0.5, np.nan, normal),
            "nothing": np.full(size, np.nan),
            "infinite": np.where(normal > 1, np.inf, np.where(normal < -1, -np.inf, normal)),
        }
        return np.ascontiguousarray(made[shape], np.float32)


SHAPES = [
    *("normal", "relu", "tenths", "far", "very far", "next to each other", "tiny", "smallest", "huge", "logarithmic"),
    *("beside the edges", "equal", "bits", "nan", "nothing", "infinite"),
]


@settings(max_examples=150, deadline=None)
@given(
    shapes=st.lists(st.sampled_from(SHAPES), min_size=1, max_size=20),
    size=st.sampled_from([1, 2, 7, 300, 2_500]),
    bins=st.one_of(st.sampled_from([1, 2, 64, 512, 513]), st.integers(1, 300)),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_rows(shapes: list[str], size: int, bins: int, seed: int) -> None:
    check([row_of(shape, size, seed + number, bins) for number, shape in enumerate(shapes)], bins)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 9).flatmap(
        lambda size: st.lists(st.lists(st.floats(width=32), min_size=size, max_size=size), min_size=2, max_size=6)
    ),
    bins=st.integers(1, 70),
)
def test_any_floats(rows: list[list[float]], bins: int) -> None:
    check([np.array(row, np.float32) for row in rows], bins)


@pytest.mark.parametrize("threads", [1, 2])
def test_large_rows_with_any_number_of_threads(threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        check([row_of(shape, 100_000, 1, 64) for shape in ("normal", "tenths", "beside the edges", "nan", "far")], 64)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_the_rows_may_be_of_inference_mode_and_stay_as_they_are() -> None:
    with torch.inference_mode():
        rows = [torch.randn(3_000) for _ in range(4)]
        before = [row.clone() for row in rows]
        inside = count_many(rows, 64)
    outside = count_many(rows, 64)
    assert [one.counts.tolist() for one in inside] == [one.counts.tolist() for one in outside]
    assert all(torch.equal(one, other) for one, other in zip(rows, before, strict=True))


def test_threads_do_not_share_their_memory() -> None:
    rows = [row_of("normal", 50_000, seed, 64) for seed in range(8)]
    expected = [count(row, 64, None).counts.tolist() for row in rows]
    right: list[bool] = []

    def work() -> None:
        for _ in range(10):
            made = count_many([torch.from_numpy(row) for row in rows], 64)
            right.append([one.counts.tolist() for one in made] == expected)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 30


@given(st.lists(st.integers(1, 2 * MOST_ELEMENTS) | st.integers(1, 700), max_size=200))
def test_groups_fit_and_leave_nobody_out(sizes: list[int]) -> None:
    groups = list(groups_of(sizes))
    if sum(sizes) < LEAST:
        assert groups == []  # each is counted alone
        return
    assert [one for group in groups for one in range(len(sizes))[group]] == list(range(len(sizes)))
    assert all(len(sizes[group]) <= MOST_ROWS for group in groups)
    assert all(len(sizes[group]) == 1 or sum(sizes[group]) <= MOST_ELEMENTS for group in groups)


def test_rows_of_any_sizes_and_pieces() -> None:
    assert _script() is not None, "this torch compiles no TorchScript any more: histograms cost a training more"
    sizes = (1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 3, 777)
    check([row_of(shape, size, 3, 64) for size, shape in zip(sizes, SHAPES, strict=False)], 64)


def mixed() -> list[Any]:
    """What may wait at once: of several sizes, types and bins, with limits, of arrays, twice, and no histogram."""
    seeds = torch.Generator().manual_seed(1)
    twice = Histogram.of(torch.randn(5_000, generator=seeds))
    return [
        twice,
        torch.ones(3),
        *(Histogram.of(torch.randn(5_000, generator=seeds)) for _ in range(20)),
        *(Histogram.of(torch.randn(50, 100, generator=seeds).t(), 30) for _ in range(3)),
        *(Histogram.of(torch.randn(5_000, generator=seeds), 64, (-1, 1)) for _ in range(2)),
        *(Histogram.of(torch.randn(5_000, generator=seeds).double()) for _ in range(2)),
        *(Histogram.of(torch.randn(5_000, generator=seeds).half()) for _ in range(2)),
        *(Histogram.of(torch.randn(5_000, generator=seeds).numpy()) for _ in range(2)),
        *(Histogram.of(torch.randn(1, generator=seeds)) for _ in range(2)),
        *(Histogram.of(torch.empty(0)) for _ in range(2)),
        *(Histogram.of(torch.randn(5_000, generator=seeds, requires_grad=True).relu()) for _ in range(2)),
        *(Histogram.of(torch.eye(40).to_sparse()) for _ in range(2)),
        twice,
        Histogram(np.ones(2), np.arange(3.0)),
    ]


def test_what_waits_at_once_is_what_it_would_be_alone() -> None:
    together, alone = mixed(), mixed()
    resolve_together(together)
    counted = [one for one in together if isinstance(one, PendingHistogram) and one._result is not None]
    assert len(counted) == 22 + 3 + 2 + 2 + 2
    for one, other in zip(together, alone, strict=True):
        if isinstance(one, PendingHistogram):
            assert one._result is None or one._copied is None
            assert one.counts.tolist() == other.counts.tolist()
            assert one.edges.tolist() == other.edges.tolist()


def test_memory_is_used_again() -> None:
    values = [torch.randn(4_322) for _ in range(3)]
    waiting = [Histogram.of(one) for one in values]
    places = {one._copied.data_ptr() for one in waiting}
    resolve_together(waiting)
    assert {Histogram.of(one)._copied.data_ptr() for one in values} <= places


class Unreadable(torch.Tensor):
    """What raises when it is read."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") == "detach":
            raise RuntimeError("the device is gone")
        return super().__torch_function__(func, types, args, kwargs or {})


def test_one_that_fails_does_not_take_the_others_along() -> None:
    waiting = [Histogram.of(torch.arange(100.0), 10) for _ in range(3)]
    bad = PendingHistogram(torch.ones(100).as_subclass(Unreadable), None, 10, None)
    resolve_together([*waiting[:2], bad, waiting[2]])
    with pytest.raises(RuntimeError, match="the device is gone"):
        bad.resolve()
    assert [one.counts.tolist() for one in waiting] == [[10] * 10] * 3
