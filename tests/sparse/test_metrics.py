"""The metrics of the bundle in real trainings, against counts taken beside them."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from support.bundles import LOOP_NAMES, Watched, changes_nothing, check_charts, last, latest, series
from torch import nn
from torch.nn import functional

import bidviz_metric_sparse


class Tables(nn.Module):
    """A bag with sparse gradients, one with padding, one in sixteen bits that two modules share, a frozen one."""

    def __init__(self) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(5_000, 4, mode="sum", sparse=True)
        self.words = nn.Embedding(50, 4, padding_idx=0)
        self.one = nn.Embedding(60, 4, dtype=torch.bfloat16)
        self.two = nn.Embedding(60, 4, dtype=torch.bfloat16)
        self.two.weight = self.one.weight
        self.fixed = nn.Embedding(70, 4).requires_grad_(False)
        self.never = nn.Embedding(5, 4)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        # The last of these takes its rows by a name.
        parts = [self.words(rows % 50), self.one(rows % 30), self.two(30 + rows % 30), self.fixed(input=rows % 70)]
        return (self.bag(rows) + sum(part.float().sum(1) for part in parts)).square().mean()


def test_rows_are_those_that_were_used(watched: Watched) -> None:
    torch.manual_seed(0)
    model = Tables()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    session = watched(model, optimizer)
    counts: dict[str, Counter[int]] = {"bag": Counter(), "words": Counter(), "one": Counter()}
    for _ in range(6):
        optimizer.zero_grad()
        used: dict[str, set[int]] = {name: set() for name in counts}
        for _ in range(2):  # two passes make a step
            rows = torch.randint(0, 5_000, (8, 3))
            model(rows).backward()
            flat = rows.flatten().tolist()
            used["bag"] |= set(flat)
            used["words"] |= {row % 50 for row in flat} - {0}
            used["one"] |= {row % 30 for row in flat} | {30 + row % 30 for row in flat}
        touched = {
            "bag": set(model.bag.weight.grad.coalesce().indices()[0].tolist()),
            "words": set(model.words.weight.grad.abs().sum(1).nonzero().flatten().tolist()),
            "one": set(model.one.weight.grad.abs().sum(1).nonzero().flatten().tolist()),
        }
        assert used == touched  # what autograd says
        fresh = {name: sum(counts[name][row] == 0 for row in rows) for name, rows in used.items()}
        optimizer.step()
        for name, found in used.items():
            counts[name].update(found)
            assert last(session, f"sparse/rows/batch/{name}") == len(found)
            assert last(session, f"sparse/rows/new/{name}") == fresh[name]
    for name, size in (("bag", 5_000), ("words", 49), ("one", 60)):
        assert last(session, f"sparse/rows/never/{name}") == pytest.approx(1 - len(counts[name]) / size)
    assert not any(
        "fixed" in name or "two" in name or "/never/never" in name for name in series(session, "sparse/rows")
    )
    histogram = latest(session, "sparse/updates/rows/bag")
    expected = np.bincount([count.bit_length() for count in counts["bag"].values()], minlength=20)
    expected[0] = 5_000 - len(counts["bag"])
    assert histogram.counts.tolist() == expected.tolist()
    top = sum(count for _, count in counts["bag"].most_common(50))
    share = last(session, "sparse/updates/concentration/bag")
    assert share == pytest.approx(top / sum(counts["bag"].values()))
    points = latest(session, "sparse/norms/points/one")
    lengths = np.linalg.norm(model.one.weight.detach().double().numpy(), axis=1)
    found = sorted((round(float(x), 4), round(float(y), 3)) for x, y in points)
    wanted = sorted((round(math.log10(1 + counts["one"][row]), 4), round(float(lengths[row]), 3)) for row in range(60))
    np.testing.assert_allclose(found, wanted, atol=2e-3)
    never = [row for row in range(5_000) if not counts["bag"][row]]
    mean = float(np.linalg.norm(model.bag.weight.detach().double().numpy()[never], axis=1).mean())
    assert last(session, "sparse/norms/by-use/bag/never") == pytest.approx(mean, rel=1e-5)
    assert session.failures == []


class Loose(nn.Module):
    """A table that no module holds."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(40, 3))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return functional.embedding(rows, self.table, sparse=True).sum()


