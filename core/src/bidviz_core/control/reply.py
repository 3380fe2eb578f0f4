"""The answer to a command."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Reply(Struct, frozen=True):
    """What became of a command.

    Args:
        success: whether it took hold.
        data: the result, or the sentence that says why not.
        step: the step boundary at which it took hold; none where it changed nothing.
    """

    success: bool
    data: Any = ""
    step: int | None = None


#: Given by a handler whose answer comes later, by `session.reply`.
DEFERRED = Reply(True)


class Later(Exception):
    """Raised by a handler that needs something of the coming step; the order is tried again at its boundary.

    Args:
        needs: the metric arguments that the coming step has to keep.
        reason: said when the training is paused and no step comes.
        modules: the pattern of modules whose outputs are needed, if any.
        otherwise: the answer where no step comes, because the run is paused or ends; none says `reason`.
    """

    def __init__(self, needs: frozenset[str], reason: str, modules: Any = None, otherwise: Reply | None = None) -> None:
        super().__init__(reason)
        self.needs = needs
        self.modules = modules
        self.otherwise = otherwise
