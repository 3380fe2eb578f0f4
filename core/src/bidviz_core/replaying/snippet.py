"""The journal as a Python snippet of schedules."""

from __future__ import annotations

from bidviz_core.replaying.file import ReplayFile


def snippet_of(file: ReplayFile) -> str:
    """Python source with a function `schedule(step)`."""
    raise NotImplementedError
