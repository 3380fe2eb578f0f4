"""Metrics from the browser: try, add, replace, read, enable, disable, remove, save and load."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from bidviz_core.control.reply import Later, Reply
from bidviz_core.errors import MetricError
from bidviz_core.hookspecs import hookimpl
from bidviz_core.messages.commands import (
    AddFunction,
    AddMetric,
    ChangeMetric,
    GetCode,
    LoadMetrics,
    Method,
    Order,
    RemoveMetric,
    ReplaceMetric,
    SaveMetrics,
    TryMetric,
)
from bidviz_core.messages.contents import FileContent, LoadContent, MetricContent
from bidviz_core.metrics.definition import Metric, charts_of
from bidviz_core.metrics.failure import NotYet
from bidviz_core.metrics.slot import saved_form
from bidviz_core.metrics.source import compile_metric
from bidviz_core.metrics.trial import describe_trial
from bidviz_core.specs import KINDS
from bidviz_core.store.saved_metrics import folder_of

if TYPE_CHECKING:
    from bidviz_core.session import Session

#: The report's words for charts, and what they are here.
REPORT_CHARTS = {
    "LineChart": "Line",
    "C3LineChart": "Line",
    "ColumnChart": "HistogramChart",
    "ScatterPlot": "Scatter",
    "VegaLiteChart": "VegaLite",
    "Conv": "ImageGrid",
}


def add_function(session: Session, order: Order) -> Reply:
    """Version 1: adds or replaces a metric."""
    assert isinstance(order.command, AddFunction)
    content = order.command.content
    word = content.type
    kind = REPORT_CHARTS.get(word, word if word in KINDS else "")
    chart = charts_of(kind)
    metric = compile_metric(
        content.code, name=content.name, chart=chart, type=word, namespace=_namespace(session, content.name)
    )
    session.metrics.take(metric, replace=True)
    session.run_while_paused(metric.name)
    _note(session, order, "addFunction", f"metric {metric.name} set", metric)
    return Reply(True, "", session.step)


def try_metric(session: Session, order: Order) -> Reply:
    """Runs a metric once and says what came."""
    assert isinstance(order.command, TryMetric)
    metric = _compile(session, order.command.content)
    try:
        results, about = session.try_metric(metric)
    except NotYet as error:
        raise Later(frozenset(metric.arguments), f"{metric.name}: {error}", metric.modules) from None
    answer = describe_trial(metric.name, results, about, session.report.mean_step_time())
    return Reply(True, {"step": session.step, **answer}, session.step)


def add_metric(session: Session, order: Order) -> Reply:
    """Adds a metric under a name that is free."""
    assert isinstance(order.command, AddMetric)
    metric = _compile(session, order.command.content)
    session.metrics.take(metric)
    waits = session.run_while_paused(metric.name)
    _note(session, order, "addMetric", f"metric {metric.name} added, {_cadence(metric.every)}", metric)
    return Reply(True, {"name": metric.name, "note": waits}, session.step)


def replace_metric(session: Session, order: Order) -> Reply:
    """Replaces a metric."""
    assert isinstance(order.command, ReplaceMetric)
    metric = _compile(session, order.command.content)
    session.metrics.take(metric, replace=True)
    waits = session.run_while_paused(metric.name)
    _note(session, order, "replaceMetric", f"metric {metric.name} replaced", metric)
    return Reply(True, {"name": metric.name, "note": waits}, session.step)


def remove_metric(session: Session, order: Order) -> Reply:
    """Removes a metric; its history stays."""
    assert isinstance(order.command, RemoveMetric)
    name = order.command.content.name
    code = session.metrics[name].code
    session.metrics.remove(name)
    session.journal.add(
        session.step, order.author, "removeMetric", f"metric {name} removed", {"name": name, "code": code}
    )
    return Reply(True, "", session.step)


def change_metric(session: Session, order: Order) -> Reply:
    """Enables, disables, retries, or gives another cadence."""
    assert isinstance(order.command, ChangeMetric)
    content = order.command.content
    enabled = None if content.enabled is UNSET else bool(content.enabled)
    every = None if content.every is UNSET else int(content.every)
    session.metrics.change(content.name, enabled=enabled, every=every)
    what = [] if enabled is None else ["enabled" if enabled else "disabled"]
    what += [] if every is None else [_cadence(every)]
    session.journal.add(
        session.step, order.author, "changeMetric", f"metric {content.name}: {', '.join(what)}", {"name": content.name}
    )
    if enabled:
        session.run_while_paused(content.name)
    return Reply(True, "", session.step)


def get_code(session: Session, order: Order) -> Reply:
    """The source of one metric or of all, as JSON text."""
    assert isinstance(order.command, GetCode)
    content = order.command.content
    name = content.name if content is not None else None
    forms = {key: _code_form(form) for key, form in saved_form(session.metrics.slots)["stats"].items()}
    if name is None:
        return Reply(True, json.dumps(forms))
    if name not in forms:
        raise MetricError(f"There is no metric {name!r}; there are: {', '.join(forms) or 'none'}.")
    return Reply(True, json.dumps(forms[name]))


def save_metrics(session: Session, order: Order) -> Reply:
    """Saves all metrics to a file inside the run's folder."""
    assert isinstance(order.command, SaveMetrics)
    path = session.metrics.save(_file_name(order.command.content))
    session.journal.add(session.step, order.author, "saveMetrics", f"metrics saved to {path.name}", {"file": path.name})
    return Reply(True, "", None)


