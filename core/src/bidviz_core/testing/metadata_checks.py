"""Checks what a bundle says of itself to installers: name, licence, summary, Pythons, what it needs, what it holds."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterator
from pathlib import PurePosixPath

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from bidviz_core.description import FILE
from bidviz_core.testing.finding import Finding, note
from bidviz_core.testing.placing import Placed

KINDS = ("bidviz-metric-", "bidviz-policy-")
_CORE = "bidviz-core"
#: What a training uses, and no bundle may bring in another version of.
_THE_TRAINING_S = frozenset({"torch", "numpy"})


def check_metadata(placed: Placed) -> Iterator[Finding]:
    """Checks a bundle's metadata and the places of its files; none of its code runs."""
    yield from _name_and_version(placed)
    yield from _texts(placed)
    yield from _pythons(placed)
    yield from _needs(placed)
    yield from _files(placed)


def _name_and_version(placed: Placed) -> Iterator[Finding]:
    if not any(placed.name.startswith(kind) and placed.name != kind for kind in KINDS):
        yield Finding(
            placed.name or "metadata",
            "its name does not begin as a bundle's does.",
            f"Call it {KINDS[0]}… or {KINDS[1]}…, so that people and registries know it for one.",
        )
    try:
        Version(placed.version)
    except InvalidVersion:
        yield Finding("version", f"{placed.version!r} is no version.", "Write one like 0.1.0.")


def _texts(placed: Placed) -> Iterator[Finding]:
    metadata = placed.metadata
    expression = metadata["License-Expression"]
    classifiers = metadata.get_all("Classifier") or []
    if expression:
        try:
            canonicalize_license_expression(expression)
        except InvalidLicenseExpression:
            yield Finding(
                "licence",
                f"{expression!r} is no SPDX expression.",
                'Write license = "Apache-2.0", for one.',
            )
    elif not metadata["License"] and not any(one.startswith("License ::") for one in classifiers):
        yield Finding("licence", "there is none, so nobody may use it.", 'Write license = "Apache-2.0" into [project].')
    if not (metadata["Summary"] or "").strip():
        yield Finding("summary", "there is none.", "Say what it is in a sentence: description = … in [project].")
    if not str(metadata.get_payload() or metadata["Description"] or "").strip():
        yield Finding("README", "there is none.", 'Write README.md, and readme = "README.md" into [project].')


def _pythons(placed: Placed) -> Iterator[Finding]:
    wanted = placed.metadata["Requires-Python"]
    mend = 'Write requires-python = ">=3.11" into [project].'
    if not wanted:
        yield Finding("requires-python", "it does not say for which Pythons it is.", mend)
        return
    try:
        if not SpecifierSet(wanted).contains(platform.python_version(), prereleases=True):
            here = platform.python_version()
            yield Finding(
                "requires-python", f"it wants Python {wanted}, and this is {here}.", "Check it with such a one."
            )
    except InvalidSpecifier:
        yield Finding("requires-python", f"{wanted!r} cannot be read.", mend)


def _needs(placed: Placed) -> Iterator[Finding]:
    core = None
    for text in placed.metadata.get_all("Requires-Dist") or []:
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            yield Finding("dependencies", f"{text!r} cannot be read ({error}).", "Write it like 'scipy>=1.11'.")
            continue
        if requirement.name.lower() == _CORE:
            core = requirement
        exact = any(one.operator in ("==", "===") for one in requirement.specifier)
        if requirement.name.lower() in _THE_TRAINING_S and exact:
            yield Finding(
                "dependencies",
                f"it needs {text}, and would not install beside a training with another.",
                f"Give a range with a lower end alone: {requirement.name}>=….",
            )
        if requirement.url:
            yield Finding("dependencies", f"{text} comes from an address.", "Indexes refuse that: name what they have.")
    here = Version(importlib.metadata.version(_CORE))
    usual = f'"{_CORE}>={here.major}.{here.minor},<{here.major}.{here.minor + 1}"'
    if core is None:
        yield Finding("dependencies", f"it does not say which {_CORE} it needs.", f"Write dependencies = [{usual}].")
        return
    operators = {one.operator for one in core.specifier}
    if not operators & {">=", ">", "~=", "=="} or not operators & {"<", "<=", "~=", "=="}:
        yield Finding(
            "dependencies",
            f"its range of {_CORE} ({core.specifier or 'any'}) is open.",
            f"Give both ends, {usual}: hooks and arguments may change with the next.",
        )
    elif not core.specifier.contains(here, prereleases=True):
        yield Finding("dependencies", f"it wants {core}, and this is {here}.", f"Check it with that, or write {usual}.")


def _files(placed: Placed) -> Iterator[Finding]:
    for file in placed.files:
        if file.endswith(".pth"):
            yield Finding(file, "a .pth file runs at every start of Python.", "Leave it out: no run installs it.")
    if not placed.entry_points:
        short = placed.name.removeprefix(KINDS[0]).removeprefix(KINDS[1])
        yield Finding(
            "entry point",
            "there is none in the group bidviz, so that no session finds it.",
            f'Write [project.entry-points.bidviz] with {short} = "{placed.name.replace("-", "_")}".',
        )
        return
    if not placed.package:
        names = ", ".join(placed.entry_points.values())
        yield Finding(
            "entry point",
            f"{names} is no package of this bundle.",
            "Name a folder with __init__.py.",
        )
        return
    expected = placed.name.replace("-", "_")
    if placed.package != expected:
        yield Finding(
            "package",
            f"it is called {placed.package}.",
            f"Call it {expected}, as the distribution: then no two bundles meet.",
        )
    strangers = {PurePosixPath(file).parts[0] for file in placed.files} - {placed.package}
    strangers = {one for one in strangers if not one.endswith((".dist-info", ".data", ".pth"))}
    if strangers:
        yield Finding(
            "package",
            f"beside {placed.package} it installs {', '.join(sorted(strangers))}.",
            "Put all into one.",
        )
    if f"{placed.package}/{FILE}" not in placed.files:
        yield note(FILE, "there is none yet, so that nobody sees what the bundle holds before it runs.", "Add --write.")
