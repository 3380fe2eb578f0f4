"""A bundle to install, break and upgrade, and what its hash must be."""

from __future__ import annotations

import hashlib
import textwrap

from bidviz_core.plugins import Plugins

NAME = "bidviz-metric-sample"
PACKAGE = "bidviz_metric_sample"


def sample(value: object, *, more: str = "") -> dict[str, str]:
    """The files of a bundle with one metric that gives `value`, one chart and one observer."""
    return {
        f"{PACKAGE}/__init__.py": f"""
            import bidviz_core as bidviz
            from {PACKAGE}.metrics import constant

            @bidviz.hookimpl
            def register_metrics():
                return [constant]

            @bidviz.hookimpl
            def register_charts():
                return [bidviz.Line(title="Sample", series=("constant",))]

            @bidviz.hookimpl
            def step_ended(session, step):
                if isinstance(session, list):
                    session.append(({value!r}, step))
            {more}
        """.replace("\n            ", "\n"),
        f"{PACKAGE}/metrics.py": f"""
            import bidviz_core as bidviz

            @bidviz.metric
            def constant():
                return {value!r}
        """,
    }


def wheel_hash(files: dict[str, str]) -> str:
    """The definition of a bundle's hash, written down a second time."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.encode() + b"\0" + hashlib.sha256(textwrap.dedent(files[path]).encode()).digest())
    return digest.hexdigest()


def state(plugins: Plugins, name: str = NAME) -> str:
    return next(info.state for info in plugins if info.name == name)
