"""What is said when a metric fails: one sentence that a person can act on, the line, the traceback."""

from __future__ import annotations

import time
import traceback
from typing import Any

from bidviz_core.errors import MetricError
from bidviz_core.messages.notifications import FailureContent
from bidviz_core.metrics.definition import Metric
from bidviz_core.metrics.interrupt import MetricInterrupted
from bidviz_core.metrics.source import Place, source_place, suggestion


class Unavailable(Exception):
    """Raised by a source that cannot give its argument, and by a bundle's metric that has nothing to say of a learner.

    The text is a sentence that says why, and how it can be had. Of a bundle's metric it is shown beside the metric,
    which is tried again when it is due; a metric that somebody asked for by itself is set aside with it.
    """


class NotYet(Unavailable):
    """The argument comes with the next step."""


def describe_failure(metric: Metric, step: int, error: BaseException) -> FailureContent:
    """Says in one sentence what went wrong, with the line of the metric's source and a traceback without our frames.

    Args:
        metric: the metric that failed.
        step: at which step.
        error: what it raised.
    """
    place = source_place(error, metric.name)
    if isinstance(error, MetricError) and error.line:
        place = Place(error.line, error.column, error.end_column)
    line = place.line
    if isinstance(error, MetricInterrupted):
        message = f"{metric.name} was interrupted by a person at step {step}."
    elif isinstance(error, MetricError):
        message = f"{metric.name} {error}" if str(error)[:1].islower() else str(error)
    elif isinstance(error, Unavailable):
        message = f"{metric.name} cannot have what it asks for: {error}"
    elif isinstance(error, SystemExit):
        message = f"{metric.name} called sys.exit; a metric may not end the training. It was set aside."
    elif isinstance(error, MemoryError):
        elsewhere = "" if metric.where == "worker" else ", or in the worker (where='worker')"
        message = f"{metric.name} ran out of memory. Compute it on less{elsewhere}."
    else:
        text = str(error) or "no message"
        message = f"{metric.name}: {type(error).__name__}: {text[:500]}"
        if near := suggestion(error):
            message = f"{message.rstrip('.')}; did you mean {near!r}?"
    if line is not None and f"line {line}" not in message:
        message = f"{message} (line {line})" if message.endswith("?") else f"{message.rstrip('.')} (line {line})."
    trace = "".join(traceback.format_exception(type(error), error, _user_frames(error)))[-8000:]
    return FailureContent(
        source="metric",
        name=metric.name,
        message=message,
        step=step,
        line=line,
        column=place.column,
        end_column=place.end_column,
        traceback=trace,
        time=time.time(),
    )


def _user_frames(error: BaseException) -> Any:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_HERE):
        trace = trace.tb_next
    return trace


_HERE = __file__.rsplit("metrics", 1)[0]
