"""How the gallery writes numbers and requirements."""

from __future__ import annotations

from datetime import UTC, datetime

from packaging.requirements import InvalidRequirement, Requirement

from bidviz_core.description import DescribedMetric, Description


def write_size(size: int) -> str:
    """Bytes with an SI prefix: `12.3 kB`."""
    if size < 1000:
        return f"{size} B"
    value, unit = (size / 1e3, "kB") if size < 1e6 else (size / 1e6, "MB")
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:,.0f} {unit}"


def write_day(changed: int) -> str:
    """A day, from nanoseconds since 1970: `2026-11-26`."""
    return datetime.fromtimestamp(changed / 1e9, UTC).strftime("%Y-%m-%d")


def write_time(microseconds: float) -> str:
    """A duration of three digits: `12.3 µs`, `4.56 ms`."""
    for limit, factor, unit in ((1e3, 1.0, "µs"), (1e6, 1e3, "ms")):
        if microseconds < limit:
            return f"{microseconds / factor:.3g} {unit}"
    return f"{microseconds / 1e6:.3g} s"


def write_cost(metric: DescribedMetric) -> str:
    """What one value of a metric takes; a text that says so where nobody measured it."""
    if metric.cost is None:
        return "not measured"
    text = write_time(metric.cost)
    if metric.share is not None:
        text += f" ({metric.share * 100:.2g} % of a step)"
    return text


def write_whole_cost(description: Description) -> str:
    """What all metrics of a bundle take at their own cadences, of a step of the learner they were measured on."""
    measured = [metric for metric in description.metrics if metric.share is not None]
    if not measured or len(measured) < len(description.metrics):
        return ""
    share = sum((metric.share or 0.0) / max(1, metric.every) for metric in measured)
    where = ", ".join(sorted({metric.cost_on for metric in measured if metric.cost_on}))
    return f"{share * 100:.2g} % of a step" + (f" ({where})" if where else "")


def count(number: int, word: str) -> str:
    """A number with its word: `1 metric`, `3 metrics`, `2 policies`."""
    if number == 1:
        return f"1 {word}"
    return f"{number:,} {word[:-1]}ies" if word.endswith("y") else f"{number:,} {word}s"


def write_needs(requires: tuple[str, ...]) -> list[tuple[str, str]]:
    """What a bundle needs beside BIDViz itself and without its extras.

    Returns:
        Names with what is asked of their versions.
    """
    needs = []
    for text in requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            needs.append((text[:100], "cannot be read"))
            continue
        if "extra ==" in str(requirement.marker or ""):
            continue
        asked = str(requirement.specifier) + (f" if {requirement.marker}" if requirement.marker else "")
        if requirement.url:
            asked = f"from {requirement.url[:200]}"
        needs.append((requirement.name, asked))
    return needs
