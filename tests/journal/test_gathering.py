"""What of a journal still counts after a rewind, and which values of policies came to be used."""

from __future__ import annotations

from typing import Any

from bidviz_core.messages.notifications import Entry
from bidviz_core.replaying.around import entries_around
from bidviz_core.replaying.gathering import path_taken, values_in_force


def entry(number: int, step: int, action: str = "modifyParam", **detail: Any) -> Entry:
    return Entry(
        number=number, step=step, time=float(number), author="person", action=action, summary="", detail=detail
    )


def numbers(entries: list[Entry]) -> list[int]:
    return [one.number for one in path_taken(entries)[0]]


def test_entries_after_the_checkpoint_are_undone_by_going_back_to_it() -> None:
    journal = [
        entry(1, 5),
        entry(2, 20),
        entry(3, 20, "saveCheckpoint", id="a"),
        entry(4, 20),
        entry(5, 30),
        entry(6, 20, "restoreCheckpoint", id="a", **{"from": 40, "to": 20}),
        entry(7, 25),
    ]
    assert numbers(journal) == [1, 2, 3, 6, 7]
    assert path_taken(journal)[1] == [(6.0, 20)]


def test_a_restart_undoes_everything_but_what_came_before_the_first_step() -> None:
    journal = [
        entry(1, 0),
        entry(2, 9),
        entry(3, 0, "restoreCheckpoint", id="start", to=0, **{"from": 12}),
        entry(4, 3),
    ]
    assert numbers(journal) == [1, 3, 4]


def test_going_back_twice() -> None:
    journal = [
        entry(1, 10, "saveCheckpoint", id="a"),
        entry(2, 15),
        entry(3, 10, "restoreCheckpoint", id="a", to=10),
        entry(4, 12),
        entry(5, 14, "saveCheckpoint", id="b"),
        entry(6, 16),
        entry(7, 14, "restoreCheckpoint", id="b", to=14),
        entry(8, 18),
        entry(9, 10, "restoreCheckpoint", id="a", to=10),
    ]
    assert numbers(journal) == [1, 9]


def test_values_that_were_undone_or_given_back_at_once_are_left_out() -> None:
    steps, values, times = [1, 2, 3, 2, 4, 4], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [1.0, 2.0, 3.0, 5.0, 6.0, 7.0]
    found = values_in_force(steps, values, times, [(4.0, 1)])
    assert [one.tolist() for one in found] == [[1, 2, 4], [0.1, 0.4, 0.6]]
    found = values_in_force(steps, values, times, [(4.0, 1)], [(4, 8.0)])
    assert [one.tolist() for one in found] == [[1, 2], [0.1, 0.4]]
    assert [one.tolist() for one in values_in_force([], [], [], [])] == [[], []]


def test_around_a_step() -> None:
    journal = [entry(1, 5), entry(2, 100), entry(3, 1000)]
    assert [one.number for one in entries_around(journal, 95)] == [2]
    assert [one.number for one in entries_around(journal, 500)] == [2]
    assert [one.number for one in entries_around(journal, 60, within=60)] == [1, 2]
    assert entries_around([], 3) == []
