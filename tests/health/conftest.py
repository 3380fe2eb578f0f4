"""A small training that the tests of health watch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import bidviz_core as bidviz


class Training:
    """A regression; `run(n)` makes n steps."""

    def __init__(self, watch: Callable[..., Any], **options: Any) -> None:
        torch.manual_seed(0)
        self.model = nn.Linear(4, 2)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)
        self.session = watch(self.model, self.optimizer, **options)

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.optimizer.zero_grad()
            self.model(torch.ones(3, 4)).square().mean().backward()
            self.optimizer.step()


@pytest.fixture
def train(tmp_path: Path) -> Iterator[Callable[..., Training]]:
    """Makes a watched training, without a dashboard and without bundles unless they are asked for."""
    opened: list[Any] = []

    def watch(model: Any, optimizer: Any, **options: Any) -> Any:
        options = {"dashboard": None, "plugins": (), "run_dir": tmp_path, **options}
        opened.append(bidviz.watch(model, optimizer, **options))
        return opened[-1]

    yield lambda **options: Training(watch, **options)
    for session in opened:
        session.close()
