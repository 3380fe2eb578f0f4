"""After going back a training goes on to the bit as it did the first time: in the same process and in a fresh one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from tests.support import rewound
from tests.support.rewound import Noisy, Training


def went_back(training: Training, epochs: int, save_at: int, back_at: int) -> None:
    """Trains, saves, goes back once, and goes on to the end."""
    done = False
    with training.session as session:
        for batch in session.batches(training.loader, epochs=epochs):
            training.step(batch)
            if session.step == save_at and not done:
                session.checkpoints.save("here")
            if session.step == back_at and not done:
                done = True
                session.checkpoints.restore(training.saved("here").id)
    twice = {step: values for step, values in training.digests.items() if len(values) == 2}
    assert sorted(twice) == list(range(save_at + 1, back_at + 1))
    assert all(first == second for first, second in twice.values())


def test_a_hundred_steps_in_the_same_process(tmp_path: Path) -> None:
    training = Training(tmp_path)
    went_back(training, epochs=12, save_at=19, back_at=119)
    assert training.session.step == 12 * 12
    assert training.session.epoch == 12


def test_a_hundred_steps_in_a_fresh_process(tmp_path: Path) -> None:
    training = Training(tmp_path)
    with training.session as session:
        for batch in session.batches(training.loader, epochs=11):
            training.step(batch)
            if session.step == 29:
                session.checkpoints.save("here")
        path = session.checkpoints.path(training.saved("here").id)
    out = tmp_path / "digests.json"
    command = [sys.executable, rewound.__file__, str(tmp_path), str(path), "100", str(out)]
    subprocess.run(command, check=True, timeout=120)
    again = {int(step): digest for step, digest in json.loads(out.read_text()).items()}
    assert sorted(again) == list(range(30, 130))
    assert again == {step: training.digests[step][0] for step in again}


def loaders() -> dict[str, Any]:
    data = Noisy(40)
    generator = torch.Generator().manual_seed(5)
    plain = TensorDataset(data.inputs, data.targets)
    own = torch.Generator().manual_seed(6)
    return {
        "random transforms in the training's own process": DataLoader(data, batch_size=8, shuffle=True),
        "a generator of its own": DataLoader(plain, batch_size=8, shuffle=True, generator=generator),
        "a sampler with a generator": DataLoader(plain, 8, sampler=RandomSampler(plain, True, generator=own)),
        "a list": [(data.inputs[at : at + 8], data.targets[at : at + 8]) for at in range(0, 40, 8)],
    }


@pytest.mark.parametrize("name", loaders())
def test_every_kind_of_loader(name: str, tmp_path: Path) -> None:
    training = Training(tmp_path, loader=loaders()[name])
    went_back(training, epochs=8, save_at=7, back_at=31)
    assert training.session.checkpoints.infos()[-1].position == ""


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")  # torchdata's own call
def test_a_loader_that_says_its_position(tmp_path: Path) -> None:
    stateful = pytest.importorskip("torchdata.stateful_dataloader").StatefulDataLoader
    training = Training(tmp_path, loader=stateful(Noisy(), batch_size=8, shuffle=True, num_workers=0))
    went_back(training, epochs=4, save_at=17, back_at=40)


def test_at_the_borders_of_an_epoch(tmp_path: Path) -> None:
    for save_at in (11, 12, 13):
        training = Training(tmp_path, workers=0)
        went_back(training, epochs=4, save_at=save_at, back_at=save_at + 24)


def test_the_parameters_stay_the_same_tensors(tmp_path: Path) -> None:
    training = Training(tmp_path, workers=0)
    kept = [*training.model.parameters(), *training.model.buffers()]
    went_back(training, epochs=4, save_at=5, back_at=20)
    assert all(
        one is other for one, other in zip(kept, [*training.model.parameters(), *training.model.buffers()], strict=True)
    )
