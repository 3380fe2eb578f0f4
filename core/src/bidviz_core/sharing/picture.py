"""A plain picture of a bundle's samples as SVG, for where no Chromium can draw its charts."""

from __future__ import annotations

import math
from html import escape

from bidviz_core.description import Description

_WIDTH, _HEIGHT, _EDGE = 640, 240, 40
_COLOURS = ("#2563eb", "#d97706", "#059669", "#dc2626", "#7c3aed", "#0891b2")


def draw_samples(description: Description) -> str:
    """Draws the first few series of numbers as lines; an empty text where there is none."""
    lines = []
    for name, sample in description.samples.items():
        points = [
            (step, float(value))
            for step, value in zip(sample.step, sample.value, strict=True)
            if sample.kind == "scalar" and not isinstance(value, str) and math.isfinite(float(value))
        ]
        if len(points) > 1:
            lines.append((name, points))
    lines = lines[: len(_COLOURS)]
    if not lines:
        return ""
    steps = [step for _, points in lines for step, _ in points]
    values = [value for _, points in lines for _, value in points]
    low, high, first, last = min(values), max(values), min(steps), max(steps)
    across, along = (high - low) or 1.0, (last - first) or 1

    def place(step: int, value: float) -> str:
        x = _EDGE + (step - first) / along * (_WIDTH - 2 * _EDGE)
        y = _HEIGHT - _EDGE - (value - low) / across * (_HEIGHT - 2 * _EDGE)
        return f"{x:.1f},{y:.1f}"

    drawn = []
    for number, (name, points) in enumerate(lines):
        path = " ".join(place(*point) for point in points)
        colour = _COLOURS[number]
        drawn.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
        drawn.append(f'<text x="{_EDGE + 8}" y="{18 + 14 * number}" fill="{colour}">{escape(name)}</text>')
    axes = (
        f'<text x="4" y="{_HEIGHT - _EDGE}">{low:.3g}</text><text x="4" y="{_EDGE}">{high:.3g}</text>'
        f'<text x="{_EDGE}" y="{_HEIGHT - 12}">step {first}</text>'
        f'<text x="{_WIDTH - _EDGE - 40}" y="{_HEIGHT - 12}">step {last}</text>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="11"><rect width="100%" height="100%" fill="white"/>{axes}{"".join(drawn)}</svg>\n'
    )
