"""The maths of the bundle against definitions written down a second time, in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from bidviz_core.views import TensorView
from bidviz_metric_gradnorm.diagnosis import judge, renew_average
from bidviz_metric_gradnorm.norms import by_layer, by_layer_on_device, layers_of, mended, ratio, together


def reference(tensor: Tensor) -> float:
    return float(np.sqrt(np.sum(np.square(tensor.to_dense().double().numpy()))))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_norms_are_those_of_float64(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(1)
    tensors = [torch.randn(shape, generator=generator).to(dtype) for shape in ((300, 200), (7,), (), (4, 3, 3, 3))]
    view = TensorView([f"t{index}.weight" for index in range(4)], tensors)
    values = mended(view.host_norms(), tensors)
    # Sixteen-bit values are summed in float32; their own precision would be off by 1e-3 here.
    assert values == pytest.approx([reference(tensor) for tensor in tensors], rel=1e-5)
    assert together(values) == pytest.approx(math.sqrt(sum(reference(tensor) ** 2 for tensor in tensors)), rel=1e-5)


@pytest.mark.parametrize("scale", [1e-30, 1e-22, 1e20, 1e30, 0.0])
def test_what_float32_cannot_square_is_right_all_the_same(scale: float) -> None:
    tensors = [torch.full((10, 10), scale), torch.ones(3)]
    values = mended([norm.item() for norm in torch._foreach_norm(tensors)], tensors)
    assert values[0] == pytest.approx(10 * scale, rel=1e-5)
    assert values[1] == pytest.approx(math.sqrt(3))


def test_what_is_not_finite_stays_so() -> None:
    tensors = [torch.tensor([1.0, math.nan]), torch.tensor([1.0, math.inf]), torch.ones(1)]
    values = mended([norm.item() for norm in torch._foreach_norm(tensors)], tensors)
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, 1.0]
    assert math.isnan(together(values))
    assert together(values[1:]) == math.inf
    assert together([]) == 0.0


def test_layers_are_modules() -> None:
    names = ("embed.weight", "blocks.0.mlp.weight", "blocks.0.mlp.bias", "scale", "blocks.1.mlp.weight")
    layers = layers_of(names)
    assert layers.names == ("embed", "blocks.0.mlp", "scale", "blocks.1.mlp")
    assert layers.members == ((0,), (1, 2), (3,), (4,))
    assert by_layer([3.0, 1.0, 4.0], layers_of(("a.weight", "b.weight", "a.bias"))) == [5.0, 1.0]
    assert by_layer([1.0, 3.0, 4.0, 5.0, 6.0], layers) == [1.0, 5.0, 5.0, 6.0]


def test_many_layers_are_put_together_by_block() -> None:
    names = tuple(f"blocks.{block}.{part}.weight" for block in range(60) for part in ("attention", "mlp", "norm"))
    layers = layers_of(names)
    assert layers.names == tuple(f"blocks.{block}" for block in range(60))
    assert layers.members[1] == (3, 4, 5)
    flat = layers_of(tuple(f"p{index}" for index in range(500)))
    assert len(flat.names) == 100
    assert flat.names[-1] == "others"
    assert sorted(position for members in flat.members for position in members) == list(range(500))


def test_the_way_of_accelerators_gives_the_same() -> None:
    generator = torch.Generator().manual_seed(2)
    names = tuple(f"{layer}.{kind}" for layer in range(5) for kind in ("weight", "bias"))
    norms = torch.rand(10, generator=generator)
    layers = layers_of(names)
    total, each = by_layer_on_device(norms, layers)
    assert each.tolist() == pytest.approx(by_layer(norms.tolist(), layers))
    assert total.item() == pytest.approx(together(norms.tolist()))


def test_ratio_to_nothing_is_unknown() -> None:
    assert ratio(1.0, 4.0) == 0.25
    assert math.isnan(ratio(1.0, 0.0))


@pytest.mark.parametrize(
    ("norms", "averages", "states"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], ["healthy"] * 3),
        ([1.0, 2e-4, 3.0], [None] * 3, ["healthy", "healthy", "healthy"]),
        ([1.0, 5e-5, 3.0], [None] * 3, ["healthy", "vanishing", "healthy"]),
        ([1.0, 0.0, 3.0], [None] * 3, ["healthy", "vanishing", "healthy"]),
        ([1e-9, 1e-9, 1e-9], [None] * 3, ["vanishing"] * 3),
        ([1.0, 5e3, 3.0], [None] * 3, ["healthy", "exploding", "healthy"]),
        ([200.0, 300.0, 10.0], [1.0, 1.0, 1.0], ["exploding", "exploding", "healthy"]),
        ([math.nan, math.inf, 1.0], [1.0, 1.0, 1.0], ["not finite", "not finite", "healthy"]),
        ([], [], []),
    ],
)
def test_judgement(norms: list[float], averages: list[float | None], states: list[str]) -> None:
    assert judge(norms, [1] * len(norms), averages) == states


def test_size_of_a_layer_does_not_make_it_sick() -> None:
    assert judge([1.0, 1e-3], [10_000_000, 10], [None, None]) == ["healthy", "healthy"]


def test_average_forgets_spikes_and_what_is_no_number() -> None:
    assert renew_average(None, 2.0) == 2.0
    assert renew_average(2.0, math.nan) == 2.0
    assert renew_average(None, 0.0) is None
    assert renew_average(1.0, 1e4) == pytest.approx(1e4**0.05)
