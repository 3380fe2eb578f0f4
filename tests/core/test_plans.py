"""What is due when: how far is looked ahead, and how seldom a built-in metric may become."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bidviz_core.metrics.definition import Metric
from bidviz_core.metrics.plan import Plans
from bidviz_core.metrics.slot import Slot


def slot(name: str, every: int) -> Slot:
    """A built-in metric that is simply read at each step, or one of another kind."""
    made = Slot(Metric(name, lambda: 1.0, arguments=(), every=every), (), trusted=True)
    made.series = {name: None}
    return made


@given(st.lists(st.integers(2, 12), max_size=3), st.integers(100, 400), st.just(0.0) | st.floats(1e-7, 0.1))
def test_steps_are_calm_up_to_the_one_that_prepares_another(cadences: list[int], step: int, step_time: float) -> None:
    active = [slot("loss", 1), *(slot(f"other{number}", every) for number, every in enumerate(cadences))]
    plans = Plans({"loss": lambda: 1.0})
    plans.renew(active)
    for _ in range(2):  # from what was found out the first time, the second
        plan, last = plans.calm(step, step_time)
        assert plan is plans.at(step + 1)
        if plan.trusted:
            assert last == step
            continue
        assert all(plans.at(calm) is plan and plans.at(calm + 1) is plan for calm in range(step + 1, last + 1))
        looked_ahead = last - step
        assert looked_ahead >= min(63, step) or plans.at(last + 2) is not plan


def test_a_built_in_metric_becomes_as_seldom_as_its_share_asks_for() -> None:
    accuracy = slot("accuracy", 10)
    accuracy.cost = 600e-6
    accuracy.space_out(0.0015, 0.002)  # 0.2 % of 1.5 ms are 3 µs a step
    assert 200 <= accuracy.effective_every <= 333
    accuracy.cost = 1.0
    accuracy.space_out(0.0015, 0.002)
    assert accuracy.effective_every == 333, "it still comes every half second"
    slow = slot("accuracy", 10)
    slow.cost = 1.0
    slow.space_out(1.0, 0.002)
    assert slow.effective_every == 100


def charged(metric: Slot, *runs: float, step_time: float = 0.01) -> list[str]:
    """What a metric of 5 % budget says after each of these runs, where it says anything."""
    said = []
    for seconds in runs:
        metric.charge(seconds)
        said.append(metric.back_off(step_time, 0.05) if metric.judge() else "")
    return [sentence for sentence in said if sentence]


def test_one_long_run_does_not_mark_a_metric_for_ever() -> None:
    metric = slot("norm", 2)
    [said] = charged(metric, 0.0004, 0.3)
    assert metric.effective_every == 1024
    assert metric.note == said
    assert "runs every 1,024 steps instead of every 2" in said
    assert charged(metric, 0.0004, 0.0004) == []
    [said] = charged(metric, 0.0004)
    assert said == "runs every 2 steps again: it took 400 µs, 2.0% of the step time"
    assert metric.effective_every == 2
    assert metric.note == ""


def test_a_metric_that_comes_back_because_steps_take_longer_is_not_said_to_take_less() -> None:
    metric = slot("norm", 20)
    [said] = charged(metric, *[0.000269] * 15, step_time=0.0002)
    assert said.startswith("runs every 40 steps instead of every 20: it took 269 µs and would have cost 7% of")
    [said] = charged(metric, *[0.000311] * 15, step_time=0.001)
    assert said == "runs every 20 steps again: it took 311 µs, 1.6% of the step time"


def test_the_more_often_a_metric_comes_back_the_longer_it_is_looked_at() -> None:
    metric = slot("norm", 1)
    waited = []
    for _ in range(5):
        assert charged(metric, 0.3)
        runs = 1
        while not charged(metric, 0.0004):
            runs += 1
        waited.append(runs)
    assert waited == [3, 6, 12, 24, 48]


def test_a_metric_that_is_dear_stays_seldom_and_comes_back_as_far_as_half_its_budget_allows() -> None:
    metric = slot("norm", 1)
    [said] = charged(metric, *[0.004] * 15)
    assert metric.effective_every == 8
    assert "40% of the step time" in said
    assert charged(metric, *[0.004] * 100) == []
    assert charged(metric, *[0.0026] * 100) == [], "between half of the budget and all of it nothing changes"
    [said] = charged(metric, *[0.0009] * 100)
    assert metric.effective_every == 4
    assert metric.note == said == "runs every 4 steps again: it took 900 µs, 2.2% of the step time"
