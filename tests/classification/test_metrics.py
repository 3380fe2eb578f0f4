"""The metrics of the bundle in real trainings, against scikit-learn and numpy over the same batches."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score, precision_score, recall_score
from support.bundle_sessions import lacks, last, last_value, watching
from torch import Tensor, nn

import bidviz_metric_classification
from bidviz_core.specs import chart_from_dict, chart_to_dict
from bidviz_metric_classification.bins import BINS

METRICS = {metric.name: metric for metric in bidviz_metric_classification.register_metrics()}


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    with watching(tmp_path, bidviz_metric_classification) as watch:
        yield watch


def steps(model: nn.Module, criterion: Any, batches: list[tuple[Tensor, Tensor]], optimizer: Any) -> list[Any]:
    """Trains, and gives what the model said and what was true at each step."""
    seen = []
    for inputs, targets in batches:
        optimizer.zero_grad()
        outputs = model(inputs)
        criterion(outputs, targets).backward()
        optimizer.step()
        seen.append((outputs.detach(), targets))
    return seen


def data(count: int, classes: int = 4, size: int = 32) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    means = torch.randn(classes, 6, generator=generator)
    batches = []
    for _ in range(count):
        # Class 0 comes seldom, so that mean over classes and over examples differ.
        targets = torch.randint(1, 2 * classes, (size,), generator=generator) // 2
        batches.append((means[targets] + torch.randn(size, 6, generator=generator), targets))
    return batches


def expected_calibration(confidence: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """The calibration errors by their definition."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    parts = [
        ((bins == number).mean(), abs(right[bins == number].mean() - confidence[bins == number].mean()))
        for number in range(BINS)
        if (bins == number).any()
    ]
    return sum(share * gap for share, gap in parts), max(gap for _, gap in parts)


