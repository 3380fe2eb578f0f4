"""Where a run was taken back to an earlier step: what it recorded after that step is no part of its history.

The records stay in the file, and the journal says what became of them; a series reads as the training that counts went.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from bidviz_core.messages.notifications import Entry

#: What the journal calls going back.
ACTION = "restoreCheckpoint"


class Rewind(NamedTuple):
    """One time that the run was taken back.

    Args:
        time: when, in seconds since the epoch.
        step: the step it was taken back to.
    """

    time: float
    step: int


def read_rewinds(connection: sqlite3.Connection) -> list[Rewind]:
    """All of a run's, oldest first."""
    # The journal has few entries, and most runs none of these: a look at the text spares decoding.
    rows = connection.execute("SELECT entry FROM journal WHERE instr(entry, ?) ORDER BY number", (f'"{ACTION}"',))
    entries = [msgspec.json.decode(entry, type=Entry) for (entry,) in rows.fetchall()]
    found = [one for one in entries if one.action == ACTION and one.success and "to" in one.detail]
    return [
        Rewind(float(one.detail.get("time", one.time)), int(one.detail["to"]))
        for one in found
        if one.detail.get("from", 0) > one.detail["to"]
    ]


def counts(steps: NDArray[Any], times: NDArray[Any], rewinds: Sequence[Rewind]) -> NDArray[np.bool_]:
    """Which records are part of the history: not those of a stretch that was left by going back."""
    mask = np.ones(len(steps), bool)
    for rewind in rewinds:
        mask &= (times > rewind.time) | (steps <= rewind.step)
    return mask
