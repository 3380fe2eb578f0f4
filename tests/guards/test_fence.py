"""Several metrics at one boundary: none sees what another drew, and the training sees nothing of either."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import bidviz_core as bidviz
from bidviz_core.store import StoreReader

Watch = Callable[..., bidviz.Session]


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """`watch` with nothing beside the metrics that it is given."""
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    return partial(bidviz.watch, dashboard=None, run_dir=tmp_path, plugins=(), budget=None)


def linear(lr: float = 0.0) -> tuple[torch.nn.Linear, torch.optim.SGD]:
    model = torch.nn.Linear(2, 1)
    return model, torch.optim.SGD(model.parameters(), lr=lr)


def update(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    model(torch.ones(3, 2)).sum().backward()
    optimizer.step()


def total(model: torch.nn.Linear) -> float:
    return float(model.weight.sum())


def past_the_counter(model: torch.nn.Linear) -> float:
    model.weight.data.add_(1)
    return 1.0


def in_place(model: torch.nn.Linear) -> float:
    model.weight.add_(1)
    return 1.0


def same_again(model: torch.nn.Linear) -> float:
    model.weight.mul_(1)  # moves the counter, and changes nothing
    return float(model.weight.sum())


def fails_in_place(model: torch.nn.Linear) -> float:
    model.weight.add_(1)
    raise ValueError("after a write")


def named(*metrics: Callable[..., Any]) -> list[bidviz.Metric]:
    """Metrics of the same functions twice, by names of their own."""
    return [bidviz.metric(name=f"{number}_{one.__name__}")(one) for number, one in enumerate(metrics)]


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


def test_each_metric_and_the_training_find_the_same_random_state(watch: Watch) -> None:
    model, optimizer = linear(lr=0.1)
    with watch(model, optimizer, metrics=[one, late, broken, other]) as session:
        for step in range(1, 8):  # the first runs are guarded in full, the later ones are not
            random.seed(step), np.random.seed(step), torch.manual_seed(step)
            expected = draw()
            random.seed(step), np.random.seed(step), torch.manual_seed(step)
            update(model, optimizer)
            assert draw() == expected
            for metric in ("one", "other"):
                found = [session.history(f"{metric}/{kind}").value[-1] for kind in ("random", "numpy", "torch")]
                assert found == expected, (step, metric)
            assert session.history("late/late").value[-1] == expected[0]


def test_of_several_first_runs_at_one_boundary_the_one_that_writes_is_blamed_and_undone(watch: Watch) -> None:
    model, optimizer = linear()
    before = model.weight.detach().clone()

    def twice(model: torch.nn.Linear) -> float:
        model.weight.data.mul_(1)  # the same values again: no change
        return float(model.weight.sum())

    metrics = named(total, past_the_counter, twice, total)
    names = [metric.name for metric in metrics]
    with watch(model, optimizer, metrics=metrics) as session:
        for step in range(1, 7):
            update(model, optimizer)
            assert torch.equal(model.weight, before)
            if step == 1:  # all bits were compared once for all four: that one of them wrote is known, not yet which
                assert not session.failures
                for name in names:
                    assert f"one of {', '.join(names)} changed the training" in session.metrics.slots[name].reason
        writer = names.pop(1)
        assert [failure.name for failure in session.failures] == [writer], session.failures
        assert "changed the training (weight)" in session.failures[0].message
        for name in names:
            history = session.history(name)
            assert history.step.tolist() == [2, 3, 4, 5, 6], name
            assert history.value == pytest.approx([float(before.sum())] * 5), name
            assert not session.metrics.slots[name].reason
        assert writer not in StoreReader(session.run_dir).series()


@pytest.mark.parametrize(
    ("metrics", "at_once", "later", "missing"),
    [
        ([in_place, total], [0], [], []),  # it was the first, and nobody else can have written
        ([same_again, in_place, total], [1], [], []),  # the first was compared when it moved the counter
        ([past_the_counter, same_again, total], [], [0], [1]),  # whose counter has moved is not who wrote
        ([past_the_counter, total, same_again, total], [], [0], [1, 2]),
        ([total, in_place, total], [], [1], [0]),
        ([total, same_again, total, past_the_counter], [], [3], [2]),
        ([past_the_counter, fails_in_place, total], [1], [0], []),
        ([past_the_counter, same_again, in_place, total], [2], [0], [1]),
        ([same_again, same_again], [], [], []),
    ],
)
def test_only_one_that_changed_values_is_blamed(
    watch: Watch, metrics: Sequence[Any], at_once: list[int], later: list[int], missing: list[int]
) -> None:
    model, optimizer = linear()
    before = model.weight.detach().clone()
    metrics = named(*metrics)
    names = [metric.name for metric in metrics]
    with watch(model, optimizer, metrics=metrics) as session:
        update(model, optimizer)
        assert torch.equal(model.weight, before)
        assert [failure.name for failure in session.failures] == [names[number] for number in at_once]
        update(model, optimizer)
        assert torch.equal(model.weight, before)
        blamed = [*at_once, *later]
        assert [failure.name for failure in session.failures] == [names[number] for number in blamed]
        for number, name in enumerate(names):
            if number not in blamed:
                steps = session.history(name).step.tolist()
                assert steps == ([2] if number in missing else [1, 2]), name
                assert session.history(name).value == pytest.approx([float(before.sum())] * len(steps)), name
                assert not session.metrics.slots[name].reason, name


def test_of_several_first_runs_one_that_switches_a_mode_is_blamed_at_once(watch: Watch) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Dropout())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)

    def first(model: torch.nn.Module) -> float:
        return float(model[0].weight.sum())

    def switcher(model: torch.nn.Module) -> float:
        model.eval()
        return 1.0

    def last(model: torch.nn.Module) -> float:
        assert model.training
        return float(model[0].weight.sum())

    with watch(model, optimizer, metrics=[first, switcher, last]) as session:
        update(model, optimizer)
        assert [failure.name for failure in session.failures] == ["switcher"], session.failures
        assert session.history("first").value == session.history("last").value
        assert model.training


def test_what_ran_beside_one_that_stops_the_training_has_changed_nothing(watch: Watch) -> None:
    model, optimizer = linear()
    before = model.weight.detach().clone()

    def key() -> float:
        raise KeyboardInterrupt

    with watch(model, optimizer, metrics=[past_the_counter, key]):
        with pytest.raises(KeyboardInterrupt):
            update(model, optimizer)
        assert torch.equal(model.weight, before)


def test_the_memory_of_copies_is_used_again_and_let_go_of_after_the_first_runs(watch: Watch) -> None:
    model, optimizer = linear(lr=0.1)
    with watch(model, optimizer, metrics=[one, other]) as session:
        guard = session.engine.fence.model
        assert guard is not None
        spare = []
        for _ in range(30):
            optimizer.zero_grad()  # gradients are other tensors at each step
            update(model, optimizer)
            spare.append({kept.data_ptr() for fitting in guard._spare.values() for kept in fitting})
    assert len(spare[0]) == 4  # two parameters and their gradients
    assert spare[0] == spare[1] == spare[2]
    assert not spare[-1]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the kernel does not tell")
def test_the_memory_of_a_metric_is_its_own_without_the_copy_that_guards_the_model(watch: Watch) -> None:
    model = torch.nn.Linear(4000, 4000)  # 64 MB, and as much for its gradient
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)

    def small() -> float:
        return 1.0

    def large() -> float:
        return float(torch.ones(12_000_000).sum())  # 48 MB

    with watch(model, optimizer, metrics=[small, large]) as session:
        model(torch.ones(1, 4000)).sum().backward()
        optimizer.step()
        memory = {name: session.metrics.slots[name].memory for name in ("small", "large")}
    assert memory["small"] < 16_000_000
    assert 40_000_000 < memory["large"] < 80_000_000
