"""What a metric may return, and what is said of everything else."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bidviz_core.errors import MetricError
from bidviz_core.metrics.results import take_results
from bidviz_core.values import Histogram, Image, Matrix, Table, Text


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), True, torch.tensor(1), torch.tensor(1.0, requires_grad=True)])
def test_numbers_of_every_kind_are_scalars(value: Any) -> None:
    results = take_results("m", value)
    assert (results.names, results.values) == (("m",), [1.0])


def test_a_mapping_gives_a_series_for_each_name() -> None:
    results = take_results("m", {"a": 1, "b": torch.tensor(2.0), "c": None, "d": torch.ones(2)})
    assert (results.names, results.values) == (("m/a", "m/b"), [1.0, 2.0])
    assert [name for name, _, _ in results.arrays] == ["m/d"]


def test_not_a_number_and_infinity_are_values() -> None:
    values = take_results("m", {"nan": math.nan, "inf": -math.inf}).values
    assert math.isnan(values[0])
    assert values[1] == -math.inf


def test_an_array_is_a_copy_that_the_training_cannot_change() -> None:
    weights = torch.ones(3)
    (_, kept, size) = take_results("m", weights).arrays[0]
    weights.zero_()
    assert kept.tolist() == [1, 1, 1]
    assert size == 12


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("text", "returned a str; expected a number"),
        ([[1, 2], [3]], "ragged list"),
        (torch.zeros(2, 2, 2), r"shape \(2, 2, 2\); expected at most 2"),
        (np.zeros(2_000_000), "2,000,000 numbers; at most 1,000,000"),
        (torch.zeros(1).expand(100_000_000), "100,000,000 numbers"),
        (object(), "returned an object"),
        (1j, "returned a complex"),
        (torch.tensor(1j), "complex number"),
        (10**400, "no real number"),
        (Histogram([1, 2], [0, 1]), "one edge more"),
        (Matrix([1, 2]), "expected two dimensions"),
        (Image([1, 2]), "expected H×W"),
        (Table(["a"], [[1, 2]]), "a row of 2 cells"),
        (Text("x" * 300_000), "at most 200,000"),
        ({str(number): 1 for number in range(1001)}, "mapping of 1,001 names"),
        (["a", "b"], "which are no numbers"),
    ],
)
def test_what_cannot_be_recorded_is_said(value: Any, words: str) -> None:
    with pytest.raises(MetricError, match=words):
        take_results("m", value)


@given(
    arrays.arrays(st.sampled_from([np.float32, np.int16, np.uint8]), st.tuples(st.integers(0, 5), st.integers(0, 5)))
)
def test_any_array_comes_through_unchanged(value: Any) -> None:
    (_, kept, _) = take_results("m", value).arrays[0]
    np.testing.assert_array_equal(kept, value)
