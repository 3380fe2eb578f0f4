"""What became of a console line."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class ConsoleResult(Struct, frozen=True, kw_only=True):
    """What `session.console.run` gives.

    Args:
        success: whether it ran to its end.
        text: what it printed and the value of its last expression, or the traceback, without colours.
        value: the value of its last expression itself, or none.
        error: what it raised, as one sentence; empty where it raised nothing.
        displays: figures, images and tables, each in its forms by media type.
        step: the step boundary at which it ran.
    """

    success: bool
    text: str
    value: Any = None
    error: str = ""
    displays: list[dict[str, Any]]
    step: int
