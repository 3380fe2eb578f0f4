"""The folder of a registry: it alone is the truth, and whoever puts a file into it has published it."""

from __future__ import annotations

import errno
import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

from packaging.version import Version

from bidviz_registry.server.cache import Cache
from bidviz_registry.server.held import Held, Snapshot, arrange
from bidviz_registry.server.reading import read_file
from bidviz_registry.server.refusals import Refused, RegistryError

_LOG = logging.getLogger("bidviz.registry")
#: Beside a file, a file of its name and this ending withdraws it (PEP 592) and may hold why.
YANKED = ".yanked"
_ENDINGS = (".whl", ".tar.gz", YANKED)
CACHE = ".bidviz-registry.sqlite"
#: Seconds in which a second change of a folder may leave its time as it was.
_GRAIN = 2.0
#: Size and time of what is no file.
_NOTHING = (-1, 0)
#: Seconds between two looks into a folder that has just changed.
_AGAIN = 0.25
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
#: A folder that is being filled is looked at so often, in files, before the log says how far it is.
_TOLD = 1000


class Shelf:
    """The files of a folder, followed as they come and go.

    Args:
        folder: where they lie; made where it is not there.
        progress: is given a line now and then while many files are read.

    Raises:
        RegistryError: the folder cannot be made or read.
    """

    def __init__(self, folder: Path, progress: Callable[[str], None] = _LOG.info) -> None:
        self.folder = folder
        self._progress = progress
        self._lock = threading.Lock()
        self._snapshot = Snapshot(0, {}, {}, {})
        self._seen = (-1, 0.0)
        self._settled = False
        self._names: dict[str, int] = {}
        self._markers: dict[str, str] = {}
        self._half: dict[str, tuple[int, int]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            os.scandir(folder).close()
        except OSError as error:
            raise RegistryError(f"The folder {folder} cannot be read: {error.strerror}. Name another one.") from error
        self._cache = Cache(folder / CACHE)
        self._known = self._cache.load()
        self.snapshot()
        self._known = {}

    def snapshot(self) -> Snapshot:
        """What the folder holds now.

        One thread reads what is new; others that ask meanwhile are given what was known before.
        """
        if self._is_as_seen() or not self._lock.acquire(blocking=self._snapshot.number == 0):
            return self._snapshot
        try:
            self._read_folder()
        finally:
            self._lock.release()
        return self._snapshot

    def look_again(self, project: str) -> Snapshot:
        """What the folder holds now, with the files of one project looked at one by one: one may have been replaced.

        Args:
            project: a normalized name.
        """
        snapshot = self.snapshot()
        found = snapshot.projects.get(project)
        if found is None or all(self._is_as_read(held) for held in found.files):
            return snapshot
        with self._lock:
            self._read_folder([held.filename for held in found.files])
        return self._snapshot

    def path(self, held: Held) -> Path:
        """Where a file lies."""
        return self.folder / held.filename

    def publish(self, draft: Path, held: Held) -> None:
        """Gives a file that lies complete in the folder its name, unless there is one of that name already.

        Args:
            draft: the file.
            held: what was read of it.

        Raises:
            Refused: another file of the version is there.
            OSError: the disk is full, or the file system is broken.
        """
        with self._lock:
            self._read_folder()
            _refuse_second(self._snapshot, held)
            target = self.folder / held.filename
            try:
                os.link(draft, target)  # never over a file that is there, even one that came this very moment
            except FileExistsError:
                raise Refused(_exists(held), 409) from None
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                os.rename(draft, target)  # a file system without hard links; nobody else writes under our lock
            _sync(self.folder)
            self._read_folder()

    def close(self) -> None:
        """Closes the cache."""
        self._cache.close()

    def _is_as_seen(self) -> bool:
        changed, looked = self._seen
        try:
            if os.stat(self.folder).st_mtime_ns != changed:
                return False
        except OSError:
            return False
        if not self._settled and time.monotonic() - looked > _AGAIN:
            return False
        return all(_about(self.folder / name) == about for name, about in self._half.items())

    def _is_as_read(self, held: Held) -> bool:
        return _about(self.folder / held.filename) == (held.size, held.changed)

    def _read_folder(self, doubted: Collection[str] = ()) -> None:
        """Reads what is new or changed, and makes a new snapshot if anything is.

        Args:
            doubted: names of files that may have changed in their place.
        """
        before = self._snapshot
        try:
            changed = os.stat(self.folder).st_mtime_ns
            with os.scandir(self.folder) as entries:
                names = {
                    name: entry.inode()
                    for entry in entries
                    if (name := entry.name).endswith(_ENDINGS) and not name.startswith(".")
                }
        except OSError as error:
            _LOG.warning("The folder %s cannot be read: %s. What was known of it is served.", self.folder, error)
            return
        # Two changes within one tick of the file system's clock leave one time, and a number may be given to a new
        # file: what is new is looked at now, and every file once more when the tick is surely over.
        settled = time.time() - changed / 1e9 > _GRAIN
        known = self._names
        suspects = set(names) if settled else {name for name in names if known.get(name) != names[name]}
        suspects.update(name for name in (*doubted, *self._half) if name in names)
        gone = known.keys() - names.keys()
        self._seen, self._settled, self._names = (changed, time.monotonic()), settled, names
        files, broken, fresh = self._read_files(suspects, gone)
        markers = self._read_markers(suspects, gone)
        touched = {before.files[name].project for name in gone if name in before.files}
        touched |= {before.files[name].project for name in broken if name in before.files}
        touched |= {
            files[name].project for name in suspects if name in files and files[name] is not before.files.get(name)
        }
        touched |= {files[name].project for name, _ in markers.items() ^ self._markers.items() if name in files}
        self._markers = markers
        if before.number and not touched and broken == before.broken:
            return
        projects = dict(before.projects)
        grouped: dict[str, dict[str, Held]] = {name: {} for name in touched}
        for name in touched & projects.keys():
            grouped[name] = {
                held.filename: files[held.filename] for held in projects.pop(name).files if held.filename in files
            }
        for name in suspects:
            if name in files and files[name].project in grouped:
                grouped[files[name].project][name] = files[name]
        projects |= {name: arrange(name, [*held.values()], markers) for name, held in grouped.items() if held}
        for name in broken.keys() - before.broken.keys():
            _LOG.warning("Not served: %s", broken[name])
        self._snapshot = Snapshot(before.number + 1, projects, files, broken)
        forgotten = self._known.keys() - files.keys() if self._known else gone & before.files.keys()
        if fresh or forgotten:
            self._cache.keep(fresh, forgotten)

    def _read_files(
        self, suspects: Collection[str], gone: Collection[str]
    ) -> tuple[dict[str, Held], dict[str, str], list[Held]]:
        """Every file of the folder, those that are not served and why, and those that were read for it."""
        files = dict(self._snapshot.files)
        for name in gone:
            files.pop(name, None)
        broken = {name: why for name, why in self._snapshot.broken.items() if name not in gone}
        half = {name: about for name, about in self._half.items() if name not in gone}
        fresh: list[Held] = []
        for name in sorted(name for name in suspects if not name.endswith(YANKED)):
            held = files.get(name) or self._known.get(name)
            about = _about(self.folder / name)
            if held is not None and about == (held.size, held.changed):
                files[name] = held
                continue
            if half.get(name) == about:
                continue
            files.pop(name, None)
            try:
                if about == _NOTHING:  # opening a pipe would wait for ever
                    raise Refused(f"{name} is no file that can be read.")
                files[name] = read_file(self.folder / name)
                fresh.append(files[name])
                if len(fresh) % _TOLD == 0:
                    self._progress(f"{len(fresh):,} files read…")
                broken.pop(name, None)
                half.pop(name, None)
            except Refused as error:
                broken[name], half[name] = str(error), about
        self._half = half
        return files, broken, fresh

    def _read_markers(self, suspects: Collection[str], gone: Collection[str]) -> dict[str, str]:
        """The files that were withdrawn, and why."""
        markers = {name: why for name, why in self._markers.items() if name + YANKED not in gone}
        found = [name for name in suspects if name.endswith(YANKED)]
        return markers | {name.removesuffix(YANKED): _reason(self.folder / name) for name in found}


def _refuse_second(snapshot: Snapshot, held: Held) -> None:
    """A version holds one file of a kind and of its tags, however its name is spelled."""
    project = snapshot.projects.get(held.project)
    for other in project.files if project else ():
        if Version(other.version) == Version(held.version) and other.kind == held.kind and _tags(other) == _tags(held):
            same = " with the very same content" if other.sha256 == held.sha256 else " with another content"
            raise Refused(_exists(held, same), 409)


def _exists(held: Held, same: str = "") -> str:
    return (
        f"{held.project} {held.version} is already published as a {held.kind}{same}, and what is published never "
        "changes: raise the version, build, and upload that."
    )


def _tags(held: Held) -> str:
    return held.filename.split("-", 2)[2] if held.kind == "wheel" else ""


def _about(path: Path) -> tuple[int, int]:
    """Size and time of a file; a folder or nothing gives a size that no file has."""
    try:
        about = os.stat(path)
    except OSError:
        return _NOTHING
    return (about.st_size, about.st_mtime_ns) if stat.S_ISREG(about.st_mode) else _NOTHING


def _reason(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return " ".join(file.read(500).decode("utf-8", "replace").split())
    except OSError:
        return ""


def _sync(folder: Path) -> None:
    """Makes a new name last over a loss of power, where folders can be synchronized."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
