"""The trial run of a metric, which records nothing, and what it gave as the page shows it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bidviz_core.errors import MetricError, TrainingStopped
from bidviz_core.metrics.arguments import check_arguments
from bidviz_core.metrics.definition import Metric
from bidviz_core.metrics.failure import NotYet, describe_failure
from bidviz_core.metrics.results import Results, take_results
from bidviz_core.metrics.slot import Slot
from bidviz_core.transfer import to_host, to_host_scalars
from bidviz_core.values import to_parts

if TYPE_CHECKING:
    from bidviz_core.metrics.engine import Engine

_SHOWN = 65_536


def trial(engine: Engine, metric: Metric, step: int, moment: float) -> tuple[Results, dict[str, Any]]:
    """Runs a metric once with every guard and records nothing.

    Returns:
        Its results, and `seconds`, `memory` (bytes, at most at once), `printed` and `changes` (put back).

    Raises:
        MetricError: it failed; with the line and the traceback.
    """
    check_arguments(metric.name, metric.arguments)
    if "series" in metric.arguments and not engine.series.by_metrics:
        # Nobody has asked for other metrics' values yet, so none were kept; they are from here on.
        engine.series.require(True)
        raise NotYet("the values of other metrics come with the next step")
    slot = Slot(metric, ())
    slot.getters = tuple(engine.getter(slot, argument) for argument in metric.arguments)
    try:
        arguments = [get() for get in slot.getters]
        with engine.fence:
            value, changes, printed, seconds, memory = engine.fence.call(metric, arguments, full=True)
            results = take_results(metric.name, value)
    except (TrainingStopped, KeyboardInterrupt, NotYet):
        raise
    except BaseException as error:  # noqa: BLE001 - a fence: it is reported, and the training goes on
        failure = describe_failure(metric, step, error)
        raise MetricError(
            failure.message,
            line=failure.line,
            column=failure.column,
            end_column=failure.end_column,
            traceback=failure.traceback,
        ) from None
    return results, {
        "seconds": seconds,
        "memory": memory,
        "printed": printed,
        "changes": changes,
    }


def describe_trial(name: str, results: Results, about: dict[str, Any], step_time: float) -> dict[str, Any]:
    """The reply to `tryMetric`.

    Args:
        name: the metric's name.
        results: what it gave.
        about: `seconds`, `memory` (bytes), `printed` and `changes` from the engine.
        step_time: the usual seconds a step takes.

    Returns:
        `kind`, `shape` and `value` (a number, names with numbers, or header and buffers to draw it from; numbers that
        JSON has no word for as text), `series`, `cost` in seconds, `share` of the step time at cadence 1, `memory`,
        `printed`, `changes` and a `note`.
    """
    answer: dict[str, Any] = {
        "kind": "none",
        "shape": [],
        "value": None,
        "series": [*results.names, *(series for series, _, _ in results.arrays)],
        "cost": about["seconds"],
        "share": about["seconds"] / step_time if step_time > 0 else 0.0,
        "memory": about["memory"],
        "printed": about["printed"],
        "changes": about["changes"],
        "note": "" if results.names or results.arrays else results.reason or "It gave nothing this time (None).",
    }
    if about["changes"]:
        changed = ", ".join(about["changes"][:4])
        answer["note"] = f"It changed the training ({changed}), which was put back; as a metric it would be set aside."
    if results.names:
        host = [number(value) for value in to_host_scalars([results.values], len(results.names))[:, 0]]
        if results.names == (name,):
            answer.update(kind="scalar", value=host[0])
        else:
            keys = [series.removeprefix(f"{name}/") for series in results.names]
            answer.update(kind="scalars", value={"values": dict(zip(keys, host, strict=True))}, shape=[len(host)])
    if results.arrays:
        _, pending, size = results.arrays[0]
        header, buffers = to_parts(to_host(pending))
        shape = list(buffers[0].shape) if buffers else []
        answer.update(kind=header["kind"], shape=shape)
        if sum(buffer.size for buffer in buffers) <= _SHOWN:
            answer["value"] = {**header, "buffers": [_buffer(buffer) for buffer in buffers]}
        else:
            answer["note"] = answer["note"] or f"{size:,} bytes: too large to draw here; the chart will draw it."
    return answer


def number(value: Any) -> float | str:
    """A number as JSON can carry it."""
    plain = float(value)
    if math.isnan(plain):
        return "NaN"
    if math.isinf(plain):
        return "Infinity" if plain > 0 else "-Infinity"
    return plain


def _buffer(buffer: Any) -> dict[str, Any]:
    flat = buffer.astype(np.float64).ravel()
    data = flat.tolist() if np.isfinite(flat).all() else [number(value) for value in flat]
    return {"dtype": "<f8", "shape": list(buffer.shape), "data": data}
