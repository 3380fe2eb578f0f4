"""Gathers what a replay needs from a run: the journal's entries that still count, and the values of policies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from bidviz_core.messages.notifications import Entry, RunInfo
from bidviz_core.replaying.file import VERSION, ReplayEntry, ReplayFile, Values
from bidviz_core.replaying.kinds import kind_of

#: Series that hold the values a policy applied, each recorded at the step from whose boundary on it was in force.
APPLIED = "hp/"
#: Entries after which the run was at an earlier step.
_BACK = frozenset({"restoreCheckpoint", "restartTraining", "branchCheckpoint"})


def gather(
    info: RunInfo, step: int, entries: Sequence[Entry], series: Iterable[str], history: Callable[[str], Any]
) -> ReplayFile:
    """Makes the file.

    Args:
        info: the run.
        step: its last step.
        entries: its journal.
        series: the names of its series.
        history: gives a series' columns `step`, `value` and `time`.
    """
    # A line that raised may have changed something before it did.
    counting = [entry for entry in entries if entry.success or kind_of(entry.action) == "console"]
    taken, turns = path_taken(counting)
    begins_at, parent = _beginning(taken)
    values = []
    for name in sorted(series):
        if name.startswith(APPLIED):
            target = name.removeprefix(APPLIED)
            columns = history(name)
            ends = [(one.step, one.time) for one in taken if _ends_hold(one, target)]
            steps, numbers = values_in_force(columns.step, columns.value, columns.time, turns, ends)
            if len(steps):
                values.append(Values(name=target, steps=steps.tolist(), values=numbers.tolist()))
    return ReplayFile(
        bidviz_replay=VERSION,
        run=info.id,
        name=info.name,
        started=info.started,
        last_step=step,
        begins_at=begins_at,
        parent=parent,
        versions=info.versions,
        entries=[_entry(one) for one in taken],
        values=values,
    )


def path_taken(entries: Sequence[Entry]) -> tuple[list[Entry], list[tuple[float, int]]]:
    """The entries that led to where the run is, without those that a rewind made undone.

    Returns:
        Those entries, and for each rewind its time and the step it went back to.
    """
    taken: list[Entry] = []
    turns: list[tuple[float, int]] = []
    for entry in entries:
        back = _step_gone_back_to(entry)
        if back is not None:
            saved = _number_of_checkpoint(entry, entries)
            taken = [
                one for one in taken if one.step < back or (one.step == back and (saved is None or one.number <= saved))
            ]
            turns.append((entry.time, back))
        taken.append(entry)
    return taken, turns


def values_in_force(
    steps: Any, values: Any, times: Any, turns: Sequence[tuple[float, int]], ends: Sequence[tuple[int, float]] = ()
) -> tuple[Any, Any]:
    """Steps and values that came to be used: without those that a rewind or, at the same step, a release made undone.

    Args:
        steps: of the recorded values.
        values: the values.
        times: when each was recorded.
        turns: of each rewind the time and the step it went back to.
        ends: the step and time of each entry that gave the hyperparameter back.
    """
    steps, values, times = np.asarray(steps, np.int64), np.asarray(values, np.float64), np.asarray(times)
    kept = np.ones(len(steps), bool)
    for moment, back in turns:
        kept &= ~((steps > back) & (times < moment))
    for step, moment in ends:
        kept &= ~((steps == step) & (times < moment))
    order = np.lexsort((times[kept], steps[kept]))
    steps, values = steps[kept][order], values[kept][order]
    last = np.append(steps[1:] != steps[:-1], True) if len(steps) else np.zeros(0, bool)
    return steps[last], values[last]


def _ends_hold(entry: Entry, target: str) -> bool:
    """Whether an entry gave back what a policy held; a person's pause comes after the policies of its step."""
    if entry.action == "disarmPolicy":
        return entry.detail.get("target") == target
    return entry.action == "releaseHyperparameter" and entry.detail.get("name") == target


def _beginning(entries: Sequence[Entry]) -> tuple[int, str]:
    """The step of another run's checkpoint from which the run went on, and that run; 0 and nothing for most."""
    for entry in entries:
        detail = entry.detail
        if entry.action == "branchCheckpoint" and "checkpoint" in detail:
            return int(detail.get("step", 0)), str(detail.get("name", ""))
        if entry.action == "restoreCheckpoint" and detail.get("from") == 0 and detail.get("to"):
            return int(detail["to"]), str(detail.get("run", ""))
    return 0, ""


def _step_gone_back_to(entry: Entry) -> int | None:
    if entry.action not in _BACK or entry.action == "branchCheckpoint":
        return None  # a branch goes on elsewhere; this run stays where it is
    if entry.action == "restartTraining":
        return 0
    detail = entry.detail
    back = detail.get("step", detail.get("to"))
    return int(back) if isinstance(back, (int, float)) else entry.step


def _number_of_checkpoint(entry: Entry, entries: Sequence[Entry]) -> int | None:
    wanted = entry.detail.get("id")
    for one in entries:
        if one.action == "saveCheckpoint" and wanted is not None and one.detail.get("id") == wanted:
            return one.number
    return None


def _entry(entry: Entry) -> ReplayEntry:
    return ReplayEntry(
        number=entry.number,
        step=entry.step,
        kind=kind_of(entry.action),
        action=entry.action,
        author=entry.author,
        time=entry.time,
        summary=entry.summary,
        detail=entry.detail,
        success=entry.success,
    )
