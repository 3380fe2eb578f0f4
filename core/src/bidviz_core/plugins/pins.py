"""Which bundles a run has installed for itself, in which version, from where; and which code it has run.

They are kept in the run's folder: each version in a folder of its own, `bundles/<name>/<version>-<hash>/`, and
`bundles.json`, which says which of them is current. Nothing else in the environment changes, so that going back to the
version before, or to none, is exact.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct, structs

from bidviz_core.errors import PluginError
from bidviz_core.messages.bundles import RanBundle

FOLDER = "bundles"
FILE = "bundles.json"

#: Folders of runs that were put on `sys.path`. It belongs to the process, as `sys.path` does: another session of this
#: process must not take them for the environment's.
run_folders: set[str] = set()


class Pin(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A version of a bundle that is installed in a run's folder.

    Args:
        name: its distribution's name.
        version: its version.
        hash: SHA-256 of the wheel.
        code: SHA-256 of its code, as a session computes it when it loads the bundle.
        folder: where it lies: absolute here, relative to the run's folder in the file.
        source: the name of the registry or folder, or the path or address that a person gave.
        address: the registry's address, without credentials.
        requirement: what was asked for.
        dependencies: versions by name of what was installed into the same folder because it asked for it.
        step: the step at which it was installed.
        time: seconds since the epoch.
        author: who installed it.
    """

    name: str
    version: str
    hash: str
    code: str
    folder: str
    source: str
    address: str = ""
    requirement: str = ""
    dependencies: dict[str, str] = {}
    step: int = 0
    time: float = 0.0
    author: str = ""


class PinFile(Struct, frozen=True, kw_only=True):
    """What `bundles.json` holds.

    Args:
        bidviz_bundles: the format's version, 1.
        pins: the installed versions of each bundle, the current one last.
        ran: every bundle whose code ran in the run, in order.
    """

    bidviz_bundles: Literal[1] = 1
    pins: dict[str, list[Pin]] = {}
    ran: list[RanBundle] = []


class Pins:
    """The bundles of one run; may be used from several threads.

    Args:
        folder: gives the run's folder, or none where nothing is to be written.
    """

    def __init__(self, folder: Callable[[], Path | None]) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._pins: dict[str, list[Pin]] = {}
        self._active: dict[str, Pin] = {}
        self._ran: list[RanBundle] = []

    @property
    def root(self) -> Path:
        """Where this run's bundles are installed.

        Raises:
            PluginError: there is no run folder.
        """
        folder = self._folder()
        if folder is None:
            raise PluginError("This session has no run folder, so no bundle can be installed into it.")
        return folder / FOLDER

    @property
    def ran(self) -> list[RanBundle]:
        """Every bundle whose code ran, in order."""
        with self._lock:
            return list(self._ran)

    def active(self) -> Mapping[str, Pin]:
        """The current pins by folder; the same object until something changes."""
        return self._active

    def current(self) -> dict[str, Pin]:
        """The current pins by the bundle's name."""
        return {pin.name: pin for pin in self._active.values()}

    def versions(self, name: str) -> list[Pin]:
        """The versions of a bundle that this run installed, the current one last."""
        with self._lock:
            return list(self._pins.get(name, ()))

    def put(self, pin: Pin) -> None:
        """Makes a version the current one.

        Raises:
            OSError: it cannot be written; nothing is changed.
        """
        with self._lock:
            kept = [one for one in self._pins.get(pin.name, ()) if one.folder != pin.folder]
            self._replace(pin.name, [*kept, pin])

    def back(self, name: str) -> Pin:
        """Takes the current version of a bundle away; the one before, or the environment's, is current again.

        Returns:
            The one that was taken away; its folder is still there.

        Raises:
            PluginError: this run installed none.
            OSError: it cannot be written; nothing is changed.
        """
        with self._lock:
            pins = self.versions(name)
            if not pins:
                raise PluginError(f"This run has not installed {name!r}, so there is nothing to go back from.")
            self._replace(name, pins[:-1])
            return pins[-1]

    def drop(self, name: str) -> list[Pin]:
        """Takes every version of a bundle away.

        Returns:
            Those that were there; their folders still are.

        Raises:
            OSError: it cannot be written; nothing is changed.
        """
        with self._lock:
            pins = self.versions(name)
            if pins:
                self._replace(name, [])
            return pins

    def started(self, ran: RanBundle) -> None:
        """Notes that the code of a bundle is there from now on, in the place of an older version's."""
        with self._lock:
            self.ended(ran.name, ran.since, write=False)
            self._ran.append(ran)
            self._write_quietly()

    def ended(self, name: str, step: int, *, write: bool = True) -> None:
        """Notes that the code of a bundle is gone."""
        with self._lock:
            self._ran = [
                structs.replace(one, until=step) if one.name == name and one.until is None else one for one in self._ran
            ]
            if write:
                self._write_quietly()

    def follow(self) -> None:
        """The session goes on as another run, in another folder: what is loaded and installed now is that run's too."""
        with self._lock:
            self._ran = [one for one in self._ran if one.until is None]
            if self._ran or self._pins:
                self._write_quietly()

    def set(self, name: str, pins: list[Pin]) -> None:
        """Says which versions of a bundle there are, the current one last.

        Raises:
            OSError: it cannot be written; nothing is changed.
        """
        with self._lock:
            self._replace(name, pins)

    def _replace(self, name: str, pins: list[Pin]) -> None:
        before = self._pins
        changed = {key: list(kept) for key, kept in before.items() if key != name}
        if pins:
            changed[name] = pins
        self._pins = changed
        try:
            self._write(durable=True)
        except OSError:
            self._pins = before
            raise
        self._active = {kept[-1].folder: kept[-1] for kept in changed.values()}

    def _write_quietly(self) -> None:
        try:
            self._write(durable=False)  # on the training thread: it waits for no disk
        except OSError:  # a full disk; the run's own file holds the same, and says that the disk is full
            return

    def _write(self, durable: bool) -> None:
        folder = self._folder()
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        pins = {name: [_relative(pin, folder) for pin in kept] for name, kept in self._pins.items()}
        text = msgspec.json.format(msgspec.json.encode(PinFile(pins=pins, ran=self._ran)), indent=1)
        draft = folder / f".{FILE}.{os.getpid()}"
        with draft.open("wb") as file:
            file.write(text + b"\n")
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(draft, folder / FILE)


def read_pins(folder: Path) -> PinFile:
    """Reads what a run's folder says of its bundles; an empty one where it says nothing.

    Raises:
        PluginError: the file cannot be read.
    """
    path = folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=PinFile)
    except FileNotFoundError:
        return PinFile()
    except (OSError, msgspec.MsgspecError) as error:
        raise PluginError(f"{path} cannot be read: {error}.") from error


def _relative(pin: Pin, folder: Path) -> Pin:
    path = Path(pin.folder)
    return structs.replace(pin, folder=path.relative_to(folder).as_posix()) if path.is_relative_to(folder) else pin
