"""`bidviz doctor`: looks at this installation and says how to mend what is wrong."""

from __future__ import annotations

import os
import platform
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from bidviz_core.errors import BidvizError

_OLDEST_PYTHON = (3, 11)
#: Seconds that whoever listens at the dashboard's port may take to answer.
_PATIENCE = 2.0


class Finding(NamedTuple):
    """One thing that was looked at.

    Args:
        wrong: whether it keeps something from working.
        what: what was found, a sentence.
        hint: what to do about it; given also for what works, and is worth a look all the same.
    """

    wrong: bool
    what: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{'✗' if self.wrong else '•' if self.hint else '✓'} {self.what}"
        return f"{text}\n    → {self.hint}" if self.hint else text


def examine() -> list[Finding]:
    """Looks at everything; a look that fails is a finding itself."""
    findings: list[Finding] = []
    for look in _LOOKS:
        findings += _careful(look)
    return findings


def _careful(look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(look())
    except (BidvizError, OSError) as error:
        return [Finding(True, str(error))]


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    old = sys.version_info < _OLDEST_PYTHON
    yield Finding(old, f"Python {version} at {sys.executable}.", "BIDViz needs Python 3.11 or newer." if old else "")


def _distributions() -> Iterator[Finding]:
    found = {name: _version(name) for name in ("bidviz-core", "bidviz-dashboard", "bidviz-registry")}
    if found["bidviz-core"] is None:
        yield Finding(True, "bidviz-core is imported but not installed.", "pip install bidviz-core")
        return
    for name, what in (
        ("bidviz-dashboard", "there are no pages"),
        ("bidviz-registry", "bundles cannot be installed from the page"),
    ):
        if found[name] is None:
            yield Finding(name == "bidviz-dashboard", f"{name} is not installed, so {what}.", f"pip install {name}")
    present = {name: version for name, version in found.items() if version is not None}
    mixed = len({version.rpartition(".")[0] for version in present.values()}) > 1
    text = ", ".join(f"{name} {version}" for name, version in present.items())
    yield Finding(mixed, f"{text}.", "Their versions do not belong together: upgrade all of them." if mixed else "")


def _foreign_package() -> Iterator[Finding]:
    version = _version("bidviz")
    if version is not None:
        yield Finding(
            False,
            f"There is a distribution bidviz {version}, which is somebody else's.",
            "Ours is imported as bidviz_core.",
        )


def _torch() -> Iterator[Finding]:
    if find_spec("torch") is None:
        yield Finding(True, "torch is not installed.", "pip install torch")
        return
    import torch

    devices = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    yield Finding(
        False, f"torch {torch.__version__}, {', '.join(devices) or 'no GPU'}, {torch.get_num_threads()} threads."
    )


def _sqlite() -> Iterator[Finding]:
    old = sqlite3.sqlite_version_info < (3, 24)
    hint = "The store needs 3.24 or newer: use another build of Python." if old else ""
    yield Finding(old, f"SQLite {sqlite3.sqlite_version}.", hint)


def _state_folder() -> Iterator[Finding]:
    from bidviz_core.identity import load_secret, state_folder

    try:
        folder = state_folder()
    except OSError as error:
        yield Finding(
            True, f"The state folder cannot be made ({error}).", "Set BIDVIZ_STATE_DIR to a folder that you can write."
        )
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    open_to_others = os.name == "posix" and bool(mode & 0o077)
    writable = os.access(folder, os.W_OK)
    yield Finding(
        open_to_others or not writable,
        f"The state folder is {folder}, mode {mode:o}{'' if writable else ', and you cannot write to it'}.",
        f"chmod 700 {folder}" if open_to_others or not writable else "",
    )
    load_secret()
    yield Finding(False, "Your secret is yours alone.")


def _dashboard() -> Iterator[Finding]:
    from bidviz_core.endpoint import DEFAULT_HOST, DEFAULT_PORT, parse_url
    from bidviz_core.probe import probe

    chosen = os.environ.get("BIDVIZ_DASHBOARD", "")
    if chosen.lower() in ("off", "none"):
        yield Finding(False, "BIDVIZ_DASHBOARD is off: runs have no pages.", "unset BIDVIZ_DASHBOARD")
        return
    host, port = parse_url(chosen) if chosen else (DEFAULT_HOST, DEFAULT_PORT)
    answer = probe(host, port, _PATIENCE)
    if answer.kind == "dashboard":
        yield Finding(False, f"Your dashboard runs at {host}:{port} (process {answer.pid}).")
    elif answer.kind == "nobody":
        yield Finding(False, f"No dashboard runs at {host}:{port}; the next training starts it.")
    else:
        yield Finding(False, answer.why, "The next training starts your dashboard at another port.")


def _runs() -> Iterator[Finding]:
    from bidviz_core.store import RunIndex

    count = len(RunIndex().runs())
    yield Finding(False, f"{count} run{'' if count == 1 else 's'} on disk.", "bidviz runs" if count else "")
    folder = Path("bidviz-runs")
    nearest = folder if folder.exists() else Path.cwd()
    if not os.access(nearest, os.W_OK):
        yield Finding(
            True, f"Runs cannot be written to {folder.absolute()}.", "watch(…, run_dir=a folder you can write)"
        )


def _bundles() -> Iterator[Finding]:
    from bidviz_core.plugins.installed import Scanner

    for bundle in Scanner().scan().values():
        try:
            for point in bundle.points():
                point.load()
        except Exception as error:  # noqa: BLE001 - a bundle's own code
            yield Finding(
                True,
                f"The bundle {bundle.origin} cannot be imported ({type(error).__name__}: {error}).",
                f"Upgrade it, or pip uninstall {bundle.name}",
            )
        else:
            yield Finding(False, f"The bundle {bundle.origin} can be imported.")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


_LOOKS = (_python, _distributions, _foreign_package, _torch, _sqlite, _state_folder, _dashboard, _runs, _bundles)
