"""What a page of panels needs to be shown elsewhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from bidviz_core.description import PageFile
from bidviz_core.metrics.slot import Slot
from bidviz_core.specs import series_in


def needed_by(page: PageFile, slots: Mapping[str, Slot]) -> list[Slot]:
    """The metrics whose series the panels of a page show, and those that the page brings itself and that live here."""
    found: dict[str, Slot] = {}
    patterns = {pattern for panel in page.panels for pattern in _series(panel)}
    own = {str(metric.get("name")) for metric in page.metrics}
    for name, slot in slots.items():
        series = {name, *slot.series}
        if name in own or any(_fits(pattern, one) for pattern in patterns for one in series):
            found[name] = slot
    return list(found.values())


def without_metrics(page: PageFile, names: Collection[str]) -> PageFile:
    """The page without those metrics of its own that the bundle now brings."""
    kept = tuple(metric for metric in page.metrics if metric.get("name") not in names)
    return msgspec.structs.replace(page, metrics=kept)


def _series(panel: Mapping[str, Any]) -> Iterator[str]:
    chart = panel.get("chart")
    if isinstance(panel.get("metric"), str):
        yield panel["metric"]
    if isinstance(chart, Mapping):
        yield from (one for one in chart.get("series") or () if isinstance(one, str))
        yield from series_in(chart)


def _fits(pattern: str, name: str) -> bool:
    if "*" not in pattern:
        return pattern == name
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None
