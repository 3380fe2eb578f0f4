"""What a registry knows of the files it holds: plain data, made from the files and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import msgspec
from packaging.version import Version


class Held(msgspec.Struct, frozen=True, omit_defaults=True):
    """A wheel or an sdist.

    Args:
        filename: its name in the folder.
        name: the distribution's name, as it writes it.
        project: the same, normalized.
        version: the version, as it writes it.
        kind: `"wheel"` or `"sdist"`.
        size: bytes.
        changed: when it was written, nanoseconds since 1970.
        sha256: its hash.
        metadata_sha256: the hash of the wheel's `METADATA`; empty for an sdist.
        summary: what it is, in a sentence.
        requires_python: which Python it needs.
        requires_dist: what it needs, as it writes it.
        license: its licence.
        author: who made it.
        links: labels and addresses of its project.
        bundle: whether it has an entry point in the group `bidviz`.
        light: its description without samples and code, as JSON; empty where it carries none.
        hash: the hash of its code, as the description gives it.
        texts: what a search looks in, in lower case: metrics' names, then help texts.
        problem: what is wrong with its description.
    """

    filename: str
    name: str
    project: str
    version: str
    kind: Literal["wheel", "sdist"]
    size: int
    changed: int
    sha256: str
    metadata_sha256: str = ""
    summary: str = ""
    requires_python: str = ""
    requires_dist: tuple[str, ...] = ()
    license: str = ""
    author: str = ""
    links: tuple[tuple[str, str], ...] = ()
    bundle: bool = False
    light: bytes = b""
    hash: str = ""
    texts: tuple[str, str] = ("", "")
    problem: str = ""


@dataclass(frozen=True)
class Project:
    """All files of one name.

    Args:
        name: the normalized name.
        files: newest version first; within one, wheels first.
        yanked: for the names of files that were withdrawn, why (may be empty).
    """

    name: str
    files: tuple[Held, ...]
    yanked: dict[str, str]

    @cached_property
    def versions(self) -> tuple[str, ...]:
        """Every version, newest first."""
        return tuple(dict.fromkeys(held.version for held in self.files))

    @cached_property
    def newest(self) -> Held:
        """The file that stands for it: the newest wheel that is no pre-release and not withdrawn, if there is one."""
        return min(
            enumerate(self.files),
            key=lambda item: (
                not item[1].bundle,
                item[1].filename in self.yanked,
                item[1].kind == "sdist",
                Version(item[1].version).is_prerelease,
                item[0],
            ),
        )[1]

    @property
    def is_bundle(self) -> bool:
        """Whether it is a bundle and not a package that some bundle needs."""
        return self.newest.bundle

    def of_version(self, version: str) -> Held | None:
        """The file that stands for a version: its first wheel that is a bundle, or else its first file."""
        files = [held for held in self.files if held.version == version]
        return min(files, key=lambda held: not held.bundle, default=None)


@dataclass(frozen=True)
class Snapshot:
    """All that a registry holds at one moment; replaced whole, never changed.

    Args:
        number: grows with every change.
        projects: by normalized name.
        files: by file name.
        broken: files of the folder that are not served, and why.
    """

    number: int
    projects: dict[str, Project]
    files: dict[str, Held]
    broken: dict[str, str]

    @cached_property
    def bundles(self) -> tuple[Project, ...]:
        """The projects that are bundles, by name."""
        return tuple(self.projects[name] for name in sorted(self.projects) if self.projects[name].is_bundle)


def pick(snapshot: Snapshot, name: str, version: str = "") -> tuple[Project, Held] | None:
    """A project and the file that stands for one of its versions, or for all of them.

    Args:
        snapshot: where to look.
        name: a normalized name.
        version: as the file writes it; empty is the newest that is fit to be installed.
    """
    project = snapshot.projects.get(name)
    if project is None:
        return None
    held = project.of_version(version) if version else project.newest
    return (project, held) if held is not None else None


def arrange(name: str, files: list[Held], yanked: dict[str, str]) -> Project:
    """Puts the files of one name in order.

    Args:
        name: the normalized name.
        files: in any order.
        yanked: file names, and why they were withdrawn.
    """
    files = sorted(files, key=lambda held: (held.kind == "sdist", held.filename))
    files.sort(key=lambda held: Version(held.version), reverse=True)
    return Project(name, tuple(files), {one.filename: yanked[one.filename] for one in files if one.filename in yanked})
