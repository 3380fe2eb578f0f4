"""A small training that every test here watches, and what makes one step of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import bidviz_core as bidviz


@dataclass
class Training:
    """A model with its optimizer and session; `run(n)` makes n steps."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    session: Any

    def run(self, steps: int) -> None:
        for _ in range(steps):
            inputs = torch.randn(8, 4)
            self.optimizer.zero_grad()
            nn.functional.cross_entropy(self.model(inputs), torch.randint(0, 3, (8,))).backward()
            self.optimizer.step()


@pytest.fixture
def train(tmp_path: Path) -> Iterator[Callable[..., Training]]:
    """Makes a watched training, without a dashboard unless one is asked for."""
    opened = []

    def make(**options: Any) -> Training:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.1), nn.Linear(8, 3))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        options = {"dashboard": None, "plugins": (), "run_dir": tmp_path, **options}
        session = bidviz.watch(model, optimizer, **options)
        opened.append(session)
        return Training(model, optimizer, session)

    yield make
    for session in opened:
        session.close()
