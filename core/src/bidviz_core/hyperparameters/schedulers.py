"""Who else writes an optimizer's settings: learning-rate schedulers, found by what they leave behind or hold on to."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from typing import Any

#: What a scheduler keeps; one that holds the optimizer and one of these is taken for one.
_NOTES = ("_last_lr", "last_epoch", "base_lrs")
_MOMENTA = ("momentum", "betas[0]")


class Schedulers:
    """Says whether a scheduler writes a setting of an optimizer.

    Args:
        given: schedulers that the script named.
    """

    def __init__(self, given: Iterable[Any] = ()) -> None:
        self.given = tuple(given)
        #: By the optimizer's id: whether a scheduler was found that leaves no notes in the groups.
        self._found: dict[int, bool] = {}

    def writes(self, optimizer: Any, setting: str) -> bool:
        """Whether a scheduler is known that writes a setting; quick, so it misses what `look` has not found yet."""
        groups = optimizer.param_groups
        if setting == "lr":
            if any("initial_lr" in group for group in groups) or self._found.get(id(optimizer), False):
                return True
            return any(getattr(one, "optimizer", optimizer) is optimizer for one in self.given)
        if setting in _MOMENTA:
            return any("max_momentum" in group for group in groups)
        return False

    def look(self, optimizer: Any) -> None:
        """Looks for schedulers that leave no notes in the groups (`ReduceLROnPlateau`) among all objects that hold on
        to the optimizer: it takes about 20 ms, so it is done once for a change and not at each step."""
        if self.writes(optimizer, "lr"):
            return
        self._found[id(optimizer)] = any(_is_scheduler(one, optimizer) for one in gc.get_referrers(optimizer))


def _is_scheduler(one: Any, optimizer: Any) -> bool:
    notes = one if type(one) is dict else getattr(one, "__dict__", None)
    if type(notes) is not dict:
        return False
    return notes.get("optimizer") is optimizer and any(note in notes for note in _NOTES)
