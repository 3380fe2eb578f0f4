"""Sets of metrics that were saved in folders of runs, so that another run can load them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from bidviz_core.errors import BidvizError
from bidviz_core.messages.notifications import RunInfo
from bidviz_core.messages.offered import SavedMetrics
from bidviz_core.store.database import FILE as RUN_FILE
from bidviz_core.store.index import RunIndex

#: What every file of saved metrics has in it; other JSON in a run's folder is none.
_MARK = "bidviz_metrics"
#: Larger files are no metrics that somebody wrote.
_MOST_BYTES = 8 << 20
_ID = re.compile(r"[A-Za-z0-9_-]+")


def metrics_saved_in(run: RunInfo) -> list[SavedMetrics]:
    """The sets of metrics in a run's folder, newest first; a folder that is not here has none.

    Args:
        run: the run; nothing but its folder is looked at.
    """
    found = []
    try:
        files = [file for file in Path(run.folder).glob("*.json") if file.is_file() and not file.is_symlink()]
    except OSError:
        return []
    for file in files:
        try:
            about = file.stat()
            form = json.loads(file.read_text("utf-8")) if about.st_size <= _MOST_BYTES else {}
        except (OSError, ValueError):
            continue
        if isinstance(form, dict) and _MARK in form and isinstance(form.get("stats"), dict):
            names = [name for name, one in form["stats"].items() if _loadable(one)]
            found.append(SavedMetrics(of=run.id, name=run.name, file=file.name, time=about.st_mtime, metrics=names))
    return sorted(found, key=lambda saved: saved.time, reverse=True)


def folder_of(run: str, beside: Path) -> Path:
    """The folder of another run: one that lies beside this run's own, or that is in the user's index.

    Args:
        run: its id.
        beside: the folder of runs that this run's own lies in.

    Raises:
        BidvizError: no such run is known, or the index cannot be read.
    """
    if _ID.fullmatch(run):
        # A run's folder ends in its id.
        for file in beside.glob(f"*-{run}/{RUN_FILE}"):
            return file.parent
        for indexed in RunIndex().runs():
            if indexed.id == run:
                return indexed.folder
    raise BidvizError(
        f"This training knows no run {run!r}: expected the id of one that lies beside it or that `bidviz runs` lists."
    )


def _loadable(form: object) -> bool:
    return isinstance(form, dict) and bool(form.get("code")) and form.get("origin") != "built-in"
