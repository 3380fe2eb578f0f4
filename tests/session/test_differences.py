"""Updates whose norms come along with subtracting: against float64, and in a session whatever is asked first."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import bidviz_core as bidviz
from bidviz_core.learners import differences
from bidviz_core.views import TensorView


def norm(tensor: Tensor) -> float:
    return float(tensor.double().square().sum().sqrt())


def test_differences_and_norms_are_those_of_float64() -> None:
    shapes = ((1100, 1000), (7,), (), (0, 3), (differences.PIECE,), (3, differences.PIECE))
    after = [torch.randn(shape) for shape in shapes]
    before = [tensor + 1e-3 * torch.randn(tensor.shape) for tensor in after]
    assert differences.fits(after)
    expected = [one - other for one, other in zip(after, before, strict=True)]
    copies = [tensor.clone() for tensor in after]
    changes, sizes = differences.subtract_with_norms(after, before)
    assert all(map(torch.equal, before, expected))
    assert all(map(torch.equal, after, copies))
    assert changes == pytest.approx([norm(tensor) for tensor in expected], rel=1e-6)
    assert sizes == pytest.approx([norm(tensor) for tensor in after], rel=1e-6)


def test_what_is_not_finite_is_said_of_its_own_tensor_alone() -> None:
    after = [torch.ones(differences.LEAST), torch.ones(2), torch.ones(2)]
    after[0][-1], after[1][0] = math.nan, math.inf
    changes, sizes = differences.subtract_with_norms(after, [torch.zeros_like(tensor) for tensor in after])
    assert math.isnan(sizes[0])
    assert math.isnan(changes[0])
    assert sizes[1:] == pytest.approx([math.inf, math.sqrt(2)])


@pytest.mark.parametrize(
    "tensors",
    [
        [torch.ones(10)],
        [torch.ones(1025, 1024).t()],
        [torch.ones(1 << 20), torch.ones(2, dtype=torch.float64)],
        [torch.ones(1 << 20), torch.ones(2, 2).to_sparse()],
    ],
)
def test_few_values_and_other_kinds_are_left_to_the_usual_way(tensors: list[Tensor]) -> None:
    assert not differences.fits(tensors)


@pytest.mark.parametrize("first", ["params", "updates"])
def test_metrics_get_the_same_norms_whoever_asks_first(first: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1024, 1024), nn.Linear(1024, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seen: list[dict[str, Any]] = []

    def of_params(params: TensorView) -> float:
        seen.append({"params": params.host_norms(), "as a tensor": params.norms().tolist()})
        return seen[-1]["params"][0]

    def of_updates(updates: TensorView) -> float:
        seen.append({"updates": updates.host_norms(), "tensors": [tensor.clone() for tensor in updates.tensors]})
        return seen[-1]["updates"][0]

    functions = {"params": of_params, "updates": of_updates}
    session = bidviz.watch(model, optimizer, dashboard=None, run_dir=tmp_path, plugins=(), name="differences")
    with session:
        for name in sorted(functions, key=lambda name: name != first):
            session.metrics.add(functions[name], name=name)
        for _ in range(5):
            before = [parameter.detach().clone() for parameter in model.parameters()]
            optimizer.zero_grad()
            model(torch.randn(4, 1024)).square().mean().backward()
            seen.clear()
            optimizer.step()
            together = {key: value for one in seen for key, value in one.items()}
            sizes = [norm(parameter.detach()) for parameter in model.parameters()]
            # torch's own norm of a million values of float32, which the first steps take, is off by 1e-5.
            if "params" in together:
                assert together["params"] == pytest.approx(sizes, rel=1e-4)
                assert together["as a tensor"] == pytest.approx(sizes, rel=1e-4)
            if "updates" in together:
                moved = [one.detach() - other for one, other in zip(model.parameters(), before, strict=True)]
                assert all(map(torch.equal, together["tensors"], moved))
                assert together["updates"] == pytest.approx([norm(one) for one in moved], rel=1e-4)
        assert {"params", "updates"} <= together.keys()
        assert session.learner._both_norms
        assert not session.failures


def test_what_is_kept_before_an_update_is_the_same_whichever_way_it_is_copied() -> None:
    large = [torch.randn(1200, 1000), torch.tensor([math.nan, math.inf, -0.0])]
    for tensors in (large, [tensor.bfloat16() for tensor in large], [large[0].t()], large[1:]):
        kept = [torch.zeros_like(tensor) for tensor in tensors]
        before = [tensor.data_ptr() for tensor in kept]
        differences.copy_over(kept, tensors)
        assert [tensor.data_ptr() for tensor in kept] == before
        assert all(
            torch.equal(one.view(torch.uint8), other.contiguous().view(torch.uint8))
            if one.is_contiguous()
            else torch.equal(one, other)
            for one, other in zip(kept, tensors, strict=True)
        )
