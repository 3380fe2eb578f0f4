"""Blocks of a batch: each series in one of them, in the order in which it was recorded."""

from __future__ import annotations

import numpy as np

from bidviz_core.records import ScalarBlock, join_series


def block(names: str, steps: list[int], *rows: list[float]) -> ScalarBlock:
    times = np.array(steps, np.float64)
    return ScalarBlock(tuple(names.split()), np.array(steps, np.int64), times, np.array(rows, np.float64))


def test_blocks_without_a_series_in_common_stay_as_they_are() -> None:
    blocks = [block("loss lr", [1, 2], [5, 6], [7, 8]), block("accuracy", [2], [0.5])]
    assert join_series(blocks) is blocks


def test_a_series_that_came_in_two_blocks_is_put_in_order_in_one() -> None:
    every = block("loss lr", [8, 9, 11, 12], [8, 9, 11, 12], [80, 90, 110, 120])
    tenth = block("lr accuracy loss", [10], [100], [0.5], [10])
    alone = block("other", [1], [1])
    both, accuracy, other = join_series([every, tenth, alone])
    assert both.names == ("loss", "lr")
    assert both.steps.tolist() == both.times.tolist() == both.values[0].tolist() == [8, 9, 10, 11, 12]
    assert both.values[1].tolist() == [80, 90, 100, 110, 120]
    assert accuracy.names == ("accuracy",)
    assert (accuracy.steps.tolist(), accuracy.values.tolist()) == ([10], [[0.5]])
    assert (other.names, other.values.tolist()) == (("other",), [[1.0]])


def test_records_of_one_step_stay_in_the_order_in_which_they_came() -> None:
    first, second = block("a", [5, 5], [1, 2]), block("a b", [5], [3], [4])
    both, alone = join_series([first, second])
    assert both.values.tolist() == [[1, 2, 3]]
    assert alone.names == ("b",)


def test_a_run_that_went_back_to_an_earlier_step_goes_back_once() -> None:
    before = ScalarBlock(("a",), np.array([9, 3]), np.array([1.0, 3.0]), np.array([[9.0, 3.0]]))
    between = ScalarBlock(("a", "b"), np.array([10]), np.array([2.0]), np.array([[10.0], [0.0]]))
    joined, _ = join_series([before, between])
    assert joined.steps.tolist() == [9, 10, 3]
