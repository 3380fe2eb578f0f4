"""A training with dropout, a scheduler and a shuffled loader, whose random numbers are fixed by a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import bidviz_core as bidviz

#: Steps of each run here.
STEPS = 60


class Run:
    """One training from its seed on; `train(n, hand)` makes n steps and calls `hand(session, step)` after each."""

    def __init__(self, folder: Path, width: int = 16, **options: Any) -> None:
        torch.manual_seed(5)
        self.drop = nn.Dropout(0.2)
        self.model = nn.Sequential(nn.Linear(6, width), nn.BatchNorm1d(width), self.drop, nn.Linear(width, 3))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
        self.scheduler: Any = None
        data = torch.utils.data.TensorDataset(torch.randn(64, 6), torch.randint(0, 3, (64,)))
        self.loader = torch.utils.data.DataLoader(data, batch_size=8, shuffle=True)
        options = {"dashboard": None, "plugins": (), "run_dir": folder, "name": "steered", **options}
        self.session = bidviz.watch(self.model, self.optimizer, **options)
        self.session.expose("dropout.p", self.drop, "p", low=0.0, high=1.0)

    def train(self, steps: int = STEPS, hand: Callable[[Any, int], None] | None = None) -> list[torch.Tensor]:
        """Trains, and gives everything that has to be the same to the bit."""
        done = 0
        while done < steps:
            for inputs, targets in self.loader:
                self.optimizer.zero_grad()
                nn.functional.cross_entropy(self.model(inputs), targets).backward()
                self.optimizer.step()
                if self.scheduler is not None:
                    self.scheduler.step()
                done += 1
                if hand is not None:
                    hand(self.session, done)
                if done == steps:
                    break
        return self.state()

    def state(self) -> list[torch.Tensor]:
        """Weights, statistics, momenta, and where the random numbers are."""
        held = self.optimizer.state_dict()["state"]
        momenta = [held[key]["momentum_buffer"] for key in sorted(held) if held[key].get("momentum_buffer") is not None]
        return [value.clone() for value in (*self.model.state_dict().values(), *momenta, torch.get_rng_state())]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Makes a run; all are closed at the end."""
    made: list[Run] = []

    def make(**options: Any) -> Run:
        made.append(Run(tmp_path, **options))
        return made[-1]

    yield make
    for one in made:
        one.session.close()


def same(ones: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    """Whether two states are the same to the bit."""
    return len(ones) == len(others) and all(torch.equal(one, other) for one, other in zip(ones, others, strict=True))