@pytest.mark.parametrize("last_layer", ["scores", "logarithms", "probabilities"])
def test_every_number_is_that_of_scikit_learn(watched: Any, last_layer: str) -> None:
    torch.manual_seed(1)
    ends = {"scores": nn.Identity(), "logarithms": nn.LogSoftmax(1), "probabilities": nn.Softmax(1)}
    model = nn.Sequential(nn.Linear(6, 4), ends[last_layer])

    class OfProbabilities(nn.Module):
        def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
            return nn.functional.nll_loss(outputs.log(), targets)

    criterion = {"scores": nn.CrossEntropyLoss(), "logarithms": nn.NLLLoss(), "probabilities": OfProbabilities()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    session = watched(model, optimizer, loss_fn=criterion[last_layer])
    seen = steps(model, criterion[last_layer], data(15), optimizer)
    assert session.failures == []
    assert lacks(session) == {}
    outputs = [torch.softmax(one, 1) if last_layer == "scores" else one for one, _ in seen]
    probabilities = [one.exp() if last_layer == "logarithms" else one for one in outputs]
    truth = np.concatenate([targets.numpy() for _, targets in seen])
    sure = torch.cat(probabilities).double().numpy()
    said = sure.argmax(1)

    final, true = probabilities[-1].argmax(1).numpy(), seen[-1][1].numpy()
    assert last(session, "classification/accuracy/all") == pytest.approx((final == true).mean())
    # Over the classes that came: scikit-learn's balanced accuracy.
    assert last(session, "classification/accuracy/mean of classes") == pytest.approx(
        balanced_accuracy_score(true, final)
    )
    assert last(session, "classification/accuracy/chance") == pytest.approx(np.bincount(true).max() / len(true))
    assert last(session, "classification/accuracy/not finite") == 0

    matrix = last_value(session, "classification/confusion")
    assert matrix.values.tolist() == confusion_matrix(truth, said, labels=range(4)).tolist()
    assert list(matrix.rows) == list(matrix.columns) == ["0", "1", "2", "3"]
    for name, score in (("recall", recall_score), ("precision", precision_score), ("f1", f1_score)):
        values = score(truth, said, average=None, labels=range(4), zero_division=np.nan)
        for number, value in enumerate(values):
            assert last(session, f"classification/classes/{name}/{number}") == pytest.approx(value), name

    error, largest = expected_calibration(sure.max(1), said == truth)
    assert last(session, "classification/calibration/expected error") == pytest.approx(error, abs=1e-5)
    assert last(session, "classification/calibration/largest error") == pytest.approx(largest, abs=1e-5)
    over = sure.max(1).mean() - (said == truth).mean()
    assert last(session, "classification/calibration/overconfidence") == pytest.approx(over, abs=1e-5)
    table = last_value(session, "classification/calibration/bins")
    assert sum(row[1] for row in table.rows) == len(truth)
    gaps = last_value(session, "classification/calibration/gaps")
    assert gaps.tolist() == pytest.approx([row[3] - row[2] if row[1] else 0.0 for row in table.rows], abs=1e-6)

    worst = last_value(session, "classification/worst/examples")
    of_true = probabilities[-1][torch.arange(32), seen[-1][1]]
    assert [row[0] for row in worst.rows] == of_true.argsort()[:16].tolist()
    assert [row[4] for row in worst.rows] == pytest.approx(sorted(of_true.tolist())[:16], rel=1e-5)


def test_only_the_last_batches_count(watched: Any) -> None:
    torch.manual_seed(2)
    model = nn.Linear(6, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.CrossEntropyLoss()
    session = watched(model, optimizer, loss_fn=criterion)
    seen = steps(model, criterion, data(60), optimizer)[-50:]
    truth = torch.cat([targets for _, targets in seen]).numpy()
    said = torch.cat([outputs.argmax(1) for outputs, _ in seen]).numpy()
    matrix = last_value(session, "classification/confusion")
    assert matrix.values.tolist() == confusion_matrix(truth, said, labels=range(4)).tolist()


@pytest.mark.parametrize("criterion", [nn.BCEWithLogitsLoss(), nn.BCELoss()])
def test_two_classes_may_come_as_one_number(watched: Any, criterion: nn.Module) -> None:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(6, 1), *([nn.Sigmoid()] if isinstance(criterion, nn.BCELoss) else []))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    session = watched(model, optimizer, loss_fn=criterion)
    batches = [(inputs, (targets[:, None] > 1).float()) for inputs, targets in data(10)]
    seen = steps(model, criterion, batches, optimizer)
    outputs, targets = seen[-1]
    chance = outputs if isinstance(criterion, nn.BCELoss) else outputs.sigmoid()
    assert session.failures == []
    assert last(session, "classification/accuracy/all") == pytest.approx(
        float(((chance > 0.5) == targets.bool()).float().mean())
    )
    truth = torch.cat([one for _, one in seen]).flatten().numpy()
    sure = torch.cat([one if isinstance(criterion, nn.BCELoss) else one.sigmoid() for one, _ in seen]).flatten().numpy()
    confidence = np.maximum(sure, 1 - sure)
    error, _ = expected_calibration(confidence, (sure > 0.5) == truth)
    assert last(session, "classification/calibration/expected error") == pytest.approx(error, abs=1e-5)


class Pixels(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs)

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 3, 1)


def test_pictures_pixels_and_padding(watched: Any) -> None:
    """Scores `B × C × H × W`, as for segmentation, where some pixels are not to be judged."""
    torch.manual_seed(4)
    model = Pixels()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.CrossEntropyLoss()
    session = watched(model, optimizer, loss_fn=criterion)
    inputs, targets = torch.randn(2, 1, 8, 8), torch.randint(3, (2, 8, 8))
    targets[:, :2] = -100
    ((outputs, _),) = steps(model, criterion, [(inputs, targets)], optimizer)
    judged = targets >= 0
    assert session.failures == []
    right = (outputs.argmax(1) == targets)[judged].float().mean()
    assert last(session, "classification/accuracy/all") == pytest.approx(float(right))
    expected = confusion_matrix(targets[judged].numpy(), outputs.argmax(1)[judged].numpy(), labels=range(3))
    assert last_value(session, "classification/confusion").values.tolist() == expected.tolist()


