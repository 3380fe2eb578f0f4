"""What each hyperparameter was from which update to which: changes by hand over the values of policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from bidviz_core.replaying.file import ReplayEntry, ReplayFile
from bidviz_core.replaying.orders import ends_policy

_SETS = frozenset({"modifyParam", "setHyperparameter", "proposeHyperparameters"})


class Stretch(NamedTuple):
    """A stretch of updates over which somebody held a hyperparameter.

    Args:
        start: the first update, counted from 1.
        stop: the update after the last, or none where it goes on.
        mode: `"override"` or `"scale"`.
        points: the update from which on each value was used, and the value; one alone where it did not change.
        formula: the policy's, where it had one.
        words: who, for a comment.
    """

    start: int
    stop: int | None
    mode: str
    points: tuple[tuple[int, Any], ...]
    formula: str
    words: str


class _Event(NamedTuple):
    """Something that happened to one hyperparameter at a step boundary."""

    step: int
    what: str  # set, release, arm, disarm, value
    entry: ReplayEntry | None
    value: Any = None


class _Holder(NamedTuple):
    """Who holds a hyperparameter, and how."""

    mode: str
    formula: str
    words: str


def timelines(file: ReplayFile) -> dict[str, list[Stretch]]:
    """The stretches of every hyperparameter that was steered; names for all groups come before those of one."""
    events: dict[str, list[_Event]] = {}
    for entry in file.entries:
        for name, event in _events_of(entry, events):
            events.setdefault(name, []).append(event)
    for values in file.values:
        there = events.setdefault(values.name, [])
        there += [_Event(step, "value", None, value) for step, value in zip(values.steps, values.values, strict=True)]
        there.sort(key=lambda event: event.step)  # at one step orders come before policies, and the sort keeps that
    names = sorted(events, key=lambda name: (name.endswith("]"), list(events).index(name)))
    found = {name: _stretches(events[name]) for name in names}
    return {name: stretches for name, stretches in found.items() if stretches}


def _events_of(entry: ReplayEntry, known: Mapping[str, Any]) -> Iterable[tuple[str, _Event]]:
    detail = entry.detail
    name = str(detail.get("name") or "")
    if entry.action in _SETS and "value" in detail:
        yield name, _Event(entry.step, "set", entry, detail["value"])
        for other in known:  # what is set for all groups is no longer another one for one of them
            if other.startswith(f"{name}["):
                yield other, _Event(entry.step, "release", entry)
    elif entry.action == "releaseHyperparameter":
        yield name, _Event(entry.step, "release", entry)
    elif entry.action == "armPolicy":
        yield str(detail.get("target") or ""), _Event(entry.step, "arm", entry)
    elif ended := ends_policy(entry):
        yield ended, _Event(entry.step, "disarm", entry)


def _stretches(events: Sequence[_Event]) -> list[Stretch]:
    pinned: tuple[_Holder, Any] | None = None
    policy: _Holder | None = None
    armed: _Holder | None = None  # in force with its first value; until then the one before is
    applied: Any = None
    points: list[tuple[int, _Holder | None, Any]] = []
    for step, what, entry, value in events:
        if what == "set":
            assert entry is not None
            words = f"entry {entry.number}, {entry.author}"
            pinned = (_Holder(str(entry.detail.get("mode") or "override"), "", words), value)
        elif what == "release":
            pinned = applied = None  # a policy's next value is recorded
        elif what == "arm":
            assert entry is not None
            formula, mode = str(entry.detail.get("formula") or ""), str(entry.detail.get("mode") or "override")
            named = entry.detail.get("policy") or "a policy"
            armed = _Holder(mode, formula, f"entry {entry.number}: {formula or named}")
        elif what == "disarm":
            policy = armed = applied = None
        else:
            policy = armed = armed or _Holder("override", "", "a policy")
            applied = value
        if pinned is not None:
            points.append((step + 1, *pinned))
        elif policy is not None and applied is not None:
            points.append((step + 1, policy, applied))
        else:
            points.append((step + 1, None, None))
    return _joined(points)


def _joined(points: Sequence[tuple[int, _Holder | None, Any]]) -> list[Stretch]:
    """Puts points of one holder together; of several at one update the last counts."""
    last = {update: (holder, value) for update, holder, value in points}
    found: list[tuple[int, _Holder | None, list[tuple[int, Any]]]] = []
    for update, (holder, value) in sorted(last.items(), key=lambda item: item[0]):
        if found and found[-1][1] is holder:
            if holder is not None and found[-1][2][-1][1] != value:
                found[-1][2].append((update, value))
        else:
            found.append((update, holder, [(update, value)]))
    return [
        Stretch(
            start,
            found[index + 1][0] if index + 1 < len(found) else None,
            holder.mode,
            tuple(values),
            holder.formula,
            holder.words,
        )
        for index, (start, holder, values) in enumerate(found)
        if holder is not None
    ]
