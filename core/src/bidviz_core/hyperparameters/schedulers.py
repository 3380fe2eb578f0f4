"""Who else writes an optimizer's settings: learning-rate schedulers, found by what they leave behind or hold on to."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from weakref import ref

#: What a scheduler keeps; one that holds the optimizer and one of these is taken for one.
_NOTES = ("_last_lr", "last_epoch", "base_lrs")
_MOMENTA = ("momentum", "betas[0]")
#: A search among all objects lasts the longer the more there are (30 ms and more with torch loaded), and the training
#: waits for it: however often it is wished for, the next one comes after so many times what the last one took.
_REST = 100


@dataclass(frozen=True)
class _Search:
    """What a search for an optimizer's schedulers gave; it keeps none of them alive."""

    optimizer: ref[Any]
    found: tuple[ref[Any], ...]
    noted: bool
    until: float


class Schedulers:
    """Says whether a scheduler writes a setting of an optimizer.

    Args:
        given: schedulers that the script named.
        clock: the time in seconds.
    """

    def __init__(self, given: Iterable[Any] = (), clock: Callable[[], float] = perf_counter) -> None:
        self.given = tuple(given)
        self._clock = clock
        self._searches: dict[int, _Search] = {}
        #: By the optimizer's id: whether a scheduler was found that leaves no notes in the groups.
        self._found: dict[int, bool] = {}

    def writes(self, optimizer: Any, setting: str) -> bool:
        """Whether a scheduler is known that writes a setting; quick, so it misses what `look` has not found yet."""
        groups = optimizer.param_groups
        if setting == "lr":
            if _noted(optimizer) or self._found.get(id(optimizer), False):
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

    def of(self, optimizer: Any) -> list[Any]:
        """The schedulers of an optimizer, without those that another one drives.

        They are searched for among all objects; what was found is taken again for a while, as long as it is all there
        and the optimizer's groups tell of no scheduler that has come since.
        """
        found = [one for one in self.given if getattr(one, "optimizer", None) is optimizer]
        if not found:
            known = self._known(optimizer)
            found = self._search(optimizer) if known is None else known
        driven = {id(inner) for one in found for inner in getattr(one, "_schedulers", ())}
        return [one for one in found if id(one) not in driven]

    def _known(self, optimizer: Any) -> list[Any] | None:
        last = self._searches.get(id(optimizer))
        if last is None or last.optimizer() is not optimizer or self._clock() >= last.until:
            return None
        found = [one() for one in last.found]
        return None if None in found or last.noted != _noted(optimizer) else found

    def _search(self, optimizer: Any) -> list[Any]:
        began = self._clock()
        found: list[Any] = []
        holders = gc.get_referrers(optimizer)
        # One search for the owners of all dicts that can be a scheduler's; most that hold an optimizer are others'.
        notes = [one for one in holders if type(one) is dict and _is_whole(one, optimizer)]
        for one in [*holders, *(gc.get_referrers(*notes) if notes else ())]:
            own = getattr(one, "__dict__", None)
            is_one = type(own) is dict and _is_whole(own, optimizer) and callable(getattr(one, "step", None))
            if is_one and not any(one is other for other in found):
                found.append(one)
        ended = self._clock()
        try:
            refs = tuple(ref(one) for one in found)
            until = ended + _REST * (ended - began)
            self._searches[id(optimizer)] = _Search(ref(optimizer), refs, _noted(optimizer), until)
        except TypeError:  # one that cannot be held weakly: it is searched for each time
            self._searches.pop(id(optimizer), None)
        return found


def _is_whole(notes: dict[Any, Any], optimizer: Any) -> bool:
    """Whether these are the attributes of a scheduler that can be run ahead."""
    return notes.get("optimizer") is optimizer and "_last_lr" in notes


def _noted(optimizer: Any) -> bool:
    return any("initial_lr" in group for group in optimizer.param_groups)


def _is_scheduler(one: Any, optimizer: Any) -> bool:
    notes = one if type(one) is dict else getattr(one, "__dict__", None)
    if type(notes) is not dict:
        return False
    return notes.get("optimizer") is optimizer and any(note in notes for note in _NOTES)
