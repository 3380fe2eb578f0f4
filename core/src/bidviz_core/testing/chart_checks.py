"""Checks what is drawn: that every chart names series that there are, and says what healthy and sick look like."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches

from bidviz_core.metrics.definition import Metric
from bidviz_core.specs import UNSAID, Chart, PlotlyFigure, VegaLite, series_in, unsaid_in
from bidviz_core.testing.finding import Finding, note

#: Series that every run has, or any that is trained by torch.
BUILT_IN = frozenset({"loss", "lr", "step_time", "epoch"})
_SHOWN = 6


def check_charts(
    metrics: Sequence[Metric], charts: Sequence[Chart], given: Mapping[str, Collection[str]], built_in: Collection[str]
) -> Iterator[Finding]:
    """Checks the charts of metrics, and those over several of them.

    Args:
        metrics: the metrics.
        charts: the charts over several.
        given: for each metric the series that it gave on the sample learners.
        built_in: the series that were there besides.
    """
    there = {*BUILT_IN, *built_in, *(series for names in given.values() for series in names)}
    silent = sorted(name for name, series in given.items() if not series)
    for metric in metrics:
        if not metric.help:
            yield Finding(
                metric.name,
                "it does not say what it is.",
                'Give its function a docstring: """Global L2 norm of the gradients (dimensionless).""".',
            )
        for own in metric.charts:
            about = f"{metric.name}, {_named(own)}"
            yield from _check_help(about, own)
            yield from _check_series(about, own, there, [metric.name] if metric.name in silent else [])
    for chart in charts:
        yield from _check_help(_named(chart), chart)
        yield from _check_series(_named(chart), chart, there, silent)
        if not series_of(chart):
            yield Finding(_named(chart), "it names no series.", "A chart of register_charts shows what series=… names.")


def check_names(metrics: Sequence[Metric], built_in: Collection[str]) -> Iterator[Finding]:
    """Refuses names that would be somebody else's."""
    seen: set[str] = set()
    for metric in metrics:
        if metric.name in built_in or metric.name in BUILT_IN:
            yield Finding(metric.name, "every run has a metric of this name.", "Give it another: name='…/…'.")
        if metric.name in seen:
            yield Finding(metric.name, "two metrics of the bundle have this name.", "Give one of them another.")
        seen.add(metric.name)


def series_of(chart: Chart) -> list[str]:
    """The names and patterns of series that a chart shows."""
    inside: list[str] = []
    if isinstance(chart, PlotlyFigure):
        inside = list(series_in(chart.figure))
    elif isinstance(chart, VegaLite):
        inside = list(series_in(chart.spec))
    return [*chart.series, *inside]


def matching(pattern: str, names: Collection[str]) -> list[str]:
    """The names that a pattern stands for; `*` is any text, as on the page."""
    if "*" not in pattern:
        return [pattern] if pattern in names else []
    expression = re.compile(".*".join(map(re.escape, pattern.split("*"))))
    return [name for name in names if expression.fullmatch(name)]


def _check_series(about: str, chart: Chart, there: Collection[str], silent: Sequence[str]) -> Iterator[Finding]:
    for pattern in series_of(chart):
        if matching(pattern, there):
            continue
        if any(pattern == name or pattern.startswith((f"{name}/", f"{name}*")) for name in silent):
            yield note(about, f"the series {pattern!r} could not be checked: its metric gave no value.")
            continue
        near = get_close_matches(pattern, there, 1, 0.5)
        shown = sorted(there - BUILT_IN if isinstance(there, set) else there)[:_SHOWN]
        guess = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(shown)}, …."
        yield Finding(about, f"it names the series {pattern!r}, which no metric gives.", guess)


def _check_help(about: str, chart: Chart) -> Iterator[Finding]:
    missing = unsaid_in(chart.help)
    if not missing:
        return
    mend = 'Say it: help="… Healthy: falls, then levels out. Sick: climbs, or jumps."'
    if UNSAID.format(missing) in chart.help:
        yield note(about, f"its help does not say yet what is {missing}.", mend)
    else:
        said = f"its help does not say what {missing} looks like." if chart.help else "it has no help text."
        yield Finding(about, said, mend)


def _named(chart: Chart) -> str:
    kind = str(chart.__struct_config__.tag)
    return f"chart {chart.title!r}" if chart.title else f"chart {kind}"