def load_metrics(session: Session, order: Order) -> Reply:
    """Loads metrics from a file inside the run's folder, or inside that of another run."""
    assert isinstance(order.command, LoadMetrics)
    content = order.command.content
    name = _file_name(content)
    of = content.of if isinstance(content, LoadContent) and content.of != session.id else ""
    loaded, refused = session.metrics.load(name, folder_of(of, session.run_dir.parent) if of else None)
    summary = f"metrics loaded from {name}{f' of run {of}' if of else ''}: {', '.join(loaded) or 'none'}"
    detail = {"file": name, "refused": refused, **({"of": of} if of else {})}
    session.journal.add(session.step, order.author, "loadMetrics", summary, detail)
    if refused and not loaded:
        return Reply(False, "; ".join(refused.values()))
    forms = {key: _code_form(form) for key, form in saved_form(session.metrics.slots)["stats"].items()}
    return Reply(True, json.dumps({"stats": forms, "refused": refused, "loaded": loaded}), session.step)


def _compile(session: Session, content: MetricContent) -> Metric:
    return compile_metric(
        content.code,
        name=content.name,
        every=content.every,
        chart=content.chart,
        where=content.where,
        namespace=_namespace(session, content.name),
    )


def _namespace(session: Session, name: str) -> dict[str, Any] | None:
    """A metric that came with the script is edited among the script's own names."""
    slot = session.metrics.slots.get(name)
    return slot.metric.namespace if slot is not None else None


def _code_form(form: dict[str, Any]) -> dict[str, Any]:
    keys = ("name", "code", "size", "type")
    ui = {key: value for key, value in form.items() if key not in keys}
    return {**{key: form[key] for key in keys}, "ui": ui}


def _file_name(content: str | FileContent) -> str:
    return content if isinstance(content, str) else content.file or content.name


def _cadence(every: int) -> str:
    return "every step" if every == 1 else f"every {every:,} steps"


def _note(session: Session, order: Order, action: str, summary: str, metric: Metric) -> None:
    detail = {"name": metric.name, "code": metric.code, "every": metric.every, "where": metric.where}
    session.journal.add(session.step, order.author, action, summary, detail)


@hookimpl
def register_commands() -> dict[type[Method], Any]:
    """The handlers of this module."""
    return {
        AddFunction: add_function,
        TryMetric: try_metric,
        AddMetric: add_metric,
        ReplaceMetric: replace_metric,
        RemoveMetric: remove_metric,
        ChangeMetric: change_metric,
        GetCode: get_code,
        SaveMetrics: save_metrics,
        LoadMetrics: load_metrics,
    }
