"""Packing of columns into blobs: exact to the bit, and read back at memory speed.

Nothing here is entropy-coded: inflating a million values takes longer than the whole read may. What pays is cheaper:
most losses are float32 in a float64's clothes, steps are evenly spaced, and the times of steps differ by little.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bidviz_core.errors import StoreError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Encodings of a row of values: one value for all, float32 that loses nothing, float64.
CONSTANT, SINGLE, DOUBLE = 0, 4, 8

_HEAD = struct.Struct("<BxxxIqQ")  # width, number of exceptions, first, base of the differences
_EXCEPTION = np.dtype([("at", "<u4"), ("difference", "<u8")])


def pack_values(rows: Floats) -> list[tuple[int, bytes]]:
    """Packs each row by itself, in the smallest encoding that gives every bit back.

    Args:
        rows: k × n values, n at least 1.

    Returns:
        k pairs of encoding and blob.
    """
    rows = np.ascontiguousarray(rows, dtype="<f8")
    bits = rows.view(np.int64)
    constant = (bits == bits[:, :1]).all(axis=1)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        singles = rows.astype("<f4")
        exact = (singles.astype("<f8").view(np.int64) == bits).all(axis=1)
    packed = []
    for index in range(len(rows)):
        if constant[index]:
            packed.append((CONSTANT, rows[index, :1].tobytes()))
        elif exact[index]:
            packed.append((SINGLE, singles[index].tobytes()))
        else:
            packed.append((DOUBLE, rows[index].tobytes()))
    return packed


def unpack_values(encoding: int, blob: bytes, out: Floats) -> None:
    """Reads a row of values back.

    Args:
        encoding: as `pack_values` gave it.
        blob: likewise.
        out: where to put the values; its length is the row's.

    Raises:
        StoreError: the encoding is not known, or the blob has another length.
    """
    if encoding == CONSTANT and len(blob) == 8:
        out[:] = np.frombuffer(blob, "<f8")[0]
    elif encoding in (SINGLE, DOUBLE) and len(blob) == encoding * len(out):
        out[:] = np.frombuffer(blob, "<f4" if encoding == SINGLE else "<f8")
    else:
        raise StoreError(
            f"A chunk of {len(out)} values has encoding {encoding} and {len(blob)} bytes: the run's file is damaged."
        )


def pack_integers(values: Integers) -> bytes:
    """Packs whole numbers by their differences.

    The differences are stored relative to one in their middle, in as few bytes each as most of them need; those that
    need more (a pause between two steps) are listed. Any 64-bit numbers come back, as all arithmetic wraps.

    Args:
        values: n numbers, n at least 1.

    Returns:
        The blob.
    """
    bits = np.ascontiguousarray(values, dtype=np.int64).view(np.uint64)
    first = int(values[0])
    differences = np.diff(bits)
    if not len(differences):
        return _HEAD.pack(0, 0, first, 0)
    middle = int(np.partition(differences.view(np.int64), len(differences) // 2)[len(differences) // 2])
    width, base, smallest = 8, 0, 8 * len(differences)
    for candidate in (0, 1, 2, 4):
        span = 256**candidate
        low = (middle - span // 2) % 2**64
        beyond = int(np.count_nonzero(differences - np.uint64(low) >= np.uint64(span)))
        size = candidate * len(differences) + beyond * _EXCEPTION.itemsize
        if size < smallest:
            width, base, smallest = candidate, low, size
    relative = differences - np.uint64(base)
    if width == 8:
        return _HEAD.pack(8, 0, first, base) + relative.astype("<u8").tobytes()
    at = np.flatnonzero(relative >= np.uint64(256**width))
    exceptions = np.empty(len(at), _EXCEPTION)
    exceptions["at"] = at
    exceptions["difference"] = differences[at]
    body = relative.astype(f"<u{width}").tobytes() if width else b""
    return _HEAD.pack(width, len(at), first, base) + exceptions.tobytes() + body


def unpack_integers(blob: bytes, out: Integers) -> None:
    """Reads packed whole numbers back.

    Args:
        blob: what `pack_integers` gave.
        out: where to put them; its length is theirs.

    Raises:
        StoreError: the blob has another length.
    """
    width, exceptions, first, base = _HEAD.unpack_from(blob) if len(blob) >= _HEAD.size else (0, 0, 0, 0)
    start = _HEAD.size + exceptions * _EXCEPTION.itemsize
    if len(blob) != start + width * (len(out) - 1):
        raise StoreError(f"A column of {len(out)} steps has {len(blob)} bytes: the run's file is damaged.")
    bits: NDArray[Any] = out.view(np.uint64)
    bits[0] = first % 2**64
    if width:
        np.add(np.frombuffer(blob, f"<u{width}", offset=start), np.uint64(base), out=bits[1:])
    else:
        bits[1:] = base
    if exceptions:
        listed = np.frombuffer(blob, _EXCEPTION, exceptions, _HEAD.size)
        bits[1 + listed["at"].astype(np.int64)] = listed["difference"]
    np.cumsum(bits, out=bits)
