"""The journal: the append-only list of everything that was done to a run."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bidviz_core.messages.notifications import Entry
from bidviz_core.replaying.around import entries_around
from bidviz_core.replaying.exporting import Form, export_to, form_for, text_of
from bidviz_core.store import StoreReader

if TYPE_CHECKING:
    from bidviz_core.session import Session


class Journal:
    """Iterates over entries, oldest first; entries are numbered from 1.

    Args:
        tell: called with each new entry.
        session: the session, whose run's file holds the rest of an export.
    """

    def __init__(self, tell: Callable[[Entry], None], session: Session) -> None:
        self._entries: list[Entry] = []
        self._session = session
        self._lock = threading.Lock()
        self._tell = tell

    def add(
        self,
        step: int,
        author: str,
        action: str,
        summary: str,
        detail: dict[str, Any] | None = None,
        success: bool = True,
    ) -> Entry:
        """Writes an entry.

        Args:
            step: the step at which it took hold.
            author: who did it.
            action: the command's `methodName`, or what happened.
            summary: one line of text.
            detail: what was given, code included.
            success: whether it took hold.
        """
        if self._session.control.before_update:
            detail = {**(detail or {}), "before_update": True}  # done between backward and update, and so is its replay
        with self._lock:
            entry = Entry(
                number=len(self._entries) + 1,
                step=step,
                time=time.time(),
                author=author,
                action=action,
                summary=summary,
                detail=detail or {},
                success=success,
            )
            self._entries.append(entry)
        self._tell(entry)
        return entry

    def export(self, path: str | os.PathLike[str], form: Form | None = None) -> Path:
        """Writes the journal to a file: one that `bidviz.replay(path)` does again, or a snippet of schedules.

        Args:
            path: the file.
            form: `"replay"` or `"python"`; by default what the file's name says (`.py`).

        Raises:
            StoreError: the run's file cannot be read, or this one cannot be written.
        """
        session = self._session
        session.pump.flush()
        text = text_of(StoreReader(session.run_dir), form_for(path, form), list(self), session.step)
        return export_to(path, text)

    def around(self, step: int, within: int | None = None) -> list[Entry]:
        """What changed here: the entries around a step.

        Args:
            step: the step.
            within: how many steps before and after; by default a fiftieth of the steps so far, at least 10, and where
                there is nothing the last entry before.
        """
        return entries_around(list(self._entries), step, within)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Entry:
        return self._entries[index]
