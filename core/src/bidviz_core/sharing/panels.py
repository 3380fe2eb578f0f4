"""How a shared metric is drawn: its own charts, or one by what it gives, with help that says what was seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from bidviz_core.errors import StoreError
from bidviz_core.metrics.slot import Slot
from bidviz_core.specs import (
    UNSAID,
    Bar,
    Chart,
    Heatmap,
    HistogramChart,
    ImageGrid,
    Line,
    TableView,
    TextView,
    chart_to_dict,
    unsaid_in,
)
from bidviz_core.store import StoreReader

if TYPE_CHECKING:
    from bidviz_core.session import Session

_BY_KIND: dict[str, type[Chart]] = {
    "scalar": Line,
    "array": Bar,
    "histogram": HistogramChart,
    "matrix": Heatmap,
    "image": ImageGrid,
    "table": TableView,
    "text": TextView,
}


def charts_for(session: Session, slot: Slot) -> list[dict[str, Any]]:
    """The charts of a metric as JSON, each with a help text.

    Args:
        session: the session.
        slot: the metric there.
    """
    metric = slot.metric
    seen = seen_in(session, list(slot.series))
    charts: Sequence[Chart] = metric.charts or (_by_what_it_gives(session, slot),)
    return [chart_to_dict(_with_help(chart, metric.name, seen)) for chart in charts]


def seen_in(session: Session, series: Sequence[str]) -> str:
    """A sentence about what series were in the run, for whoever has no idea of them."""
    least, greatest, gaps, last = math.inf, -math.inf, 0, 0
    for name in series:
        try:
            columns = session.history(name, points=200)
        except StoreError:
            continue
        low, high = columns.low[np.isfinite(columns.low)], columns.high[np.isfinite(columns.high)]
        if len(low):
            least, greatest = min(least, float(low.min())), max(greatest, float(high.max()))
        gaps += int(columns.nan_count.sum())
        last = max(last, int(columns.step[-1]) if len(columns.step) else 0)
    if not last:
        return ""
    run = f"In the run {session.name!r}, up to step {last:,},"
    between = f"it lay between {least:.4g} and {greatest:.4g}" if math.isfinite(least) else "it gave no number"
    return f"{run} {between}{f', and was NaN {gaps} times' if gaps else ''}."


def _by_what_it_gives(session: Session, slot: Slot) -> Chart:
    try:
        session.pump.flush()
        there = StoreReader(session.run_dir).series()
    except StoreError:
        there = {}
    kinds = {there[name] for name in slot.series if name in there}
    kind = kinds.pop() if len(kinds) == 1 else "scalar"
    return _BY_KIND.get(kind, Line)()


def _with_help(chart: Chart, name: str, seen: str) -> Chart:
    text = chart.help.strip()
    if missing := unsaid_in(text):
        # One run does not tell what is healthy, least of all one that diverged: what was seen is told, no more.
        text = f"{text} {seen} {UNSAID.format(missing)}".strip()
    title = chart.title or (name if not chart.series else "")
    return msgspec.structs.replace(chart, help=text, title=title)
