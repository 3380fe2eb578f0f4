"""Writes the bundle of the tests of sharing, and installs its wheel into a folder of the test."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from bidviz_core.description import FILE, DescribedMetric, Description, PageFile, Sample, encode_description
from bidviz_core.specs import Line

NAME = "bidviz-metric-attended"
PACKAGE = "bidviz_metric_attended"

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "{version}"
description = "Norms of an attention model's head"
license = "MIT"
dependencies = {needs}

[project.entry-points.bidviz]
attended = "{package}"

[tool.hatch.build.targets.wheel]
packages = ["src/{package}"]
"""

CODE = '''
"""Norms of the head."""

import bidviz_core as bidviz


@bidviz.metric(chart=bidviz.Line(title="Head norm", help="Healthy: grows slowly. Sick: explodes."))
def head_norm(params):
    """L2 norm of the head's weight (dimensionless)."""
    return params["head.weight"].norm() * {factor}


@bidviz.hookimpl
def register_metrics():
    return [head_norm]


@bidviz.hookimpl
def register_charts():
    return [bidviz.Line(title="Head and loss", series=("head_norm", "loss"))]
'''


def panel(title: str, series: list[str], place: tuple[int, int, int, int]) -> dict[str, Any]:
    """A panel of a page file."""
    chart = {"bidviz_chart": 1, "kind": "Line", "title": title, "series": series}
    return {"chart": chart, **dict(zip("xywh", place, strict=True))}


PAGES: dict[str, Any] = {
    "attention.json": {
        "bidviz_page": 1,
        "title": "Attention",
        "help": "What to watch first.",
        "when": ["*.MultiheadAttention"],
        "panels": [panel("Head and loss", ["head_norm", "loss"], (0, 0, 8, 6)), panel("Head norm", [], (8, 0, 4, 6))],
    },
    "pictures.json": {"bidviz_page": 1, "title": "Pictures", "when": ["*.Conv2d"], "panels": []},
    "everywhere.json": {
        "bidviz_page": 1,
        "title": "Everywhere",
        "panels": [panel("Twice the loss", ["loss", "double"], (0, 0, 12, 5))],
        "metrics": [{"name": "double", "source": "loss * 2", "every": 1, "where": "training", "chart": None}],
    },
    "wrong.json": {"bidviz_page": 1, "title": "Wrong", "panels": [{"chart": {"kind": "Circle"}}]},
}


def described(version: str) -> Description:
    """What the bundle says of itself."""
    steps = tuple(range(1, 101))
    metric = DescribedMetric(
        name="head_norm",
        help="L2 norm of the head's weight (dimensionless).",
        arguments=("params",),
        charts=(Line(title="Head norm", help="Healthy: grows slowly. Sick: explodes."),),
        learners=("transformer",),
        cost=12.5,
        share=0.004,
        cost_on="transformer",
        code=textwrap.dedent(CODE.strip()),
    )
    return Description(
        bidviz_bundle=1,
        name=NAME,
        version=version,
        summary="Norms of an attention model's head",
        metrics=(metric,),
        charts=(Line(title="Head and loss", series=("head_norm", "loss")),),
        pages=(PageFile(bidviz_page=1, title="Attention", when=("*.MultiheadAttention",)),),
        samples={
            "head_norm": Sample("scalar", steps, tuple(1 + step / 50 for step in steps)),
            "loss": Sample("scalar", steps, tuple(2 / step for step in steps)),
        },
    )


def write_source(
    folder: Path,
    version: str = "0.1.0",
    factor: float = 1.0,
    pages: Any = None,
    needs: tuple[str, ...] = ("bidviz-core>=0.1",),
) -> Path:
    """Writes the bundle's source."""
    package = folder / "src" / PACKAGE
    (package / "pages").mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(
        PYPROJECT.format(name=NAME, version=version, package=PACKAGE, needs=json.dumps(needs))
    )
    (package / "__init__.py").write_text(CODE.replace("{factor}", str(factor)))
    (package / FILE).write_bytes(encode_description(described(version)))
    for name, page in (PAGES if pages is None else pages).items():
        (package / "pages" / name).write_text(json.dumps(page))
    return folder


def build_wheel(source: Path, target: Path) -> Path:
    """Builds the wheel of a source folder."""
    line = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(line, cwd=source, check=True, capture_output=True)
    return max(target.glob("*.whl"), key=lambda path: path.stat().st_mtime_ns)


def install(wheel: Path, site: Path) -> Path:
    """Unpacks a wheel into a folder as pip does."""
    line = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(line, check=True, capture_output=True)
    return site
