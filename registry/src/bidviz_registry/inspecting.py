"""What is in a bundle, what it needs and where it comes from, before anything of it is installed or run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from bidviz_core.plugins.pins import Pin
from bidviz_registry.choosing import Elsewhere, choose, understand
from bidviz_registry.fetching import fetch
from bidviz_registry.judging import refusals, warnings
from bidviz_registry.needs import Need, installed_version, judge
from bidviz_registry.wheels import Wheel, sources_of

#: The most bytes of code and of description text that travel to the page.
MOST_CODE = 2**20
MOST_TEXT = 2**17


class InspectedFile(Struct, frozen=True):
    """A file of a wheel.

    Args:
        path: where it lies.
        size: its bytes.
        code: its text, for Python code; none for anything else, and past the first megabyte.
        runs: whether it is code that Python runs or loads.
    """

    path: str
    size: int
    code: str | None = None
    runs: bool = False


class Inspection(Struct, frozen=True, kw_only=True):
    """A bundle that was looked at.

    Args:
        name: its distribution's name.
        version: its version.
        summary: what it says of itself, in a sentence.
        text: what it says at length (its README).
        license: its licence.
        author: who made it, as the wheel says.
        requirement: what was asked for.
        filename: the wheel's name.
        size: the wheel's bytes.
        hash: SHA-256 of the wheel: given to `install`, exactly this file is installed.
        code: SHA-256 of its code, which a session shows once it is loaded.
        source: the registry, index or folder it comes from, or the path or address that was given.
        address: that one's address.
        requires_python: which Python it needs.
        needs: what else it needs, judged one by one.
        entry_points: by name, in the group `bidviz`: what is imported when it is loaded.
        files: its files, those with code first.
        description: what it holds, if it says so.
        installed: the version that is installed here, or an empty text.
        refusals: why it is not installed as it is; empty where it may be.
        refusals_with_dependencies: why it is not installed with what it needs and is missing either; empty where that
            may be: then asking `with_dependencies` is all it takes.
        warnings: what else a person should know.
    """

    name: str
    version: str
    summary: str
    text: str
    license: str
    author: str
    requirement: str
    filename: str
    size: int
    hash: str
    code: str
    source: str
    address: str
    requires_python: str
    needs: tuple[Need, ...]
    entry_points: dict[str, str]
    files: tuple[InspectedFile, ...]
    description: dict[str, Any] | None
    installed: str
    refusals: tuple[str, ...]
    warnings: tuple[str, ...]
    refusals_with_dependencies: tuple[str, ...] = ()


def inspect(
    requirement: str, progress: Callable[[str], None], *, source: str = "", pins: Mapping[str, Pin] | None = None
) -> Inspection:
    """Fetches a bundle's wheel into the cache and reads it; nothing of it is installed or run.

    Args:
        requirement: a name, a name with a version, a wheel, or an address of one.
        progress: is given a line of text now and then.
        source: the registry's name or the folder, where there is a choice.
        pins: what the run has installed, by name.

    Raises:
        PluginError: it cannot be had without being built, or is no wheel that can be read.
    """
    pins = pins or {}
    wanted = understand(requirement)
    choice = choose(wanted.name, source, pins) if wanted.kind == "name" else None
    place = choice.source if choice is not None else None
    elsewhere = Elsewhere(wanted.name, place) if place is not None else None
    if wanted.named_folder:
        wanted = wanted._replace(named_folder=False)  # to look at it does not mean to run its build
    fetched = fetch(wanted, place, False, "", progress)
    wheel = fetched.wheel
    needs = judge(wheel, wanted.requirement.extras if wanted.requirement is not None else (), pins)
    description, told = warnings(wheel)
    notes = [*(choice.notes if choice is not None else ()), *(elsewhere.notes(wheel.version) if elsewhere else ())]
    return Inspection(
        name=wheel.name,
        version=wheel.version,
        summary=wheel.summary,
        text=_text(wheel),
        license=str(wheel.metadata.get("License-Expression") or wheel.metadata.get("License") or ""),
        author=str(wheel.metadata.get("Author") or wheel.metadata.get("Author-email") or ""),
        requirement=requirement,
        filename=wheel.path.name,
        size=wheel.path.stat().st_size,
        hash=wheel.hash,
        code=wheel.code,
        source=place.name if place is not None else wanted.text,
        address=place.shown if place is not None else "",
        requires_python=wheel.requires_python,
        needs=tuple(needs),
        entry_points=dict(wheel.entry_points),
        files=_files(wheel),
        description=msgspec.to_builtins(description) if description is not None else None,
        installed=pins[wheel.name].version if wheel.name in pins else installed_version(wheel.name),
        refusals=tuple(refusals(fetched, needs, pins)),
        warnings=(*told, *notes),
        refusals_with_dependencies=tuple(refusals(fetched, needs, pins, with_dependencies=True)),
    )


def _files(wheel: Wheel) -> tuple[InspectedFile, ...]:
    code = sources_of(wheel, MOST_CODE)
    files = [InspectedFile(path, size, code.get(path), path in code) for path, size in wheel.files.items()]
    return tuple(sorted(files, key=lambda one: (not one.runs, one.path)))


def _text(wheel: Wheel) -> str:
    payload = wheel.metadata.get_payload()
    text = payload if isinstance(payload, str) and payload.strip() else str(wheel.metadata.get("Description", ""))
    return text[:MOST_TEXT]
