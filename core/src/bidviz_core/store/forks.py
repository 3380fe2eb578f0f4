"""Forked children (DataLoader workers) get a copy of all we hold, and must leave it alone."""

from __future__ import annotations

import os
import sqlite3
import weakref
from typing import Protocol


class Forked(Protocol):
    """Something that has to let go in a forked child."""

    def after_fork(self) -> None:
        """Called in the child, before anything else runs there."""


_holders: weakref.WeakSet[Forked] = weakref.WeakSet()
_hearing = False


def hear_of_forks(holder: Forked) -> None:
    """Sees to it that `holder.after_fork` is called in each child, as long as the holder lives."""
    global _hearing
    _holders.add(holder)
    if not _hearing and hasattr(os, "register_at_fork"):
        _hearing = True
        os.register_at_fork(after_in_child=_tell_all)


def abandon(connection: sqlite3.Connection) -> None:
    """Keeps a connection from ever being closed in this process.

    Closing it in a child could wait forever, since another thread may have held its mutex at the moment of the fork.
    """
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _tell_all() -> None:
    for holder in list(_holders):
        holder.after_fork()
