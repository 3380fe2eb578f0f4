"""Installs a bundle into the environment of a running training, and nothing that the training stands on."""

from __future__ import annotations

import importlib.metadata
import re
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from bidviz_core.errors import PluginError
from bidviz_registry import pip

_PATH = re.compile(r"[/\\]|^\.|\.whl$|\.tar\.gz$|\.zip$")
_ADDRESS = re.compile(r"^(git\+)?https?://|^file:", re.IGNORECASE)


@dataclass(frozen=True)
class Installation:
    """What an installation did.

    Args:
        installed: name and version of every distribution that is new or has another version now.
        bundles: the names of those that are bundles, to be loaded.
    """

    installed: tuple[tuple[str, str], ...]
    bundles: tuple[str, ...]

    def __str__(self) -> str:
        if not self.installed:
            return "It is installed already and nothing newer fits; nothing has changed."
        text = "Installed " + ", ".join(f"{name} {version}" for name, version in self.installed) + "."
        if not self.bundles:
            text += " There is no bundle among them: a bundle has an entry point in the group 'bidviz'."
        return text


def install(requirement: str, progress: Callable[[str], None]) -> Installation:
    """Installs a requirement.

    Args:
        requirement: a name (`bidviz-metric-gradnorm>=0.1`), a folder with a `pyproject.toml`, a wheel, or an address.
        progress: is given a line of text now and then.

    Raises:
        PluginError: it is no requirement, cannot be had, or would replace something that is installed.
    """
    target, options = _target(requirement)
    progress(f"Looking what {requirement} would bring…")
    plan = pip.plan(target, ("--upgrade", *options), progress)
    _refuse_changes(requirement, plan)
    if not plan:
        return Installation((), ())
    requested = next((item for item in plan if item["requested"]), None)
    if requested is not None and not options and not _is_place(target):
        target = f"{requested['name']}=={requested['version']}"  # what was judged, and nothing newer
    with tempfile.TemporaryDirectory(prefix="bidviz-pip-") as folder:
        pins = Path(folder, "installed.txt")
        pins.write_text(_pins({canonicalize_name(item["name"]) for item in plan}), encoding="utf-8")
        pip.run("install", "--upgrade", "--constraint", str(pins), *options, target, progress=progress)
    names = [canonicalize_name(item["name"]) for item in plan]
    done = Installation(
        tuple((name, _version(name) or item["version"]) for name, item in zip(names, plan, strict=True)),
        tuple(name for name in names if _is_bundle(name)),
    )
    progress(str(done))
    return done


def _target(requirement: str) -> tuple[str, tuple[str, ...]]:
    """What pip is given, and the options it needs for that."""
    text = requirement.strip()
    expected = "expected a name (bidviz-metric-gradnorm), a folder, a wheel, or an https address"
    if not text:
        raise PluginError(f"There is no requirement: {expected}.")
    if text.startswith("-") or any(ord(character) < 32 for character in text):
        raise PluginError(f"{text!r} is no requirement but an option of pip: {expected}.")
    if _ADDRESS.match(text):
        return text, ()
    path = Path(text).expanduser()
    if path.exists() and (path.is_dir() or _PATH.search(text)):
        return str(path.resolve()), _build_options(path)
    try:
        Requirement(text)
    except InvalidRequirement:
        if _PATH.search(text):
            raise PluginError(f"There is no file or folder {text!r} (looked from {Path.cwd()}).") from None
        raise PluginError(f"{text!r} is no requirement: {expected}.") from None
    return text, ()


def _build_options(path: Path) -> tuple[str, ...]:
    """A folder whose build tool is installed here is built with it: an isolated build would fetch it anew."""
    if not path.is_dir():
        return ()
    project = path / "pyproject.toml"
    if not project.exists() and not (path / "setup.py").exists():
        raise PluginError(f"The folder {path} has no pyproject.toml, so there is nothing to install in it.")
    try:
        needed = tomllib.loads(project.read_text("utf-8")).get("build-system", {}).get("requires", ["setuptools"])
        here = all(_satisfied(Requirement(text)) for text in needed)
    except (OSError, tomllib.TOMLDecodeError, InvalidRequirement):
        return ()  # pip says what is wrong with it
    return ("--no-build-isolation",) if here else ()


def _satisfied(requirement: Requirement) -> bool:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    version = _version(requirement.name)
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def _refuse_changes(requirement: str, plan: Sequence[dict[str, Any]]) -> None:
    """Refuses what would pull a package from under the running training."""
    changed = []
    for item in plan:
        version = _version(item["name"])
        if version is None or (item["requested"] and _is_bundle(item["name"])):
            continue
        changed.append(f"{item['name']} {version} by {item['version']}")
    if changed:
        raise PluginError(
            f"Installing {requirement} would replace {', '.join(changed)} in the environment of the running training, "
            "so nothing was installed. Install it when no training runs, or choose a version that fits."
        )


def _pins(free: set[str]) -> str:
    """Holds every installed distribution but those of the plan to its version."""
    lines = []
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name and canonicalize_name(name) not in free:
            lines.append(f"{name}=={distribution.version}")
    return "\n".join(sorted(set(lines)))


def _is_place(target: str) -> bool:
    return bool(_ADDRESS.match(target)) or Path(target).exists()


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _is_bundle(name: str) -> bool:
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return bool(distribution.entry_points.select(group="bidviz"))
