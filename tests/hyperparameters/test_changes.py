"""What whoever changes something is told, what the journal keeps, leases, and two who change the same thing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import nn

import bidviz_core as bidviz
from bidviz_core.errors import CommandError

from .conftest import Twin, sgd
from .schedules import ALL


def while_stepping(steered: Twin, *asked: Callable[[], Any]) -> list[Any]:
    """Has things asked for from other threads, and trains on until all have been answered."""
    with ThreadPoolExecutor(len(asked)) as pool:
        futures: list[Future[Any]] = [pool.submit(one) for one in asked]
        while not all(one.done() for one in futures):
            steered.step()
        return [one.result() for one in futures]


def test_the_answer_carries_what_the_next_update_used(watch: Callable[..., Any]) -> None:
    steered = Twin(sgd(), ALL["ExponentialLR"])
    session = watch(steered.optimizer)
    steered.step()
    (reply,) = while_stepping(steered, lambda: session.hyperparameters.set("lr", 0.5, author="anna", reason="a try"))
    assert reply.success
    assert reply.data == {
        "name": "lr",
        "requested": 0.5,
        "applied": 0.5,
        "used": 0.5,
        "mode": "override",
        "note": "the scheduler goes on beneath, and rules again when it is released",
    }
    told = {one.name: (one.owner, one.scheduled) for one in session.hyperparameters.infos()}
    assert told["lr"] == ("person", True)
    assert told["momentum"] == ("script", False)
    entry = session.journal[-1]
    assert (entry.step, entry.author, entry.action, entry.success) == (reply.step, "anna", "setHyperparameter", True)
    base = [0.1 * 0.9 ** (reply.step - 1), 0.02 * 0.9 ** (reply.step - 1)]  # the scheduler steps after the boundary
    assert entry.detail.pop("base") == pytest.approx(base)
    assert entry.detail.pop("old") == pytest.approx(base)
    assert entry.detail == {
        "name": "lr",
        "value": 0.5,
        "mode": "override",
        "group": None,
        "step": reply.step,
        "author": "anna",
        "reason": "a try",
        "lease": None,
        "applied": 0.5,
    }
    (reply,) = while_stepping(steered, lambda: session.hyperparameters.set("lr", 0.5, mode="scale", group=1))
    assert session.journal[-1].detail["group"] == 1
    assert reply.data["used"] == reply.data["applied"] == pytest.approx(0.5 * 0.02 * 0.9**reply.step)
    (reply,) = while_stepping(steered, lambda: session.hyperparameters.release("lr"))
    assert reply.data["mode"] == "release"
    assert reply.data["used"] == pytest.approx([0.1 * 0.9**reply.step, 0.02 * 0.9**reply.step])
    assert session.journal[-1].action == "releaseHyperparameter"


def test_while_paused_the_answer_comes_at_once(watch: Callable[..., Any]) -> None:
    steered = Twin(sgd())
    session = watch(steered.optimizer)
    steered.step()
    session.pause()

    def ask() -> Any:
        try:
            return session.hyperparameters.set("lr", 0.5)
        finally:
            session.resume()

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        steered.step()  # waits at its boundary until the pause is over
        reply = asked.result(30)
    assert (reply.success, reply.data["applied"], reply.data["used"]) == (True, 0.5, None)
    assert "used from the next update on" in reply.data["note"]
    assert steered.step() == pytest.approx([0.5, 0.5])


def test_a_change_that_the_script_writes_over_is_told_and_marked(watch: Callable[..., Any]) -> None:
    steered = Twin(sgd())
    session = watch(steered.optimizer)
    steered.step()
    session.hyperparameters.set("lr", 0.5)
    # A hook of the script's own that comes after ours.
    steered.optimizer.register_step_pre_hook(
        lambda optimizer, *_: [group.update(lr=0.125) for group in optimizer.param_groups] and None
    )
    assert steered.step() == pytest.approx([0.125, 0.125])
    entry = session.journal[-1]
    assert (entry.action, entry.success, entry.detail["used"], entry.detail["entry"]) == (
        "overwritten",
        False,
        0.125,
        1,
    )
    assert session.hyperparameters.effective("lr") == 0.125


def test_two_who_change_the_same_thing_are_both_told_and_the_later_stands(watch: Callable[..., Any]) -> None:
    steered = Twin(sgd(), ALL["StepLR"])
    session = watch(steered.optimizer)
    steered.step()
    session.hyperparameters.set("lr", 0.5, author="anna")
    steered.step()
    reply = session.hyperparameters.set("lr", 0.25, author="ben")
    assert "anna had set it to 0.5 at step 1" in reply.data["note"]
    assert "anna had set it to 0.5 at step 1" in session.journal[-1].summary
    assert steered.step() == pytest.approx([0.25, 0.25])
    released = session.hyperparameters.release("lr", author="anna")
    assert "held by ben" in released.data["note"]
    # At the very same boundary: the first is told that hers was never used.
    session.pause()

    def both() -> list[Any]:
        return [session.hyperparameters.set("lr", value, author=who) for who, value in (("anna", 0.5), ("ben", 0.25))]

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(lambda: (both(), session.resume())[0])
        steered.step()
        _, second = asked.result(30)
    assert "anna had set it to 0.5" in second.data["note"]
    assert steered.step() == pytest.approx([0.25, 0.25])
    assert session.hyperparameters.infos()[0].author == "ben"


def test_a_change_at_a_step_takes_hold_at_its_boundary(watch: Callable[..., Any]) -> None:
    steered, twin = Twin(sgd(), ALL["ExponentialLR"]), Twin(sgd(), ALL["ExponentialLR"])
    session = watch(steered.optimizer)
    reply = session.hyperparameters.set("lr", 0.5, at=4)
    assert (reply.success, reply.step) == (True, None)
    assert "step 4" in reply.data["note"]
    session.hyperparameters.set("momentum", 0.5, at=6)
    session.hyperparameters.release("momentum")
    used = []
    for _ in range(8):
        used.append(steered.step())
        twin.step()
    assert used[3] != [0.5, 0.5]
    assert used[4:] == [pytest.approx([0.5, 0.5])] * 4
    assert [(entry.action, entry.step) for entry in session.journal] == [
        ("scheduleHyperparameter", 0),
        ("scheduleHyperparameter", 0),
        ("setHyperparameter", 4),
    ]
    assert session.boundary._watchers == ()  # nothing to look after: nothing is called


def test_a_lease_goes_back_by_itself_unless_it_is_kept(watch: Callable[..., Any]) -> None:
    steered, twin = Twin(sgd(), ALL["ExponentialLR"]), Twin(sgd(), ALL["ExponentialLR"])
    session = watch(steered.optimizer)
    reply = session.hyperparameters.set("lr", 0.5, lease={"steps": 3}, author="anna")
    assert "goes back at step 3 unless it is kept" in reply.data["note"]
    assert "unless it is kept" in session.hyperparameters.infos()[0].lease
    for step in range(6):
        base = twin.step()
        assert steered.step() == pytest.approx([0.5, 0.5] if step < 3 else base)
    entry = session.journal[-1]
    assert (entry.author, entry.action, entry.step) == ("bidviz", "releaseHyperparameter", 3)
    assert "the lease of 3 steps is over" in entry.summary
    session.hyperparameters.set("lr", 0.5, author="anna")
    session.hyperparameters.set("lr", 0.25, author="ben", lease={"steps": 2})
    used = [steered.step()[0] for _ in range(4)]
    assert used == pytest.approx([0.25, 0.25, 0.5, 0.5])  # what anna had set is again
    assert session.hyperparameters.infos()[0].author == "anna"
    session.hyperparameters.set("lr", 0.25, lease={"steps": 2})
    assert session.changes.keep("lr", "ben") == "lr"
    assert [steered.step()[0] for _ in range(4)] == pytest.approx([0.25] * 4)
    with pytest.raises(CommandError, match="no lease"):
        session.changes.keep("lr", "ben")


def test_a_lease_that_is_released_or_changed_says_nothing_more(watch: Callable[..., Any]) -> None:
    steered = Twin(sgd(), ALL["ExponentialLR"])
    session = watch(steered.optimizer)
    session.hyperparameters.set("lr", 0.5, lease={"steps": 2})
    session.hyperparameters.release("lr")
    session.hyperparameters.set("momentum", 0.5, lease={"steps": 2})
    session.hyperparameters.set("momentum", 0.25)
    for _ in range(4):
        steered.step()
    assert len(session.journal) == 4
    assert session.hyperparameters["momentum"] == 0.25


@pytest.mark.parametrize("bad", [4.0, float("nan")])
def test_a_lease_ends_when_the_smoothed_loss_rises(watch: Callable[..., Any], bad: float) -> None:
    model = nn.Linear(1, 1, bias=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    torch.optim.lr_scheduler.StepLR(optimizer, 100)
    session = watch(optimizer, model)

    def step(loss: float) -> None:
        optimizer.zero_grad()
        (model(torch.ones(1, 1)).sum() * 0 + loss).backward()
        optimizer.step()

    assert "There is no loss yet" in session.hyperparameters.set("lr", 0.5, lease={"loss_rise": 0.5}).data
    for _ in range(10):
        step(1.0)
    assert session.hyperparameters.set("lr", 0.5, lease={"loss_rise": 0.5}).success
    for _ in range(5):
        step(1.5)
    assert session.hyperparameters["lr"] == 0.5
    for _ in range(4):
        step(bad)
    assert session.hyperparameters["lr"] == 1e-6
    said = session.journal[-1].summary
    assert "the smoothed loss rose to" in said
    assert "above 1.5 = 1 (its mean of the 50 steps before) + 0.5" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"value": -1}, "at least 0"),
        ({"value": "fast"}, "is float"),
        ({"value": float("nan")}, "finite"),
        ({"value": "1e999"}, "finite"),
        ({"value": 10**400}, "finite"),
        ({"value": None}, "is float"),
        ({"value": True}, "is float"),
        ({"value": [1, 2]}, "is float"),
        ({"value": 0.1, "group": 2}, "2 group(s)"),
        ({"value": 0.1, "group": -1}, "no hyperparameter"),
        ({"value": 0.1, "mode": "add"}, "'override' or 'scale'"),
        ({"value": -0.5, "mode": "scale"}, "at least 0"),
        ({"value": float("inf"), "mode": "scale"}, "finite"),
        ({"value": 0.1, "lease": {}}, "A lease ends"),
        ({"value": 0.1, "lease": {"steps": 0}}, "at least 1 step"),
        ({"value": 0.1, "lease": {"loss_rise": float("nan")}}, "loss_rise is a number"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    watch: Callable[..., Any], arguments: dict[str, Any], words: str
) -> None:
    steered, twin = Twin(sgd(), ALL["StepLR"]), Twin(sgd(), ALL["StepLR"])
    session = watch(steered.optimizer)
    reply = session.hyperparameters.set("lr", **arguments)
    assert not reply.success
    assert words in reply.data
    assert not session.journal[:]
    assert steered.step() == twin.step()
    assert not steered.optimizer._optimizer_step_pre_hooks


def test_other_settings_are_checked_by_what_they_are(watch: Callable[..., Any]) -> None:
    parameters = [nn.Parameter(torch.ones(3))]
    held = watch(torch.optim.Adam(parameters)).hyperparameters
    assert "is bool" in held.set("maximize", "perhaps").data
    assert "only real numbers can be scaled" in held.set("maximize", 2, mode="scale").data
    assert "must be at most" in held.set("betas[0]", 1.2, mode="scale").data
    assert "Did you mean 'betas[1]'" in held.set("betas[2]", 0.5).data
    assert held.set("betas[0]", "0.5").success
    assert held.set("maximize", "true").data["applied"] is True


def test_a_policy_holds_cheaply_and_yields_to_a_person(watch: Callable[..., Any]) -> None:
    steered, twin = Twin(sgd(), ALL["ExponentialLR"]), Twin(sgd(), ALL["ExponentialLR"])
    session = watch(steered.optimizer)
    held = session.hyperparameters
    for step in range(4):
        held.hold("lr", 0.25 + step)
        assert (held["lr"], held.owner("lr")) == (0.25 + step, "policy")
        assert steered.step() == pytest.approx([0.25 + step] * 2)
        twin.step()
        assert steered.written() == twin.written()
    for bad in (float("nan"), float("inf"), -1.0):
        with pytest.raises(CommandError):
            held.hold("lr", bad)
    held.hold("lr", 0.5, mode="scale")
    assert steered.step() == pytest.approx([0.5 * rate for rate in twin.step()])
    held.set("lr", 0.125, author="anna")
    assert held.owner("lr") == held.owner("lr[1]") == "person"
    with pytest.raises(CommandError, match="set by hand"):
        held.hold("lr", 0.5)
    held.drop("lr")  # what a person holds stays
    assert steered.step() == pytest.approx([0.125, 0.125])
    twin.step()
    held.release("lr")
    assert (held.owner("lr"), steered.step()) == ("scheduler", pytest.approx(twin.step()))
    held.hold("lr[1]", 0.5)
    assert steered.step()[1] == pytest.approx(0.5)
    twin.step()
    held.drop("lr[1]")
    assert steered.step() == pytest.approx(twin.step())
    assert len(session.journal) == 2


def test_parameters_are_modified_all_or_none_also_when_a_setter_refuses(watch: Callable[..., Any]) -> None:
    from bidviz_core.messages.commands import ModifyParam

    class Mixer:
        """Takes only halves."""

        value = 0.5

        def set(self, value: float) -> None:
            if value * 2 != int(value * 2):
                raise ValueError("halves only")
            self.value = value

    steered, twin = Twin(sgd(), ALL["CyclicLR"]), Twin(sgd(), ALL["CyclicLR"])
    session = watch(steered.optimizer)
    mixer = Mixer()
    session.expose("mix", lambda: mixer.value, mixer.set, low=0, high=10)
    refused = session.carry_out(ModifyParam({"lr": 0.5, "momentum": 0.25, "mix": 0.3}), "me")
    assert not refused.success
    assert "halves only" in refused.data
    assert steered.step() == twin.step()
    assert not session.journal[:]
    assert session.carry_out(ModifyParam({"lr": "0.5", "mix": "1.5"}), "me").success
    assert steered.step() == pytest.approx([0.5, 0.5])
    assert mixer.value == 1.5
    twin.step()
    assert steered.written() == twin.written()
    assert [entry.action for entry in session.journal] == ["modifyParam", "modifyParam"]
    mixer.value = 2.0  # the script writes over it: an override wins again from the next boundary on
    steered.step()
    assert (mixer.value, session.hyperparameters.base("mix")) == (1.5, 2.0)
    assert "halves only" in session.hyperparameters.set("mix", 0.3).data
    assert session.hyperparameters["mix"] == 1.5
    session.hyperparameters.release("mix")
    assert mixer.value == 2.0


def test_plugins_are_told_of_changes_and_their_proposals_yield_to_a_person(watch: Callable[..., Any]) -> None:
    told: list[Any] = []

    class Halving:
        """Proposes a rate."""

        @bidviz.hookimpl
        def propose_hyperparameters(self, step: int) -> dict[str, float]:
            return {"lr": 0.25}

        @bidviz.hookimpl
        def hyperparameters_changed(self, changes: Any) -> None:
            told.extend((one["name"], one["value"], one["mode"], one["author"]) for one in changes)

    steered = Twin(sgd(), ALL["StepLR"])
    session = watch(steered.optimizer)
    session.plugins.register(Halving(), "halving")
    steered.step()
    assert steered.step() == pytest.approx([0.25, 0.25])
    session.hyperparameters.set("lr", 0.5, mode="scale", author="anna")
    steered.step()
    assert told == [("lr", 0.25, "override", "policy"), ("lr", 0.5, "scale", "anna")]


def test_what_the_page_is_told(watch: Callable[..., Any]) -> None:
    steered = Twin(sgd(), ALL["ReduceLROnPlateau"])
    session = watch(steered.optimizer)
    steered.step()
    session.hyperparameters.sample_soon()
    steered.step()
    (info,) = [one for one in session.hyperparameters.infos() if one.name == "lr"]
    assert (info.owner, info.used, info.low, info.scale, info.requested) == ("scheduler", [0.1, 0.02], 0.0, "log", None)
    session.hyperparameters.set("lr", 0.5, mode="scale", author="anna")
    steered.step()
    (info,) = [one for one in session.hyperparameters.infos() if one.name == "lr"]
    shown = (info.owner, info.author, info.mode, info.requested, info.since)
    assert shown == ("person", "anna", "scale", 0.5, 2)
    assert info.value == info.used == pytest.approx([0.5 * rate for rate in info.base])
