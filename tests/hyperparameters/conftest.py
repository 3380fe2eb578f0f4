"""A steered training beside a twin that nobody touches, both with plain SGD, so that each step tells its rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import bidviz_core as bidviz

Made = tuple[list[nn.Parameter], torch.optim.Optimizer]


def sgd(momentum: float = 0.0, **options: Any) -> Made:
    """Two groups with different rates, in float64 so that a step divided by its gradient is the rate."""
    parameters = [nn.Parameter(torch.full((3,), 50.0, dtype=torch.float64)) for _ in range(2)]
    groups = [{"params": [parameters[0]], "lr": 0.1}, {"params": [parameters[1]], "lr": 0.02}]
    return parameters, torch.optim.SGD(groups, lr=1.0, momentum=momentum, **options)


class Twin:
    """A training whose gradients are known, which reads from its weights what each update used.

    Args:
        made: parameters and optimizer.
        make_scheduler: makes its scheduler, if it has one.
        every: the scheduler steps after so many updates.
    """

    def __init__(
        self, made: Made, make_scheduler: Callable[[torch.optim.Optimizer], Any] | None = None, every: int = 1
    ) -> None:
        self.parameters, self.optimizer = made
        self.scheduler = make_scheduler(self.optimizer) if make_scheduler else None
        self.every = every
        self.steps = 0

    def update(self, gradient: float = 2.0) -> list[float]:
        """One update; gives the rate that each group's weights were moved by."""
        before = [one.detach().clone() for one in self.parameters]
        for one in self.parameters:
            one.grad = torch.full_like(one, gradient)
        self.optimizer.step()
        self.steps += 1
        return [float((old - new.detach())[0] / gradient) for old, new in zip(before, self.parameters, strict=True)]

    def schedule(self) -> None:
        """What the script does after its update."""
        if self.scheduler is None or self.steps % self.every:
            return
        if isinstance(self.scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            self.scheduler.step([3.0, 2.0, 2.0, 2.0][self.steps % 4])
        else:
            self.scheduler.step()

    def step(self) -> list[float]:
        """An update and what the script does after it."""
        rates = self.update()
        self.schedule()
        return rates

    def written(self) -> list[dict[str, Any]]:
        """What stands in the optimizer's groups."""
        return [{key: value for key, value in group.items() if key != "params"} for group in self.groups()]

    def groups(self) -> list[dict[str, Any]]:
        """The optimizer's groups as its state says them."""
        return self.optimizer.state_dict()["param_groups"]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Watches an optimizer without a dashboard; every session is closed at the end."""
    opened = []

    def attach(optimizer: Any, model: Any = None, **options: Any) -> Any:
        options = {"dashboard": None, "plugins": (), "run_dir": tmp_path, **options}
        opened.append(bidviz.watch(model, optimizer, **options))
        return opened[-1]

    yield attach
    for session in opened:
        session.close()
