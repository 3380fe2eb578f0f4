"""What changed here: the journal's entries around a step."""

from __future__ import annotations

from collections.abc import Sequence

from bidviz_core.messages.notifications import Entry

#: Without a distance given, entries count that lie within this share of the steps so far, or within so many steps.
_SHARE = 0.02
_LEAST = 10


def entries_around(entries: Sequence[Entry], step: int, within: int | None = None) -> list[Entry]:
    """The entries around a step, in their order.

    Args:
        entries: the journal.
        step: the step.
        within: how many steps before and after; by default a fiftieth of the steps so far, at least 10, and where
            there is nothing the last entry before.
    """
    if within is not None:
        return [entry for entry in entries if abs(entry.step - step) <= within]
    last = max([step, *(entry.step for entry in entries)])
    found = entries_around(entries, step, max(_LEAST, round(last * _SHARE)))
    return found or [entry for entry in entries if entry.step <= step][-1:]
