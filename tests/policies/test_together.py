"""Policies computed by one function at calm steps: the same values, and whatever is out of the ordinary is noticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch


def _calm(training: Any) -> bool:
    return training.session.boundary.pulse.beside is not None


def _expose(training: Any, **values: float) -> dict[str, float]:
    for name in values:
        training.session.expose(
            name, lambda name=name: values[name], lambda value, name=name: values.__setitem__(name, value)
        )
    return values


def test_steps_with_policies_alone_are_calm_and_every_value_is_right(train: Callable[..., Any]) -> None:
    training = train(lr=0.01)
    session = training.session
    mixed = _expose(training, mix=1.0)
    session.policies.add("mix", '0.1 * lr + mean("loss", 5) * 0 + since_best("loss")')
    session.policies.add("lr", "0.1 / (1 + step) if step != 3 else 0.5")
    training.run(100)
    assert _calm(training)
    rates = [0.1 / (1 + step) if step != 3 else 0.5 for step in range(101)]
    assert training.rates == pytest.approx(rates[:100])
    assert session.history("hp/lr").value.tolist() == rates
    losses = session.history("loss").value.tolist()
    since = [step - 1 - losses[:step].index(min(losses[:step])) for step in range(1, 101)]
    expected = [0.1 * rates[step] + float(since[step - 1]) for step in range(1, 101)]
    assert session.history("hp/mix").value.tolist() == pytest.approx(expected, abs=0)
    assert mixed["mix"] == expected[-1]
    [held] = session.hyperparameters.helds("mix")
    assert (held.request.value, held.mark, held.used) == (expected[-1], expected[-1], expected[-2])
    info = next(one for one in session.hyperparameters.infos() if one.name == "mix")
    assert (info.requested, info.value, info.used, info.owner) == (expected[-1], expected[-1], expected[-2], "policy")


def test_a_division_by_zero_at_a_calm_step_disarms_there(train: Callable[..., Any]) -> None:
    training = train(lr=0.01)
    session = training.session
    mixed = _expose(training, mix=1.0, other=1.0)
    session.policies.add("mix", "1 / (90 - step)")
    session.policies.add("other", "step")
    training.run(89)
    assert _calm(training)
    training.run(1)
    assert session.policies["mix"].state == "disarmed"
    assert "step 90" in session.policies["mix"].note
    training.run(30)
    assert (mixed["mix"], mixed["other"]) == (1.0, 120.0)
    assert session.history("loss").step.tolist() == list(range(1, 121))
    assert session.history("hp/other").value.tolist() == [float(step) for step in range(121)]


def test_what_the_script_writes_over_a_held_value_is_put_right_at_a_calm_step(train: Callable[..., Any]) -> None:
    training = train(lr=0.01)
    session = training.session
    mixed = _expose(training, mix=1.0)
    session.policies.add("mix", "0.25 * (step >= 0)")
    training.run(80)
    assert _calm(training)
    mixed["mix"] = 7.0
    training.run(1)
    assert mixed["mix"] == 0.25
    assert session.hyperparameters.base("mix") == 7.0
    training.run(2)
    session.policies.remove("mix")
    assert mixed["mix"] == 7.0


def test_a_setter_that_rounds_is_read_back_and_one_that_raises_disarms(train: Callable[..., Any]) -> None:
    training = train(lr=0.01)
    session = training.session
    values = {"round": 0.0, "raise": 0.0}

    def refuse(value: float) -> None:
        if value > 80:
            raise ValueError("too much")
        values["raise"] = value

    session.expose("rounded", lambda: values["round"], lambda value: values.__setitem__("round", float(round(value))))
    session.expose("refused", lambda: values["raise"], refuse)
    session.policies.add("rounded", "step / 4")
    session.policies.add("refused", "step")
    training.run(80)
    assert _calm(training)
    [held] = session.hyperparameters.helds("rounded")
    assert (held.request.value, held.mark) == (20.0, 20.0)
    training.run(2)
    assert session.policies["refused"].state == "disarmed"
    assert "step 81" in session.policies["refused"].note
    assert values == {"round": float(round(82 / 4)), "raise": 80.0}
    assert session.hyperparameters["rounded"] == values["round"]
    assert session.policies["rounded"].state == "armed"


def test_a_group_that_is_added_is_held_as_well(train: Callable[..., Any]) -> None:
    training = train(lr=0.01)
    training.session.policies.add("lr", "0.1 / (1 + step)")
    training.run(70)
    training.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.5})
    training.run(3)
    assert training.session.hyperparameters["lr"] == 0.1 / 74


def test_what_a_step_has_used_is_right_where_the_script_wrote_over_it_or_a_setter_refused(
    train: Callable[..., Any],
) -> None:
    training = train(lr=0.01)
    session = training.session
    mixed = _expose(training, mix=1.0)
    session.policies.add("mix", "step")
    training.run(80)
    assert _calm(training)
    mixed["mix"] = 7.0
    training.run(1)
    [held] = session.hyperparameters.helds("mix")
    assert (held.used, held.mark, mixed["mix"]) == (7.0, 81.0, 81.0)

    values = {"refused": 0.0}

    def refuse(value: float) -> None:
        if value > 300:
            raise ValueError("too much")
        values["refused"] = value

    session.expose("refused", lambda: values["refused"], refuse)
    session.policies.add("refused", "step")
    training.run(219)
    assert _calm(training)
    assert (mixed["mix"], values["refused"]) == (300.0, 300.0)
    training.run(1)
    assert session.policies["refused"].state == "disarmed"
    assert (held.used, held.mark) == (300.0, 301.0)  # what the step used, not what its end has put there
    training.run(1)
    assert (held.used, held.mark) == (301.0, 302.0)
