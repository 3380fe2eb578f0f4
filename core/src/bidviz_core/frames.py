"""One binary format for everything that has columns: live batches, history, stored arrays.

A frame is `b"BV01"`, a little-endian `uint32` length of the header, the header as JSON padded with spaces to a
multiple of 8, and then the buffers, each starting at a multiple of 8. The header's `"buffers"` lists
`[dtype, shape]` for each, dtypes being numpy's short names (`"<f8"`), so that a browser can lay typed arrays over
the frame without copying or decoding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bidviz_core.errors import BidvizError

MAGIC = b"BV01"
Array = NDArray[Any]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def pack_frame(header: Mapping[str, Any], buffers: Sequence[Array] = ()) -> bytes:
    """Packs a header and numpy arrays into one frame.

    Args:
        header: JSON-able metadata; the key `"buffers"` is added.
        buffers: arrays of any shape with a fixed-size dtype; sent little-endian and in row order.

    Returns:
        The frame.
    """
    arrays = [_wire_order(buffer) for buffer in buffers]
    described = {**header, "buffers": [[array.dtype.str, list(array.shape)] for array in arrays]}
    text = _encode(described)
    text += b" " * (-len(text) % 8)
    parts = [MAGIC, len(text).to_bytes(4, "little"), text]
    for array in arrays:
        data = array.tobytes()
        parts.append(data)
        if len(data) % 8:
            parts.append(b"\0" * (-len(data) % 8))
    return b"".join(parts)


def unpack_frame(frame: bytes | memoryview) -> tuple[dict[str, Any], list[Array]]:
    """Reads a frame back.

    Args:
        frame: what `pack_frame` returned.

    Returns:
        The header without `"buffers"`, and the arrays (read-only views over the frame).

    Raises:
        BidvizError: the bytes are no frame, or are cut short.
    """
    view = memoryview(frame)
    if len(view) < 8 or bytes(view[:4]) != MAGIC:
        raise BidvizError(f"Expected a frame that begins with {MAGIC!r}, got {bytes(view[:4])!r}.")
    end = 8 + int.from_bytes(view[4:8], "little")
    if end > len(view):
        raise BidvizError(f"The frame is cut short: its header ends at {end}, it has {len(view)} bytes.")
    header = _decode(bytes(view[8:end]))
    arrays: list[Array] = []
    for dtype, shape in header.pop("buffers"):
        kind = np.dtype(dtype)
        count = int(np.prod(shape, dtype=np.int64))
        size = count * kind.itemsize
        if end + size > len(view):
            raise BidvizError(f"The frame is cut short: a buffer ends at {end + size}, it has {len(view)} bytes.")
        arrays.append(np.frombuffer(view, kind, count, end).reshape(shape))
        end += size + (-size % 8)
    return header, arrays


def _wire_order(buffer: Array) -> Array:
    if type(buffer) is np.ndarray and buffer.flags.c_contiguous and buffer.dtype.str[0] in "<|":
        return buffer  # as nearly all are
    array = np.ascontiguousarray(buffer)
    if array.shape != np.shape(buffer):
        array = array.reshape(np.shape(buffer))
    return array.astype(array.dtype.newbyteorder("<"), copy=False)
