"""Withdraws versions (PEP 592): a file beside the wheel says so, so that a backup of the folder holds it too."""

from __future__ import annotations

from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from bidviz_registry.server.reading import parse_filename
from bidviz_registry.server.refusals import Refused, RegistryError
from bidviz_registry.server.shelf import YANKED


def withdraw(folder: Path, name: str, version: str, reason: str = "", undo: bool = False) -> list[str]:
    """Withdraws every file of a version, or offers it again; a registry that runs sees it at once.

    Args:
        folder: the registry's.
        name: the distribution's name.
        version: its version.
        reason: why, in a line.
        undo: offers it again.

    Returns:
        The files' names.

    Raises:
        RegistryError: there is no such version, or the folder cannot be written.
    """
    try:
        wanted = (canonicalize_name(name), Version(version))
    except InvalidVersion as error:
        raise RegistryError(f"{version!r} is no version: expected one like 0.1.0.") from error
    try:
        found = [path for path in sorted(folder.iterdir()) if _is_of(path, wanted)]
        if not found:
            raise RegistryError(f"There is no file of {wanted[0]} {wanted[1]} in {folder}.")
        for path in found:
            marker = path.with_name(path.name + YANKED)
            if undo:
                marker.unlink(missing_ok=True)
            else:
                marker.write_text(" ".join(reason.split())[:500] + "\n", encoding="utf-8")
    except OSError as error:
        raise RegistryError(f"{folder} cannot be changed: {error.strerror or error}.") from error
    return [path.name for path in found]


def _is_of(path: Path, wanted: tuple[str, Version]) -> bool:
    try:
        project, version, _ = parse_filename(path.name)
    except Refused:
        return False
    return (project, Version(version)) == wanted
