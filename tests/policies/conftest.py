"""A small training under policies, with each update's learning rate read from the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import bidviz_core as bidviz


@dataclass
class Training:
    """A model with its optimizer and session; `run(n)` makes n steps and keeps the rates they used."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    session: Any
    scheduler: Any = None
    rates: list[float] = field(default_factory=list)
    each: Callable[[int], None] = lambda step: None

    def run(self, steps: int) -> list[float]:
        """Makes steps; under plain SGD the rate is the change of a weight divided by its gradient.

        Returns:
            The rate that each of these updates used.
        """
        first = len(self.rates)
        weight = next(self.model.parameters())
        for _ in range(steps):
            self.optimizer.zero_grad()
            loss = (self.model(torch.ones(8, 4, dtype=torch.float64)) ** 2).mean() + weight.sum()
            loss.backward()
            before = weight.detach().clone()
            self.optimizer.step()
            with torch.no_grad():
                self.rates.append(float(((before - weight) / weight.grad).mean()))
            if self.scheduler is not None:
                self.scheduler.step()
            self.each(self.session.step)
        return self.rates[first:]


@pytest.fixture
def train(tmp_path: Path) -> Iterator[Callable[..., Training]]:
    """Makes a watched training, without a dashboard unless one is asked for."""
    opened = []

    def make(scheduler: Any = None, lr: float = 0.1, optimizer: Any = None, **options: Any) -> Training:
        torch.manual_seed(0)
        model = nn.Linear(4, 3).double()
        made = torch.optim.SGD(model.parameters(), lr=lr) if optimizer is None else optimizer(model)
        schedule = scheduler(made) if scheduler is not None else None
        options = {"dashboard": None, "plugins": (), "run_dir": tmp_path, **options}
        session = bidviz.watch(model, made, **options)
        opened.append(session)
        return Training(model, made, session, schedule)

    yield make
    for session in opened:
        session.close()