def test_the_worst_pictures_are_shown(watched: Any) -> None:
    torch.manual_seed(5)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.CrossEntropyLoss()
    session = watched(model, optimizer, loss_fn=criterion)
    inputs, targets = torch.rand(20, 3, 12, 16), torch.randint(5, (20,))
    ((outputs, _),) = steps(model, criterion, [(inputs, targets)], optimizer)
    order = outputs.softmax(1)[torch.arange(20), targets].argsort()[:16]
    pictures = last_value(session, "classification/worst/pictures")
    assert np.asarray(pictures.data).shape == (16, 12, 16, 3)
    assert np.allclose(
        np.asarray(pictures.data, dtype=np.float32), inputs[order].permute(0, 2, 3, 1).numpy(), atol=1e-3
    )
    first = order[0]
    said = outputs[first].argmax()
    assert pictures.labels[0] == f"{targets[first]}, said {said} ({outputs.softmax(1)[first, said]:.0%})"


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_what_is_no_number_is_left_out_and_counted(watched: Any, kind: torch.dtype) -> None:
    torch.manual_seed(6)
    model = nn.Linear(6, 4).to(kind)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    criterion = nn.CrossEntropyLoss()
    session = watched(model, optimizer, loss_fn=criterion)
    inputs, targets = data(1)[0]
    inputs[3, 0], inputs[7, 1] = math.nan, math.inf
    ((outputs, _),) = steps(model, criterion, [(inputs.to(kind), targets)], optimizer)
    fine = outputs.isfinite().all(1)
    assert int((~fine).sum()) == last(session, "classification/accuracy/not finite") == 2
    right = (outputs.argmax(1) == targets)[fine].float().mean()
    assert last(session, "classification/accuracy/all") == pytest.approx(float(right))
    steps(model, criterion, [(torch.full((5, 6), math.nan).to(kind), targets[:5])], optimizer)
    assert session.failures == []
    assert last(session, "classification/accuracy/not finite") == 5
    assert len(session.history("classification/accuracy/all").step) == 1


def test_what_is_no_classification_says_so(watched: Any) -> None:
    model = nn.Linear(6, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    criterion = nn.MSELoss()
    session = watched(model, optimizer, loss_fn=criterion)
    steps(model, criterion, [(torch.randn(8, 6), torch.randn(8, 1)), (torch.randn(8, 6), torch.zeros(8, 1))], optimizer)
    assert session.failures == []
    assert lacks(session).keys() == METRICS.keys()
    assert "no classification that could be read: outputs of shape (8, 1)" in lacks(session)["classification/accuracy"]


def test_without_targets_it_says_how_to_give_them(watched: Any) -> None:
    model = nn.Linear(6, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    session = watched(model, optimizer)
    steps(model, lambda outputs, targets: outputs.square().mean(), data(2), optimizer)
    assert session.failures == []
    assert "watch(…, loss_fn=criterion)" in lacks(session)["classification/confusion"]


def test_many_classes_have_no_matrix(watched: Any) -> None:
    model = nn.Linear(6, 1000)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss()
    session = watched(model, optimizer, loss_fn=criterion)
    steps(model, criterion, data(2), optimizer)
    assert session.failures == []
    assert lacks(session).keys() == {"classification/confusion", "classification/classes"}
    assert last(session, "classification/accuracy/all") >= 0


def test_a_learner_without_torch_has_none_of_it(watched: Any) -> None:
    with pytest.raises(Exception, match="has no metric for this run"):
        watched({"a": "learner"})


def test_charts_are_plain_data_with_help() -> None:
    for chart in [chart for metric in METRICS.values() for chart in metric.charts]:
        assert "Healthy:" in chart.help
        assert "Sick:" in chart.help
        assert chart.title
        assert chart_from_dict(chart_to_dict(chart)) == chart
