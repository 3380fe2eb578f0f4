"""Reading outputs and targets, whatever they are."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays
from torch import Tensor, nn

import bidviz_core as bidviz
from bidviz_metric_classification.pictures import as_pictures
from bidviz_metric_classification.reading import MOST_EXAMPLES, Reading, read

KINDS = ["float32", "float64", "float16", "int64", "int32", "uint8", "bool"]


def anything(most: int = 3) -> Any:
    shapes = some.lists(some.integers(0, 4), min_size=0, max_size=most).map(tuple)
    return some.tuples(some.sampled_from(KINDS), shapes).flatmap(lambda pair: arrays(*pair)).map(torch.from_numpy)


@settings(deadline=None, max_examples=400)
@given(anything() | some.lists(anything(), max_size=2), anything())
def test_anything_is_read_or_refused_in_a_sentence(outputs: Any, targets: Tensor) -> None:
    try:
        reading = read(outputs, targets, None, {})
    except bidviz.Unavailable:
        return
    assert isinstance(reading, Reading)
    assert len(reading.probabilities) == len(reading.targets) == len(reading.rows)
    assert reading.classes >= 2
    if len(reading.targets):
        assert 0 <= int(reading.targets.min()) <= int(reading.targets.max()) < reading.classes
        assert bool(((reading.probabilities.sum(1) - 1).abs() < 0.02).all())


def test_of_very_many_examples_some_are_looked_at() -> None:
    scores, targets = torch.randn(8, 2000, 3), torch.randint(3, (8 * 2000,))
    reading = read(scores, targets, None, {})
    assert len(reading.targets) == MOST_EXAMPLES
    assert torch.equal(reading.targets, targets[reading.rows])
    assert torch.allclose(reading.probabilities, scores.flatten(0, 1)[reading.rows].softmax(1))
    assert len(reading.rows.unique()) == MOST_EXAMPLES


def test_scores_are_found_among_other_outputs() -> None:
    scores, targets = torch.randn(5, 3), torch.randint(3, (5,))
    for outputs in ({"loss": torch.tensor(1.0), "logits": scores}, (torch.randn(5, 1), [scores])):
        assert torch.allclose(read(outputs, targets, None, {}).probabilities, scores.softmax(1))


def test_numbers_between_0_and_1_may_be_logits() -> None:
    scores, targets = torch.tensor([0.2, 0.7]), torch.tensor([0.0, 1.0])

    class Learner:
        loss_fn = nn.BCEWithLogitsLoss()

    assert read(scores, targets, None, {}).probabilities[:, 1].tolist() == pytest.approx([0.2, 0.7])
    assert read(scores, targets, Learner(), {}).probabilities[:, 1].tolist() == pytest.approx(scores.sigmoid().tolist())
    state: dict[str, Any] = {}
    read(torch.tensor([-3.0, 4.0]), targets, None, state)
    assert read(scores, targets, None, state).probabilities[:, 1].tolist() == pytest.approx(scores.sigmoid().tolist())


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((4, 1, 9, 7), (2, 9, 7)),
        ((4, 3, 9, 7), (2, 9, 7, 3)),
        ((4, 9, 7, 3), (2, 9, 7, 3)),
        ((4, 3, 192, 300), (2, 61, 96, 3)),
    ],
)
def test_pictures_of_all_layouts(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    pictures = as_pictures(torch.rand(shape), torch.tensor([2, 0]))
    assert pictures is not None
    assert pictures.shape == expected
    whole = as_pictures((torch.rand(shape) * 255).to(torch.uint8), torch.tensor([1]))
    assert whole is not None
    assert whole.dtype == torch.uint8


@pytest.mark.parametrize("inputs", [torch.rand(4, 64), torch.rand(4, 5, 8), torch.rand(4, 5, 8, 8), [1, 2], None])
def test_what_is_no_picture_is_not_taken_for_one(inputs: Any) -> None:
    assert as_pictures(inputs, torch.tensor([0])) is None
