"""The tail: records that were committed but do not fill a chunk yet, as they came, many series to a row.

A row of the table `tail` is one frame of blocks. The last one is written again with each commit until it is large
enough, so that a slow run does not pay for a row each half second; folding (`bidviz_core.store.folding`) turns all of
them into chunks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from bidviz_core.frames import pack_frame, unpack_frame
from bidviz_core.records import Floats, Steps


class Block(NamedTuple):
    """Records of series that share their steps, by the series' numbers in the file; `values` is k × n."""

    series: tuple[int, ...]
    steps: Steps
    times: Floats
    values: Floats

    @property
    def size(self) -> int:
        """Bytes of its columns."""
        return self.steps.nbytes + self.times.nbytes + self.values.nbytes


def merge_blocks(blocks: Iterable[Block]) -> list[Block]:
    """Puts blocks of the same series together, and keeps each series' records in the order in which they came."""
    blocks = list(blocks)
    if _disjoint({block.series for block in blocks}):
        groups: dict[tuple[int, ...], list[Block]] = {}
        for block in blocks:
            groups.setdefault(block.series, []).append(block)
        return [_join(series, group) for series, group in groups.items()]
    # A block joins an earlier one only where none of its series came with others in between.
    runs: list[list[Block]] = []
    latest: dict[int, list[Block]] = {}
    for block in blocks:
        run = latest.get(block.series[0])
        if run is None or run[0].series != block.series or any(latest[number] is not run for number in block.series):
            run = []
            runs.append(run)
            latest.update(dict.fromkeys(block.series, run))
        run.append(block)
    return [_join(run[0].series, run) for run in runs]


def pack_tail(blocks: Sequence[Block]) -> bytes:
    """Packs blocks into one frame."""
    buffers = [column for block in blocks for column in block[1:]]
    return pack_frame({"series": [block.series for block in blocks]}, buffers)


def unpack_tail(frame: bytes) -> list[Block]:
    """Reads the blocks of a frame back."""
    header, buffers = unpack_frame(frame)
    return [Block(tuple(series), *buffers[3 * index : 3 * index + 3]) for index, series in enumerate(header["series"])]


def gather(blocks: Sequence[Block]) -> list[Block]:
    """Gives each series exactly one block, its records in step order and those of one step in the order they came.

    Series whose records came in the same blocks stay together and share their steps.

    Args:
        blocks: in the order in which they came.

    Returns:
        Blocks of which no two have a series in common.
    """
    merged = merge_blocks(blocks)
    if not _disjoint([block.series for block in merged]):
        merged = _by_series(merged)
    return [_in_step_order(block) for block in merged]


def records_of(blocks: Sequence[Block], series: int) -> Block | None:
    """One series' records out of many blocks, in step order, or none."""
    parts = [
        Block((series,), block.steps, block.times, block.values[row : row + 1])
        for block in blocks
        for row, number in enumerate(block.series)
        if number == series
    ]
    return _in_step_order(_join((series,), parts)) if parts else None


def _disjoint(groups: Collection[tuple[int, ...]]) -> bool:
    return len({number for series in groups for number in series}) == sum(len(series) for series in groups)


def _join(series: tuple[int, ...], group: Sequence[Block]) -> Block:
    if len(group) == 1:
        return group[0]
    return Block(
        series,
        np.concatenate([block.steps for block in group]),
        np.concatenate([block.times for block in group]),
        np.concatenate([block.values for block in group], axis=1),
    )


def _by_series(blocks: Sequence[Block]) -> list[Block]:
    places: dict[int, list[tuple[int, int]]] = {}
    for index, block in enumerate(blocks):
        for row, number in enumerate(block.series):
            places.setdefault(number, []).append((index, row))
    together: dict[tuple[int, ...], list[int]] = {}
    for number, found in places.items():
        together.setdefault(tuple(index for index, _ in found), []).append(number)
    gathered = []
    for indices, numbers in together.items():
        parts = []
        for at, index in enumerate(indices):
            rows = [places[number][at][1] for number in numbers]
            block = blocks[index]
            parts.append(Block(tuple(numbers), block.steps, block.times, block.values[rows]))
        gathered.append(_join(tuple(numbers), parts))
    return gathered


def _in_step_order(block: Block) -> Block:
    if len(block.steps) < 2 or bool((block.steps[1:] >= block.steps[:-1]).all()):
        return block
    order = np.argsort(block.steps, kind="stable")
    return Block(block.series, block.steps[order], block.times[order], block.values[:, order])
