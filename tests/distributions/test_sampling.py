"""What is looked at, against the whole; moments and quantiles against scipy's and numpy's definitions in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bidviz_core.views import TensorView
from bidviz_metric_distributions.sampling import MOST_OF_A_LAYER, MOST_OF_ALL, layers_of, samples_of, thinned
from bidviz_metric_distributions.statistics import MOMENTS, QUANTILES, moments_of, quantiles_of


def test_small_layers_are_looked_at_whole() -> None:
    weight, bias = torch.randn(20, 10), torch.randn(20)
    samples = samples_of(TensorView(["a.weight", "a.bias", "b.weight"], [weight, bias, bias + 1]))
    assert samples.layers == ("a", "b")
    assert sorted(samples.values[0].tolist()) == sorted([*weight.flatten().tolist(), *bias.tolist()])
    assert len(samples.whole) == 240


def test_large_layers_are_thinned_evenly() -> None:
    torch.manual_seed(0)
    large = torch.arange(1_000_000, dtype=torch.float32).reshape(1000, 1000)
    samples = samples_of(TensorView(["a.weight", "a.bias"], [large, torch.full((100_000,), -1.0)]))
    values = samples.values[0]
    assert MOST_OF_A_LAYER * 0.9 < len(values) <= MOST_OF_A_LAYER
    assert len(samples.whole) <= MOST_OF_ALL
    # Each tensor has its share, and the shares lie over the whole of it.
    assert float((values == -1).float().mean()) == pytest.approx(1 / 11, rel=0.05)
    found = values[values >= 0]
    assert float(found.mean()) == pytest.approx(500_000, rel=0.02)
    assert float(found.min()) == 0
    assert float(found.max()) > 999_000


def test_large_samples_tell_what_the_whole_does() -> None:
    generator = torch.Generator().manual_seed(1)
    whole = torch.randn(2000, 1500, generator=generator) * 0.02 + 0.001
    values = thinned([whole], MOST_OF_A_LAYER)
    mean, deviation, skewness, kurtosis = moments_of(values)
    assert mean == pytest.approx(float(whole.mean()), abs=4 * 0.02 / math.sqrt(len(values)))
    assert deviation == pytest.approx(float(whole.std()), rel=0.03)
    assert abs(skewness) < 0.1
    assert abs(kurtosis) < 0.2


def test_tensors_in_any_order_of_memory() -> None:
    turned = torch.arange(60_000.0).reshape(200, 300).t()
    last = torch.arange(4 * 60_000.0).reshape(4, 3, 100, 200).to(memory_format=torch.channels_last)
    expanded = torch.arange(100.0).expand(300, 100)
    for tensor in (turned, last, expanded):
        values = thinned([tensor], 10_000)
        assert 9_000 < len(values) <= 10_000
        assert set(values.tolist()) <= set(tensor.flatten().tolist())
        assert float(values.mean()) == pytest.approx(float(tensor.mean()), rel=0.05)


def test_nothing_empty_is_looked_at() -> None:
    view = TensorView(["a.weight", "b.weight", "c.weight"], [torch.zeros(0, 3), torch.ones(2), torch.zeros(0)])
    assert samples_of(view).layers == ("b",)
    assert samples_of(TensorView([], [])).layers == ()


def test_sparse_gradients_count_by_their_rows() -> None:
    gradient = torch.sparse_coo_tensor(
        [[1, 1, 3]], torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), (10, 2), check_invariants=False
    )
    samples = samples_of(TensorView(["words.weight"], [gradient]))
    assert samples.values[0].tolist() == [4.0, 6.0, 5.0, 6.0]


def test_many_layers_are_put_together_by_block() -> None:
    names = tuple(f"blocks.{block}.{part}.weight" for block in range(50) for part in ("attention", "mlp"))
    layers = layers_of(names)
    assert list(layers) == [f"blocks.{block}" for block in range(50)]
    flat = layers_of(tuple(f"p{index}" for index in range(500)))
    assert len(flat) == 60
    assert sorted(position for members in flat.values() for position in members) == list(range(500))


numbers = st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=200)


@settings(max_examples=100, deadline=None)
@given(numbers)
def test_quantiles_are_numpys(values: list[float]) -> None:
    found = quantiles_of(torch.tensor(values, dtype=torch.float32))
    expected = np.quantile(np.array(values, np.float32).astype(np.float64), QUANTILES)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-30)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.floats(-1e6, 1e6, width=32).filter(lambda value: value == 0 or abs(value) > 1e-6), min_size=3, max_size=200
    )
)
def test_moments_are_scipys(values: list[float]) -> None:
    array = np.array(values, np.float32).astype(np.float64)
    if array.std() < 1e-6 * max(1e-30, np.abs(array).max()):
        return  # all the same but for rounding: the higher moments mean nothing
    found = moments_of(torch.tensor(values, dtype=torch.float32))
    expected = [array.mean(), array.std(), stats.skew(array), stats.kurtosis(array)]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * max(1, abs(expected[0])))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_sixteen_and_sixtyfour_bits(dtype: torch.dtype) -> None:
    values = torch.randn(5_000, generator=torch.Generator().manual_seed(2)).to(dtype)
    exact = values.double().numpy()
    np.testing.assert_allclose(
        moments_of(values), [exact.mean(), exact.std(), stats.skew(exact), stats.kurtosis(exact)]
    )
    np.testing.assert_allclose(quantiles_of(values), np.quantile(exact, QUANTILES))


def test_what_is_no_number_shows() -> None:
    assert all(math.isnan(value) for value in moments_of(torch.tensor([1.0, math.nan, 2.0])))
    assert np.isnan(quantiles_of(torch.tensor([1.0, math.nan, 2.0]))).all()
    mean, deviation, *_ = moments_of(torch.tensor([1.0, math.inf]))
    assert mean == math.inf
    assert math.isnan(deviation)
    assert quantiles_of(torch.tensor([1.0, 2.0, math.inf]))[-1] == math.inf
    constant = dict(zip(MOMENTS, moments_of(torch.ones(10)), strict=True))
    assert constant["std"] == 0
    assert math.isnan(constant["kurtosis"])


def test_tiny_gradients_keep_their_shape() -> None:
    values = torch.tensor([1e-30, 2e-30, 9e-30, -1e-30])
    exact = values.double().numpy()
    np.testing.assert_allclose(
        moments_of(values)[1:], [exact.std(), stats.skew(exact), stats.kurtosis(exact)], rtol=1e-6
    )
