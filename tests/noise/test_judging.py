"""The arithmetic of the bundle, on whatever numbers there may be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from bidviz_metric_noise.examples import evenly
from bidviz_metric_noise.judging import Spread, inner_product_test, norm_test, orthogonality_test
from bidviz_metric_noise.judging import noise_scale as scale_of_several


def noise_scale(spread: Spread) -> float:
    return scale_of_several([spread])


ALL = (noise_scale, norm_test, inner_product_test, orthogonality_test)


def spread_of(rows: np.ndarray) -> Spread:
    mean = rows.mean(0)
    off = rows - mean
    return Spread(len(rows), float(mean @ mean), (off**2).sum(1).tolist(), (off @ mean).tolist(), 0.0)


@settings(deadline=None, max_examples=200)
@given(arrays(np.float64, some.tuples(some.integers(2, 8), some.integers(1, 6)), elements=some.floats(-100, 100)))
def test_along_and_across_make_up_the_whole(rows: np.ndarray) -> None:
    spread = spread_of(rows)
    whole, along, across = norm_test(spread), inner_product_test(spread), orthogonality_test(spread)
    if spread.norm < 1e-6:
        return
    assert whole**2 == pytest.approx(along**2 + across**2, rel=1e-6, abs=1e-9)
    # McCandlish's scale is the batch size at which the norm test gives 1, but for the estimate of |G|² itself.
    scale = noise_scale(spread)
    biased = whole**2 * spread.examples
    assert scale >= biased * (1 - 1e-9) or math.isinf(scale)


@settings(deadline=None, max_examples=200)
@given(
    some.integers(2, 1000),
    some.floats(min_value=0) | some.just(math.nan),
    some.lists(some.tuples(some.floats(min_value=0), some.floats()), min_size=2, max_size=5),
)
def test_nothing_raises_on_any_numbers(examples: int, norm: float, pairs: list[tuple[float, float]]) -> None:
    spread = Spread(examples, norm, [square for square, _ in pairs], [product for _, product in pairs], math.nan)
    for judge in ALL:
        assert isinstance(judge(spread), float)


def test_no_noise_and_no_signal() -> None:
    assert [judge(Spread(4, 2.0, [0.0] * 4, [0.0] * 4, 0.0)) for judge in ALL] == [0.0, 0.0, 0.0, 0.0]
    drowned = Spread(4, 0.0, [1.0] * 4, [0.0] * 4, 0.0)
    assert noise_scale(drowned) == math.inf
    assert all(math.isnan(judge(drowned)) for judge in ALL[1:])


def test_chosen_examples_are_spread_evenly() -> None:
    assert evenly(3, 16) == [0, 1, 2]
    assert evenly(32, 4) == [0, 8, 16, 24]
    assert len(set(evenly(17, 16))) == 16


def test_the_scale_of_several_runs_averages_both_parts_before_it_divides() -> None:
    one, other = Spread(4, 3.0, [3.0] * 4, [0.0] * 4, 0.0), Spread(4, 1.0, [6.0] * 4, [0.0] * 4, 0.0)
    assert noise_scale(other) == math.inf
    assert scale_of_several([one, other]) == pytest.approx((4 + 8) / ((3 - 1) + (1 - 2)))
    broken = Spread(4, math.nan, [math.nan] * 4, [math.nan] * 4, 0.0)
    assert math.isnan(scale_of_several([one, broken]))
    assert scale_of_several([broken, one]) == noise_scale(one)
