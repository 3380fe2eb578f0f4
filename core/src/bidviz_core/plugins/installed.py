"""Finds the bundles that are installed in this environment or in the run, and notices when they come, change and go.

A scan looks at the time stamps of the folders on `sys.path` and reads only what is new: about 20 µs when nothing has
changed, so that it can be asked for every second.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from typing import NamedTuple

from bidviz_core.errors import PluginError
from bidviz_core.hookspecs import PROJECT
from bidviz_core.plugins.pins import Pin, run_folders

#: A folder changed this recently may change again within the same tick of its clock: it is looked at once more.
_RACY_SECONDS = 2.0
_SUFFIXES = (".dist-info", ".egg-info")
#: The stamp of a folder that has to be looked at again.
_UNKNOWN = -1

#: What the last scan of this process read: a second session, or the look at a bundle before it is loaded, begins there.
_last_read: dict[Path, tuple[int, Bundle | None]] = {}
#: And what the last scan without pins found: the folders it need not list again, each with its stamp, and the bundles.
_last_found: tuple[dict[str, int], dict[str, Bundle]] = ({}, {})


class Bundle(NamedTuple):
    """A distribution on disk that has entry points in the group `bidviz`.

    Args:
        name: its name, normalised (`bidviz-metric-gradnorm`).
        version: its version.
        entry_points: their names in the group.
        folder: its metadata folder.
        stamp: changes when the distribution is installed again, be it with the same version.
        pin: what the run says of it, where it is installed in the run's folder and not in the environment.
    """

    name: str
    version: str
    entry_points: tuple[str, ...]
    folder: Path
    stamp: int
    pin: Pin | None = None

    @property
    def origin(self) -> str:
        """How it is named beside what it brings: name and version."""
        return f"{self.name} {self.version}"

    @property
    def source(self) -> str:
        """From where the run installed it, or `"environment"`."""
        return self.pin.source if self.pin is not None else "environment"

    def distribution(self) -> Distribution:
        """The metadata, read anew."""
        return Distribution.at(self.folder)

    def points(self) -> list[EntryPoint]:
        """Its entry points in the group."""
        return list(self.distribution().entry_points.select(group=PROJECT))


def normalise(name: str) -> str:
    """The one spelling of a distribution's name: lower case, with hyphens."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Scanner:
    """Knows the bundles of the run and those on `sys.path`, in this order; may be used from several threads.

    Args:
        pinned: gives the folders of the run's own bundles, each with what the run says of it.
    """

    def __init__(self, pinned: Callable[[], Mapping[str, Pin]] = dict) -> None:
        self._pinned = pinned
        self._lock = threading.Lock()
        self._folders, self._bundles = _last_found
        self._read: Mapping[Path, tuple[int, Bundle | None]] = _last_read

    def scan(self) -> dict[str, Bundle]:
        """Gives the installed bundles by name; the same object as before when nothing has changed."""
        with self._lock:
            pinned = self._pinned()
            folders = _stamps([*pinned, *(path for path in sys.path if path not in run_folders)])
            if folders == self._folders:
                return self._bundles
            # Folders whose stamp may still be the same after a further change are taken as changed next time.
            now = time.time_ns()
            found: dict[str, Bundle] = {}
            read: dict[Path, tuple[int, Bundle | None]] = {}
            complete = True
            for folder in folders:
                for path in _metadata_folders(folder):
                    stamp, bundle, settled = self._look(path)
                    complete = complete and settled
                    read[path] = (stamp, bundle)
                    if bundle is not None and folder in pinned:
                        # What came along with it because it needs it is no bundle of the run's own.
                        bundle = bundle._replace(pin=pinned[folder]) if bundle.name == pinned[folder].name else None
                    if bundle is not None:
                        found.setdefault(bundle.name, bundle)
            young = {folder for folder, stamp in folders.items() if now - stamp < _RACY_SECONDS * 1e9}
            # They stay known, with a stamp that no folder has: one that is gone by then is a change as well.
            self._folders = {
                folder: stamp if complete and folder not in young else _UNKNOWN for folder, stamp in folders.items()
            }
            self._read = _keep_read(read)
            if found != self._bundles:
                self._bundles = found
            if not pinned:
                _keep_found(self._folders, self._bundles)
            return self._bundles

    def forget(self) -> None:
        """Makes the next scan look at everything again."""
        with self._lock:
            self._folders = {}

    def _look(self, path: Path) -> tuple[int, Bundle | None, bool]:
        try:
            stamp = path.stat().st_mtime_ns
            known = self._read.get(path)
            if known is not None and known[0] == stamp:
                return stamp, known[1], True
            # pip writes RECORD last: before that the distribution is still being put there.
            if path.suffix == ".dist-info" and not (path / "RECORD").exists():
                return 0, None, False
            return stamp, _read_bundle(path, stamp), True
        except OSError:  # being removed just now
            return 0, None, False


def _keep_read(read: dict[Path, tuple[int, Bundle | None]]) -> dict[Path, tuple[int, Bundle | None]]:
    global _last_read
    _last_read = read
    return read


def _keep_found(folders: dict[str, int], bundles: dict[str, Bundle]) -> None:
    global _last_found
    _last_found = folders, bundles


def find(bundles: dict[str, Bundle], name: str) -> Bundle:
    """Finds a bundle by its distribution's name or by the name of one of its entry points.

    Raises:
        PluginError: there is none, or several have an entry point of that name.
    """
    wanted = normalise(name.strip())
    if wanted in bundles:
        return bundles[wanted]
    matching = [bundle for bundle in bundles.values() if wanted in map(normalise, bundle.entry_points)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise PluginError(
            f"Several bundles call themselves {name!r}: {', '.join(one.name for one in matching)}. Give the full name."
        )
    there = ", ".join(sorted(bundles)) or "none"
    raise PluginError(f"No bundle {name!r} is installed here; installed are: {there}. Try pip install {name}.")


def _stamps(paths: list[str]) -> dict[str, int]:
    stamps = {}
    for path in paths:
        try:
            stamps[path or "."] = os.stat(path or ".").st_mtime_ns
        except OSError:  # sys.path names folders that are not there; that is usual
            continue
    return stamps


def _metadata_folders(folder: str) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if entry.name.endswith(_SUFFIXES)]
    except OSError:  # a zip file, or gone
        return []


def _read_bundle(path: Path, stamp: int) -> Bundle | None:
    try:
        text = (path / "entry_points.txt").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    # Most distributions have no such group: they are passed over without parsing anything.
    if f"[{PROJECT}]" not in text.replace(" ", ""):
        return None
    distribution = Distribution.at(path)
    names = tuple(point.name for point in distribution.entry_points.select(group=PROJECT))
    name = distribution.metadata["Name"]
    if not names or not name:
        return None
    return Bundle(normalise(name), distribution.version, names, path, stamp)
