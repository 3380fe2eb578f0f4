"""Records whose value is not a plain number: one row each, compressed where it pays."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from bidviz_core.errors import BidvizError, StoreError
from bidviz_core.frames import pack_frame, unpack_frame
from bidviz_core.records import Record
from bidviz_core.values import HostValue, from_parts, to_parts

#: Bytes from which a frame is worth the time to compress (zlib lets go of the interpreter's lock).
COMPRESS_FROM = 1024
#: Bytes of the largest frame that is kept; SQLite's own limit for a value is 1 GB.
LARGEST = 256 << 20
#: Rows of one statement: at each statement SQLite lets go of the interpreter's lock, which a training then waits for.
ROWS_AT_ONCE = 64
#: How a frame is kept.
PLAIN, DEFLATED = 0, 1

_ROW = "(?, ?, ?, ?, ?)"
_INSERT = f"INSERT INTO arrays (series, step, time, packing, frame) VALUES {_ROW}"
_INSERT_MANY = _INSERT + f", {_ROW}" * (ROWS_AT_ONCE - 1)


class ArrayRow(NamedTuple):
    """A row of the table `arrays`, without its number; `kind` belongs to the series."""

    series: int
    step: int
    time: float
    packing: int
    frame: bytes


def pack_array(record: Record) -> tuple[str, int, bytes]:
    """Packs a record's value.

    Returns:
        The value's kind, how the frame is packed, and the frame.

    Raises:
        StoreError: the value or the step cannot be stored.
    """
    try:
        header, buffers = to_parts(record.value)
        frame = pack_frame(header, buffers)
        fits = -(2**63) <= int(record.step) < 2**63
    except (BidvizError, TypeError, ValueError, OverflowError) as error:
        raise StoreError(f"The value of {record.name} at step {record.step} cannot be stored: {error}") from error
    if not fits:
        raise StoreError(f"{record.name} has a record at step {record.step}; expected a step of at most 64 bits.")
    packing = PLAIN
    if len(frame) >= COMPRESS_FROM:
        small = zlib.compress(frame, 1)
        if len(small) < 0.9 * len(frame):
            packing, frame = DEFLATED, small
    if len(frame) > LARGEST:
        raise StoreError(
            f"The value of {record.name} at step {record.step} has {len(frame) >> 20} MB, and at most "
            f"{LARGEST >> 20} MB are stored; give a summary of it."
        )
    return str(header["kind"]), packing, frame


def unpack_array(packing: int, frame: bytes) -> HostValue:
    """Reads a value back."""
    header, buffers = unpack_frame(zlib.decompress(frame) if packing == DEFLATED else frame)
    return from_parts(header, buffers)


def insert(connection: sqlite3.Connection, rows: Sequence[ArrayRow]) -> None:
    """Inserts rows in their order.

    Args:
        connection: the writer's, in a transaction.
        rows: the rows.
    """
    many = len(rows) - len(rows) % ROWS_AT_ONCE
    for start in range(0, many, ROWS_AT_ONCE):
        connection.execute(_INSERT_MANY, list(chain.from_iterable(rows[start : start + ROWS_AT_ONCE])))
    connection.executemany(_INSERT, rows[many:])


def trim(connection: sqlite3.Connection, surplus: int) -> int:
    """Deletes the oldest arrays, but never a series' last one.

    Args:
        connection: the writer's, in a transaction.
        surplus: bytes to get rid of.

    Returns:
        The bytes of the deleted frames.
    """
    rows = connection.execute(
        "SELECT id, length(frame) FROM arrays WHERE id NOT IN (SELECT max(id) FROM arrays GROUP BY series) ORDER BY id"
    )
    freed, gone = 0, []
    for number, size in rows:
        if freed >= surplus:
            break
        freed += size
        gone.append((number,))
    connection.executemany("DELETE FROM arrays WHERE id = ?", gone)
    return freed


def memory_of(record: Record) -> int:
    """About the bytes a record takes in memory."""
    value = record.value
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    parts = (getattr(value, name, None) for name in ("counts", "edges", "values", "data"))
    return 256 + sum(int(part.nbytes) for part in parts if isinstance(part, np.ndarray))
