"""A pause before an update whose gradients are not finite: it is not made, and going on or back is up to a person."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import bidviz_core as bidviz
from bidviz_core.errors import CommandError
from tests.control.conftest import person
from tests.control.test_run import command, waits_at
from tests.support.rewound import Training


def poisoned(training: Training, at: int, steps: int) -> threading.Thread:
    """Trains with one batch that holds an infinity."""

    def work() -> None:
        session = training.session
        with session:
            for number, batch in enumerate(session.batches(training.loader, epochs=100), 1):
                inputs, targets = batch
                training.step((inputs * float("inf") if number == at else inputs, targets))
                if number == steps:
                    break

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_waits_before_the_update_and_skips_it(train: Callable[..., Training]) -> None:
    training = train()
    talk = person(training)
    training.session.pause_on_bad_gradients()
    thread = poisoned(training, at=7, steps=12)
    waits_at(talk, "session.control.before_update", "True")
    assert talk.ask(command("evaluateCommand", code="session.step")).data == "6"
    good = "all(p.isfinite().all().item() for p in model.parameters())"
    assert talk.ask(command("evaluateCommand", code=good)).data == "True"
    refused = talk.ask(command("saveCheckpoint"))
    assert not refused.success
    assert "skip" in refused.data
    assert talk.ask(command("skipUpdate")).success
    thread.join(120)
    assert training.session.step == 12
    assert all(torch.isfinite(one).all() for one in training.model.parameters())
    actions = [(entry.action, entry.summary) for entry in training.session.journal]
    assert any("before the update of step 7" in summary and "0.weight" in summary for _, summary in actions)
    assert "skipUpdate" in [action for action, _ in actions]


def test_it_tells_how_many_updates_in_a_row_were_skipped_in_vain(train: Callable[..., Training]) -> None:
    training = train()
    session, talk = training.session, person(training)
    session.pause_on_bad_gradients()
    batches = iter(training.loader)

    def work() -> None:
        with session:
            for number, (inputs, targets) in enumerate(batches, 1):
                training.step((inputs * float("inf") if number in (3, 4, 5, 8) else inputs, targets))

    thread = threading.Thread(target=work)
    thread.start()
    told = []
    for step in (2, 3, 4, 7):
        waits_at(talk, f"session.control.before_update and session.step == {step}", "True")
        told.append(session.report.status(0, 0).skipped)
        assert talk.ask(command("skipUpdate")).success
    thread.join(120)
    assert told == [0, 1, 2, 0]
    assert session.report.status(0, 0).skipped == 0


def test_a_stop_there_leaves_the_weights_good(train: Callable[..., Training]) -> None:
    training = train()
    talk = person(training)
    training.session.pause_on_bad_gradients()
    thread = poisoned(training, at=3, steps=12)
    assert talk.ask(command("stopTraining")).success
    thread.join(120)
    assert all(torch.isfinite(one).all() for one in training.model.parameters())
    assert training.session.step <= 3


def test_a_replay_does_between_gradients_and_update_what_was_done_there(
    train: Callable[..., Training], tmp_path: Path
) -> None:
    training = train()
    talk = person(training)
    training.session.pause_on_bad_gradients()
    thread = poisoned(training, at=7, steps=12)
    waits_at(talk, "session.control.before_update", "True")
    # After the forward pass: at the boundary before it, the gradients would have been others.
    assert talk.ask(command("changeModel", action="scale", pattern="0.weight", value=0.5)).success
    assert talk.ask(command("modifyParam", lr=0.02)).success
    assert talk.ask(command("skipUpdate")).success
    thread.join(120)
    path = training.session.journal.export(tmp_path / "steered.json")
    replay = bidviz.replay(path)
    again = train(plugins=[replay])
    poisoned(again, at=7, steps=12).join(120)
    assert replay.done == 3, replay.problems
    assert again.digests == training.digests
    untouched = train()
    poisoned(untouched, at=7, steps=12).join(120)
    assert untouched.digests[12] != training.digests[12]


def test_going_back_from_there_goes_on_and_the_reason_of_the_pause_is_gone(train: Callable[..., Training]) -> None:
    training = train()
    session, talk = training.session, person(training)
    session.pause_on_bad_gradients()
    thread = poisoned(training, at=7, steps=30)
    waits_at(talk, "session.control.before_update", "True")
    start = session.checkpoints.start()
    assert talk.ask(command("restoreCheckpoint", id=start)).success
    thread.join(120)
    # The script's own count of 30 batches goes on: 7 of them were before it went back.
    assert session.step == 23
    assert session.report.status(0, 0).paused_by == ""
    assert not session.boundary.pause_wanted
    assert all(torch.isfinite(one).all() for one in training.model.parameters())
    assert not [entry for entry in session.journal if entry.action == "skipUpdate"]


def test_a_pause_of_a_persons_outlasts_going_back(train: Callable[..., Training]) -> None:
    training = train()
    session, talk = training.session, person(training)
    thread = poisoned(training, at=0, steps=1_000)
    session.pause(author="person")
    waits_at(talk, "session.step > 0", "True")
    assert talk.ask(command("restoreCheckpoint", id=session.checkpoints.start())).success
    waits_at(talk, "session.step", "0")
    told = session.report.status(0, 0)
    assert (told.state, told.paused_by) == ("paused", "person")
    talk.ask(command("stopTraining"))
    thread.join(120)


def test_where_it_cannot_go_back_the_update_is_left_out_and_it_waits(train: Callable[..., Training]) -> None:
    training = train()
    session, talk = training.session, person(training)
    session.checkpoints.include("mine", dict, lambda kept: None)
    session.pause_on_bad_gradients()
    thread = poisoned(training, at=7, steps=12)
    waits_at(talk, "session.control.before_update", "True")
    session.checkpoints.included.clear()  # which the checkpoint holds
    refused = talk.ask(command("restoreCheckpoint", id=session.checkpoints.start()))
    assert not refused.success
    assert "Nothing was changed" in refused.data
    waits_at(talk, "session.step", "7")
    told = session.report.status(0, 0)
    assert (told.paused_by, told.reached) == (
        "session",
        "the update of step 7 was left out, and the run could not go back",
    )
    skipped = [entry for entry in session.journal if entry.action == "skipUpdate"]
    assert [(entry.step, entry.author) for entry in skipped] == [(6, "session")]
    session.resume()
    thread.join(120)
    assert all(torch.isfinite(one).all() for one in training.model.parameters())


def test_where_the_weights_are_ruined_it_tells_which_and_where_good_ones_are(train: Callable[..., Training]) -> None:
    training = train()
    session, talk = training.session, person(training)
    session.pause_on_bad_gradients()

    def work() -> None:
        with session:
            for number, batch in enumerate(session.batches(training.loader, epochs=100), 1):
                training.step(batch)
                if number == 3:
                    session.checkpoints.save("good")
                if number == 5:
                    training.model[0].weight.data[2, 1] = float("nan")
                    session.checkpoints.save("ruined")
                if number == 12:
                    break

    thread = threading.Thread(target=work)
    thread.start()
    waits_at(talk, "session.control.before_update and session.step", "5")
    # One that was being written when the update began to wait is told of once it is there.
    assert session.checkpoints.flush()
    told = session.report.status(0, 0)
    assert told.ruined.startswith("0.weight")
    assert told.back_to == 3
    paused = [entry.summary for entry in session.journal if entry.action == "pauseTraining"]
    assert "and neither is 0.weight" in paused[-1]
    assert talk.ask(command("restoreCheckpoint", id=training.saved("ruined").id)).success
    waits_at(talk, "session.control.before_update and session.step == 5", "True")
    back = [entry.summary for entry in session.journal if entry.action == "restoreCheckpoint"]
    assert back == ["from step 6 back to step 5, where 0.weight is not finite: it is of no use to go on from there"]
    assert session.report.status(0, 0).back_to == 3
    assert talk.ask(command("restoreCheckpoint", id=training.saved("good").id)).success
    thread.join(120)
    told = session.report.status(0, 0)
    assert (told.ruined, told.back_to) == ("", None)
    assert all(torch.isfinite(one).all() for one in training.model.parameters())


def test_what_a_bad_batch_leaves_in_a_buffer_is_told_and_a_mask_is_not(train: Callable[..., Training]) -> None:
    training = train()
    training.model.register_buffer("mask", torch.full((2,), -float("inf")))
    session, talk = training.session, person(training)
    session.pause_on_bad_gradients()
    thread = poisoned(training, at=7, steps=12)
    waits_at(talk, "session.control.before_update", "True")
    assert session.checkpoints.flush()  # that of the start may still be being written
    told = session.report.status(0, 0)
    assert told.ruined == "1.running_mean, 1.running_var"
    assert told.back_to == 0  # that of the start
    assert talk.ask(command("restoreCheckpoint", id=session.checkpoints.start())).success
    thread.join(120)
    assert all(bool(one.isfinite().all()) for name, one in training.model.named_buffers() if name != "mask")


def test_off_by_default_and_nothing_to_skip(train: Callable[..., Training]) -> None:
    training = train()
    poisoned(training, at=3, steps=5).join(120)
    assert training.session.step == 5
    with pytest.raises(CommandError, match="No update waits"):
        training.session.skip_update()
