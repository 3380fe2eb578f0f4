"""Histograms on their way through a session: counted together by the pump, each in its place in the run's file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

import bidviz_core as bidviz
from bidviz_core.histograms import histogram
from bidviz_core.store import StoreReader


def test_a_histogram_of_each_step_arrives_and_is_right(train: Callable[..., Any]) -> None:
    training = train()
    session = training.session
    values = [torch.randn(3_000, generator=torch.Generator().manual_seed(seed)) for seed in range(60)]
    values[7][3] = float("nan")
    values[9].fill_(2.0)
    for one in values:
        training.run(1)
        session.log({"weights": bidviz.Histogram.of(one), "few": bidviz.Histogram.of(one[:5], 3)})
    assert session.pump.flush(60.0)
    for name, bins in (("weights", 64), ("few", 3)):
        records = StoreReader(session.run_dir).arrays(name, count=100)
        assert [record.step for record in records] == list(range(1, 61))
        for record, one in zip(records, values, strict=True):
            expected = histogram(one if name == "weights" else one[:5], bins)
            assert record.value.counts.tolist() == expected.counts.tolist()
            assert record.value.edges.tolist() == expected.edges.tolist()
            assert record.value.nan == expected.nan
    assert session.channel.dropped == 0
    assert StoreReader(session.run_dir).failures() == []


def test_a_value_that_fails_is_told_and_the_histograms_beside_it_arrive(train: Callable[..., Any]) -> None:
    class Gone:
        nbytes = 8

        def resolve(self) -> Any:
            raise RuntimeError("the device is gone")

    training = train()
    session = training.session
    training.run(1)
    ones = [bidviz.Histogram.of(torch.arange(100.0), 10) for _ in range(4)]
    session.log({"a": ones[0], "b": ones[1], "gone": Gone(), "c": ones[2], "d": ones[3]})
    assert session.pump.flush(60.0)
    reader = StoreReader(session.run_dir)
    assert [reader.arrays(name)[0].value.counts.tolist() for name in "abcd"] == [[10] * 10] * 4
    assert "gone" not in reader.series()
