"""The journal: the append-only list of everything that was done to a run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from bidviz_core.messages.notifications import Entry


class Journal:
    """Iterates over entries, oldest first; entries are numbered from 1.

    Args:
        tell: called with each new entry.
    """

    def __init__(self, tell: Callable[[Entry], None]) -> None:
        self._entries: list[Entry] = []
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

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Entry:
        return self._entries[index]
