"""What goes wrong with checkpoints harms nothing: a cut file, another model, a full disk, data that come once."""

from __future__ import annotations

import copy
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import bidviz_core as bidviz
from bidviz_core.errors import CommandError
from tests.control.conftest import person
from tests.control.test_run import command
from tests.support.rewound import Training


def a_checkpoint(folder: Path) -> Path:
    training = Training(folder, workers=0)
    with training.session as session:
        for batch in session.batches(training.loader):
            training.step(batch)
            if session.step == 3:
                session.checkpoints.save("here")
        return session.checkpoints.path(training.saved("here").id)


def other_models() -> dict[str, Callable[[], nn.Module]]:
    return {
        "another width": lambda: nn.Sequential(
            nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 3)
        ),
        "fewer layers": lambda: nn.Sequential(nn.Linear(6, 3)),
    }


@pytest.mark.parametrize("name", other_models())
def test_another_model_is_refused_and_nothing_changed(name: str, tmp_path: Path) -> None:
    path = a_checkpoint(tmp_path)
    model = other_models()[name]()
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.5)
    with bidviz.watch(model, optimizer, dashboard=None, plugins=(), run_dir=tmp_path) as session:
        with pytest.raises(CommandError, match="another model"):
            session.checkpoints.restore(path)
        assert session.step == 0
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert optimizer.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "no checkpoint"])
def test_a_damaged_file_is_refused(damage: str, tmp_path: Path) -> None:
    path = a_checkpoint(tmp_path)
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1
    texts = {"cut": whole[:-100], "changed": bytes(changed), "empty": b"", "no checkpoint": b"x" * 1000}
    path.write_bytes(texts[damage])
    training = Training(tmp_path, workers=0)
    before = training.digest(torch.zeros(1))
    with training.session as session, pytest.raises(CommandError, match=r"damaged|is no checkpoint"):
        session.checkpoints.restore(path)
    assert training.digest(torch.zeros(1)) == before


def test_a_disk_without_room_is_told_and_training_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = Training(tmp_path, workers=0)
    synced = os.fsync

    def full(descriptor: int) -> None:
        if "checkpoint" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.ENOSPC, "No space left on device")
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with training.session as session:
        for batch in session.batches(training.loader):
            training.step(batch)
            if session.step == 3:
                session.checkpoints.save("here")
        info = training.saved("here")
        assert info.state == "failed"
        assert not list((session.run_dir / "checkpoints").iterdir())
        assert any("No space left" in failure.message for failure in session.failures)
        with pytest.raises(CommandError, match="failed"):
            session.checkpoints.load(info.id)
    assert session.step == 12


def test_a_generator_cannot_be_gone_back_in(tmp_path: Path) -> None:
    source = Training(tmp_path / "source", workers=0)
    batches = list(source.loader)
    source.session.close()

    def endless() -> Any:
        while True:
            yield from batches

    training = Training(tmp_path, loader=endless())
    talk = person(training)
    numbers = []
    with training.session as session:
        for batch in session.batches(training.loader):
            training.step(batch)
            if session.step == 4 and not numbers:
                abilities = session.abilities()
                session.checkpoints.save("here")
                numbers.append(talk.send(command("restartTraining")))
            if numbers and numbers[0] in talk.answers:
                break
    assert "read once only" in abilities.restart
    assert "read once only" in talk.answers[numbers[0]].data
    assert "read once only" in next(one for one in session.checkpoints if one.label == "here").position


def test_the_ring_keeps_to_its_size(tmp_path: Path) -> None:
    training = Training(tmp_path, workers=0)
    with training.session as session:
        session.checkpoints.auto.set(2, None, 40_000)
        for batch in session.batches(training.loader, epochs=3):
            training.step(batch)
            session.checkpoints.flush()
        infos = session.checkpoints.infos()
        assert infos[0].reason == "start"
        assert session.checkpoints.flush()
        infos = session.checkpoints.infos()
    assert infos[-1].step == 36
    assert sum(one.size for one in infos) <= infos[0].size + 40_000
    files = sorted(path.stem for path in (session.run_dir / "checkpoints").iterdir())
    assert files == sorted(one.id for one in infos)


def test_saves_when_a_condition_comes_to_hold(tmp_path: Path) -> None:
    training = Training(tmp_path, workers=0)
    with training.session as session:
        session.checkpoints.auto.set(None, session.condition("step >= 5"), None)
        for batch in session.batches(training.loader):
            training.step(batch)
        assert [one.step for one in session.checkpoints if one.reason == "condition"] == [5]
