"""Optimizers whose `step` calls that of their base class: torch calls hooks in both, and one update is one step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import bidviz_core as bidviz


class Careful(torch.optim.SGD):
    """An optimizer of somebody's own."""

    fails = False

    def step(self, closure: Any = None) -> Any:
        if self.fails:
            raise ValueError("not this time")
        return super().step(closure)


def test_an_update_is_one_step(tmp_path: Path) -> None:
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)  # from now on the base class' step calls hooks too
    model = nn.Linear(3, 1)
    optimizer = Careful(model.parameters(), lr=0.1)
    used: list[float] = []
    told: list[int] = []

    class Teller:
        @bidviz.hookimpl
        def gradients_ready(self, step: int) -> None:
            told.append(step)

    with bidviz.watch(model, optimizer, dashboard=None, plugins=(), run_dir=tmp_path, budget=None) as session:
        session.plugins.register(Teller(), "teller")
        session.metrics.add("updates.norm()", name="moved")

        def update() -> None:
            optimizer.zero_grad()
            model(torch.ones(2, 3)).square().mean().backward()
            optimizer.step()
            used.append(session.hyperparameters.effective("lr"))

        for number in range(10):
            if number == 3:
                session.hyperparameters.set("lr", 0.5, mode="scale")
            if number == 6:
                optimizer.fails = True
                with pytest.raises(ValueError, match="not this time"):
                    update()
                optimizer.fails = False
            update()
        assert session.step == 10
        assert used == [0.1] * 3 + [0.05] * 7
        assert sorted(set(told)) == list(range(1, 11))
        assert len(told) <= 11, "once a step, and once for the one that failed"
        session.pump.flush()
        assert session.history("loss").step.tolist() == list(range(1, 11))
        assert session.history("moved").step.tolist()[-8:] == list(range(3, 11))