def test_sparse_gradients_without_a_module_count(watched: Watched) -> None:
    model = Loose()
    optimizer = torch.optim.SparseAdam(model.parameters(), lr=0.01)
    session = watched(model, optimizer)
    for rows in ([1, 2, 2], [2, 9], [9]):
        optimizer.zero_grad()
        model(torch.tensor(rows)).backward()
        optimizer.step()
    assert session.history("sparse/rows/batch/table").value.tolist() == [2, 2, 1]
    assert session.history("sparse/rows/new/table").value.tolist() == [2, 1, 0]
    assert last(session, "sparse/rows/never/table") == pytest.approx(37 / 40)
    assert session.failures == []


class Columns(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(100, 2))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return torch.sparse.mm(batch, self.weight).square().sum()


def test_features_of_sparse_batches(watched: Watched) -> None:
    torch.manual_seed(1)
    model = Columns()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    session = watched(model, optimizer)
    assert "sparse/rows" not in session.metrics
    seen: set[int] = set()
    for _ in range(5):
        dense = (torch.rand(6, 100) < 0.05).float()
        used = set(dense.sum(0).nonzero().flatten().tolist())
        seen |= used
        optimizer.zero_grad()
        with torch.sparse.check_sparse_tensor_invariants(False):
            model(dense.to_sparse()).backward()
        optimizer.step()
        assert last(session, "sparse/features/batch") == len(used)
        assert last(session, "sparse/features/seen") == len(seen)
        assert last(session, "sparse/features/density") == pytest.approx(float(dense.mean()))
    assert session.failures == []


def test_nan_rows_and_empty_batches(watched: Watched) -> None:
    model = nn.Embedding(4, 2)
    with torch.no_grad():
        model.weight[1, 0] = math.nan
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    session = watched(model, optimizer)
    for rows in ([], [1, 3]):
        optimizer.zero_grad()
        model(torch.tensor(rows, dtype=torch.int64)).sum().backward()
        optimizer.step()
    assert session.history("sparse/rows/batch/model").value.tolist() == [0, 2]
    assert math.isnan(last(session, "sparse/norms/by-use/model/1"))
    assert np.isnan(latest(session, "sparse/norms/points/model")).sum() == 1
    assert session.failures == []


def test_a_table_that_grows_is_counted_anew(watched: Watched) -> None:
    model = nn.Sequential(nn.Embedding(4, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    session = watched(model, optimizer)

    def step(rows: list[int]) -> None:
        model(torch.tensor(rows)).sum().backward()
        optimizer.step()

    step([0, 1])
    model[0].weight = nn.Parameter(torch.zeros(8, 2))
    step([7])
    assert last(session, "sparse/rows/never/0") == pytest.approx(7 / 8)


def test_dense_models_are_left_alone(watched: Watched) -> None:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    session = watched(model, optimizer)
    for _ in range(2):
        model(torch.randn(2, 3)).sum().backward()
        optimizer.step()
    assert [metric.name for metric in session.metrics if metric.name.startswith("sparse")] == ["sparse/features"]
    assert "no sparse matrix" in session.metrics.slots["sparse/features"].info(0.01).note
    plain = watched(None)
    plain.step_done(loss=1.0)
    assert "has no metric for this run" in watched.refused[-1]
    assert session.failures == plain.failures == []


@LOOP_NAMES
def test_the_training_is_the_same_to_the_bit(name: str, watched: Watched) -> None:
    session: Any = changes_nothing(name, watched)
    if name == "embedding_with_sparse_gradients":
        assert len(session.history("sparse/rows/never/0").step) == 24


def test_charts() -> None:
    check_charts(bidviz_metric_sparse)
