"""The Python snippet: run as it stands it gives, at every step, the value that the run used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bidviz_core.replaying.file import ReplayEntry, ReplayFile, Values
from bidviz_core.replaying.snippet import snippet_of

from .conftest import STEPS, Run


def run_snippet(text: str) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec(compile(text, "<snippet>", "exec"), scope)
    return scope


def entry(number: int, step: int, action: str, kind: str = "hyperparameters", **detail: Any) -> ReplayEntry:
    return ReplayEntry(number=number, step=step, kind=kind, action=action, author="person", detail=detail)


def file_of(entries: list[ReplayEntry], values: list[Values] | None = None, last: int = 50) -> ReplayFile:
    return ReplayFile(bidviz_replay=1, run="abc", name="run", last_step=last, entries=entries, values=values or [])


def test_the_snippet_of_a_run_gives_what_each_update_used(start: Callable[..., Run], tmp_path: Path) -> None:
    used: list[float] = []

    def hand(session: Any, step: int) -> None:
        used.append(session.hyperparameters["lr"])
        if step in (4, 17, 30):
            session.hyperparameters.set("lr", 0.1 / step, author="person")
        if step == 20:
            session.model_changes.apply("scale", "3.*", 0.5)

    run = start()
    run.train(STEPS, hand)
    path = run.session.journal.export(tmp_path / "schedule.py")
    text = path.read_text()
    schedule = run_snippet(text)["schedule"]
    assert [schedule(step).get("lr", 0.1) for step in range(1, STEPS + 1)] == used
    assert "after step 20: scaled by 0.5: 3.weight, 3.bias" in text
    run.session.close()


def test_release_and_scale() -> None:
    text = snippet_of(
        file_of(
            [
                entry(1, 5, "setHyperparameter", name="lr", value=0.5, mode="override"),
                entry(2, 10, "releaseHyperparameter", name="lr"),
                entry(3, 20, "setHyperparameter", name="lr", value=0.25, mode="scale"),
                entry(4, 30, "releaseHyperparameter", name="lr"),
                entry(5, 40, "setHyperparameter", name="lr[1]", value=0.1, mode="override", group=1),
                entry(6, 45, "setHyperparameter", name="lr", value=0.2, mode="override"),
            ]
        )
    )
    scope = run_snippet(text)
    schedule, factors = scope["schedule"], scope["factors"]
    for step in range(1, 51):
        held = {"lr": 0.5} if 6 <= step <= 10 else {"lr[1]": 0.1} if 41 <= step <= 45 else {}
        held = {"lr": 0.2} if step > 45 else held
        assert schedule(step) == held, step
        assert factors(step) == ({"lr": 0.25} if 21 <= step <= 30 else {}), step


@pytest.mark.parametrize(
    ("formula", "function", "is_written"),
    [
        ("lr = 0.1 * 0.5 ** (step / 1000)", lambda step: 0.1 * 0.5 ** (step / 1000), True),
        ("clip(cos(pi * step / 50), 0.1, 1)", None, True),
        ("0.5 if step < 30 else 0.25", lambda step: 0.5 if step < 30 else 0.25, True),
        ("0.1 * ewma('loss', 0.9)", lambda step: 0.1 / (step + 1), False),
        ("0.1 * base", lambda step: 0.2 / (step + 1), False),
        ("9 ** 9 ** 9 * step", lambda step: float(step), False),
        ("().__class__", lambda step: float(step), False),
        ("0.2 * step", lambda step: 0.1 * step, False),  # a bound of its own changed what was applied
    ],
)
def test_a_policy_is_written_as_a_formula_where_that_is_exact(
    formula: str, function: Callable[[float], float] | None, is_written: bool
) -> None:
    import math

    function = function or (lambda step: min(max(math.cos(math.pi * step / 50), 0.1), 1.0))
    steps = list(range(10, 41))
    values: list[tuple[int, float]] = []
    for step in steps:
        value = float(function(float(step)))
        if not values or values[-1][1] != value:
            values.append((step, value))
    recorded = Values(name="lr", steps=[one[0] for one in values], values=[one[1] for one in values])
    entries = [
        entry(1, 10, "armPolicy", "policies", target="lr", formula=formula, mode="override"),
        entry(2, 41, "disarmPolicy", "policies", target="lr"),
    ]
    text = snippet_of(file_of(entries, [recorded]))
    schedule = run_snippet(text)["schedule"]
    for update in range(1, 60):
        expected = {"lr": float(function(float(update - 1)))} if 11 <= update <= 41 else {}
        assert schedule(update) == expected, update
    assert ("_used(" not in text) is is_written


def test_a_pin_stands_over_a_policy_until_it_is_released() -> None:
    steps = list(range(10, 31))
    entries = [
        entry(1, 10, "armPolicy", "policies", target="lr", formula="last('loss')", mode="override"),
        entry(2, 15, "setHyperparameter", name="lr", value=9.0, mode="override"),
        entry(3, 20, "releaseHyperparameter", name="lr"),
        entry(4, 30, "disarmPolicy", "policies", target="lr"),
    ]
    values = Values(name="lr", steps=steps[:-1], values=[step / 7 for step in steps[:-1]])
    schedule = run_snippet(snippet_of(file_of(entries, [values])))["schedule"]
    for update in range(1, 40):
        boundary = update - 1
        expected = {} if not 10 <= boundary < 30 else {"lr": 9.0} if 15 <= boundary < 20 else {"lr": boundary / 7}
        assert schedule(update) == expected, update


def test_many_changes_become_a_table() -> None:
    entries = [entry(number, number * 2, "modifyParam", name="momentum", value=1 / number) for number in range(1, 25)]
    text = snippet_of(file_of(entries))
    schedule = run_snippet(text)["schedule"]
    assert text.count("elif") == 0
    for update in range(1, 60):
        number = min((update - 1) // 2, 24)
        assert schedule(update) == ({"momentum": 1 / number} if number else {})


def test_nothing_done_is_an_empty_schedule() -> None:
    assert run_snippet(snippet_of(file_of([])))["schedule"](3) == {}
