"""Packing gives back every bit, and pays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bidviz_core.errors import StoreError
from bidviz_core.store.columns import (
    CONSTANT,
    DOUBLE,
    SINGLE,
    pack_integers,
    pack_values,
    unpack_integers,
    unpack_values,
)


@given(arrays.arrays(np.int64, st.integers(1, 400)))
def test_any_integers_come_back(numbers: np.ndarray) -> None:
    out = np.empty_like(numbers)
    unpack_integers(pack_integers(numbers), out)
    assert np.array_equal(out, numbers)


@given(st.integers(-(2**62), 2**62), st.lists(st.sampled_from([0, 1, 1, 1, 10, 300, 70_000, 2**40]), max_size=300))
def test_steps_with_gaps_come_back(first: int, gaps: list[int]) -> None:
    steps = first + np.cumsum(np.array([0, *gaps], np.int64))
    out = np.empty_like(steps)
    unpack_integers(pack_integers(steps), out)
    assert np.array_equal(out, steps)


@given(arrays.arrays(np.uint64, arrays.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_any_bits_of_values_come_back(bits: np.ndarray) -> None:
    rows = bits.view(np.float64)
    for row, (encoding, blob) in zip(rows, pack_values(rows), strict=True):
        out = np.empty(len(row))
        unpack_values(encoding, blob, out)
        assert np.array_equal(out.view(np.uint64), row.view(np.uint64))


def test_values_take_the_smallest_encoding() -> None:
    random = np.random.default_rng(0).normal(size=100)
    constant, single, double = pack_values(np.array([np.full(100, 0.1), random.astype(np.float32), random]))
    assert [constant[0], single[0], double[0]] == [CONSTANT, SINGLE, DOUBLE]
    assert [len(constant[1]), len(single[1]), len(double[1])] == [8, 400, 800]


def test_signs_of_zero_and_nan_are_kept() -> None:
    rows = np.array([[0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 5e-324]])
    (encoding, blob), *_ = pack_values(rows)
    out = np.empty(7)
    unpack_values(encoding, blob, out)
    assert out.tobytes() == rows.tobytes()


def test_even_steps_and_times_with_a_jitter_cost_little() -> None:
    assert len(pack_integers(np.arange(10, 1_000_000, 10))) < 32
    times = 1.79e9 + np.cumsum(np.random.default_rng(0).normal(0.001, 0.0003, 10_000))
    times[5000:] += 3600.0  # a pause must not make every other difference wide
    assert len(pack_integers(times.view(np.int64))) < 2.05 * len(times)


def test_a_damaged_column_is_told() -> None:
    with pytest.raises(StoreError, match="the run's file is damaged"):
        unpack_integers(pack_integers(np.array([1, 2, 4]))[:-1], np.empty(3, np.int64))
    with pytest.raises(StoreError, match=r"A chunk of 3 values has encoding 8 and 4 bytes"):
        unpack_values(DOUBLE, b"1234", np.empty(3))
