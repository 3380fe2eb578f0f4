"""What a requirement means, and which place it is taken from: one and the same for a name, never the newest of all."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from bidviz_core.errors import PluginError
from bidviz_core.plugins.pins import Pin
from bidviz_registry import known, sources
from bidviz_registry.listing import ListedFile, ask_together, files_of
from bidviz_registry.sources import Source

_PATH = re.compile(r"[/\\]|^\.|\.whl$|\.tar\.gz$|\.zip$")
_ADDRESS = re.compile(r"^(git\+)?https?://|^file:", re.IGNORECASE)


class Wanted(NamedTuple):
    """What a person asked for.

    Args:
        text: as they wrote it, or the path in full.
        kind: `"name"`; `"wheel"`: a file or an address of one; `"code"`: a folder, a source archive or a repository,
            which has to be built.
        requirement: the parsed requirement, for a name.
        named_folder: whether it is a folder of this machine's that the person named.
    """

    text: str
    kind: Literal["name", "wheel", "code"]
    requirement: Requirement | None = None
    named_folder: bool = False

    @property
    def name(self) -> str:
        """The distribution's normalized name, for a name; empty otherwise."""
        return canonicalize_name(self.requirement.name) if self.requirement is not None else ""


class Choice(NamedTuple):
    """Where a name is taken from.

    Args:
        source: the place.
        notes: what is to be said of the others, in sentences.
    """

    source: Source
    notes: tuple[str, ...] = ()


def understand(requirement: str) -> Wanted:
    """Understands a requirement.

    Raises:
        PluginError: it is none, or there is no such file.
    """
    text = requirement.strip()
    expected = "expected a name (bidviz-metric-gradnorm), a folder, a wheel, or an https address"
    if not text:
        raise PluginError(f"There is no requirement: {expected}.")
    if text.startswith("-") or any(ord(character) < 32 for character in text):
        raise PluginError(f"{text!r} is no requirement but an option of pip: {expected}.")
    if _ADDRESS.match(text):
        is_wheel = not text.startswith("git+") and urlsplit(text).path.endswith(".whl")
        return Wanted(text, "wheel" if is_wheel else "code")
    path = Path(text).expanduser()
    if path.is_dir() and (_PATH.search(text) or not _is_name(text)):
        if not (path / "pyproject.toml").exists() and not (path / "setup.py").exists():
            raise PluginError(f"The folder {path} has no pyproject.toml, so there is nothing to install in it.")
        return Wanted(str(path.resolve()), "code", named_folder=True)
    if path.is_file() and _PATH.search(text):
        return Wanted(str(path.resolve()), "wheel" if path.suffix == ".whl" else "code")
    try:
        parsed = Requirement(text)
    except InvalidRequirement:
        if _PATH.search(text):
            raise PluginError(f"There is no file or folder {text!r} (looked from {Path.cwd()}).") from None
        raise PluginError(f"{text!r} is no requirement: {expected}.") from None
    if parsed.url is not None:
        return Wanted(parsed.url, "wheel" if urlsplit(parsed.url).path.endswith(".whl") else "code", parsed)
    return Wanted(text, "name", parsed)


def choose(name: str, source: str, pins: Mapping[str, Pin]) -> Choice:
    """Chooses the place that a name is taken from.

    Args:
        name: the distribution's normalized name.
        source: the place that the person named, or an empty text.
        pins: what the run has installed, by name.

    Raises:
        PluginError: the name belongs to another place, its own is not configured any more, or several places have it
            and nobody said which.
    """
    places = sources.everywhere()
    if source:
        chosen = sources.one(source, places)
        known.check_source(name, chosen)
        return Choice(chosen)
    bound = _bound(name, pins)
    if bound is not None:
        own = next((place for place in places if place.shown == bound[1]), None)
        if own is None:
            raise PluginError(
                f"{name} came from {bound[0]} ({bound[1]}), which is not among the registries that are configured. Add "
                "it again; from elsewhere the name is not taken."
            )
        return Choice(own)
    if len(places) < 2:
        if not places:
            raise PluginError(f"There is no registry, folder or index to take {name} from.")
        return Choice(places[0])
    return _only_one(name, places)


class Elsewhere:
    """Looks at the other places in a thread, while the work goes on.

    Args:
        name: the distribution's normalized name.
        own: the place that the name belongs to.
    """

    def __init__(self, name: str, own: Source) -> None:
        self._name, self._own = name, own
        self._found: list[tuple[Source, list[ListedFile]]] = []
        self._thread = threading.Thread(target=self._look, name="bidviz-looking-elsewhere", daemon=True)
        self._thread.start()

    def notes(self, version: str) -> list[str]:
        """A sentence for each place that offers a version newer than this."""
        self._thread.join()
        return [
            f"{place.name} ({place.shown}) offers {self._name} {files[0].version}, which is left alone: the name "
            f"belongs to {self._own.name} ({self._own.shown})."
            for place, files in self._found
            if files and Version(files[0].version) > Version(version)
        ]

    def _look(self) -> None:
        try:
            places = [place for place in sources.everywhere() if place.shown != self._own.shown]
        except PluginError:
            return
        self._found, _ = ask_together((place, partial(files_of, place, self._name)) for place in places)


def _bound(name: str, pins: Mapping[str, Pin]) -> tuple[str, str] | None:
    remembered = known.recall(name)
    if remembered.address:
        return remembered.source, remembered.address
    pin = pins.get(name)
    return (pin.source, pin.address) if pin is not None and pin.address else None


def _only_one(name: str, places: Sequence[Source]) -> Choice:
    answers, problems = ask_together((place, partial(files_of, place, name)) for place in places)
    offering = [(place, files) for place, files in answers if files]
    hashes = {(files[0].version, files[0].sha256) for _, files in offering}
    if len(offering) > 1 and (len(hashes) > 1 or not next(iter(hashes))[1]):
        offers = ", ".join(f"{place.name} (version {files[0].version})" for place, files in offering)
        raise PluginError(
            f"{name} is offered by several places, and they are not the same: {offers}. Say which one you mean "
            "(source); the name stays with it from then on."
        )
    notes = tuple(text for _, text in problems)
    if offering:
        return Choice(offering[0][0], notes)
    if problems:
        # Perhaps one of those has it; pip says so where it is its own index.
        last = next((place for place, _ in reversed(problems) if place.kind == "index"), None)
        if last is not None:
            return Choice(last, notes)
    where = ", ".join(place.name for place in places)
    raise PluginError(" ".join([f"pip could not install it: no place has {name!r} (asked: {where}).", *notes]))


def _is_name(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text) is not None
