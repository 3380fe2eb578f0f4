"""The metrics: what is counted over which batches, how often, drawn how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bidviz_core as bidviz
from bidviz_metric_classification import charts

if TYPE_CHECKING:
    from bidviz_metric_classification.reading import Reading

#: So many of the batches that were looked at count.
WINDOW = 50
#: More classes than this no matrix shows, and no set of curves.
MOST_IN_MATRIX, MOST_CURVES = 200, 50
#: So many of the worst examples are shown.
SHOWN = 16


@bidviz.metric(name="classification/accuracy", every=10, chart=[charts.ACCURACY, charts.NOT_FINITE])
def accuracy(outputs: Any, targets: Any, learner: Any, state: dict[str, Any]) -> dict[str, Any] | None:
    """Share of the batch that is classified right (0 to 1), the mean of it over classes, and what chance would give."""
    from torchmetrics.functional.classification import multiclass_accuracy

    from bidviz_metric_classification.reading import read

    reading = read(outputs, targets, learner, state)
    lost = {"not finite": float(reading.not_finite)}
    if not len(reading.targets):
        return lost
    of_all, of_classes = (
        multiclass_accuracy(*reading[:2], num_classes=reading.classes, average=average, validate_args=False)
        for average in ("micro", "macro")
    )
    commonest = reading.targets.bincount().max() / len(reading.targets)
    return {"all": of_all, "mean of classes": of_classes, "chance": commonest, **lost}


@bidviz.metric(name="classification/confusion", every=20, chart=charts.CONFUSION)
def confusion(outputs: Any, targets: Any, learner: Any, state: dict[str, Any]) -> Any:
    """Examples by true class (rows) and said class (columns), of the last 50 batches looked at."""
    from torchmetrics.classification import MulticlassConfusionMatrix

    from bidviz_metric_classification.reading import read

    reading = read(outputs, targets, learner, state)
    _check_number(reading.classes, MOST_IN_MATRIX, "a matrix shows")
    counted = _running(MulticlassConfusionMatrix, reading, state)
    if counted is None:
        return None
    names = [str(number) for number in range(reading.classes)]
    return bidviz.Matrix(counted, rows=names, columns=names)


@bidviz.metric(name="classification/classes", every=20, chart=[charts.RECALL, charts.PRECISION, charts.F1])
def classes(outputs: Any, targets: Any, learner: Any, state: dict[str, Any]) -> dict[str, float]:
    """Recall, precision and F1 of each class (0 to 1), over the last 50 batches looked at.

    A class that did not come, or was never said, has no value.
    """
    from torchmetrics.classification import MulticlassStatScores

    from bidviz_metric_classification.reading import read

    reading = read(outputs, targets, learner, state)
    _check_number(reading.classes, MOST_CURVES, "curves can be told apart for")
    counted = _running(MulticlassStatScores, reading, state)
    values: dict[str, float] = {}
    for number, (hit, false, _, missed, _) in enumerate([] if counted is None else counted.tolist()):
        values |= {
            f"{name}/{number}": part / whole
            for name, part, whole in (
                ("recall", hit, hit + missed),
                ("precision", hit, hit + false),
                ("f1", 2 * hit, 2 * hit + false + missed),
            )
            if whole
        }
    return values


@bidviz.metric(name="classification/calibration", every=20, chart=[charts.CALIBRATION, charts.GAPS, charts.BINS])
def calibration(outputs: Any, targets: Any, learner: Any, state: dict[str, Any]) -> dict[str, Any]:
    """Expected calibration error (0 to 1) and confidence against accuracy, over the last 20 batches looked at."""
    from bidviz_metric_classification.reading import read
    from bidviz_metric_classification.reliability import judge, remember

    return judge(*remember(read(outputs, targets, learner, state), state))


@bidviz.metric(name="classification/worst", every=100, chart=[charts.WORST, charts.WORST_TABLE])
def worst(inputs: Any, outputs: Any, targets: Any, learner: Any, state: dict[str, Any]) -> dict[str, Any] | None:
    """The examples of the batch whose true class was given the least probability, the worst first, as pictures."""
    from bidviz_metric_classification.pictures import as_pictures, labels, table, worst_rows
    from bidviz_metric_classification.reading import read

    reading = read(outputs, targets, learner, state)
    rows = worst_rows(reading, SHOWN)
    if not len(rows):
        return None
    found: dict[str, Any] = {"examples": table(reading, rows)}
    whole_batch = len(inputs) == reading.examples if hasattr(inputs, "__len__") else False
    pictures = as_pictures(inputs, reading.rows[rows]) if whole_batch else None
    return found if pictures is None else {"pictures": bidviz.Image(pictures, labels(reading, rows)), **found}


def _check_number(number: int, most: int, what: str) -> None:
    if number > most:
        raise bidviz.Unavailable(f"the classifier has {number:,} classes, more than {what} ({most}).")


def _running(kind: Any, reading: Reading, state: dict[str, Any]) -> Any:
    """Counts a batch in, and gives the sum over the last ones; none where there is nothing yet."""
    from torchmetrics.wrappers import Running

    counter = state.get("counter")
    if not len(reading.targets):  # all scores are NaN: what was counted before stands, if anything was
        return None if counter is None else counter.compute()
    if counter is None or state["classes"] != reading.classes:
        options = {"average": None} if kind.__name__ == "MulticlassStatScores" else {}
        counter = Running(kind(reading.classes, validate_args=False, **options), WINDOW)
        state["counter"], state["classes"], state["device"] = counter, reading.classes, None
    if reading.targets.device != state.get("device"):
        counter.to(reading.targets.device)  # a third of a millisecond: it goes through the window's hundred tensors
        state["device"] = reading.targets.device
    counter.update(*reading[:2])
    return counter.compute()
