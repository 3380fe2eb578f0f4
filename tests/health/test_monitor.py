"""Patience and hysteresis, what is done when a rule fires, going back, and what a person may change."""

from __future__ import annotations

import copy
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import bidviz_core as bidviz
import bidviz_metric_health
from bidviz_metric_health import RULES, configure, expose, monitor, settings, settings_of
from bidviz_metric_health.losses import BLOCK, LossCourse, Validation
from bidviz_metric_health.monitor import AGAIN_WITHIN, Course, Sick


@pytest.fixture(autouse=True)
def as_they_come() -> Iterator[None]:
    settings.reset()
    yield
    settings.reset()


class Loop:
    """A training in `session.batches` whose loss can be made NaN at will, in the data or in a batch alone."""

    def __init__(self, run_dir: Path, sick: Callable[[int], bool], **options: Any) -> None:
        torch.manual_seed(0)
        self.sick = sick
        self.model = nn.Linear(4, 2)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)
        self.batches = [(number, torch.randn(8, 4)) for number in range(1, 201)]
        self.session = bidviz.watch(
            self.model, self.optimizer, dashboard=None, plugins=(), run_dir=run_dir, budget=None, **options
        )
        self.session.plugins.register(bidviz_metric_health, "bidviz-metric-health")

    def step(self, batch: tuple[int, torch.Tensor]) -> None:
        number, inputs = batch
        self.optimizer.zero_grad()
        loss = self.model(inputs).square().mean()
        # The loss that is told, not the weights: the training itself stays whole.
        (loss if not self.sick(number) else loss + float("inf")).backward()
        self.optimizer.step()


# --- which rules there are ----------------------------------------------------------------------------------------


def test_rules_are_told_whether_or_not_they_ever_found_anything(tmp_path: Path) -> None:
    loop = Loop(tmp_path, lambda number: False)
    session = loop.session
    with session:
        rules = {one.rule: one.on for one in session.health.rules()}
        assert set(rules) == set(RULES)
        assert rules["NanLoss"]
        assert not rules["DeadRelu"]  # there is no unit that could die in this model, so its metric was left out
        configure(Plateau=False)
        session.metrics.disable("health/data")
        rules = {one.rule: one.on for one in session.health.rules()}
        assert (rules["Plateau"], rules["StalledDataLoader"], rules["NanLoss"]) == (False, False, True)
        session.plugins.unload("bidviz-metric-health")
        assert session.health.rules() == []


def test_a_plugin_whose_rules_are_no_mapping_is_left_out(tmp_path: Path) -> None:
    class Odd:
        @bidviz.hookimpl
        def health_rules(self) -> Any:
            return 3

    class Own:
        @bidviz.hookimpl
        def health_rules(self) -> dict[str, bool]:
            return {"LossBelowZero": True}

    loop = Loop(tmp_path, lambda number: False)
    with loop.session as session:
        session.plugins.register(Odd(), "odd")
        session.plugins.register(Own(), "own")
        rules = [one.rule for one in session.health.rules()]
        assert sorted(rules) == sorted([*RULES, "LossBelowZero"])


# --- patience and hysteresis ---------------------------------------------------------------------------------------


def looks(course: Course, pattern: str, step: int = 0, patience: int = 3, recovery: int = 6) -> str:
    """`S` is a sick look, `.` a well one; gives `F` where the rule fires and `C` where it clears."""
    said = ""
    for one in pattern:
        step += 10
        said += {"fires": "F", "clears": "C", "": "."}[course.look(step, one == "S", patience, recovery)]
    return said


def test_a_rule_fires_after_some_looks_and_clears_after_more() -> None:
    course = Course()
    assert looks(course, "SS.SS.SSSSS......") == "........F.......C"
    assert course.since == 70  # where the third stretch began


def test_what_comes_and_goes_is_told_ever_more_seldom() -> None:
    course = Course()
    said = looks(course, "SSS......" * 60)
    assert said.count("F") <= 4 < 60
    assert said.count("F") - said.count("C") in (0, 1)


def test_noise_about_a_threshold_does_not_flap() -> None:
    chance = random.Random(0)
    course = Course()
    said = looks(course, "".join(chance.choice("S.") for _ in range(2000)))
    assert said.count("F") <= 2000 * 10 / AGAIN_WITHIN


def test_a_rule_that_was_well_for_long_is_as_quick_as_ever() -> None:
    course = Course()
    assert looks(course, "SSS......") == "..F.....C"
    assert looks(course, "SSS......", step=AGAIN_WITHIN + 1000) == "..F.....C"


def test_a_threshold_is_eased_while_the_rule_stands(tmp_path: Path) -> None:
    session = Loop(tmp_path, lambda step: False).session
    with session:
        watcher = monitor.monitor_of(session.learner)
        assert watcher is not None
        assert watcher.ease("DeadRelu") == 1.0
        for step in (10, 20, 30):
            watcher.at(step).judge("DeadRelu", Sick("dead", "loss"))
        assert session.health["DeadRelu"].level == "warning"
        assert session.health["DeadRelu"].since == 10
        assert watcher.ease("DeadRelu") == monitor.EASING


