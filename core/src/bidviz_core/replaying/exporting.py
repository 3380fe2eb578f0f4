"""Exports a run's journal: from a live session, from a run on disk, or as text for who asks over the wire."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from bidviz_core.errors import StoreError
from bidviz_core.messages.notifications import Entry, RunInfo, Status
from bidviz_core.replaying.file import to_text, write_text
from bidviz_core.replaying.gathering import gather
from bidviz_core.replaying.snippet import snippet_of

Form: TypeAlias = Literal["replay", "python"]


class Reader(Protocol):
    """What an export needs of a run's file."""

    info: RunInfo

    def series(self) -> dict[str, str]:
        """Every series and the kind of its values."""

    def history(self, name: str) -> object:
        """The records of a series."""

    def journal(self) -> list[Entry]:
        """Every entry."""

    def status(self) -> Status:
        """The last status."""


def text_of(reader: Reader, form: Form = "replay", entries: Sequence[Entry] | None = None, step: int = 0) -> str:
    """The text of an export.

    Args:
        reader: of the run's file.
        form: `"replay"`, or `"python"` for a snippet of schedules.
        entries: the journal, where somebody knows it better than the file.
        step: the last step, likewise.

    Raises:
        StoreError: the file cannot be read, or there is no such form.
    """
    if form not in ("replay", "python"):
        raise StoreError(f"A journal is exported as 'replay' or 'python', got {form!r}.")
    written = reader.journal() if entries is None else entries
    file = gather(reader.info, max(step, reader.status().step), written, reader.series(), reader.history)
    return to_text(file) if form == "replay" else snippet_of(file)


def export_to(path: str | os.PathLike[str], text: str) -> Path:
    """Writes an export and gives its path."""
    place = Path(path).expanduser()
    write_text(place, text)
    return place


def form_for(path: str | os.PathLike[str], form: Form | None) -> Form:
    """The form that was asked for, or that the file's name says."""
    return form or ("python" if os.fspath(path).endswith(".py") else "replay")
