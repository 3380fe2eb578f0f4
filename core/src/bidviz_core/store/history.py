"""Reading a series: every record, or as many entries as there is room for, with every spike in them.

Where there are more records than room, an entry stands for a *bucket*: records that follow each other, cut where
steps change, each in exactly one bucket. Up to `2 * NODE` records to an entry are read as they are; beyond, whole nodes
of the pyramid are put into buckets, and only the chunks in which the range begins and ends are read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bidviz_core.records import Floats, Steps
from bidviz_core.store.columns import unpack_integers, unpack_values
from bidviz_core.store.database import SERIES_SHIFT
from bidviz_core.store.rewinds import Rewind, counts
from bidviz_core.store.summary import (
    AXIS_NODE,
    NODE,
    STORED_NODE,
    VALUE_NODE,
    Nodes,
    axis_nodes,
    merge,
    reduce_values,
    value_nodes,
)
from bidviz_core.store.tail import Block

Counts = NDArray[np.int64]


_LEAST, _MOST = -(2**63), 2**63


class Columns(NamedTuple):
    """A stretch of a series, by column.

    Args:
        step: the step of each entry; of a bucket, its first.
        value: the record's value; of a bucket, the mean of its finite values, NaN where it has none.
        low: the least value of the bucket, −Inf included and NaN left out; NaN where it has nothing else.
        high: likewise the greatest.
        nan_count: how many NaN are in it.
        time: seconds since the epoch at `step`.
        counts: how many records are in it; 1 where every record has an entry of its own.
        total: how many records the range has.
        sequence: the last batch that the file held when it was read.
    """

    step: Steps
    value: Floats
    low: Floats
    high: Floats
    nan_count: Counts
    time: Floats
    counts: Counts
    total: int
    sequence: int

    def buffers(self) -> list[Floats]:
        """The columns of a history frame, in its order: step, value, low, high, nan_count, time, all float64."""
        columns = (self.step, self.value, self.low, self.high, self.nan_count, self.time)
        return [column.astype(np.float64, copy=False) for column in columns]


class Chunk(NamedTuple):
    """A chunk's row without its blobs."""

    id: int
    axis: int
    length: int
    first: int
    last: int


def step_range(start: int | None, stop: int | None) -> tuple[int, int]:
    """The first step and the one after the last, where none is the beginning or the end; within 64 bits."""
    first = _LEAST if start is None else min(max(int(start), _LEAST), _MOST - 1)
    end = _MOST if stop is None else min(max(int(stop), _LEAST + 1), _MOST)
    return first, end


def read_history(
    connection: sqlite3.Connection,
    series: int,
    tail: Block | None,
    steps: tuple[int, int],
    points: int | None,
    sequence: int,
    rewinds: Sequence[Rewind] = (),
) -> Columns:
    """Reads a series inside the caller's read transaction.

    Args:
        connection: a reader's.
        series: its number in the file.
        tail: its records that are not in chunks, in step order.
        steps: the first step, and the one after the last.
        points: the most entries to give; every record, if none.
        sequence: the last batch that the file holds.
        rewinds: where the run was taken back; what was left by that is left out.

    Returns:
        The columns, in step order.
    """
    start, stop = steps
    chunks = _chunks(connection, series, start, stop)
    if tail is not None:
        tail = _cut(tail, start, stop)
    most = sum(chunk.length for chunk in chunks) + (len(tail.steps) if tail is not None else 0)
    whole = [start <= chunk.first and chunk.last < stop for chunk in chunks]
    if rewinds:
        # Read record by record: the summaries do not know which of their records count.
        records = _cut(_counting(_records(connection, chunks, tail), rewinds), start, stop)
        if points is None or len(records.steps) <= points:
            return _every_record(records, sequence)
        return _bucket_records(records, points, sequence)
    if points is None or most <= 2 * NODE * points or not any(whole) or _disordered(chunks, tail):
        records = _cut(_records(connection, chunks, tail), start, stop)
        if points is None or len(records.steps) <= points:
            return _every_record(records, sequence)
        return _bucket_records(records, points, sequence)
    return _bucket_nodes(connection, chunks, whole, tail, steps, points, sequence)


def _chunks(connection: sqlite3.Connection, series: int, start: int, stop: int) -> list[Chunk]:
    if stop <= start:
        return []
    rows = connection.execute(
        "SELECT id, axis, count, first, last FROM chunks "
        "WHERE id BETWEEN ? AND ? AND last >= ? AND first <= ? ORDER BY id",
        (series << SERIES_SHIFT, (series + 1 << SERIES_SHIFT) - 1, start, stop - 1),
    )
    return [Chunk(*row) for row in rows]


def _disordered(chunks: Sequence[Chunk], tail: Block | None) -> bool:
    """Whether steps ran back somewhere (a rewind), so that chunks overlap and cannot be read one after the other."""
    previous = _LEAST
    for chunk in chunks:
        if chunk.first < previous:
            return True
        previous = chunk.last
    return tail is not None and len(tail.steps) > 0 and int(tail.steps[0]) < previous


def _records(connection: sqlite3.Connection, chunks: Sequence[Chunk], tail: Block | None) -> Block:
    """All records of the chunks and the tail, in step order."""
    total = sum(chunk.length for chunk in chunks) + (len(tail.steps) if tail is not None else 0)
    steps, times, values = np.empty(total, np.int64), np.empty(total, np.float64), np.empty(total, np.float64)
    at = 0
    for chunk in chunks:
        end = at + chunk.length
        encoding, data, packed_steps, packed_times = connection.execute(
            "SELECT c.encoding, c.data, a.steps, a.times FROM chunks c JOIN axes a ON a.id = c.axis WHERE c.id = ?",
            (chunk.id,),
        ).fetchone()
        unpack_values(encoding, data, values[at:end])
        unpack_integers(packed_steps, steps[at:end])
        unpack_integers(packed_times, times[at:end].view(np.int64))
        at = end
    if tail is not None:
        steps[at:], times[at:], values[at:] = tail.steps, tail.times, tail.values[0]
    if _disordered(chunks, tail):
        order = np.argsort(steps, kind="stable")
        steps, times, values = steps[order], times[order], values[order]
    return Block((), steps, times, values[None])


