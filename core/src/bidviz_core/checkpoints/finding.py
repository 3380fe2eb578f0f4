"""Finds what belongs to a training beside model and optimizers: its schedulers and gradient scalers."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterable
from typing import Any


class Companions:
    """The schedulers and scalers of a training: those given, and those found among all objects of the process.

    A script makes its schedulers before or after `watch`, and torch keeps no list of them. Looking through all objects
    takes some milliseconds, so it is done when a loop begins and not at each checkpoint; nothing is kept alive.

    Args:
        optimizers: the optimizers.
    """

    def __init__(self, optimizers: Iterable[Any]) -> None:
        self._optimizers = tuple(optimizers)
        self._given: tuple[Any, ...] = ()
        self._found: list[weakref.ref[Any]] = []
        self._scalers: list[weakref.ref[Any]] = []
        self.looked = False

    def give(self, schedulers: Iterable[Any]) -> None:
        """Takes the schedulers that `watch` was given."""
        self._given = tuple(schedulers)

    def look(self) -> None:
        """Looks through all objects of the process."""
        self.looked = True
        torch = sys.modules.get("torch")
        if torch is None or not self._optimizers:
            return
        kind, scaler = torch.optim.lr_scheduler.LRScheduler, torch.amp.GradScaler
        schedulers, scalers = [], []
        for one in gc.get_objects():
            # `type(one)`, because asking an object for its `__class__` may run code of its own.
            if issubclass(type(one), kind):
                schedulers.append(one)
            elif issubclass(type(one), scaler):
                scalers.append(one)
        inner = {id(part) for one in schedulers for part in getattr(one, "_schedulers", ())}
        ours = [
            one
            for one in schedulers
            if id(one) not in inner and any(_optimizer_of(one) is optimizer for optimizer in self._optimizers)
        ]
        given = {id(one) for one in self._given}
        self._found = [weakref.ref(one) for one in sorted(ours, key=self._order) if id(one) not in given]
        self._scalers = [weakref.ref(one) for one in scalers if one.is_enabled()]

    def schedulers(self) -> list[Any]:
        """The schedulers, those that were given first."""
        return [*self._given, *(one for ref in self._found if (one := ref()) is not None)]

    def scalers(self) -> list[Any]:
        """The gradient scalers that are in use."""
        return [one for ref in self._scalers if (one := ref()) is not None]

    def _order(self, scheduler: Any) -> tuple[int, str]:
        owner = _optimizer_of(scheduler)
        place = next(index for index, optimizer in enumerate(self._optimizers) if optimizer is owner)
        return place, type(scheduler).__name__


def _optimizer_of(scheduler: Any) -> Any:
    own = getattr(scheduler, "optimizer", None)
    if own is None:  # a ChainedScheduler has none of its own in some versions of torch
        parts = getattr(scheduler, "_schedulers", ())
        own = getattr(parts[0], "optimizer", None) if parts else None
    return own
