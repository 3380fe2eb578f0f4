"""The built-in accuracy, wherever the scores of the classes lie."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

import bidviz_core as bidviz
from bidviz_core.default_plugins.metrics import accuracy
from bidviz_core.values import Nothing


@pytest.mark.parametrize("flattened", [False, True])
def test_the_accuracy_of_tokens_and_of_what_is_padded(tmp_path: Path, flattened: bool) -> None:
    model = nn.Embedding(5, 5)
    with torch.no_grad():
        model.weight.copy_(torch.eye(5))
    tokens = torch.tensor([[0, 1, 2], [3, 4, 0]])
    targets = torch.tensor([[0, 1, 3], [3, -100, -100]])  # three of the four that count
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with bidviz.watch(model, optimizer, dashboard=None, plugins=(), run_dir=tmp_path) as session:
        for _ in range(10):
            optimizer.zero_grad()
            scores = model(tokens)
            if flattened:
                loss = nn.functional.cross_entropy(scores.view(-1, 5), targets.view(-1))
            else:
                loss = nn.functional.cross_entropy(scores.transpose(1, 2), targets)
            loss.backward()
            optimizer.step()
        assert session.history("accuracy").value.tolist() == [0.75]


def test_the_accuracy_where_the_classes_lie_along_the_second_dimension() -> None:
    scores = torch.zeros(2, 3, 4)
    scores[:, 1] = 1.0
    assert accuracy(scores, torch.tensor([[1, 1, 0, 1], [2, 1, -1, -1]])) == pytest.approx(4 / 6)
    assert accuracy(torch.eye(3), torch.tensor([0, 1, -100])) == 1.0
    assert accuracy(torch.eye(4), torch.tensor([[0, 1], [2, 0]])) == 0.75  # flattened by the model already
    assert isinstance(accuracy(torch.eye(4), torch.tensor([0, 1, 2])), Nothing)
    assert math.isnan(accuracy(torch.eye(2), torch.tensor([-100, -100])))
    assert isinstance(accuracy(torch.zeros(4, 1), torch.zeros(4, 1, dtype=torch.long)), Nothing)
    assert isinstance(accuracy(torch.zeros(2, 3, 4), torch.zeros(5, dtype=torch.long)), Nothing)