def _counting(records: Block, rewinds: Sequence[Rewind]) -> Block:
    mask = counts(records.steps, records.times, rewinds)
    return Block(records.series, records.steps[mask], records.times[mask], records.values[:, mask])


def _cut(block: Block, start: int, stop: int) -> Block:
    first = 0 if start <= _LEAST else int(np.searchsorted(block.steps, start, "left"))
    last = len(block.steps) if stop >= _MOST else int(np.searchsorted(block.steps, stop, "left"))
    last = max(first, last)
    return Block(block.series, block.steps[first:last], block.times[first:last], block.values[:, first:last])


def _every_record(records: Block, sequence: int) -> Columns:
    values = records.values[0]
    nan_count = np.isnan(values).astype(np.int64)
    count = np.broadcast_to(np.int64(1), values.shape)
    return Columns(records.steps, values, values, values, nan_count, records.times, count, len(values), sequence)


def _bucket_records(records: Block, points: int, sequence: int) -> Columns:
    starts = _starts(records.steps, points)
    nodes = reduce_values(records.values[0], starts)
    return _columns(records.steps[starts], records.times[starts], nodes, len(records.steps), sequence)


def _bucket_nodes(
    connection: sqlite3.Connection,
    chunks: Sequence[Chunk],
    whole: Sequence[bool],
    tail: Block | None,
    steps: tuple[int, int],
    points: int,
    sequence: int,
) -> Columns:
    first, end = whole.index(True), len(whole) - whole[::-1].index(True)
    inside = chunks[first:end]
    parts = [
        _nodes_of(_cut(_records(connection, chunks[:first], None), *steps)),
        _chunk_nodes(connection, inside) if len(inside) >= points else _stored_nodes(connection, inside),
        _nodes_of(_cut(_records(connection, chunks[end:], tail), *steps)),
    ]
    nodes = np.concatenate([part[0] for part in parts])
    axis = np.concatenate([part[1] for part in parts])
    # Nodes between which a step goes on stay together; each such stretch goes where its first step belongs.
    clean = np.ones(len(axis), bool)
    clean[1:] = axis["last"][:-1] < axis["first"][1:]
    leader = np.maximum.accumulate(np.where(clean, np.arange(len(axis)), 0))
    starts = _starts(axis["first"][leader], points)
    merged = merge(nodes, starts)
    return _columns(axis["first"][starts], axis["time"][starts], merged, int(merged["count"].sum()), sequence)


def _nodes_of(records: Block) -> tuple[Nodes, Nodes]:
    return value_nodes(records.values)[0], axis_nodes(records.steps, records.times)


def _stored_nodes(connection: sqlite3.Connection, chunks: Sequence[Chunk]) -> tuple[Nodes, Nodes]:
    rows = connection.execute(
        "SELECT c.nodes, a.nodes FROM chunks c JOIN axes a ON a.id = c.axis WHERE c.id BETWEEN ? AND ? ORDER BY c.id",
        (chunks[0].id, chunks[-1].id),
    ).fetchall()
    nodes = np.frombuffer(b"".join(row[0] for row in rows), STORED_NODE).astype(VALUE_NODE)
    return nodes, np.frombuffer(b"".join(row[1] for row in rows), AXIS_NODE)


def _chunk_nodes(connection: sqlite3.Connection, chunks: Sequence[Chunk]) -> tuple[Nodes, Nodes]:
    """The upper level of the pyramid: a chunk's row is a node, where there are more chunks than room."""
    rows = connection.execute(
        "SELECT low, high, mean, finite, nan_count, count, time FROM chunks WHERE id BETWEEN ? AND ? ORDER BY id",
        (chunks[0].id, chunks[-1].id),
    ).fetchall()
    numbers = np.array(rows, np.float64)  # SQLite keeps a NaN as NULL, which becomes NaN again here
    nodes, axis = np.empty(len(rows), VALUE_NODE), np.empty(len(rows), AXIS_NODE)
    for column, name in enumerate(VALUE_NODE.names or ()):
        nodes[name] = numbers[:, column]
    axis["first"] = [chunk.first for chunk in chunks]
    axis["last"] = [chunk.last for chunk in chunks]
    axis["time"] = numbers[:, -1]
    return nodes, axis


def _starts(steps: Steps, points: int) -> Counts:
    """Where buckets begin: `points` of equal width between the first and the last step, the empty ones left out."""
    first, last = float(steps[0]), float(steps[-1])
    # In float64, because steps may be any 64-bit numbers; rounding moves a border, and loses nothing.
    width = max((last - first) / points, np.finfo(np.float64).tiny)
    bucket = np.minimum(((steps.astype(np.float64) - first) / width), points - 1).astype(np.int64)
    return np.flatnonzero(np.concatenate(([True], bucket[1:] != bucket[:-1])))


def _columns(steps: Steps, times: Floats, nodes: Nodes, total: int, sequence: int) -> Columns:
    count = nodes["count"].astype(np.int64)
    low, high = np.ascontiguousarray(nodes["low"]), np.ascontiguousarray(nodes["high"])
    value = np.where(count == 1, low, nodes["mean"])
    nan_count = nodes["nan_count"].astype(np.int64)
    return Columns(steps, value, low, high, nan_count, times, count, total, sequence)
