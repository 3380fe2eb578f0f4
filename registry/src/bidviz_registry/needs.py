"""What a wheel needs, judged one by one against what is installed where the training runs."""

from __future__ import annotations

import importlib.machinery
import sys
from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Literal

from msgspec import Struct
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from bidviz_core.plugins.contents import contents_of, top_level_in
from bidviz_core.plugins.installed import Scanner
from bidviz_core.plugins.pins import Pin, run_folders
from bidviz_registry.wheels import Wheel

State = Literal["there", "missing", "conflict", "unwanted", "refused"]


class Need(Struct, frozen=True):
    """Something that a wheel needs.

    Args:
        requirement: as the wheel says it.
        name: the distribution's normalized name; empty where the line cannot be read.
        state: `"there"`: in the environment, or as a bundle of the run's own; `"missing"`: not installed;
            `"conflict"`: another version is installed; `"unwanted"`: not on this Python or platform, or not for the
            extras that were asked for; `"refused"`: it names an address.
        installed: the version that is installed, or an empty text.
        text: a sentence about it; empty where nothing is to be said.
    """

    requirement: str
    name: str
    state: State
    installed: str = ""
    text: str = ""


def installed_version(name: str) -> str:
    """The version of a distribution in the environment, without what runs installed for themselves; empty if none."""
    path = [folder for folder in sys.path if folder not in run_folders]
    found = next(iter(distributions(name=name, path=path)), None)
    return found.version if found is not None else ""


def judge(wheel: Wheel, extras: Collection[str] = (), pins: Mapping[str, Pin] | None = None) -> list[Need]:
    """Judges all that a wheel needs.

    Args:
        wheel: the wheel.
        extras: the extras of it that were asked for.
        pins: what the run has installed, by name: it is there as much as what the environment has, and before it.
    """
    return [_judge(wheel, text, extras, pins or {}) for text in wheel.requires]


def hidden_modules(wheel: Wheel, pins: Mapping[str, Pin]) -> list[str]:
    """Sentences about packages of a wheel that belong to something else which is installed already.

    Args:
        wheel: the wheel.
        pins: what the run has installed, by name; a newer version may bring the same packages.
    """
    own: set[str] = set()
    environment = Scanner().scan().get(wheel.name)
    if environment is not None:
        own |= contents_of(environment).names
    for pin in pins.values():
        if wheel.name == pin.name or wheel.name in pin.dependencies:
            own |= top_level_in(Path(pin.folder))
    # Not those of another run whose session has ended in this process.
    folders = [*(folder for folder in sys.path if folder not in run_folders), *(pin.folder for pin in pins.values())]
    taken = [name for name, regular in wheel.modules.items() if name not in own and _belongs(name, regular, folders)]
    if not taken:
        return []
    return [
        f"{wheel.path.name} brings the package {', '.join(sorted(taken))}, which is there already and belongs to "
        "something else: it would take its place."
    ]


def requirement_of(text: str) -> Requirement | None:
    """A requirement; none where the text is no requirement."""
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def said(needs: Iterable[Need], *states: State) -> list[str]:
    """What is to be said of needs in some states."""
    return [need.text for need in needs if need.state in states and need.text]


def _judge(wheel: Wheel, text: str, extras: Collection[str], pins: Mapping[str, Pin]) -> Need:
    origin = f"{wheel.name} {wheel.version}"
    requirement = requirement_of(text)
    if requirement is None:
        return Need(text, "", "refused", "", f"{origin} needs {text!r}, which cannot be read.")
    name = canonicalize_name(requirement.name)
    if requirement.marker is not None and not any(
        requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)
    ):
        return Need(text, name, "unwanted")
    if requirement.url is not None:
        told = (
            f"{origin} needs {requirement.name} from an address ({requirement.url}), which a bundle that is installed "
            "into a run may not: it would be built there."
        )
        return Need(text, name, "refused", "", told)
    wanted = f"{requirement.name}{requirement.specifier}"
    own = pins.get(name)
    there = own.version if own is not None else installed_version(requirement.name)
    if not there:
        return Need(text, name, "missing", "", f"{origin} needs {wanted}, which is not installed.")
    if requirement.specifier.contains(there, prereleases=True):
        return Need(text, name, "there", there)
    if own is not None:
        told = f"{origin} needs {wanted}, but this run has installed {name} {there}: put another version of that first."
        return Need(text, name, "conflict", there, told)
    told = (
        f"{origin} needs {wanted}: installing it would replace {requirement.name} {there} in the environment of the "
        f"running training. Choose a version of {wheel.name} that works with {there}, or install it when no training "
        "runs."
    )
    return Need(text, name, "conflict", there, told)


def _belongs(name: str, regular: bool, folders: list[str]) -> bool:
    """Whether a top-level name is found in folders and is not a namespace that several share."""
    spec = importlib.machinery.PathFinder.find_spec(name, folders)
    return spec is not None and (regular or spec.origin is not None)
