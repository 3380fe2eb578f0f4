"""Where a run ends whose training went without a word: with the last of its records that reached the file.

The status that was committed with them may be a few steps ahead, since the training went on while they were written.
Nothing is known of those steps, so a page that showed them would not agree with the history beside it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np

from bidviz_core.messages.notifications import Status
from bidviz_core.store.database import SERIES_SHIFT
from bidviz_core.store.rewinds import Rewind, counts
from bidviz_core.store.tail import Block

#: Seconds of training by which a status may be ahead of the records of its own commit. A run in which nothing is
#: recorded at each step is further ahead, and then the status knows better.
_AHEAD = 1.0


def at_its_end(connection: sqlite3.Connection, status: Status, tail: Sequence[Block], rewinds: Sequence[Rewind]) -> int:
    """The last step of a run that is lost.

    Args:
        connection: a reader's.
        status: the last one in the file.
        tail: the blocks that are not in chunks.
        rewinds: where the run was taken back.

    Returns:
        The step of the last record; the status' own where nothing was recorded lately.
    """
    ends = [*_in_tail(tail, rewinds), *(() if rewinds else _in_chunks(connection))]
    last = max(ends, default=None)
    if last is None or (status.step - last) * status.step_time > _AHEAD:
        return status.step
    return last


def _in_tail(tail: Sequence[Block], rewinds: Sequence[Rewind]) -> Iterable[int]:
    for block in tail:
        steps = block.steps[counts(block.steps, block.times, rewinds)]
        if len(steps):
            yield int(np.max(steps))


def _in_chunks(connection: sqlite3.Connection) -> Iterable[int]:
    numbers = connection.execute("SELECT id FROM series WHERE kind = 'scalar'").fetchall()
    for (series,) in numbers:
        row = connection.execute(
            "SELECT last FROM chunks WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1",
            (series << SERIES_SHIFT, (series + 1 << SERIES_SHIFT) - 1),
        ).fetchone()
        if row is not None:
            yield int(row[0])
