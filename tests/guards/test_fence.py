"""Several metrics at one boundary: none sees what another drew, and the training sees nothing of either."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

import bidviz_core as bidviz


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
