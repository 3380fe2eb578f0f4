"""Every count of a histogram is what comparing in float64 gives."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bidviz_core import binning
from bidviz_core.errors import MetricError
from bidviz_core.frames import pack_frame, unpack_frame
from bidviz_core.histograms import PendingHistogram, histogram
from bidviz_core.transfer import to_host
from bidviz_core.values import Histogram, from_parts, to_parts

MANY = 5_000  # enough for the quick way; the file's last test makes it try all ways


def defined(values: NDArray[Any], edges: NDArray[np.float64]) -> list[int]:
    """Counts as the definition reads, edge by edge."""
    exact = values.astype(np.float64)
    counts = [int(((low <= exact) & (exact < high)).sum()) for low, high in pairwise(edges)]
    counts[-1] += int((exact == edges[-1]).sum())
    return counts


def check(values: NDArray[Any], bins: int = 64, limits: tuple[float, float] | None = None) -> Histogram:
    made = histogram(values, bins, limits)
    exact = values.astype(np.float64).reshape(-1)
    finite = exact[np.isfinite(exact)]
    if limits is not None:
        low, high = limits
    elif len(finite) and finite.min() < finite.max():
        low, high = float(finite.min()), float(finite.max())
    else:
        low, high = float(made.edges[0]), float(made.edges[-1])
    np.testing.assert_array_equal(made.edges, np.linspace(low, high, bins + 1))
    assert made.counts.tolist() == defined(finite[(finite >= low) & (finite <= high)], made.edges)
    assert made.nan == np.isnan(exact).sum()
    assert made.below == (exact < low).sum()
    assert made.above == (exact > high).sum()
    assert made.counts.sum() + made.nan + made.below + made.above == values.size
    return made


def spread(seed: int, kind: str, shape: str) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal(MANY)
    shaped = {
        "normal": normal,
        "relu": np.maximum(normal, 0),
        "tenths": np.round(normal, 1),
        "halves": np.round(normal * 2) / 2,
        "far": 1e4 + normal,
        "very far": 1e7 + normal,
        "tiny": normal * 1e-38,
        "huge": normal * 1e37,
        "cauchy": rng.standard_cauchy(MANY),
        "logarithmic": np.exp(normal * 8),
    }[shape]
    return shaped.astype(kind)


SHAPES = ["normal", "relu", "tenths", "halves", "far", "very far", "tiny", "huge", "cauchy", "logarithmic"]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["float32", "float64"]),
    shape=st.sampled_from(SHAPES),
    bins=st.sampled_from([1, 2, 3, 7, 10, 30, 64, 100, 255, 256, 1000, 5000]),
    limits=st.sampled_from(
        [None, (-1.0, 1.0), (0.0, 0.1), (-0.3, 1 / 3), (9999.5, 10000.5), (0.0, 1e-38), (-1e39, 1e39)]
    ),
)
def test_counts_are_those_of_the_definition(
    seed: int, kind: str, shape: str, bins: int, limits: tuple[float, float] | None
) -> None:
    check(spread(seed, kind, shape), bins, limits)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["float32", "float64"]),
    bins=st.integers(1, 200),
    low=st.floats(-1e6, 1e6),
    width=st.floats(1e-3, 1e6),
)
def test_values_on_and_beside_the_edges_fall_where_float64_says(
    seed: int, kind: str, bins: int, low: float, width: float
) -> None:
    edges = np.linspace(low, low + width, bins + 1)
    near = edges.astype(kind)
    beside = np.concatenate(
        [near, np.nextafter(near, near.dtype.type(-np.inf)), np.nextafter(near, near.dtype.type(np.inf))]
    )
    values = np.random.default_rng(seed).permutation(np.tile(beside, MANY // len(beside) + 1))
    check(values, bins)
    check(values, bins, (low, low + width))


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.floats(width=32), max_size=40), repeats=st.sampled_from([1, 400]), bins=st.integers(1, 70))
def test_any_floats(values: list[float], repeats: int, bins: int) -> None:
    check(np.array(values * repeats, np.float32), bins)


@pytest.mark.parametrize("number", [0, 1, 50, MANY])
@pytest.mark.parametrize("constant", [0.0, 1.0, -3.5, 1e20, -1e-30])
def test_equal_values_and_none(number: int, constant: float) -> None:
    made = check(np.full(number, constant, np.float32), 8)
    assert made.counts.sum() == number
    assert made.edges[0] < made.edges[-1]


def test_edges_of_equal_values_are_those_of_numpy() -> None:
    for values in (np.full(9, 2.0), np.empty(0)):
        counts, edges = np.histogram(values, 6)
        made = histogram(values, 6)
        assert made.counts.tolist() == counts.tolist()
        assert made.edges.tolist() == edges.tolist()


@pytest.mark.parametrize("number", [3, MANY])
def test_what_is_not_finite_is_left_out_and_told(number: int) -> None:
    values = np.concatenate([np.linspace(0, 1, number), [np.nan] * 3, [np.inf] * 2, [-np.inf]]).astype(np.float32)
    made = check(values, 10)
    assert (made.nan, made.below, made.above) == (3, 1, 2)
    nothing = histogram(np.array([np.nan, np.inf]))
    assert (nothing.counts.sum(), nothing.nan, nothing.above) == (0, 1, 1)
    within = check(values, 10, (0.25, 0.5))
    assert within.above > 2
    assert within.below > 0


def test_the_whole_range_of_float64() -> None:
    made = histogram(np.array([-1.7e308, 0.0, 1.7e308]), 4)
    assert made.counts.tolist() == [1, 0, 1, 1]
    assert np.isfinite(made.edges).all()


@pytest.mark.parametrize(
    "dtype",
    [
        torch.float16,
        torch.bfloat16,
        torch.float32,
        torch.float64,
        torch.uint8,
        torch.int8,
        torch.int16,
        torch.int32,
        torch.int64,
    ],
)
def test_tensors_of_every_type(dtype: torch.dtype) -> None:
    tensor = (torch.randn(70, 90, generator=torch.Generator().manual_seed(1)) * 30).abs().to(dtype)
    for one in (tensor, tensor.t(), tensor[::2, 1::3]):
        exact = one.double().numpy().reshape(-1)
        for made in (histogram(one, 32), Histogram.of(one, 32).resolve()):
            assert made.counts.tolist() == defined(exact, made.edges)
            assert made.counts.sum() == one.numel()


def test_truth_values_sparse_tensors_and_lists() -> None:
    assert histogram(torch.tensor([True, False, True]), 2).counts.tolist() == [1, 2]
    assert histogram(torch.tensor([0.0, 2.0]).to_sparse(), 2).counts.tolist() == [1, 1]
    assert Histogram.of(torch.tensor([0.0, 2.0]).to_sparse(), 2).counts.tolist() == [1, 1]
    assert histogram([1, 2, 3.5], 2).counts.tolist() == [2, 1]
    assert Histogram.of([1, 2, 3.5], 2).counts.tolist() == [2, 1]
    assert histogram(5.0, 2).counts.sum() == 1
    assert histogram(np.arange(5, dtype=">f4"), 2).counts.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("values", "bins", "limits", "text"),
    [
        ([1.0], 0, None, "whole number of bins from 1 to 100,000, got bins=0"),
        ([1.0], 2.5, None, "got bins=2.5"),
        ([1.0], True, None, "got bins=True"),
        ([1.0], 4, (1, 1), r"the lower first, got range=\(1, 1\)"),
        ([1.0], 4, (0, math.inf), "pair of finite numbers"),
        ([1.0], 4, (0, 1, 2), "pair of finite numbers"),
        (["a"], 4, None, "real numbers, got list of <U1"),
        ([[1, 2], [3]], 4, None, "real numbers, got list"),
        (torch.ones(2, dtype=torch.complex64), 4, None, "their .abs()"),
        (np.ones(2, complex), 4, None, "real numbers"),
    ],
)
def test_what_cannot_be_counted_is_refused_at_once(values: Any, bins: Any, limits: Any, text: str) -> None:
    with pytest.raises(MetricError, match=text):
        histogram(values, bins, limits)
    with pytest.raises(MetricError, match=text):
        Histogram.of(values, bins, limits)


@pytest.mark.parametrize("make", [torch.from_numpy, np.asarray])
def test_a_pending_histogram_is_of_the_values_as_they_were(make: Any) -> None:
    source = np.linspace(0, 1, 100)
    values = make(source)
    waiting = [Histogram.of(values, 10) for _ in range(3)]
    source *= 5
    later = Histogram.of(values, 10)
    assert later.edges[-1] == 5
    for one in waiting:
        assert isinstance(one, PendingHistogram)
        assert one.nbytes == 800
        assert one.edges[-1] == 1
        assert one.resolve() is one.resolve()
    again = Histogram.of(values, 10)  # in memory that was used before
    source[:] = 0
    assert again.counts.tolist() == [10] * 10


def test_values_that_nobody_writes_to_any_more_are_counted_as_they_are() -> None:
    values = torch.linspace(-1, 1, 1000)
    found = Histogram.of(values, 10, copy=False)
    assert found.nbytes == values.nbytes
    values.fill_(0.5)  # against the promise: it shows that there was no copy
    assert found.counts.tolist() == [0] * 5 + [1000] + [0] * 4
    # What has to be made into something else is copied all the same.
    sparse = torch.tensor([0.0, 2.0, 2.0]).to_sparse()
    assert Histogram.of(sparse, 2, copy=False).counts.tolist() == [1, 2]
    assert Histogram.of([1.0, 2.0], 2, copy=False).counts.tolist() == [1, 1]
    with pytest.raises(MetricError, match="complex"):
        Histogram.of(values.to(torch.complex64), 2, copy=False)


def test_memory_is_used_again() -> None:
    values = torch.ones(4321)
    first = Histogram.of(values)
    place = first._copied.data_ptr()
    first.resolve()
    assert Histogram.of(values)._copied.data_ptr() == place


def test_a_tensor_with_gradients_and_inference_mode() -> None:
    leaf = torch.ones(1234, requires_grad=True)
    with torch.inference_mode():
        inside = Histogram.of(leaf * 1)
    inside.resolve()
    outside = Histogram.of(leaf * 2)
    assert outside.edges.mean() == 2
    assert not outside.resolve().counts.dtype.hasobject


def test_the_pump_resolves_it_and_the_wire_carries_what_was_left_out() -> None:
    value = to_host(Histogram.of(np.array([0.0, 1.0, np.nan, np.inf]), 2))
    assert isinstance(value, Histogram)
    header, buffers = to_parts(value)
    read_header, read_buffers = unpack_frame(pack_frame(header, buffers))
    back = from_parts(read_header, read_buffers)
    assert isinstance(back, Histogram)
    assert back.counts.tolist() == [1, 1]
    assert (back.nan, back.below, back.above) == (1, 0, 1)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("size", [2_001, 100_000, 700_000])
def test_large_inputs(threads: int, size: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        check(np.random.default_rng(size).standard_normal(size).astype(np.float32))
    finally:
        torch.set_num_threads(before)


def test_the_plain_way_of_numpy_counts_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [spread(seed, "float32", shape) for seed, shape in enumerate(SHAPES)]
    expected = [histogram(one).counts.tolist() for one in values]
    monkeypatch.setattr(binning.sys, "modules", {})
    assert [histogram(one).counts.tolist() for one in values] == expected


def test_the_quick_way_is_taken_where_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    slow = binning.by_definition

    def by_definition(values: NDArray[Any], edges: NDArray[np.float64]) -> NDArray[np.int64]:
        asked.append(str(values.dtype))
        return slow(values, edges)

    monkeypatch.setattr(binning, "by_definition", by_definition)
    for shape in ("normal", "relu", "tenths", "far", "cauchy"):
        histogram(spread(3, "float32", shape))
        histogram(spread(3, "float64", shape))
    assert asked == []
