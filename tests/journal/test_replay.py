"""A steered run and its replay, which reaches the same weights to the bit; and what a replay says when it cannot."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import bidviz_core as bidviz

from .conftest import STEPS, Run, same


def steer(session: Any, step: int) -> None:
    """What a person might do to a run, each thing at its step."""
    person = {"author": "person"}
    held, model = session.hyperparameters, session.model_changes
    if step == 5:
        assert held.set("lr", 0.1 / 3, **person).success
    elif step == 12:
        assert held.set("dropout.p", 0.45, **person).success
    elif step == 20:
        assert model.apply("initialize", "3.*", **person).success
    elif step == 25:
        assert model.apply("freeze", "0", **person).success
    elif step == 33:
        (freeze,) = [one.number for one in model if one.action == "freeze"]
        assert model.undo(freeze, **person).success
    elif step == 40:
        assert model.apply("scale", "*.weight", 0.7, **person).success
        assert held.set("weight_decay", 1e-3, **person).success
    elif step == 50:
        assert model.apply("reset_state", "3.weight", **person).success


def steered(start: Callable[..., Run], path: Path) -> list[torch.Tensor]:
    run = start()
    end = run.train(STEPS, steer)
    run.session.journal.export(path)
    run.session.close()
    return end


def test_a_replay_reaches_the_same_weights_to_the_bit(start: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "steered.json"
    end = steered(start, path)
    untouched = start().train()
    assert not same(end, untouched)
    replay = bidviz.replay(path)
    again = start(plugins=[replay])
    assert same(end, again.train())
    assert replay.done == 8
    assert not replay.problems
    # The replayed run's own journal replays as well.
    again.session.journal.export(tmp_path / "again.json")
    assert same(end, start(plugins=[bidviz.replay(tmp_path / "again.json")]).train())


def test_an_ended_run_is_exported_from_its_file(start: Callable[..., Run], tmp_path: Path) -> None:
    live = tmp_path / "live.json"
    run = start()
    end = run.train(STEPS, steer)
    run.session.journal.export(live)
    run.session.close()
    stored = bidviz.open_run(run.session.run_dir).journal
    assert isinstance(stored, list)
    assert [entry.action for entry in stored] == [entry.action for entry in run.session.journal]
    path = stored.export(tmp_path / "stored.json")
    assert json.loads(path.read_text()) == json.loads(live.read_text())
    assert same(end, start(plugins=[bidviz.replay(path)]).train())


def test_what_the_file_holds(start: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "steered.json"
    steered(start, path)
    file = json.loads(path.read_text())
    assert file["bidviz_replay"] == 1
    assert file["name"] == "steered"
    assert file["last_step"] == STEPS
    assert {entry["kind"] for entry in file["entries"]} == {"hyperparameters", "model"}
    first = file["entries"][0]
    assert (first["step"], first["author"]) == (5, "person")
    assert first["detail"]["value"] == 0.1 / 3


def test_changes_before_the_first_step_are_done_before_it(start: Callable[..., Run], tmp_path: Path) -> None:
    run = start()
    run.session.hyperparameters.set("lr", 0.01)
    end = run.train()
    path = run.session.journal.export(tmp_path / "early.json")
    assert same(end, start(plugins=[bidviz.replay(path)]).train())


def test_a_replay_can_be_registered_before_the_first_step_too(start: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "steered.json"
    end = steered(start, path)
    run = start()
    run.session.plugins.register(bidviz.replay(path), name="replay")
    assert same(end, run.train())


def test_console_lines_and_metrics_are_code_and_done_only_when_asked(start: Callable[..., Run], tmp_path: Path) -> None:
    from bidviz_core.messages.commands import AddMetric, EvaluateCommand, Order
    from bidviz_core.messages.contents import EvaluateCommandContent, MetricContent

    def hand(session: Any, step: int) -> None:
        if step == 7:
            line = "with torch.no_grad(): model[3].bias.add_(0.25)"
            for command in (
                EvaluateCommand(EvaluateCommandContent(code=line)),
                AddMetric(MetricContent(name="size", code="params.norm()")),
            ):
                order = Order(id=0, author="person", right="code", command=command)
                reply = session.boundary.call(lambda order=order: session.dispatcher.carry_out(order))
                assert reply.success, reply.data

    run = start()
    end = run.train(STEPS, hand)
    path = run.session.journal.export(tmp_path / "code.json")
    assert not same(end, start(plugins=[bidviz.replay(path)]).train())
    again = start(plugins=[bidviz.replay(path, console=True, metrics=True)])
    assert same(end, again.train())
    assert again.session.history("size").step[0] == 8


def test_what_the_script_does_itself_can_be_left_to_it(start: Callable[..., Run], tmp_path: Path) -> None:
    def hand(session: Any, step: int) -> None:
        if step == 9:
            session.model_changes.apply("scale", "0.weight", 0.5)
        if step == 30 and not any(entry.action == "replay" for entry in session.journal):
            session.model_changes.apply("scale", "0.weight", 0.5, author="person")

    run = start()
    end = run.train(STEPS, hand)
    path = run.session.journal.export(tmp_path / "both.json")
    assert same(end, start(plugins=[bidviz.replay(path, script=False)]).train(STEPS, hand))


# --- what does not fit -------------------------------------------------------------------------------------------


def problems_of(start: Callable[..., Run], path: Path, steps: int = STEPS, **options: Any) -> str:
    replay = bidviz.replay(path)
    run = start(plugins=[replay], **options)
    run.train(steps)
    run.session.close()
    told = [failure.message for failure in run.session.failures if failure.source == "replay"]
    assert len(told) == len(replay.problems)
    return "\n".join(replay.problems)


def test_another_model_is_told(start: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "steered.json"
    steered(start, path)
    told = problems_of(start, path, width=12)
    assert "3.weight is (3, 12) here and was (3, 16) there: this is another model." in told
    assert "the change it undoes, entry 4, was not done here" in told


def test_a_step_that_never_comes_is_told(start: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "steered.json"
    steered(start, path)
    told = problems_of(start, path, steps=30)
    assert "ended at step 30, before 4 of 8 entries, the first of which belongs to step 33" in told


def test_an_unknown_name_is_told(start: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "steered.json"
    steered(start, path)
    path.write_text(path.read_text().replace('"weight_decay"', '"wait_decay"'))
    told = problems_of(start, path)
    assert "There is no hyperparameter 'wait_decay'" in told
    assert "at step 40" in told


def test_steps_that_are_over_are_told(start: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "steered.json"
    steered(start, path)
    run = start()
    run.train(22)
    replay = bidviz.replay(path)
    run.session.plugins.register(replay, name="replay")
    assert "3 entries belong to steps before 22, which are over" in replay.problems[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"a": 1}', "is no exported journal"),
        ('{"bidviz_replay": 99}', "version 99"),
        ('{"bidviz_replay": 1, "run": "a"}', "cannot be read"),
    ],
)
def test_a_file_that_is_none_is_refused_with_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(text)
    with pytest.raises(bidviz.StoreError, match=words):
        bidviz.replay(path)
    with pytest.raises(bidviz.StoreError, match="nothing to replay"):
        bidviz.replay(tmp_path / "nowhere.json")
