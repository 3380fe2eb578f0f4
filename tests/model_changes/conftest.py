"""A training whose every random number is fixed, so that two of them can be compared to the bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import bidviz_core as bidviz


class Training:
    """A small network with dropout and batch norm, its optimizer and its session; `run(n)` makes n steps."""

    def __init__(self, make: Callable[..., torch.optim.Optimizer], folder: Path, **options: Any) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 3))
        self.optimizer = make(self.model.parameters())
        self.session = bidviz.watch(
            self.model, self.optimizer, **{"dashboard": None, "plugins": (), "run_dir": folder, **options}
        )

    def run(self, steps: int) -> None:
        for _ in range(steps):
            inputs, targets = torch.randn(8, 4), torch.randint(0, 3, (8,))

            def closure(inputs: torch.Tensor = inputs, targets: torch.Tensor = targets) -> torch.Tensor:
                self.optimizer.zero_grad()
                loss = nn.functional.cross_entropy(self.model(inputs), targets)
                loss.backward()
                return loss

            if isinstance(self.optimizer, torch.optim.LBFGS):
                self.optimizer.step(closure)
            else:
                closure()
                self.optimizer.step()

    def state(self) -> list[torch.Tensor]:
        """Everything that has to be the same to the bit."""
        held = self.optimizer.state_dict()["state"]
        states = [
            value for key in sorted(held) for _, value in sorted(held[key].items()) if isinstance(value, torch.Tensor)
        ]
        return [*(value.clone() for value in self.model.state_dict().values()), *(one.clone() for one in states)]


@pytest.fixture
def train(tmp_path: Path) -> Iterator[Callable[..., Training]]:
    """Makes a watched training with Adam, or whatever optimizer is asked for."""
    made: list[Training] = []

    def make(optimizer: Callable[..., torch.optim.Optimizer] | None = None, **options: Any) -> Training:
        made.append(Training(optimizer or (lambda tensors: torch.optim.Adam(tensors, lr=0.01)), tmp_path, **options))
        return made[-1]

    yield make
    for one in made:
        one.session.close()


def same(ones: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    """Whether two states are the same to the bit."""
    return len(ones) == len(others) and all(torch.equal(one, other) for one, other in zip(ones, others, strict=True))
