"""A run under a scheduler that is steered in every way, and its replay: values in place of formulas, to the bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import bidviz_core as bidviz

from .conftest import STEPS, Run, same
from .test_snippet import run_snippet

PERSON: dict[str, Any] = {"author": "person"}


def one_cycle(run: Run) -> Run:
    """Puts the run under a scheduler that moves rate and momentum at every step."""
    run.scheduler = torch.optim.lr_scheduler.OneCycleLR(run.optimizer, max_lr=0.3, total_steps=STEPS + 1)
    return run


def steer(session: Any, step: int) -> None:
    """Override, scale, release, a lease, policies of the step, of the loss and of another hyperparameter, a pin."""
    held, policies = session.hyperparameters, session.policies
    if step == 3:
        assert held.set("lr", 0.05 / 3, **PERSON).success
    elif step == 8:
        assert held.set("lr", 0.7, mode="scale", **PERSON).success
    elif step == 13:
        assert held.release("lr", **PERSON).success
        policies.add("weight_decay", "weight_decay = 0.01 * 0.9 ** (step / 10)")
    elif step == 17:
        policies.add("lr", "0.05 / (1 + last('loss'))")
        policies.add("dropout.p", "clip(2 * lr, 0, 0.5)")
    elif step == 25:
        assert held.set("lr", 0.011, **PERSON).success  # pins it
    elif step == 29:
        assert held.release("lr", **PERSON).success
    elif step == 34:
        policies.remove("lr")
        assert held.set("momentum", 0.4, lease={"steps": 6}, **PERSON).success
    elif step == 37:
        assert session.model_changes.apply("initialize", "3", **PERSON).success
    elif step == 44:
        policies.add("lr", "base * (0.5 + 0.4 * sin(step))", mode="override")
    elif step == 50:
        policies.add("lr", "0.5 + 0.1 * cos(step)", mode="scale")
    elif step == 55:
        assert held.set("lr", 0.02, at=57, **PERSON).success


def test_the_replay_of_a_run_under_scheduler_and_policies_is_the_same_to_the_bit(
    start: Callable[..., Run], tmp_path: Path
) -> None:
    rates: list[list[float]] = [[], []]

    def note(session: Any, step: int) -> None:
        rates[0].append(session.hyperparameters.effective("lr"))
        steer(session, step)

    run = one_cycle(start())
    end = run.train(STEPS, note)
    path = run.session.journal.export(tmp_path / "steered.json")
    assert not run.session.failures
    run.session.close()
    stored = bidviz.open_run(run.session.run_dir).journal.export(tmp_path / "stored.json")
    assert stored.read_text() == path.read_text()

    assert not same(end, one_cycle(start()).train())
    replay = bidviz.replay(path)
    again = one_cycle(start(plugins=[replay]))
    state = again.train(STEPS, lambda session, step: rates[1].append(session.hyperparameters.effective("lr")))
    assert rates[0] == rates[1]
    assert not replay.problems
    assert same(end, state)
    assert not list(again.session.policies), "values were applied, not formulas"


def test_what_a_person_does_in_a_pause_comes_after_the_policies_of_its_step(
    start: Callable[..., Run], tmp_path: Path
) -> None:
    """Disarmed while paused: the value that the policy gave at that very step was never used."""
    ends = []
    for hand in (hand_while_paused, None):
        plugins = [] if hand else [bidviz.replay(tmp_path / "paused.json")]
        run = start(plugins=plugins)
        if hand:
            run.session.policies.add("lr", "0.1 + 0.001 * step")
            run.session.plugins.register(Pausing(), name="pausing")
        ends.append(run.train(30))
        run.session.journal.export(tmp_path / "paused.json")
    assert same(*ends)


class Pausing:
    """Pauses at step 12, and a thread of its own disarms the policy and resumes."""

    @bidviz.hookimpl
    def step_ended(self, session: Any, step: int) -> None:
        import threading

        if step == 12:
            session.pause()
            threading.Thread(target=hand_while_paused, args=(session,), name="hand").start()


def hand_while_paused(session: Any) -> None:
    from bidviz_core.messages.commands import DisarmPolicy, Order
    from bidviz_core.messages.steering import NameContent

    order = Order(id=0, author="person", right="tune", command=DisarmPolicy(NameContent(name="lr")))
    reply = session.boundary.call(lambda: session.dispatcher.carry_out(order))
    assert reply.success, reply.data
    session.resume()


def test_the_snippet_gives_what_each_update_used(start: Callable[..., Run], tmp_path: Path) -> None:
    used: list[float] = []

    def hand(session: Any, step: int) -> None:
        used.append(session.hyperparameters.effective("lr"))
        if step == 4:
            session.policies.add("lr", "0.1 * 0.5 ** (step / 20)", high=0.09)
        elif step == 15:
            session.policies.add("lr", "0.1 * 0.5 ** (step / 20)")
        elif step == 20:
            session.hyperparameters.set("lr", 0.033, **PERSON)
        elif step == 25:
            session.hyperparameters.release("lr", **PERSON)
        elif step == 40:
            session.policies.add("lr", "0.01 + 0.001 * ewma('loss', 0.9)")

    run = start()
    run.train(STEPS, hand)
    text = run.session.journal.export(tmp_path / "schedule.py").read_text()
    schedule = run_snippet(text)["schedule"]
    assert [schedule(step).get("lr", 0.1) for step in range(1, STEPS + 1)] == used
    assert "values['lr'] = 0.1 * 0.5 ** (at / 20.0)" in text
    assert "_used(LR_1, step)" in text


@pytest.mark.parametrize("script", [True, False])
def test_policies_that_the_script_arms_itself_can_be_left_to_it(
    start: Callable[..., Run], tmp_path: Path, script: bool
) -> None:
    def hand(session: Any, step: int) -> None:
        if step == 10:
            session.policies.add("lr", "0.02 * last('loss')")

    run = start()
    end = run.train(STEPS, hand)
    path = run.session.journal.export(tmp_path / "script.json")
    again = start(plugins=[bidviz.replay(path, script=script)])
    assert same(end, again.train(STEPS, hand))


def test_a_console_line_that_steers_is_not_done_twice(start: Callable[..., Run], tmp_path: Path) -> None:
    from bidviz_core.messages.commands import EvaluateCommand, Order
    from bidviz_core.messages.contents import EvaluateCommandContent

    def hand(session: Any, step: int) -> None:
        if step == 9:
            line = "session.model_changes.apply('scale', '3.*', 0.5); session.hyperparameters.set('lr', 0.07)"
            order = Order(id=0, author="person", right="code", command=EvaluateCommand(EvaluateCommandContent(line)))
            assert session.boundary.call(lambda: session.dispatcher.carry_out(order)).success

    run = start()
    end = run.train(STEPS, hand)
    path = run.session.journal.export(tmp_path / "line.json")
    for console in (True, False):
        replay = bidviz.replay(path, console=console)
        assert same(end, start(plugins=[replay]).train())
        assert not replay.problems
