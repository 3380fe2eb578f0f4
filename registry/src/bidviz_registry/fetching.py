"""Brings the wheel of a requirement into the cache: downloaded from one place, copied, or built where that was asked.

Nothing of a wheel runs when it is fetched. Building runs code of the bundle's author, so it is done only for a folder
that the person named, or when they ask for it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from bidviz_core.errors import PluginError
from bidviz_registry import known, pip
from bidviz_registry.choosing import Wanted
from bidviz_registry.emptying import empty, used
from bidviz_registry.listing import files_of
from bidviz_registry.needs import installed_version
from bidviz_registry.sources import Source
from bidviz_registry.wheels import Wheel, read_wheel

#: Beside a cached wheel: the places that gave this very file.
_ORIGINS = "origins.txt"


class Fetched(NamedTuple):
    """A wheel in the cache.

    Args:
        wheel: what it says.
        source: the registry, index or folder it came from; none for a file, an address or a folder with code.
        built: whether it was built here.
    """

    wheel: Wheel
    source: Source | None
    built: bool


def fetch(
    wanted: Wanted, source: Source | None, build: bool, wheel_hash: str, progress: Callable[[str], None]
) -> Fetched:
    """Fetches the wheel of a requirement.

    Args:
        wanted: what is wanted.
        source: where a name is taken from.
        build: whether code may be built.
        wheel_hash: SHA-256 of the wheel that is expected; empty for any.
        progress: is given a line of text now and then.

    Raises:
        PluginError: it cannot be had, has another hash, or would have to be built.
    """
    if wheel_hash and source is not None:
        cached = _cached(wheel_hash, source)
        if cached is not None and cached.name == wanted.name:
            progress(f"{cached.path.name} has been fetched already ({wheel_hash[:12]}…).")
            return Fetched(cached, source, False)
    if wanted.kind == "code" and not (build or wanted.named_folder):
        raise PluginError(
            f"{wanted.text} is no wheel: it has to be built, which runs its code here before anybody could look at it. "
            "Ask for that (build), or for a wheel."
        )
    with tempfile.TemporaryDirectory(prefix="bidviz-fetch-") as place:
        folder = Path(place)
        built = wanted.kind == "code" or (build and source is not None and not _has_wheel(source, wanted))
        if built:
            progress(f"Building {wanted.text}…")
            options = _build_options(Path(wanted.text)) if wanted.named_folder else ()
            where = source.pip_options() if source is not None else ()
            pip.run("wheel", "--no-deps", "--wheel-dir", place, *options, *where, wanted.text, progress=progress)
        elif Path(wanted.text).is_file():
            shutil.copy2(wanted.text, folder)
        else:
            _download(wanted, source, place, progress)
        wheel = read_wheel(_only(folder, wanted))
        _check_hash(wheel, wheel_hash)
        return Fetched(_keep(wheel, source), source, built)


def download(requirement: str, source: Source, folder: Path, progress: Callable[[str], None]) -> None:
    """Downloads the wheel of one requirement, and of nothing that it needs, into a folder.

    Raises:
        PluginError: the place has no wheel that fits, or cannot be reached.
    """
    limits = ("--no-deps", "--only-binary", ":all:", "--dest", str(folder))
    pip.run("download", *limits, *source.pip_options(), requirement, progress=progress)


def _download(wanted: Wanted, source: Source | None, place: str, progress: Callable[[str], None]) -> None:
    if source is None:
        pip.run("download", "--no-deps", "--only-binary", ":all:", "--dest", place, wanted.text, progress=progress)
        return
    try:
        download(wanted.text, source, Path(place), progress)
    except PluginError as error:
        raise PluginError(_why_not(wanted, source, str(error))) from None


def _why_not(wanted: Wanted, source: Source, said: str) -> str:
    """Why a place has nothing that can be installed, where its listing tells more than pip does."""
    if "No matching distribution" not in said and "Could not find a version" not in said:
        return said
    try:
        files = files_of(source, wanted.name)
    except PluginError as error:
        return f"{said} {error}"
    assert wanted.requirement is not None
    fitting = [one for one in files if wanted.requirement.specifier.contains(one.version, prereleases=True)]
    if not fitting:
        return f"{said} {source.name} has of it: {', '.join(dict.fromkeys(one.version for one in files)) or 'nothing'}."
    wheels = [one for one in fitting if one.is_wheel]
    if not wheels:
        return (
            f"{source.name} has {wanted.name} {fitting[0].version} as source code alone ({fitting[0].filename}): it "
            "has to be built, which runs its code here before anybody could look at it. Ask for that (build), or for "
            "a version that has a wheel."
        )
    python = ".".join(map(str, sys.version_info[:3]))
    needed = next((one.requires_python for one in wheels if one.requires_python), "")
    also = f" It needs Python {needed}." if needed else ""
    return (
        f"{source.name} has no wheel of {wanted.text} for this Python ({python}) and platform, but "
        f"{wheels[0].filename}.{also}"
    )


def _has_wheel(source: Source, wanted: Wanted) -> bool:
    return any(one.is_wheel for one in files_of(source, wanted.name))


def _only(folder: Path, wanted: Wanted) -> Path:
    wheels = [path for path in folder.iterdir() if path.suffix == ".whl"]
    if len(wheels) != 1:
        there = ", ".join(path.name for path in folder.iterdir()) or "nothing"
        raise PluginError(f"{wanted.text} gave no wheel but {there}: ask for it to be built, or for a wheel.")
    return wheels[0]


def _check_hash(wheel: Wheel, expected: str) -> None:
    if expected and wheel.hash != expected:
        raise PluginError(
            f"{wheel.path.name} has the hash {wheel.hash}, expected {expected}: it is not the file that was looked at, "
            "so nothing was installed. Look at it again before you install it."
        )


def _keep(wheel: Wheel, source: Source | None) -> Wheel:
    """Moves a wheel into the cache, under its hash, and notes where it came from."""
    folder = known.wheel_cache() / wheel.hash
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / wheel.path.name
    draft = folder / f".{wheel.path.name}.{os.getpid()}"
    shutil.copyfile(wheel.path, draft)
    draft.replace(target)
    if source is not None:
        with (folder / _ORIGINS).open("a", encoding="utf-8") as file:
            file.write(f"{source.shown}\n")
    used(folder)
    empty(known.wheel_cache())
    return replace(wheel, path=target)


def _cached(wheel_hash: str, source: Source) -> Wheel | None:
    folder = known.wheel_cache() / wheel_hash
    found = next(iter(folder.glob("*.whl")), None) if wheel_hash.isalnum() else None
    if found is None:
        return None
    origins = folder / _ORIGINS
    if not origins.exists() or source.shown not in origins.read_text("utf-8").splitlines():
        return None
    used(folder)
    wheel = read_wheel(found)
    return wheel if wheel.hash == wheel_hash else None  # somebody changed it: it is fetched anew


def _build_options(path: Path) -> tuple[str, ...]:
    """A folder whose build tool is installed here is built with it: an isolated build would fetch it anew."""
    try:
        project = tomllib.loads((path / "pyproject.toml").read_text("utf-8"))
        needed = project.get("build-system", {}).get("requires", ["setuptools"])
        here = all(_satisfied(Requirement(text)) for text in needed)
    except (OSError, tomllib.TOMLDecodeError, InvalidRequirement):
        return ()  # pip says what is wrong with it
    return ("--no-build-isolation",) if here else ()


def _satisfied(requirement: Requirement) -> bool:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    version = installed_version(canonicalize_name(requirement.name))
    return bool(version) and requirement.specifier.contains(version, prereleases=True)