# --- what is done --------------------------------------------------------------------------------------------------


def test_a_rule_pauses_at_the_very_boundary(tmp_path: Path) -> None:
    configure(NanLoss={"action": "pause"})
    loop = Loop(tmp_path, lambda number: number == 25)
    session = loop.session
    steps_in_pause = []

    def resume(step: int) -> None:
        if session.boundary.pause_wanted:
            steps_in_pause.append(step)
            session.resume()

    with session:
        session.boundary.watch(resume)
        for batch in loop.batches[:60]:
            loop.step(batch)
        found = session.health["NanLoss"]
    assert steps_in_pause == [30]
    assert found.since == 30
    assert found.action == "Paused."
    assert any(entry.action == "pauseTraining" and entry.author == "health" for entry in session.journal)


def test_a_rule_takes_a_checkpoint_and_says_so(tmp_path: Path) -> None:
    configure(NanLoss={"action": "checkpoint"})
    loop = Loop(tmp_path, lambda number: number == 25)
    with loop.session as session:
        session.loop(loop.step, loop.batches[:40])
        session.checkpoints.flush()
        taken = [one for one in session.checkpoints if one.label == "NanLoss"]
        assert [one.step for one in taken] == [30]
        assert session.health["NanLoss"].action == "A checkpoint is taken."


