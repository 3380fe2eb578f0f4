"""The worker's metrics as the training knows them, and how each travels there."""

from __future__ import annotations

from typing import Literal, NamedTuple

import cloudpickle

from bidviz_core.errors import MetricError
from bidviz_core.metrics.definition import Metric
from bidviz_core.worker.messages import Add

#: What belongs to the training process and cannot be copied.
NOT_COPIED = {
    "model": "take params, which are the model's weights, or outputs",
    "optimizer": "take params, grads, updates or hyperparameters",
    "learner": "take params, grads, updates or hyperparameters",
}
#: The worker has a state of each metric's own; nothing is copied for it.
NOT_SENT = frozenset({"state"})
MAX_PICKLE = 16 * 1024 * 1024


class Member(NamedTuple):
    """A metric of the worker's.

    Args:
        metric: the metric.
        order: how it is told to the worker.
        wanted: what has to be copied for it.
    """

    metric: Metric
    order: Add
    wanted: frozenset[str]


def make_member(metric: Metric, number: int) -> Member:
    """Prepares a metric for the worker.

    Args:
        metric: the metric.
        number: a number used once.

    Raises:
        MetricError: it asks for what stays in the training, or cannot be sent.
    """
    for argument in metric.arguments:
        if argument in NOT_COPIED:
            raise MetricError(
                f"The metric {metric.name!r} runs in the worker and asks for {argument!r}, which stays in the training "
                f"process: {NOT_COPIED[argument]}, or use where='training'."
            )
    how, payload = _payload(metric)
    order = Add(number, metric.name, how, payload, metric.code, metric.arguments, metric.pattern)
    return Member(metric, order, frozenset(metric.arguments) - NOT_SENT)


def _payload(metric: Metric) -> tuple[Literal["source", "pickle"], bytes]:
    code = getattr(metric.function, "__code__", None)
    typed = code is not None and code.co_filename == f"<metric {metric.name}>"
    if typed and metric.code and not metric.namespace:
        return "source", metric.code.encode()
    try:
        payload: bytes = cloudpickle.dumps(metric.function)
    except Exception as error:
        raise MetricError(
            f"The metric {metric.name!r} cannot be sent to the worker: {type(error).__name__}: {error}. It refers to "
            "something that cannot be copied: take it as an argument, or use where='training'."
        ) from error
    if len(payload) > MAX_PICKLE:
        raise MetricError(
            f"The metric {metric.name!r} refers to {len(payload) / 1e6:.0f} MB of the script's data, which would be "
            f"copied to the worker as it is now; at most {MAX_PICKLE / 1e6:.0f} MB go along. Take what changes as an "
            "argument (params, inputs, …), or use where='training'."
        )
    return "pickle", payload
