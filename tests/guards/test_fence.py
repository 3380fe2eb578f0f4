"""Several metrics at one boundary: none sees what another drew, and the training sees nothing of either."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

import bidviz_core as bidviz
from bidviz_core.store import StoreReader


class Drawing(Mapping[str, float]):
    """A value that draws only when its numbers are taken out, after the metric has returned."""

    def __getitem__(self, name: str) -> float:
        return random.random()

    def __iter__(self) -> Iterator[str]:
        return iter(["late"])

    def __len__(self) -> int:
        return 1


def draw() -> list[float]:
    return [random.random(), float(np.random.rand()), float(torch.rand(()))]


def one() -> dict[str, float]:
    return dict(zip(("random", "numpy", "torch"), draw(), strict=True))


def late() -> Drawing:
    return Drawing()


def broken() -> None:
    draw()
    raise ValueError("after a draw")


def other() -> dict[str, float]:
    return one()


def test_each_metric_and_the_training_find_the_same_random_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with bidviz.watch(
        model,
        optimizer,
        dashboard=None,
        run_dir=tmp_path,
        plugins=(),
        metrics=[one, late, broken, other],
        budget=None,
    ) as session:
        for step in range(1, 8):  # the first runs are guarded in full, the later ones are not
            random.seed(step), np.random.seed(step), torch.manual_seed(step)
            expected = draw()
            random.seed(step), np.random.seed(step), torch.manual_seed(step)
            model(torch.ones(3, 2)).sum().backward()
            optimizer.step()
            assert draw() == expected
            for metric in ("one", "other"):
                found = [session.history(f"{metric}/{kind}").value[-1] for kind in ("random", "numpy", "torch")]
                assert found == expected, (step, metric)
            assert session.history("late/late").value[-1] == expected[0]


def test_of_several_first_runs_at_one_boundary_the_one_that_writes_is_blamed_and_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    before = model.weight.detach().clone()

    def first(model: torch.nn.Linear) -> float:
        return float(model.weight.sum())

    def writer(model: torch.nn.Linear) -> float:
        model.weight.data.add_(1)
        return 1.0

    def twice(model: torch.nn.Linear) -> float:
        model.weight.data.mul_(1)  # the same values again: no change
        return float(model.weight.sum())

    def last(model: torch.nn.Linear) -> float:
        return float(model.weight.sum())

    metrics = [first, writer, twice, last]
    with bidviz.watch(
        model, optimizer, dashboard=None, run_dir=tmp_path, plugins=(), metrics=metrics, budget=None
    ) as session:
        for step in range(1, 7):
            model(torch.ones(3, 2)).sum().backward()
            optimizer.step()
            assert torch.equal(model.weight, before)
            if step == 1:  # all bits were compared once for all four: that one of them wrote is known, not yet which
                assert not session.failures
                said = "one of first, writer, twice, last changed the training"
                for name in ("first", "writer", "twice", "last"):
                    assert said in session.metrics.slots[name].reason
        assert [failure.name for failure in session.failures] == ["writer"], session.failures
        assert "changed the training (weight)" in session.failures[0].message
        for name in ("first", "twice", "last"):
            history = session.history(name)
            assert history.step.tolist() == [2, 3, 4, 5, 6], name
            assert history.value == pytest.approx([float(before.sum())] * 5), name
            assert not session.metrics.slots[name].reason
        assert "writer" not in StoreReader(session.run_dir).series()


def test_of_several_first_runs_one_that_moves_a_counter_is_blamed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Dropout())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    before = model[0].weight.detach().clone()

    def first(model: torch.nn.Module) -> float:
        return float(model[0].weight.sum())

    def writer(model: torch.nn.Module) -> float:
        model[0].weight.add_(1)
        return 1.0

    def switcher(model: torch.nn.Module) -> float:
        model.eval()
        return 1.0

    def last(model: torch.nn.Module) -> float:
        assert model.training
        return float(model[0].weight.sum())

    metrics = [first, writer, switcher, last]
    with bidviz.watch(
        model, optimizer, dashboard=None, run_dir=tmp_path, plugins=(), metrics=metrics, budget=None
    ) as session:
        model(torch.ones(3, 2)).sum().backward()
        optimizer.step()
        assert [failure.name for failure in session.failures] == ["writer", "switcher"], session.failures
        assert session.history("first").value == session.history("last").value == [float(before.sum())]
        assert model.training
        assert torch.equal(model[0].weight, before)


def test_what_ran_beside_one_that_stops_the_training_has_changed_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    before = model.weight.detach().clone()

    def writer(model: torch.nn.Module) -> float:
        model.weight.data.add_(1)
        return 1.0

    def key() -> float:
        raise KeyboardInterrupt

    with bidviz.watch(model, optimizer, dashboard=None, run_dir=tmp_path, plugins=(), metrics=[writer, key]):
        model(torch.ones(3, 2)).sum().backward()
        with pytest.raises(KeyboardInterrupt):
            optimizer.step()
        assert torch.equal(model.weight, before)


def test_the_memory_of_copies_is_used_again_and_let_go_of_after_the_first_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with bidviz.watch(
        model, optimizer, dashboard=None, run_dir=tmp_path, plugins=(), metrics=[one, other], budget=None
    ) as session:
        guard = session.engine.fence.model
        assert guard is not None
        spare = []
        for _ in range(30):
            optimizer.zero_grad()  # gradients are other tensors at each step
            model(torch.ones(3, 2)).sum().backward()
            optimizer.step()
            spare.append({kept.data_ptr() for fitting in guard._spare.values() for kept in fitting})
    assert len(spare[0]) == 4  # two parameters and their gradients
    assert spare[0] == spare[1] == spare[2]
    assert not spare[-1]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the kernel does not tell")
def test_the_memory_of_a_metric_is_its_own_without_the_copy_that_guards_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    model = torch.nn.Linear(4000, 4000)  # 64 MB, and as much for its gradient
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)

    def small() -> float:
        return 1.0

    def large() -> float:
        return float(torch.ones(12_000_000).sum())  # 48 MB

    with bidviz.watch(
        model, optimizer, dashboard=None, run_dir=tmp_path, plugins=(), metrics=[small, large], budget=None
    ) as session:
        model(torch.ones(1, 4000)).sum().backward()
        optimizer.step()
        memory = {name: session.metrics.slots[name].memory for name in ("small", "large")}
    assert memory["small"] < 16_000_000
    assert 40_000_000 < memory["large"] < 80_000_000
