"""Counts of rows against a dictionary that counts them one by one."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bidviz_metric_sparse.counting import (
    LABELS,
    POWERS,
    chosen_rows,
    count_rows,
    histogram_of,
    norms_by_power,
    share_of_commonest,
)
from bidviz_metric_sparse.tables import columns_of

SIZES = st.sampled_from([1, 7, 50, 5_000])


@settings(max_examples=60, deadline=None)
@given(size=SIZES, steps=st.lists(st.lists(st.integers(0, 10**6), max_size=40), max_size=8), padded=st.booleans())
def test_rows_are_counted_once_a_step(size: int, steps: list[list[int]], padded: bool) -> None:
    counts = torch.zeros(size, dtype=torch.int32)
    expected: Counter[int] = Counter()
    padding = size - 1 if padded else None
    for step in steps:
        rows = [row % size for row in step]
        different = set(rows) - {padding}
        used = count_rows(counts, torch.tensor(rows, dtype=torch.int64), padding)
        assert used.batch == len(different)
        assert used.new == sum(expected[row] == 0 for row in different)
        expected.update(different)
    assert {row: count for row, count in enumerate(counts.tolist()) if count} == dict(expected)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_the_ways_for_large_and_small_tables_agree(dtype: torch.dtype) -> None:
    rows = torch.tensor([[3, 3, 90], [90, 0, 5]], dtype=dtype)
    small, large = torch.zeros(100, dtype=torch.int32), torch.zeros(100_000, dtype=torch.int32)
    for _ in range(2):
        assert count_rows(small, rows) == count_rows(large, rows)
    assert large[:100].tolist() == small.tolist()


def test_the_histogram_has_a_bin_for_each_power_of_two() -> None:
    uses = [0, 0, 1, 2, 3, 4, 7, 8, 2**18 - 1, 2**18, 2**30]
    counts, edges = histogram_of(torch.tensor(uses, dtype=torch.int32))
    expected = np.bincount([min(use.bit_length(), POWERS - 1) for use in uses], minlength=POWERS)
    assert counts.tolist() == expected.tolist()
    assert len(edges) == len(LABELS) + 1 == POWERS + 1
    assert LABELS[:5] == ("never", "1", "2+", "4+", "8+")
    assert LABELS[11:13] == ("1k+", "2k+")


def test_norms_by_use() -> None:
    norms = torch.tensor([1.0, 3.0, 5.0, 7.0])
    bins, means = norms_by_power(norms, torch.tensor([0, 0, 1, 5], dtype=torch.int32))
    assert dict(zip(bins.tolist(), means.tolist(), strict=True)) == {0: 2.0, 1: 5.0, 3: 7.0}


def test_the_commonest_hundredth() -> None:
    counts = torch.ones(200, dtype=torch.int32)
    counts[17], counts[40] = 100, 50
    assert share_of_commonest(counts) == pytest.approx(150 / 348)
    assert math.isnan(share_of_commonest(torch.zeros(5, dtype=torch.int32)))


def test_rows_for_a_picture_reach_from_the_rarest_to_the_commonest() -> None:
    counts = torch.randperm(1000, generator=torch.Generator().manual_seed(0)).int()
    chosen = counts[chosen_rows(counts, 50)]
    assert len(set(chosen.tolist())) == 50
    assert (int(chosen.min()), int(chosen.max())) == (0, 999)
    assert len(chosen_rows(counts[:20], 50)) == 20


@pytest.mark.filterwarnings("ignore:Sparse:UserWarning")
def test_columns_of_sparse_matrices() -> None:
    dense = torch.zeros(4, 9)
    dense[0, 3] = dense[2, 3] = dense[3, 8] = 1.0
    with torch.sparse.check_sparse_tensor_invariants(False):
        for sparse in (dense.to_sparse(), dense.to_sparse_csr(), dense.to_sparse_csc()):
            found = columns_of(sparse)
            assert found is not None
            assert sorted(found[0].tolist()) == [3, 3, 8]
            assert found[1:] == (9, 36)
    assert columns_of(dense) is None
    assert columns_of("text") is None
