"""Finds bundles: those that are installed, and those of the registries and folders that are configured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from bidviz_core.description import FILE, MOST_BYTES, decode_description, description_of_wheel
from bidviz_core.errors import PluginError, SpecError
from bidviz_core.messages.bundles import Found
from bidviz_core.plugins.contents import contents_of
from bidviz_core.plugins.installed import Bundle, Scanner
from bidviz_core.plugins.pins import Pin
from bidviz_registry import pip, sources
from bidviz_registry.listing import SECONDS, ask_together, files_of, newest_first, search, wheels_in
from bidviz_registry.sources import Source

#: A row of the answer.
FoundBundle = Found

#: This distribution has an entry point as bundles have, and is none that anybody looks for.
_OWN = "bidviz-registry"
_BUNDLE = re.compile(r"bidviz-(metric|policy)-[a-z0-9-]+")
_NEWEST = re.compile(r"^\S+ \((?P<version>[^)\s]+)\)")
_VERSIONS = re.compile(r"^Available versions: (?P<versions>.*)$")


def find(query: str, seconds: float = SECONDS, pins: Mapping[str, Pin] | None = None) -> list[Found]:
    """Finds bundles whose name, summary or contents hold a text.

    Args:
        query: a part of the name or summary; the full name of a bundle is looked for on package indexes as well, which
            know nothing else.
        seconds: the longest to wait for registries.
        pins: what the run has installed for itself, by name.

    Returns:
        What is installed, then a row for each bundle and place, and a row with a `problem` for each place that is
        down, slow, or answered what cannot be understood. Asked for everything, while no place is configured, a row
        with a `note` says where one is named.
    """
    wanted = query.strip().lower()
    found = _installed(wanted, pins or {})
    try:
        places = sources.configured()
    except PluginError as error:
        return [*found, Found(source="configuration", problem=str(error))]
    if not wanted and not places:
        found.append(Found(source="configuration", note=sources.how_to_configure()))
    exact = canonicalize_name(wanted) if wanted else ""
    is_name = _BUNDLE.fullmatch(exact) is not None
    if is_name:
        try:
            places += sources.pips_own()
        except PluginError as error:
            found.append(Found(source="pip", problem=str(error)))
    asked = [
        (place, partial(_ask, place, wanted, exact, seconds))
        for place in places
        if is_name or place.kind in ("registry", "folder")
    ]
    answers, problems = ask_together(asked, seconds)
    for place, rows in answers:
        found += [msgspec.structs.replace(row, source=place.name) for row in rows]
    found += [Found(source=place.name, problem=text) for place, text in problems]
    return found


def _ask(place: Source, wanted: str, exact: str, seconds: float) -> list[Found]:
    if place.kind == "folder":
        return _in_folder(place, wanted)
    if place.kind == "registry":
        return [
            Found(
                name=canonicalize_name(one.name),
                version=one.version,
                versions=one.versions or (one.version,),
                summary=one.summary,
                hash=one.sha256,
                description=one.description,
            )
            for one in search(place, wanted, seconds=seconds)
        ]
    try:
        files = files_of(place, exact, seconds)
    except PluginError:
        if not place.name.startswith("pip"):
            raise
        return _by_pip(place, exact, seconds)  # pip knows proxies and certificates that we do not
    if not files:
        return []
    versions = newest_first(one.version for one in files)
    newest = next((one.sha256 for one in files if one.version == versions[0] and one.is_wheel), "")
    return [Found(name=exact, version=versions[0], versions=tuple(versions), hash=newest)]


def _by_pip(place: Source, name: str, seconds: float) -> list[Found]:
    options = ("--timeout", "3", "--retries", "0", *place.pip_options())
    try:
        # Its JSON is newer than the pip that many environments have; these lines have been the same for years.
        said = pip.run("index", "versions", *options, name, progress=lambda line: None, seconds=seconds)
    except PluginError as error:
        if "No matching distribution" in str(error):
            return []
        raise PluginError(f"{place.name} ({place.shown}) cannot be asked. {error}") from error
    newest = next((match["version"] for line in said if (match := _NEWEST.match(line))), "")
    listed = next((match["versions"].split(", ") for line in said if (match := _VERSIONS.match(line))), [newest])
    return [Found(name=name, version=newest, versions=tuple(listed))] if newest else []


def _in_folder(place: Source, wanted: str) -> list[Found]:
    found = []
    for name, files in wheels_in(place).items():
        versions = newest_first(one.version for one in files)
        newest = next(one for one in files if one.version == versions[0])
        try:
            description = description_of_wheel(Path(place.address, newest.filename))
        except SpecError:
            description = None  # said when it is inspected
        summary = description.summary if description is not None else ""
        if wanted in name or wanted in summary.lower():
            told = msgspec.to_builtins(description) if description is not None else None
            found.append(
                Found(name=name, version=versions[0], versions=tuple(versions), summary=summary, description=told)
            )
    return found


def _installed(wanted: str, pins: Mapping[str, Pin]) -> list[Found]:
    found = []
    folders = {pin.folder: pin for pin in pins.values()}
    for bundle in Scanner(lambda: folders).scan().values():
        if bundle.name == _OWN:
            continue
        distribution = bundle.distribution()
        summary = str(distribution.metadata.json.get("summary", ""))
        if wanted in bundle.name or wanted in summary.lower():
            found.append(
                Found(
                    name=bundle.name,
                    version=bundle.version,
                    versions=(bundle.version,),
                    summary=summary,
                    installed=bundle.version,
                    source="installed",
                    hash=bundle.pin.hash if bundle.pin is not None else "",
                    description=_described(distribution, bundle),
                )
            )
    return sorted(found, key=lambda row: row.name)


def _described(distribution: Distribution, bundle: Bundle) -> dict[str, Any] | None:
    listed = (path for path in distribution.files or () if path.name == FILE and len(path.parts) == 2)
    places = [Path(str(distribution.locate_file(path))) for path in listed]
    # An editable installation lists none of its files.
    packages = {entry.value.partition(":")[0].partition(".")[0] for entry in distribution.entry_points}
    places += [Path(folder, package, FILE) for folder in contents_of(bundle).search for package in sorted(packages)]
    path = next((path for path in places if path.is_file()), None)
    if path is None:
        return None
    try:
        data = path.read_bytes()
        description = decode_description(data) if len(data) <= MOST_BYTES else None
    except (OSError, SpecError):
        return None
    return msgspec.to_builtins(description) if description is not None else None