def test_a_rule_tells_at_the_terminal(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    configure(NanLoss={"action": "notify"})
    loop = Loop(tmp_path, lambda number: number == 25)
    with loop.session as session:
        session.loop(loop.step, loop.batches[:40])
    assert f"NanLoss at step 30 of {session.name}: The loss is not finite." in caplog.text


def test_a_rule_rolls_back_to_before_and_pauses_there(tmp_path: Path) -> None:
    configure(NanLoss={"action": "roll back"})
    mended = []
    loop = Loop(tmp_path, lambda number: number == 45 and not mended)
    session = loop.session
    weights: dict[int, Any] = {}

    def step(batch: tuple[int, torch.Tensor]) -> None:
        loop.step(batch)
        weights.setdefault(session.step, copy.deepcopy(loop.model.state_dict()))
        if session.step == 20 and not len([one for one in session.checkpoints if one.step == 20]):
            session.checkpoints.save("good")

    def person() -> bool:
        """Sees the pause, mends the data and resumes."""
        moment = threading.Event()
        while not (session.state == "paused" and session.step == 20):
            moment.wait(0.01)
        mended.append(session.step)
        same = all(torch.equal(now, weights[20][name]) for name, now in loop.model.state_dict().items())
        session.resume()
        return same

    with session, ThreadPoolExecutor(1) as pool:
        seen = pool.submit(person)
        session.loop(step, loop.batches[:80])
        assert seen.result(60)
        assert session.step == 80
        found = session.health["NanLoss"]
        assert found.level == "ok"
        restored = [entry for entry in session.journal if entry.action == "restoreCheckpoint"]
        assert len(restored) == 1
    told = [entry.detail for entry in session.journal if entry.action == "health"]
    assert told[1]["action"] == "Rolled back to the checkpoint of step 20. Paused."
    assert not session.failures


def test_where_it_cannot_go_back_it_says_why_and_pauses(tmp_path: Path) -> None:
    configure(NanLoss={"action": "roll back"})
    loop = Loop(tmp_path, lambda number: number == 25)
    session = loop.session
    with session:
        session.boundary.watch(lambda step: session.resume() if session.boundary.pause_wanted else None)
        for batch in loop.batches[:40]:
            loop.step(batch)
        assert session.health["NanLoss"].action.startswith("Could not roll back: ")
        assert "session.batches" in session.health["NanLoss"].action
        assert session.health["NanLoss"].action.endswith("Paused.")


def test_going_back_takes_later_findings_away(tmp_path: Path) -> None:
    loop = Loop(tmp_path, lambda number: number in (15, 45))
    session = loop.session
    with session:
        watcher = monitor.monitor_of(session.learner)
        assert watcher is not None
        watcher.at(40).judge("NanLoss", Sick("early", "loss"))
        for step in (100, 110, 120):
            watcher.at(step).judge("Plateau", Sick("late", "loss"))
        assert [session.health[rule].level for rule in ("NanLoss", "Plateau")] == ["bad", "warning"]
        watcher.at(60)
        assert [session.health[rule].level for rule in ("NanLoss", "Plateau")] == ["bad", "ok"]
        watcher.judge("NanLoss", Sick("early", "loss"))
        assert session.health["NanLoss"].since == 40


# --- what a person may change ----------------------------------------------------------------------------------------


def test_thresholds_can_be_changed_and_rules_turned_off(tmp_path: Path) -> None:
    configure(NanLoss=False, DeadRelu={"share": 0.9})
    assert settings_of("DeadRelu") == {"action": "", "on": True, "share": 0.9}
    loop = Loop(tmp_path, lambda number: number == 25)
    with loop.session as session:
        session.loop(loop.step, loop.batches[:40])
        assert "NanLoss" not in session.health
        configure(NanLoss=True)
        session.loop(loop.step, [(25, torch.ones(8, 4)), *loop.batches[:20]])
        assert session.health["NanLoss"].level == "bad"
        configure(NanLoss=False)
        session.loop(loop.step, loop.batches[:20])
        assert session.health["NanLoss"].level == "ok"


def test_thresholds_are_hyperparameters_where_that_is_wanted(tmp_path: Path) -> None:
    with Loop(tmp_path, lambda number: False).session as session:
        assert not [name for name in session.hyperparameters if name.startswith("health/")]
        expose(session, "DeadRelu")
        assert session.hyperparameters["health/DeadRelu/share"] == 0.5
        assert session.hyperparameters.set("health/DeadRelu/share", 0.7).success
        assert settings_of("DeadRelu")["share"] == 0.7


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"DeadRelus": {}}, "There is no rule 'DeadRelus'; did you mean DeadRelu"),
        ({"DeadRelu": {"shares": 1}}, "has no 'shares'; it has share, action, on"),
        ({"DeadRelu": {"share": -1}}, "got share=-1; expected a number from 0"),
        ({"DeadRelu": {"share": "0.5"}}, "got share='0.5'; expected a number from 0"),
        ({"DeadRelu": {"action": "stop"}}, "got the action 'stop'; expected one of '', 'notify', 'pause'"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(given: dict[str, Any], says: str) -> None:
    with pytest.raises(bidviz.CommandError) as error:
        configure(NanLoss=False, **given)
    assert says in str(error.value)
    assert settings_of("NanLoss")["on"]


def test_every_threshold_says_what_it_is_and_where_it_comes_from() -> None:
    for rule in RULES.values():
        assert rule.help
        for threshold in rule.thresholds.values():
            assert threshold.help
            assert threshold.source


# --- the course of a loss -------------------------------------------------------------------------------------------


def test_blocks_are_means_and_what_is_not_finite_counts_in_none() -> None:
    values = [random.Random(1).random() for _ in range(4 * BLOCK)]
    course = LossCourse()
    assert course.add(values)
    blocks = [sum(values[at : at + BLOCK]) / BLOCK for at in range(0, len(values), BLOCK)]
    assert list(course.blocks) == pytest.approx(blocks)
    assert course.best == pytest.approx(min(blocks))
    assert not course.add([float("nan"), *values[:BLOCK], float("inf")])
    assert course.last == pytest.approx(blocks[0])


def noisy(level: Callable[[int], float], steps: int, noise: float, seed: int = 0) -> LossCourse:
    chance = random.Random(seed)
    course = LossCourse()
    course.add(level(step) + chance.gauss(0, noise) for step in range(steps))
    return course


@pytest.mark.parametrize("seed", range(10))
def test_chance_is_no_progress_and_progress_no_chance(seed: int) -> None:
    flat = noisy(lambda step: 2.0, 1000, 0.1, seed)
    assert flat.not_fallen(500, 0.001)
    falling = noisy(lambda step: 2.0 - step / 2000, 1000, 0.1, seed)
    assert not falling.not_fallen(500, 0.001)
    stuck = noisy(lambda step: max(1.0, 2.0 - step / 200), 6000, 0.1, seed)
    assert stuck.stands_still(2000, 0.005, 0.1)
    slow = noisy(lambda step: 2.0 - step / 6000, 6000, 0.1, seed)
    assert not slow.stands_still(2000, 0.005, 0.1)
    quick = noisy(lambda step: 2.0 + 6.0 * 0.3**step - step / 4000, 1000, 0.1, seed)  # most of it in the first steps
    assert not quick.not_fallen(500, 0.001)
    negative = noisy(lambda step: -1.0 - step / 600, 1000, 0.1, seed)  # a likelihood, say
    assert not negative.not_fallen(500, 0.001)
    assert negative.lost() < 0.5
    back = noisy(lambda step: 2.0 - step / 500 if step < 500 else 1.8, 700, 0.05, seed)
    assert back.lost() > 0.5


def test_a_training_that_is_done_may_stand_still() -> None:
    done = noisy(lambda step: max(0.05, 2.0 - step / 200), 6000, 0.01)
    assert not done.stands_still(2000, 0.005, 0.1)


def test_one_that_was_met_in_the_middle_is_not_judged_by_its_first_loss() -> None:
    course = LossCourse(begun=5000)
    course.add([1.0] * 1000)
    assert not course.not_fallen(500, 0.001)


def test_validation_counts_from_its_best() -> None:
    validation = Validation()
    validation.add([1.0, 0.8, 0.6, 0.599, 0.7, 0.75], 0.3, 0.01)
    assert validation.best == 0.599
    assert validation.without_a_best == 3  # 0.599 is not a hundredth better than 0.6
    assert validation.ratio == pytest.approx((0.75 - 0.3) / 0.3)
    assert validation.rise == pytest.approx((0.75 - 0.599) / (1.0 - 0.599))
