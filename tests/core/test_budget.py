"""How much of a step metrics may take: each for itself, and those that bundles bring together."""

from __future__ import annotations

import pytest

from bidviz_core.metrics.budget import budget_of
from bidviz_core.metrics.definition import Metric
from bidviz_core.metrics.slot import Slot

STEP = 100e-6
BUDGET = 0.05


def brought(name: str, every: int = 10, origin: str = "bidviz-metric-some 1.0") -> Slot:
    return Slot(Metric(name, lambda: 1.0, every=every, origin=origin), ())


def run(slots: list[Slot], seconds: float, active: list[Slot] | None = None, step_time: float = STEP) -> None:
    """So many runs of each that it is judged, one after the other as at step boundaries."""
    for _ in range(15):
        for slot in slots:
            slot.charge(seconds)
            if slot.judge():
                slot.back_off(step_time, *budget_of(slot, active or slots, step_time, BUDGET))


def sum_of(slots: list[Slot], step_time: float = STEP) -> float:
    return sum(slot.usual / (slot.effective_every * step_time) for slot in slots)


def test_bundles_together_take_no_more_than_two_budgets_however_cheap_each_metric_is() -> None:
    slots = [brought(f"metric{number}") for number in range(12)]
    run(slots, 20e-6)  # 2 % of a step each, 24 % together
    run(slots, 20e-6)
    assert {slot.effective_every for slot in slots} == {40}
    assert sum_of(slots) <= 2 * BUDGET
    assert all(slot.jointly and "what bundles bring would together have cost" in slot.note for slot in slots)
    assert "24% of the step time" in slots[0].note  # when all had been judged
    run(slots, 20e-6)
    assert {slot.effective_every for slot in slots} == {40}, "they do not bring each other back"
    few = slots[:3]
    for _ in range(3):  # whoever has come back before is looked at for longer
        run(few, 20e-6)
    assert {slot.effective_every for slot in few} == {10}
    assert not any(slot.jointly or slot.note for slot in few)


def test_what_people_ask_for_one_by_one_is_no_part_of_it() -> None:
    slots = [brought(f"metric{number}") for number in range(12)]
    asked = [brought(f"asked{number}", every=1, origin=origin) for number, origin in enumerate(("script", "person"))]
    run([*slots, *asked], 20e-6)
    run([*slots, *asked], 20e-6)
    assert {slot.effective_every for slot in asked} == {1}
    assert not any(slot.jointly for slot in asked)
    assert "together have cost 24% of" in slots[0].note


@pytest.mark.parametrize("share", [0.005, 0.008])
def test_up_to_two_budgets_each_runs_as_often_as_it_was_to(share: float) -> None:
    slots = [brought(f"metric{number}") for number in range(12)]
    run(slots, share * 10 * STEP)
    run(slots, share * 10 * STEP)
    assert {slot.effective_every for slot in slots} == {10}


def test_where_a_step_takes_a_millisecond_each_is_judged_by_itself() -> None:
    slots = [brought(f"metric{number}") for number in range(12)]
    run(slots, 190e-6, step_time=1e-3)
    run(slots, 190e-6, step_time=1e-3)
    assert {slot.effective_every for slot in slots} == {10}


@pytest.mark.parametrize("long", [0.1, 0.3])
def test_one_that_takes_very_long_leaves_the_others_their_part(long: float) -> None:
    slots = [brought(f"metric{number}") for number in range(4)]
    dear = brought("dear")
    run([dear], long, [*slots, dear])  # a hundred times what ten steps take, and more
    run(slots, 10e-6, [*slots, dear])
    assert {slot.effective_every for slot in slots} == {10}
    assert dear.effective_every >= 10_000
