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
