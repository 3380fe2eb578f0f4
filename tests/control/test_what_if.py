"""What-if: the curves are those that the training would have had, and the training itself is untouched to the bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

import bidviz_core as bidviz
from tests.control.conftest import Person, person
from tests.control.test_run import command
from tests.support.rewound import Noisy, Training

STEPS = 36


def trained(training: Training, ask_at: int | None = None, talk: Person | None = None, by: str = "batches") -> Any:
    """Trains to the end; at a step asks what if the rate were another."""
    session = training.session
    number = 0

    def step(batch: Any) -> None:
        nonlocal number
        training.step(batch)
        session.log("mine", float(session.step))
        if session.step == ask_at and not number and talk is not None:
            number = talk.send(command("whatIf", name="lr", value=0.5, steps=20))

    if by == "loop":
        session.loop(step, training.loader, epochs=3)
    else:
        for batch in session.batches(training.loader, epochs=3):
            step(batch)
    return talk.answers[number] if talk is not None else None


@pytest.mark.parametrize("by", ["batches", "loop"])
@pytest.mark.parametrize("workers", [0, 2])
def test_the_run_is_untouched_to_the_bit(by: str, workers: int, tmp_path: Path) -> None:
    def make(name: str) -> Training:
        loader = DataLoader(Noisy(), batch_size=8, shuffle=True, num_workers=workers)
        return Training(tmp_path / name, loader=loader)

    plain = make("plain")
    with plain.session:
        trained(plain)
        losses, rates = plain.session.history("loss"), plain.session.history("lr")
    asked = make("asked")
    with asked.session:
        # The tries cross the border of an epoch.
        answer = trained(asked, 9, person(asked), by)
        again, held = asked.session.history("loss"), asked.session.history("lr")
        mine = asked.session.history("mine")
    assert answer.success
    assert asked.session.step == STEPS
    # The training makes the first steps that are only tried as well, so it has digests of them twice over.
    assert {step: values[-1] for step, values in asked.digests.items()} == {
        step: values[0] for step, values in plain.digests.items()
    }
    assert again.step.tolist() == mine.step.tolist() == list(range(1, STEPS + 1))
    assert again.value.tolist() == losses.value.tolist()
    assert held.value.tolist() == rates.value.tolist(), "the rate that was only tried is in no record"
    data = answer.data
    assert data["step"] == list(range(11, 31))  # asked after step 9, carried out at the next boundary
    first = 11
    assert data["present"] == losses.value.tolist()[first - 1 : first + 19]
    assert data["other"][0] == data["present"][0]  # the rate matters from the first update on
    assert data["other"][1:] != data["present"][1:]
    assert data["value"] == 0.5


def test_a_range_test_and_refusals(train: Callable[..., Training]) -> None:
    training = train()
    talk = person(training)
    session = training.session
    numbers: dict[str, int] = {}
    for batch in session.batches(training.loader, epochs=3):
        training.step(batch)
        if session.step == 5 and not numbers:
            ask = {"name": "lr", "steps": 10}
            numbers["range"] = talk.send(command("whatIf", low=1e-4, high=1.0, **ask))
            numbers["end"] = talk.send(command("whatIf", name="lr", value=0.1, steps=1000))
            numbers["negative"] = talk.send(command("whatIf", name="lr", value=-1, steps=3))
            numbers["unknown"] = talk.send(command("whatIf", name="rate", value=1, steps=3))
            numbers["half"] = talk.send(command("whatIf", low=1e-4, **ask))
    assert session.step == STEPS
    found = {name: talk.answers[number] for name, number in numbers.items()}
    assert len(found["range"].data["other"]) == 10
    assert found["range"].data["value"][0] == pytest.approx(1e-4)
    assert found["range"].data["value"][-1] == pytest.approx(1.0)
    assert "The loop ends after" in found["end"].data["note"]
    assert "at least 0" in found["negative"].data
    assert "no hyperparameter 'rate'" in found["unknown"].data
    assert "both low and high" in found["half"].data
    assert training.optimizer.param_groups[0]["lr"] != 1.0


def test_a_step_that_fails_while_it_is_tried_ends_the_try_alone(train: Callable[..., Training]) -> None:
    training = train()
    talk = person(training)
    session = training.session
    number = 0

    def step(batch: Any) -> None:
        nonlocal number
        training.step(batch)
        if session.step == 5 and not number:
            number = talk.send(command("whatIf", name="lr", value=0.5, steps=6))
        if session.hyperparameters["lr"] == 0.5:
            raise ValueError("diverged")

    session.loop(step, training.loader, epochs=2)
    assert session.step == 24
    assert "diverged" in talk.answers[number].data["note"]


def test_what_was_only_tried_is_in_no_record_of_a_group(tmp_path: Path) -> None:
    """Steps that are tried have the numbers of steps to come: what they used must not be taken for those."""
    model = torch.nn.Linear(4, 2)
    groups = [{"params": [model.weight]}, {"params": [model.bias], "lr": 0.02}]
    optimizer = torch.optim.SGD(groups, lr=0.05)
    session = bidviz.watch(model, optimizer, run_dir=tmp_path, dashboard=None, plugins=())
    talk = Person(session)
    asked = 0
    with session:
        for batch in session.batches([torch.ones(8, 4)] * 60):
            optimizer.zero_grad()
            model(batch).pow(2).mean().backward()
            optimizer.step()
            if session.step == 10 and not asked:
                asked = talk.send(command("whatIf", name="lr[0]", value=0.001, steps=20))
        assert set(session.history("lr/0").value) == {0.05}
    assert talk.answers[asked].success


def test_what_is_told_meanwhile_is_the_run_s_own_value(train: Callable[..., Training]) -> None:
    """The page draws on what it is told: a value that is only tried must not be taken for the one in force."""
    training = train()
    talk = person(training)
    session = training.session

    def told() -> Any:
        [info] = [one for one in session.report.catalogue({}).hyperparameters if one.name == "lr"]
        return info.value

    number, tried, seen = 0, [], set()
    for batch in session.batches(training.loader, epochs=2):
        training.step(batch)
        if session.step == 5 and not number:
            number = talk.send(command("whatIf", name="lr", low=10.0, high=90.0, steps=6))
        if session.boundary.excursion is not None:
            tried.append(session.hyperparameters["lr"])
            seen.add(told())
            assert session.report.on_beat() == []
    assert min(tried) >= 10.0
    assert seen == {talk.answers[number].data["held"]}
    assert max(seen) < 10.0
    assert told() == session.hyperparameters["lr"]
