"""Policies in a real training: what each update used, dependencies, pins, and what happens when something is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

import bidviz_core as bidviz
from bidviz_core.errors import CommandError, FormulaError


def test_each_update_uses_the_formula_of_the_step_before_it(train: Callable[..., Any]) -> None:
    training = train()
    training.session.policies.add("lr", "0.1 * 0.5 ** (step / 10)")
    assert training.run(20) == pytest.approx([0.1 * 0.5 ** (step / 10) for step in range(20)])
    history = training.session.history("hp/lr")
    assert history.step.tolist() == list(range(21))
    assert history.value.tolist() == pytest.approx([0.1 * 0.5 ** (step / 10) for step in range(21)])
    assert training.session.history("lr").value.tolist() == pytest.approx(training.rates)


def test_it_is_disarmed_and_the_script_has_its_rate_again(train: Callable[..., Any]) -> None:
    training = train()
    training.session.policies.add("lr", "0.5")
    assert training.run(2) == pytest.approx([0.5, 0.5])
    training.session.policies.remove("lr")
    assert training.run(2) == pytest.approx([0.1, 0.1])
    assert len(training.session.policies) == 0
    actions = [(entry.action, entry.detail.get("formula")) for entry in training.session.journal]
    assert actions == [("armPolicy", "0.5"), ("disarmPolicy", "0.5")]
    assert set(training.session.journal[0].detail) == {
        "target", "formula", "policy", "parameters", "mode", "low", "high", "author",
    }  # fmt: skip


def test_a_dependency_sees_the_rate_of_the_same_boundary(train: Callable[..., Any]) -> None:
    training = train()
    session = training.session
    session.policies.add("weight_decay", "0.1 * lr")
    session.policies.add("lr", "0.1 / (1 + step)")  # armed later, computed before
    seen = []
    training.each = lambda step: seen.append((session.hyperparameters["lr"], session.hyperparameters["weight_decay"]))
    training.run(5)
    assert [rate for rate, _ in seen] == pytest.approx([0.1 / (1 + step) for step in range(1, 6)])
    assert [decay for _, decay in seen] == pytest.approx([0.01 / (1 + step) for step in range(1, 6)])
    assert session.policies["weight_decay"].inputs == ["lr"]


@pytest.mark.parametrize("mode", ["override", "scale"])
def test_base_is_what_the_scheduler_says_for_that_very_update(train: Callable[..., Any], mode: str) -> None:
    def schedule(optimizer: Any) -> Any:
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 30)

    untouched = train(scheduler=schedule).run(20)
    training = train(scheduler=schedule)
    training.session.policies.add("lr", "base * 0.5" if mode == "override" else "0.5", mode)
    assert training.run(20) == pytest.approx([rate / 2 for rate in untouched])
    training.session.policies.remove("lr")
    assert training.run(2) == pytest.approx(train(scheduler=schedule).run(22)[20:])


def test_a_dependency_follows_a_scheduler_without_a_lag(train: Callable[..., Any]) -> None:
    training = train(scheduler=lambda optimizer: torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9))
    session = training.session
    session.policies.add("weight_decay", "0.1 * lr")
    used = []
    training.optimizer.register_step_pre_hook(lambda optimizer, *_: used.append(optimizer.param_groups[0]["lr"] * 0.1))
    session.hyperparameters.effective("weight_decay")  # read back from now on
    training.each = lambda step: used.append(session.hyperparameters.effective("weight_decay"))
    training.run(8)
    assert used[1::2] == pytest.approx(used[0::2])


def test_metrics_are_read_in_the_step_that_gave_them(train: Callable[..., Any]) -> None:
    training = train()
    session = training.session
    session.policies.add("lr", 'clip(0.01 * mean("loss", 3) ** 2 + 0.001 * since_best("loss"), 1e-6, 0.2)')
    training.run(12)
    losses = session.history("loss").value.tolist()
    for step in range(1, 13):
        mean = sum(losses[max(0, step - 3) : step]) / min(3, step)
        best = losses[:step].index(min(losses[:step])) + 1
        expected = min(max(0.01 * mean**2 + 0.001 * (step - best), 1e-6), 0.2)
        if step < 12:
            assert training.rates[step] == pytest.approx(expected), step
    assert training.rates[0] == pytest.approx(0.1)  # nothing was known yet


def test_a_mean_that_begins_late_knows_the_past(train: Callable[..., Any]) -> None:
    training = train(lr=0.01)
    training.run(30)
    training.session.policies.add("weight_decay", '0.001 + 0 * mean("loss", 20)')
    training.session.policies.add("lr", 'abs(0.0001 * mean("loss", 20))')
    losses = training.session.history("loss").value[10:30]
    assert training.session.policies["lr"].value == pytest.approx(abs(0.0001 * losses.mean()))


def test_clamped_by_low_and_high(train: Callable[..., Any]) -> None:
    training = train()
    training.session.policies.add("lr", "0.1 - 0.05 * step", low=0.02, high=0.08)
    assert training.run(4) == pytest.approx([0.08, 0.05, 0.02, 0.02])


def test_a_division_by_zero_disarms_and_the_last_good_value_stays(train: Callable[..., Any]) -> None:
    training = train()
    session = training.session
    session.policies.add("lr", "0.1 / (6 - step)")
    rates = training.run(10)
    good = [0.1 / (6 - step) for step in range(6)]
    assert rates == pytest.approx([*good, *[good[-1]] * 4])
    info = session.policies["lr"]
    assert info.state == "disarmed"
    assert "divides by zero" in info.note
    assert "step 6" in info.note
    entry = session.journal[-1]
    assert (entry.action, entry.step, entry.success) == ("disarmPolicy", 6, False)
    assert any(failure.source == "policy" and failure.name == "lr" for failure in session.failures)
    session.policies.remove("lr")
    assert training.run(1) == pytest.approx([0.1])


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("0.1 * exp(step * 300)", "too large"),
        ("0.1 if step < 3 else 1e300 * 1e300 * 0", "nan"),
        ("sqrt(3 - step)", "root"),
        ("0.1 - 0.05 * step", "at least 0"),
    ],
)
def test_what_gives_nothing_usable_is_disarmed(train: Callable[..., Any], formula: str, words: str) -> None:
    training = train()
    training.session.policies.add("lr", formula)
    training.run(8)
    assert math.isfinite(training.session.hyperparameters["lr"])
    assert training.session.policies["lr"].state == "disarmed"
    assert words in training.session.policies["lr"].note


@pytest.mark.parametrize("how", ["removed", "failed", "disabled"])
def test_a_series_that_goes_takes_the_policy_with_it(train: Callable[..., Any], how: str) -> None:
    training = train()
    session = training.session
    session.metrics.add("1 / (8 - step)" if how == "failed" else "float(step)", name="mine")
    training.run(3)
    session.policies.add("lr", '0.01 * last("mine")')
    training.run(3)
    if how == "removed":
        session.metrics.remove("mine")
    elif how == "disabled":
        session.metrics.disable("mine")
    training.run(4)
    info = session.policies["lr"]
    assert info.state == "disarmed"
    assert "'mine'" in info.note
    last = info.value
    assert training.run(1) == pytest.approx([last])


def test_a_target_set_by_hand_is_left_alone_until_it_is_released(train: Callable[..., Any]) -> None:
    training = train()
    session = training.session
    mixed = {"mix": 0.0}
    session.expose("mix", lambda: mixed["mix"], lambda value: mixed.update(mix=value))
    session.policies.add("lr", "0.1 / (1 + step)")
    session.policies.add("mix", "0.1 * lr")
    training.run(2)
    reply = session.hyperparameters.set("lr", 0.03, author="person")
    assert reply.success
    # A policy moves its value: that it was asked for once is not what it was.
    assert "a policy had it at 0.0333333 by now" in reply.data["note"]
    assert training.run(3) == pytest.approx([0.03] * 3)
    assert session.policies["lr"].state == "pinned"
    assert mixed["mix"] == pytest.approx(0.003)
    assert session.hyperparameters.release("lr", author="person").success
    training.run(1)  # its value is found at the next boundary
    assert training.run(3) == pytest.approx([0.1 / (1 + step) for step in (6, 7, 8)])
    assert session.policies["lr"].state == "armed"


def test_arming_over_a_value_set_by_hand_waits_or_releases_it_as_it_was_asked(train: Callable[..., Any]) -> None:
    training = train()
    session = training.session
    training.run(1)
    assert session.hyperparameters.set("lr", 0.03, author="person").success
    assert session.policies.add("lr", "0.1 / (1 + step)").state == "pinned"
    assert training.run(2) == pytest.approx([0.03] * 2)
    with pytest.raises(bidviz.FormulaError):
        session.policies.add("lr", "0.1 / 0", release=True)
    assert session.hyperparameters.owner("lr") == "person"  # what is wrong releases nothing
    info = session.policies.add("lr", "0.1 / (1 + step)", release=True)
    assert (info.state, info.value) == ("armed", pytest.approx(0.025))
    assert training.run(3) == pytest.approx([0.1 / (1 + step) for step in (3, 4, 5)])
    assert [entry.action for entry in session.journal][-2:] == ["releaseHyperparameter", "armPolicy"]


@pytest.mark.parametrize(
    ("target", "formula", "words"),
    [
        ("lr", "weight_decay", "circle: "),
        ("lr", "lr * 0.9", "depend on itself"),
        ("lrr", "0.1", "did you mean 'lr'"),
        ("nesterov", "1", "bool"),
        ("lr", "-0.1", "at least 0"),
        ("lr", "1 / step", "divides by zero"),
        ("lr", "progress", "session.batches"),
        ("count", "2.5", "floor"),
        ("weight_decay", 'last("nothing")', "no 'nothing'"),
        ("fixed", "1", "can only be read"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    train: Callable[..., Any], target: str, formula: str, words: str
) -> None:
    training = train()
    session = training.session
    session.expose("count", lambda: 3, lambda value: None, kind=int)
    session.expose("fixed", lambda: 3.0)
    if "nothing" in formula:
        training.run(1)
    if words.startswith("circle"):
        session.policies.add("weight_decay", "0.1 * lr")
    before = [info.target for info in session.policies]
    with pytest.raises(CommandError, match=r"\w") as caught:
        session.policies.add(target, formula)
    assert words in str(caught.value)
    assert [info.target for info in session.policies] == before
    if words.startswith("circle"):
        assert "lr → weight_decay" in str(caught.value) or "weight_decay → lr" in str(caught.value)
    session.policies.remove("weight_decay") if before else None
    assert training.run(1) == pytest.approx([0.1])


def test_a_refused_edit_leaves_the_former_policy_armed(train: Callable[..., Any]) -> None:
    training = train()
    training.session.policies.add("lr", "0.05")
    with pytest.raises(FormulaError):
        training.session.policies.add("lr", "0.05 * nonsense")
    assert training.run(1) == pytest.approx([0.05])
    assert training.session.policies["lr"].formula == "0.05"


def test_groups_have_policies_of_their_own(train: Callable[..., Any]) -> None:
    def two_groups(model: Any) -> Any:
        return torch.optim.SGD([{"params": [model.weight]}, {"params": [model.bias], "lr": 0.2}], lr=0.1)

    training = train(optimizer=two_groups)
    session = training.session
    session.policies.add("lr[0]", "0.5 / (1 + step)")
    session.policies.add("lr[1]", 'hp("lr[0]") * 2')
    training.run(3)
    assert session.hyperparameters["lr"] == pytest.approx([0.125, 0.25])
    with pytest.raises(FormulaError, match="is a part of"):
        session.policies.add("lr", "0.1")
    with pytest.raises(FormulaError, match=r'hp\("lr\[0\]"\)'):
        session.policies.add("weight_decay", "lr * 0.1")


def test_exposed_values_and_a_learner_without_torch(tmp_path: Any) -> None:
    values = {"mix": 1.0, "count": 4}
    with bidviz.watch(object(), dashboard=None, plugins=(), run_dir=tmp_path, config={"total_steps": 10}) as session:
        session.expose("mix", lambda: values["mix"], lambda value: values.update(mix=value), low=0.0, high=1.0)
        session.expose("count", lambda: values["count"], lambda value: values.update(count=value), kind=int)
        session.policies.add("mix", "1 - progress")
        session.policies.add("count", "floor(4 + step / 2)")
        seen = []
        for _ in range(5):
            session.step_done(loss=1.0)
            seen.append((values["mix"], values["count"]))
        assert [mix for mix, _ in seen] == pytest.approx([1 - step / 10 for step in range(1, 6)])
        assert [count for _, count in seen] == [4 + step // 2 for step in range(1, 6)]
        assert all(type(count) is int for _, count in seen)


def test_epochs_are_counted(train: Callable[..., Any]) -> None:
    training = train()
    training.session.policies.add("lr", "0.1 * 0.5 ** epoch")
    for _ in range(3):
        training.run(2)
        training.session.epoch_done()
    assert training.rates[:3] == pytest.approx([0.1, 0.1, 0.1])
    assert training.run(3)[1:] == pytest.approx([0.0125, 0.0125])


def test_nothing_is_watched_where_nothing_is_armed(train: Callable[..., Any]) -> None:
    training = train()
    session = training.session
    session.policies.add("lr", 'base + 0 * mean("loss", 3)')
    training.run(2)
    assert session.boundary._watchers
    session.policies.remove("lr")
    training.run(70)
    assert not session.boundary._watchers
    assert not session.engine.series.watched
    assert session.boundary.pulse.calm_until > session.step


def test_what_was_gathered_is_put_back_to_the_bit(train: Callable[..., Any]) -> None:
    training = train()
    session = training.session
    session.policies.add("lr", 'abs(0.001 * ewma("loss", 0.97)) + 0.0001 * since_best("loss")')
    training.run(10)
    kept = session.policies.state()
    weights = [one.detach().clone() for one in training.model.parameters()]
    first = training.run(1)
    session.policies.add("weight_decay", "0.5")
    training.run(5)
    with torch.no_grad():
        for one, old in zip(training.model.parameters(), weights, strict=True):
            one.copy_(old)
    session.policies.restore(kept)
    assert [info.target for info in session.policies] == ["lr"]
    assert training.run(1) == first


def test_conditions_hold_at_the_very_step(train: Callable[..., Any]) -> None:
    training = train()
    session = training.session
    session.metrics.add("float(step)", name="mine")
    training.run(2)
    watched = session.policies.condition('mine >= 5 and last("loss") is finite')
    at = []
    session.boundary.watch(lambda step: at.append(step) if watched.holds() else None)
    training.run(5)
    assert at == [5, 6, 7]
    watched.close()
    watched.close()
    with pytest.raises(FormulaError, match="did you mean 'mine'"):
        session.policies.condition("minne > 3")
    scope = session.policies.scope()
    assert scope["step"] == 7
    assert scope["lr"] == 0.1
    assert "mine" in scope
