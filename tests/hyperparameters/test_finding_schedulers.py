"""The schedulers of an optimizer are searched for among all objects, which a training must not wait for often."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from bidviz_core.hyperparameters.schedulers import Schedulers


class Searches:
    """Counts the walks over all objects, each of which takes a second of the time it gives."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.walks = 0
        self.now = 0.0
        referrers = gc.get_referrers

        def counted(*objects: Any) -> list[Any]:
            self.walks += 1
            self.now += 1.0
            return referrers(*objects)

        monkeypatch.setattr(gc, "get_referrers", counted)


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> Searches:
    """The walks from now on, and the clock that they move."""
    return Searches(monkeypatch)


def _optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD(torch.nn.Linear(2, 2).parameters(), lr=0.1)


def test_however_often_it_is_asked_a_hundredth_of_the_time_goes_to_searching(searches: Searches) -> None:
    schedulers = Schedulers(clock=lambda: searches.now)
    optimizer = _optimizer()
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.9)
    began = searches.now
    for _ in range(1000):
        assert schedulers.of(optimizer) == [scheduler]
        searches.now += 1.0
    assert searches.walks <= (searches.now - began) / 100 + 2


def test_one_search_takes_two_walks_at_most(searches: Searches) -> None:
    optimizer = _optimizer()
    assert Schedulers().of(optimizer) == []
    assert searches.walks == 1  # nothing that holds it looks like a scheduler's attributes
    others = [{"optimizer": optimizer, "number": number} for number in range(20)]
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer)
    decay = lr_scheduler.ExponentialLR(optimizer, 0.9)
    chained = lr_scheduler.ChainedScheduler([decay])
    searches.walks = 0
    found = Schedulers().of(optimizer)
    assert searches.walks <= 2
    assert len(found) == 2
    assert plateau in found
    assert chained in found  # which drives the third
    del others


def test_a_scheduler_that_comes_or_goes_is_noticed_at_once(searches: Searches) -> None:
    schedulers = Schedulers(clock=lambda: searches.now)
    optimizer = _optimizer()
    assert schedulers.of(optimizer) == []
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.9)
    assert schedulers.of(optimizer) == [scheduler]
    optimizer.step()
    del scheduler
    gc.collect()
    scheduler = lr_scheduler.StepLR(optimizer, 5)
    assert schedulers.of(optimizer) == [scheduler]
    schedulers.given = (given := lr_scheduler.LambdaLR(optimizer, lambda step: 1.0),)
    assert schedulers.of(optimizer) == [given]


def test_what_was_found_is_not_kept_alive(searches: Searches) -> None:
    schedulers = Schedulers(clock=lambda: searches.now)
    optimizer = _optimizer()
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.9)
    assert schedulers.of(optimizer) == [scheduler]
    del scheduler
    gc.collect()
    assert schedulers.of(optimizer) == []
