"""The ring that carries plain numbers to the pump, and the channel that makes larger ones."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidviz_core.channel import Channel, PendingRecord
from bidviz_core.ring import Ring


@given(st.lists(st.integers(0, 7), min_size=1, max_size=40))
def test_rows_come_out_as_they_went_in(turns: list[int]) -> None:
    ring = Ring(("a", "b"), rows=8)
    put, came = [], []
    for turn, count in enumerate(turns):
        for number in range(count):
            row = (100 * turn + number, float(turn), (float(number), float("nan")))
            if ring.put(*row):
                put.append(row)
        block = ring.take()
        if block is not None:
            came += list(zip(block.steps.tolist(), block.times.tolist(), block.values.T.tolist(), strict=True))
    assert [(step, moment, first) for step, moment, (first, _) in came] == [(s, m, v[0]) for s, m, v in put]
    assert all(np.isnan(second) for _, _, (_, second) in came)
    assert len(put) == sum(turns), "what was taken leaves room"


def test_a_full_ring_takes_no_more() -> None:
    ring = Ring(("a",), rows=2)
    assert [ring.put(step, 0.0, (1.0,)) for step in range(3)] == [True, True, False]


def test_what_is_no_number_is_not_taken() -> None:
    ring = Ring(("a", "b"))
    with pytest.raises(struct.error):
        ring.put(1, 0.0, (1.0, None))  # type: ignore[arg-type]
    assert ring.take() is None


def test_a_channel_makes_room_and_keeps_the_order() -> None:
    channel = Channel()
    for step in range(1000):
        channel.publish(step, float(step), ("a",), (float(step),))
    blocks, rows, arrays = channel.take()
    assert (rows, arrays) == ([], [])
    assert np.concatenate([block.steps for block in blocks]).tolist() == list(range(1000))
    assert channel.dropped == 0
    channel.publish(1000, 0.0, ("a",), (1.0,))
    assert len(channel.take()[0]) == 1, "the rings that were too small are gone"


def test_names_made_up_as_it_goes_need_no_ring_each() -> None:
    channel = Channel()
    for number in range(1000):
        channel.publish(1, 0.0, (f"loss/{number}",), (1.0,))
    blocks, rows, _ = channel.take()
    assert len(blocks) + len(rows) == 1000
    assert len(rows) > 500


def test_the_first_array_ends_the_rest_of_a_pump_that_had_only_numbers() -> None:
    channel = Channel()
    channel.publish_array(PendingRecord("a", 1, 0.0, np.zeros(1), 8))
    assert not channel.pump_wanted.is_set(), "the next tick is soon"
    channel.pump_rests = True
    channel.publish(1, 0.0, ("b",), (1.0,))
    assert not channel.pump_wanted.is_set()
    channel.publish_array(PendingRecord("a", 2, 0.0, np.zeros(1), 8))
    assert channel.pump_wanted.is_set()
