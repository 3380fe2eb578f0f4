"""The pyramid over a series: what a stretch of records holds, so that no zoom has to read them all.

A *node* stands for up to `NODE` records that follow each other; a chunk's row stands for all of its nodes. Lows and
highs count ±Inf as values and leave NaN out, means are over the finite values, NaN are counted: merging nodes gives
what the records themselves would give.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Nodes = NDArray[Any]

#: Records to a node: 0.4 bytes a record on disk, and 78,000 nodes to reduce for ten million records.
NODE = 128

#: What a node knows of its values.
VALUE_NODE = np.dtype(
    [("low", "<f8"), ("high", "<f8"), ("mean", "<f8"), ("finite", "<u4"), ("nan_count", "<u4"), ("count", "<u4")]
)
#: The same on disk, where a node has at most `NODE` records.
STORED_NODE = np.dtype(
    [("low", "<f8"), ("high", "<f8"), ("mean", "<f8"), ("finite", "u1"), ("nan_count", "u1"), ("count", "u1")]
)
#: What a node knows of its steps; shared by all series that were recorded at them.
AXIS_NODE = np.dtype([("first", "<i8"), ("last", "<i8"), ("time", "<f8")])


def value_nodes(rows: Floats, size: int = NODE) -> Nodes:
    """Summarises each row in stretches.

    Args:
        rows: k × n values.
        size: records to a stretch; the last may be shorter.

    Returns:
        k × ⌈n / size⌉ of `VALUE_NODE`.
    """
    rows = np.ascontiguousarray(rows, dtype=np.float64)
    series, length = rows.shape
    whole = length // size
    nodes = np.empty((series, -(-length // size)), VALUE_NODE)
    _summarise(rows[:, : whole * size].reshape(series, whole, size), nodes[:, :whole])
    if whole * size < length:
        _summarise(rows[:, whole * size :].reshape(series, 1, -1), nodes[:, whole:])
    return nodes


def axis_nodes(steps: Integers, times: Floats, size: int = NODE) -> Nodes:
    """Summarises ascending steps and their times in stretches of `size`, as `value_nodes` does values."""
    starts = np.arange(0, len(steps), size)
    nodes = np.empty(len(starts), AXIS_NODE)
    nodes["first"] = steps[starts]
    nodes["last"] = steps[np.minimum(starts + size, len(steps)) - 1]
    nodes["time"] = times[starts]
    return nodes


def merge(nodes: Nodes, starts: Integers) -> Nodes:
    """Merges neighbouring nodes.

    Args:
        nodes: m of `VALUE_NODE`.
        starts: ascending indices, the first 0, at which each merged stretch begins.

    Returns:
        One node for each of `starts`.
    """
    merged = np.empty(len(starts), VALUE_NODE)
    merged["low"] = np.fmin.reduceat(nodes["low"], starts)
    merged["high"] = np.fmax.reduceat(nodes["high"], starts)
    finite = nodes["finite"].astype(np.int64)
    total = np.add.reduceat(finite, starts)
    merged["finite"] = total
    merged["nan_count"] = np.add.reduceat(nodes["nan_count"].astype(np.int64), starts)
    merged["count"] = np.add.reduceat(nodes["count"].astype(np.int64), starts)
    # Weights before the sum, not a division after it: sums of large values overflow, weighted means do not.
    lengths = np.diff(np.append(starts, len(nodes)))
    share = finite / np.repeat(np.maximum(total, 1), lengths)
    mean = np.add.reduceat(np.where(finite > 0, nodes["mean"], 0.0) * share, starts)
    merged["mean"] = np.where(total > 0, mean, np.nan)
    return merged


def merge_all(nodes: Nodes) -> Nodes:
    """Merges each of k rows of `VALUE_NODE` into one node."""
    merged = np.empty(len(nodes), VALUE_NODE)
    merged["low"] = np.fmin.reduce(nodes["low"], axis=1)
    merged["high"] = np.fmax.reduce(nodes["high"], axis=1)
    finite = nodes["finite"].astype(np.int64)
    total = finite.sum(axis=1)
    merged["finite"] = total
    merged["nan_count"] = nodes["nan_count"].sum(axis=1)
    merged["count"] = nodes["count"].sum(axis=1)
    share = finite / np.maximum(total, 1)[:, None]
    mean = (np.where(finite > 0, nodes["mean"], 0.0) * share).sum(axis=1)
    merged["mean"] = np.where(total > 0, mean, np.nan)
    return merged


def reduce_values(values: Floats, starts: Integers) -> Nodes:
    """Summarises the stretches of `values` that begin at `starts` (ascending, the first 0): nodes of any length."""
    finite = np.isfinite(values)
    nodes = np.empty(len(starts), VALUE_NODE)
    nodes["low"] = np.fmin.reduceat(values, starts)
    nodes["high"] = np.fmax.reduceat(values, starts)
    count = np.diff(np.append(starts, len(values)))
    nodes["count"] = count
    if finite.all():
        nodes["finite"], nodes["nan_count"], total = count, 0, count
        plain = values
    else:
        total = np.add.reduceat(finite.astype(np.int64), starts)
        nodes["finite"] = total
        nodes["nan_count"] = np.add.reduceat(np.isnan(values).astype(np.int64), starts)
        plain = np.where(finite, values, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.add.reduceat(plain, starts) / np.maximum(total, 1)
    if not np.isfinite(mean).all():
        mean = np.add.reduceat(plain / np.repeat(np.maximum(total, 1), count), starts)
    nodes["mean"] = np.where(total > 0, mean, np.nan)
    return nodes


def _summarise(rows: Floats, nodes: Nodes) -> None:
    if not rows.size:
        return
    finite = np.isfinite(rows)
    nodes["low"] = np.fmin.reduce(rows, axis=-1)
    nodes["high"] = np.fmax.reduce(rows, axis=-1)
    nodes["count"] = rows.shape[-1]
    if finite.all():
        nodes["finite"], nodes["nan_count"] = rows.shape[-1], 0
        plain, total = rows, np.int64(rows.shape[-1])
    else:
        total = np.count_nonzero(finite, axis=-1)
        nodes["finite"] = total
        nodes["nan_count"] = np.count_nonzero(np.isnan(rows), axis=-1)
        plain = np.where(finite, rows, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = plain.sum(axis=-1) / np.maximum(total, 1)
    if not np.isfinite(mean).all():
        mean = (plain / np.maximum(total, 1)[..., None]).sum(axis=-1)
    nodes["mean"] = np.where(total > 0, mean, np.nan)
