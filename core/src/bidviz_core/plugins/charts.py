"""Whether the charts of a bundle name series that exist: one that does not would stay an empty panel."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from bidviz_core.specs import Chart

#: What every run has, or may have.
EVERYWHERE = frozenset({"loss", "lr", "epoch"})


def unknown_series(charts: Iterable[Chart], names: Collection[str]) -> list[str]:
    """Sentences about charts that name a series which nothing gives.

    Args:
        charts: chart specs.
        names: the names of metrics and series that there are.
    """
    known = EVERYWHERE.union(names)
    return [
        f"The chart {chart.title or chart.__struct_config__.tag!r} shows the series {series!r}, which nothing gives."
        for chart in charts
        for series in chart.series
        if not any(_covers(series, name) for name in known)
    ]


def _covers(pattern: str, name: str) -> bool:
    """Whether a name or pattern of a chart can mean a series, or one of the series of a metric."""
    return fnmatchcase(name, pattern) or pattern.startswith(f"{name}/")
