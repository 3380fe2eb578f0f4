"""A training with everything that has to come back after a restore; also a script that takes up a checkpoint.

A shuffled loader with two workers that draw random numbers, dropout, batch norm and a scheduler. `digest` tells two
states apart by a single bit.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

import bidviz_core as bidviz


class Noisy(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Samples with noise that is drawn by whoever reads them."""

    def __init__(self, count: int = 96) -> None:
        generator = torch.Generator().manual_seed(3)
        self.inputs = torch.randn(count, 6, generator=generator)
        self.targets = torch.randint(0, 3, (count,), generator=generator)

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.inputs[index] + 0.1 * torch.randn(6), self.targets[index]


class Training:
    """One training; `step(batch)` makes a step, and keeps what it was like after it."""

    def __init__(self, folder: Path, workers: int = 2, loader: Any = None, **options: Any) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(11)
        np.random.seed(11)
        random.seed(11)
        self.model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.01)
        options = {"dashboard": None, "plugins": (), "run_dir": folder, **options}
        self.session = bidviz.watch(self.model, self.optimizer, **options)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, 40)
        self.loader = loader or DataLoader(Noisy(), batch_size=8, shuffle=True, num_workers=workers)
        self.digests: dict[int, list[str]] = {}

    def step(self, batch: Any) -> None:
        inputs, targets = batch
        self.optimizer.zero_grad()
        loss = nn.functional.cross_entropy(self.model(inputs), targets) * (
            1 + 0.01 * np.random.rand() * random.random()
        )
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        self.digests.setdefault(self.session.step, []).append(self.digest(inputs))

    def digest(self, inputs: torch.Tensor) -> str:
        """Everything: the batch, weights, buffers, optimizer, scheduler, epoch, random states."""
        state = hashlib.sha256(inputs.numpy().tobytes())
        for tensor in self.model.state_dict().values():
            state.update(tensor.detach().numpy().tobytes())
        for values in self.optimizer.state_dict()["state"].values():
            for value in values.values():
                state.update(value.numpy().tobytes())
        rest = [self.optimizer.param_groups[0]["lr"], self.scheduler.state_dict(), random.getstate()]
        rest += [np.random.get_state()[1].tolist(), self.session.epoch]
        state.update(repr(rest).encode() + torch.get_rng_state().numpy().tobytes())
        return state.hexdigest()

    def saved(self, label: str) -> Any:
        """The checkpoint with a label, once it is on the disk."""
        assert self.session.checkpoints.flush()
        return next(one for one in self.session.checkpoints if one.label == label)


def take_up(folder: str, checkpoint: str, steps: str, out: str) -> None:
    """Takes a checkpoint up in this process, trains on, and writes the digests of each step."""
    training = Training(Path(folder), resume=checkpoint)
    with training.session as session:
        for batch in session.batches(training.loader, epochs=50):
            training.step(batch)
            if len(training.digests) == int(steps):
                break
    Path(out).write_text(json.dumps({step: values[0] for step, values in training.digests.items()}))


if __name__ == "__main__":
    take_up(*sys.argv[1:])
