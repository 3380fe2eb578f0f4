"""So many steps, until a condition; and that everything is served while the training waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from bidviz_core.errors import BidvizError
from bidviz_core.messages.commands import decode_request
from tests.control.conftest import Person, person
from tests.support.rewound import Training


def command(method: str, **content: Any) -> Any:
    import msgspec

    given = content if method == "modifyParam" else {"run": "", **content}
    text = msgspec.json.encode({"id": 1, "content": {"methodName": method, "content": given}})
    return decode_request(text).content


def in_background(training: Training, steps: int = 100_000, ours: bool = True) -> threading.Thread:
    def work() -> None:
        session = training.session
        with session:
            if ours:
                for batch in session.batches(training.loader, epochs=steps):
                    training.step(batch)
            else:
                batch = next(iter(training.loader))
                for _ in range(steps):
                    training.step(batch)

    thread = threading.Thread(target=work, name="training")
    thread.start()
    return thread


def waits_at(talk: Person, what: str, expected: str) -> None:
    """Asks while the training is on its way, until it waits."""
    code = f"({what}) if session.boundary.paused else None"
    for _ in range(10_000):
        found = talk.ask(command("evaluateCommand", code=code)).data
        if found:
            break
    assert found == expected


def test_runs_so_many_steps_and_waits(train: Callable[..., Training]) -> None:
    training = train(paused=True)
    talk = person(training)
    thread = in_background(training)
    assert talk.ask(command("runSteps", steps=1)).success
    waits_at(talk, "session.step", "2")
    assert training.session.report.status(0, 0).reached == "step 2 is reached"
    assert talk.ask(command("runSteps", steps=10)).success
    waits_at(talk, "session.step", "12")
    assert training.session.state == "paused"
    assert training.session.report.status(0, 0).reached == "step 12 is reached"
    assert talk.ask(command("stopTraining")).success
    thread.join(120)
    assert training.session.step == 12


def test_runs_until_a_condition_holds(train: Callable[..., Training]) -> None:
    training = train(paused=True)
    talk = person(training)
    thread = in_background(training)
    assert talk.ask(command("runSteps", until="step >= 30")).success
    waits_at(talk, "session.step", "30")
    told = training.session.report.status(0, 0)
    assert (told.state, told.reached) == ("paused", "step >= 30 holds")
    assert talk.ask(command("runSteps", until="epoch 4")).success
    waits_at(talk, "session.step, session.epoch", "(49, 4)")
    talk.ask(command("stopTraining"))
    thread.join(120)


def test_a_condition_that_cannot_be_judged_pauses_and_is_not_said_to_hold(train: Callable[..., Training]) -> None:
    class Gone:
        text = "mine > 1"

        def holds(self) -> bool:
            raise ValueError("mine is gone")

        def close(self) -> None:
            """Nothing is held."""

    session = train().session
    session.control.run(None, Gone(), "anna")
    session.control._look(5)
    assert session.boundary.pause_wanted
    assert session.control.reached == "mine > 1 could not be judged: mine is gone"
    assert (session.journal[-1].success, session.journal[-1].summary) == (False, "mine > 1: mine is gone")
    session.boundary.pause_wanted = False


def test_what_was_set_is_called_off_and_the_run_goes_on(train: Callable[..., Training]) -> None:
    training = train(paused=True)
    session, talk = training.session, person(training)
    thread = in_background(training)
    assert talk.ask(command("runSteps", until="step >= 1000000")).success
    assert session.control.goal == "when step >= 1000000"
    assert talk.ask(command("runSteps", call_off=True)).success
    assert (session.control.goal, session.boundary.pause_wanted) == ("", False)
    entry = session.journal[-1]
    assert (entry.action, entry.summary) == ("runSteps", "no longer pauses when step >= 1000000")
    refused = talk.ask(command("runSteps", call_off=True))
    assert (refused.success, "Nothing to call off" in refused.data) == (False, True)
    session.run(steps=1_000_000)
    session.call_off()
    assert session.control.goal == ""
    talk.ask(command("stopTraining"))
    thread.join(120)


def test_bad_conditions_are_refused_with_a_hint(train: Callable[..., Training]) -> None:
    session = train().session
    with pytest.raises(BidvizError, match="loss"):
        session.run(until="lss < 1")
    with pytest.raises(BidvizError, match="at least 1"):
        session.run(steps=0)


def test_everything_is_served_while_it_waits(train: Callable[..., Training]) -> None:
    training = train(paused=True)
    talk = person(training)
    thread = in_background(training)
    assert talk.ask(command("addMetric", name="largest", code="params.norm()")).success
    assert talk.ask(command("modifyParam", weight_decay="0.25")).success
    assert talk.ask(command("evaluateCommand", code="optimizer.param_groups[0]['weight_decay']")).data == "0.25"
    assert talk.ask(command("saveCheckpoint", label="waiting")).success
    assert training.session.state == "paused"
    assert talk.ask(command("evaluateCommand", code="session.step")).data == "1"
    assert talk.ask(command("listCheckpoints")).data[-1].label == "waiting"
    talk.ask(command("stopTraining"))
    thread.join(120)
    assert training.session.step == 1


def test_view_may_not_steer(train: Callable[..., Training]) -> None:
    training = train(paused=True)
    talk = person(training)
    thread = in_background(training)
    for method in ("runSteps", "stopTraining", "saveCheckpoint"):
        assert "needs the right 'tune'" in talk.ask(command(method), right="view").data
    assert "needs the right 'code'" in talk.ask(command("restoreCheckpoint", id="x"), right="tune").data
    talk.ask(command("stopTraining"), right="tune")
    thread.join(120)


def test_a_foreign_loop_says_what_it_cannot(train: Callable[..., Training]) -> None:
    training = train(paused=True)
    talk = person(training)
    thread = in_background(training, ours=False)
    abilities = training.session.abilities()
    for reason in (abilities.restart, abilities.restore, abilities.branch, abilities.what_if):
        assert "session.batches(loader, epochs=n)" in reason
    assert abilities.stop == ""
    assert "does not run" in abilities.stop_note
    saved = talk.ask(command("saveCheckpoint"))
    assert saved.success
    refused = talk.ask(command("restoreCheckpoint", id=saved.data.id))
    assert not refused.success
    assert "session.batches" in refused.data
    assert not talk.ask(command("restartTraining")).success
    assert not talk.ask(command("whatIf", name="lr", value=0.5)).success
    talk.ask(command("stopTraining"))
    thread.join(120)
