"""Arrangements of panels, kept by run name in the user's state folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from bidviz_core.identity import read_private, replace_private, state_folder


def load_layout(name: str) -> dict[str, Any] | None:
    """The arrangement kept for runs of a name, or none."""
    data = read_private(_path(name))
    kept = json.loads(data) if data else None
    return kept["layout"] if isinstance(kept, dict) else None


def save_layout(name: str, layout: dict[str, Any] | None) -> None:
    """Keeps an arrangement for runs of a name; none forgets it."""
    if layout is None:
        _path(name).unlink(missing_ok=True)
        return
    replace_private(_path(name), json.dumps({"name": name, "layout": layout}).encode())


def _path(name: str) -> Path:
    # A name may hold anything, a path upwards included; its hash cannot.
    return state_folder() / "layouts" / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"
