"""Which modules are looked at, along which axis, and what is left of large tensors."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from bidviz_metric_activations.places import evenly, first_tensor, places_in, thinned, units_last


def test_units_are_channels_behind_convolutions_and_features_elsewhere() -> None:
    model = nn.Sequential(
        nn.Conv1d(1, 2, 3),
        nn.BatchNorm1d(2),
        nn.ReLU(),
        nn.Sequential(nn.MaxPool1d(2), nn.Dropout(0.1)),
        nn.Flatten(),
        nn.Linear(4, 4),
        nn.Tanh(),
        nn.Identity(),
        nn.GELU(),
    )
    assert [place.channels_first for place in places_in(model)] == [True, False, False]
    assert places_in(object()) == []
    values = torch.arange(24).reshape(2, 3, 4)
    assert units_last(values, True).shape == (2, 4, 3)
    assert units_last(values, False) is values
    assert units_last(values[0], True).shape == (3, 4)  # batch × features


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(1, 500))
def test_what_is_thinned_is_a_view_that_is_small_enough_and_no_smaller_than_it_must_be(
    shape: list[int], most: int
) -> None:
    values = torch.arange(float(torch.Size(shape).numel())).reshape(shape)
    found = thinned(values, most)
    assert found.numel() <= most
    assert found.numel() >= min(values.numel(), most) / 2 ** len(shape)
    assert found.untyped_storage().data_ptr() == values.untyped_storage().data_ptr()
    assert set(found.flatten().tolist()) <= set(values.flatten().tolist())


def test_of_many_names_some_are_taken_with_the_first_and_the_last() -> None:
    names = [str(number) for number in range(1000)]
    assert evenly(names[:10]) == names[:10]
    found = evenly(names)
    assert len(set(found)) == 60
    assert (found[0], found[-1]) == ("0", "999")


def test_only_dense_numbers_are_looked_at() -> None:
    one = torch.ones(2)
    assert first_tensor((one, "rest")) is one
    assert first_tensor([one]) is one
    for other in (None, (), "text", torch.ones(2, dtype=torch.int64), torch.ones(0), torch.tensor(1.0)):
        assert first_tensor(other) is None
    assert first_tensor(torch.sparse_coo_tensor([[0], [1]], [1.0], (2, 2), check_invariants=False)) is None
