"""Branches and restarts."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import bidviz_core as bidviz
from bidviz_core.store import StoreReader
from tests.control.conftest import person
from tests.control.test_run import command
from tests.support.rewound import Training


def test_a_branch_is_a_run_of_its_own(tmp_path: Path) -> None:
    training = Training(tmp_path, workers=0, name="old", config={"width": 16})
    talk = person(training)
    number = 0
    with training.session as session:
        old = session.run_dir
        for batch in session.batches(training.loader, epochs=30):
            training.step(batch)
            if session.step == 6 and not number:
                session.checkpoints.save("here")
            if session.step == 20 and not number:
                values = {"weight_decay": 0.5}
                order = command("branchCheckpoint", id=training.saved("here").id, name="slower", values=values)
                number = talk.send(order)
        new = session.run_dir
    answer = talk.answers[number]
    assert answer.success
    assert answer.data == {"run": session.id, "name": "slower"}
    assert new != old
    first, second = bidviz.open_run(old), bidviz.open_run(new)
    assert (first.name, first.state, second.name, second.state) == ("old", "stopped", "slower", "ended")
    assert "Goes on as 'slower'" in StoreReader(old).status().detail
    assert not StoreReader(new).status().detail
    # The order came at step 20 and was carried out when the file had been read; the old run keeps all that it did.
    steps = first.history("loss").step.tolist()
    assert steps == list(range(1, len(steps) + 1))
    assert 21 <= len(steps) <= 360
    # It ended where it was, not where the branch begins.
    assert StoreReader(old).status().step == len(steps)
    told = StoreReader(old).catalogue()
    assert told is not None
    rate = next(one for one in told.hyperparameters if one.name == "lr")
    assert rate.value == pytest.approx(0.005 * (1 + math.cos(math.pi * len(steps) / 40)))  # the scheduler's, there
    assert StoreReader(old).status().epoch == first.history("epoch").value[-1]
    assert (first.journal[-1].action, first.journal[-1].step) == ("branchCheckpoint", len(steps))
    assert second.history("loss").step.tolist() == list(range(7, 361))
    branched = second.info.config["branched_from"]
    assert (branched["name"], branched["step"]) == ("old", 6)
    assert second.info.config["width"] == 16
    assert training.optimizer.param_groups[0]["weight_decay"] == 0.5
    assert [one.action for one in second.journal][:2] == ["branchCheckpoint", "modifyParam"]
    # With the same values as before the branch would go the same way: the first step's batch and random states agree.
    assert len(training.digests[7]) == 2


def test_a_restart_goes_the_same_way(tmp_path: Path) -> None:
    training = Training(tmp_path, workers=2)
    done = False
    with training.session as session:
        for batch in session.batches(training.loader, epochs=2):
            training.step(batch)
            if session.step == 15 and not done:
                done = True
                assert session.abilities().restart == ""
                session.restart()
    assert session.step == 24
    assert all(len(set(values)) == 1 for values in training.digests.values())
    assert [len(training.digests[step]) for step in (1, 15, 16)] == [2, 2, 1]


def test_a_loop_of_the_scripts_own_over_epochs_says_what_it_cannot(tmp_path: Path) -> None:
    training = Training(tmp_path, workers=0)
    with training.session as session:
        for epoch in range(3):
            for batch in session.batches(training.loader):
                training.step(batch)
                if session.step == 5:
                    session.checkpoints.save("here")
                if epoch == 1:
                    assert "epochs=n" in session.abilities().restart
        assert "2 passes early" in training.saved("here").position
    assert session.epoch == 3


def test_a_branch_is_replayed_from_the_checkpoint_it_went_on_from(tmp_path: Path) -> None:
    training = Training(tmp_path, workers=0, name="old")
    branched: dict[int, str] = {}
    with training.session as session:
        for batch in session.batches(training.loader, epochs=30):
            training.step(batch)
            if session.name == "slower":
                branched[session.step] = training.digests[session.step][-1]
                if session.step == 15:
                    session.hyperparameters.set("weight_decay", 0.25, author="me")
            elif session.step == 6:
                session.checkpoints.save("here")
            elif session.step == 20:
                checkpoint = session.checkpoints.path(training.saved("here").id)
                session.checkpoints.branch(training.saved("here").id, "slower", {"lr": 0.005})
        path = session.journal.export(tmp_path / "branch.json")
    replay = bidviz.replay(path)
    assert (replay.file.begins_at, replay.file.parent) == (6, "old")
    again = Training(tmp_path, workers=0, name="again", resume=checkpoint)
    with again.session as session:
        session.plugins.register(replay, name="replay")
        for batch in session.batches(again.loader, epochs=30):
            again.step(batch)
    assert not replay.problems
    assert {step: values[0] for step, values in again.digests.items()} == branched
