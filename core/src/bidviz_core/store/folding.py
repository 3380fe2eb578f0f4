"""Folding: the tail's rows become chunks, and the pyramid over them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np

from bidviz_core.store.columns import pack_integers, pack_values
from bidviz_core.store.database import SERIES_SHIFT
from bidviz_core.store.summary import NODE, STORED_NODE, axis_nodes, merge_all, value_nodes
from bidviz_core.store.tail import Block, gather, pack_tail, unpack_tail

#: Records that make a chunk: 61 rows to read for a million.
CHUNK = 16_384
#: Bytes of tail at which chunks are made even though they are not full (many series): each read of a series has to
#: pass over the whole tail, and a fold holds it in memory.
TAIL_BYTES = 8 << 20


def fold(connection: sqlite3.Connection, next_chunk: dict[int, int], everything: bool = False) -> list[Block]:
    """Turns what it can of the tail into chunks, inside the caller's transaction.

    Args:
        connection: the writer's.
        next_chunk: the number of each series' next chunk; brought up to date.
        everything: leave nothing in the tail.

    Returns:
        The blocks that stay in the tail, as its only row.
    """
    rows = connection.execute("SELECT frame FROM tail ORDER BY id").fetchall()
    gathered = gather([block for (frame,) in rows for block in unpack_tail(frame)])
    # Deleted first: the pages are used again for the chunks, and the file does not grow by the tail's size.
    connection.execute("DELETE FROM tail")
    left = sum(block.size for block in gathered)
    axes: dict[bytes, int] = {}
    staying = []
    for block in sorted(gathered, key=lambda one: len(one.steps), reverse=True):
        if everything or len(block.steps) >= CHUNK // 2 or left > TAIL_BYTES // 2:
            left -= block.size
            for start, stop in _pieces(len(block.steps)):
                piece = Block(
                    block.series, block.steps[start:stop], block.times[start:stop], block.values[:, start:stop]
                )
                _write_chunks(connection, piece, _axis(connection, piece, axes), next_chunk)
        else:
            staying.append(block)
    if staying:
        connection.execute("INSERT INTO tail (frame) VALUES (?)", (pack_tail(staying),))
    return staying


def _pieces(length: int) -> list[tuple[int, int]]:
    """Cuts a long stretch into chunks of about the same length, at borders of nodes."""
    count = max(1, round(length / CHUNK))
    borders = [length * index // count // NODE * NODE for index in range(count)]
    return list(zip(borders, [*borders[1:], length], strict=True))


def _axis(connection: sqlite3.Connection, block: Block, axes: dict[bytes, int]) -> int:
    """The number of the row that holds the block's steps and times; series recorded at the same moments share it."""
    steps = pack_integers(block.steps)
    times = pack_integers(np.ascontiguousarray(block.times, np.float64).view(np.int64))
    key = steps + times
    if key not in axes:
        nodes = axis_nodes(block.steps, block.times).tobytes()
        row = connection.execute("INSERT INTO axes (nodes, steps, times) VALUES (?, ?, ?)", (nodes, steps, times))
        axes[key] = int(row.lastrowid or 0)
    return axes[key]


def _write_chunks(connection: sqlite3.Connection, block: Block, axis: int, next_chunk: dict[int, int]) -> None:
    nodes = value_nodes(block.values)
    count, first, last, time = len(block.steps), int(block.steps[0]), int(block.steps[-1]), float(block.times[0])
    # All series at once, and one tuple each at the end: a fold of a thousand series must not hold the lock for long.
    summaries = merge_all(nodes)[["low", "high", "mean", "finite", "nan_count"]].tolist()
    stored = nodes.astype(STORED_NODE)
    rows: list[Sequence[object]] = []
    for series, summary, pyramid, (encoding, data) in zip(
        block.series, summaries, stored, pack_values(block.values), strict=True
    ):
        number = next_chunk.get(series, 0)
        next_chunk[series] = number + 1
        chunk = (series << SERIES_SHIFT) | number
        rows.append((chunk, axis, count, first, last, time, *summary, encoding, pyramid.tobytes(), data))
    connection.executemany(f"INSERT INTO chunks VALUES ({', '.join('?' * 14)})", rows)
