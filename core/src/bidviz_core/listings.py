"""What `bidviz runs` and `bidviz plugins` print: plain tables, read from the disk alone."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from pathlib import Path

from bidviz_core.errors import StoreError

_NO_RUNS = "There are no runs yet. Put this line into a training script:  session = bidviz_core.watch(model, optimizer)"
_NO_PLUGINS = "No bundles are installed in this environment. Try:  pip install bidviz-metric-gradnorm"


def list_runs(limit: int) -> str:
    """The newest runs of this user, one a line.

    Args:
        limit: how many at most.

    Raises:
        StoreError: the index of runs cannot be read.
    """
    from bidviz_core.store import RunIndex, open_run

    rows = []
    runs = RunIndex().runs()
    for indexed in runs[:limit]:
        try:
            run = open_run(indexed.folder)
            state, step = str(run.state), f"{run.step:,}"
        except StoreError:
            state, step = "unreadable", ""
        began = time.strftime("%Y-%m-%d %H:%M", time.localtime(indexed.started))
        rows.append((state, step, began, indexed.name, _short(indexed.folder)))
    if not rows:
        return _NO_RUNS
    text = _table(("state", "step", "began", "name", "folder"), rows, right={1})
    rest = len(runs) - len(rows)
    return f"{text}\n… and {rest} more: bidviz runs --limit {len(runs)}" if rest else text


def list_plugins() -> str:
    """The bundles of this environment, one a line; none of them is imported."""
    from bidviz_core.plugins.installed import Scanner

    bundles = Scanner().scan().values()
    rows = [(bundle.name, bundle.version, ", ".join(bundle.entry_points)) for bundle in bundles]
    return _table(("distribution", "version", "entry points"), sorted(rows)) if rows else _NO_PLUGINS


def _short(folder: Path) -> str:
    """Relative to here where that is shorter."""
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) else str(folder)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = []
    for row in (heads, *rows):
        cells = [
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
