"""Each bend against autograd's derivative: beyond it less than a twentieth of the steepest, before it more."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from bidviz_metric_activations.bends import FLAT, bends_of

NON_LINEARITIES = [
    nn.ReLU(),
    nn.ReLU(inplace=True),
    nn.ReLU6(),
    nn.Tanh(),
    nn.Sigmoid(),
    nn.Softsign(),
    nn.GELU(),
    nn.GELU(approximate="tanh"),
    nn.SiLU(),
    nn.Mish(),
    nn.Hardswish(),
    nn.Hardsigmoid(),
    nn.Hardtanh(),
    nn.Hardtanh(-2.0, 0.5),
    nn.SELU(),
    nn.ELU(),
    nn.ELU(alpha=0.3),
    nn.ELU(alpha=3.0),
    nn.CELU(),
    nn.CELU(alpha=2.0),
    nn.Softplus(),
    nn.Softplus(beta=3.0),
    nn.LogSigmoid(),
    nn.LeakyReLU(),
    nn.Threshold(0.1, 20.0),
]


def slopes(module: Any, at: torch.Tensor) -> torch.Tensor:
    given = at.double().requires_grad_()
    # A module that works in place may not be given a leaf.
    (found,) = torch.autograd.grad(module(given * 1.0).sum(), given)
    return found.abs()


@pytest.mark.parametrize("module", NON_LINEARITIES, ids=repr)
def test_beyond_its_bends_a_non_linearity_is_flat(module: nn.Module) -> None:
    bends = bends_of(module)
    assert bends is not None
    whole = slopes(module, torch.linspace(-30, 30, 600_001))
    limit = FLAT * whole.max()
    # GELU's two forms share a bend, which is off by 0.007 for the one.
    near = 0.02 if isinstance(module, nn.GELU) else 1e-3
    assert math.isfinite(bends.low) or math.isfinite(bends.high)
    if math.isfinite(bends.low):
        assert bool((slopes(module, torch.linspace(bends.low - 20, bends.low - near, 2_000)) <= limit).all())
        assert bool((slopes(module, torch.tensor([bends.low + near])) >= limit * 0.99).all())
    else:
        assert bool((whole[:1000] >= limit).all())
    if math.isfinite(bends.high):
        assert bool((slopes(module, torch.linspace(bends.high + near, bends.high + 20, 2_000)) <= limit).all())
        assert bool((slopes(module, torch.tensor([bends.high - near])) >= limit * 0.99).all())
    else:
        assert bool((whole[-1000:] >= limit).all())


def test_rectifiers_are_those_without_a_slope_below_zero() -> None:
    for module in NON_LINEARITIES:
        bends = bends_of(module)
        dead = bool((slopes(module, torch.linspace(-30, -1e-6, 1_000)) == 0).all())
        assert bends is not None
        if bends.is_rectifier:
            assert dead
            assert bends.low == 0


def test_functions_of_transformer_layers_are_known() -> None:
    assert bends_of(functional.relu) == bends_of(nn.ReLU())
    assert bends_of(functional.gelu) == bends_of(nn.GELU())
    assert bends_of(lambda values: values) is None


def test_what_is_derived_is_known_and_what_is_no_non_linearity_is_not() -> None:
    class Mine(nn.ReLU):
        pass

    assert bends_of(Mine()) == bends_of(nn.ReLU())
    assert bends_of(nn.Linear(2, 2)) is None
    assert bends_of(nn.LeakyReLU(0.3)) is None
    assert bends_of(nn.ELU(alpha=-1.0)) is None
