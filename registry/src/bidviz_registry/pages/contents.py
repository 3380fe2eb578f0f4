"""The files of a wheel as text, to be read before anything of it runs."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bidviz_registry.server.reading import BROKEN

#: What one file and one page show at most, in bytes, and how many files one lists.
_MOST_FILE = 200_000
_MOST_PAGE = 1_000_000
_MOST_FILES = 500
#: Only what is text by its name is looked into.
_TEXT = (".py", ".pyi", ".json", ".toml", ".md", ".txt", ".cfg", ".js", ".css", ".html", "METADATA", "RECORD", "WHEEL")


@dataclass(frozen=True)
class Inside:
    """A file in an archive.

    Args:
        path: its path there.
        size: bytes.
        text: what it holds; none where it is no text, or too large to be shown.
        runs: whether it is code that Python or a browser runs.
    """

    path: str
    size: int
    text: str | None
    runs: bool


def list_contents(path: Path) -> list[Inside]:
    """What lies in a wheel or an sdist: code first, then the rest, each by its path.

    Returns:
        At most 500 files; none where the archive cannot be read.
    """
    found: list[Inside] = []
    shown = 0
    try:
        for name, size, take in _members(path):
            text = None
            if name.endswith(_TEXT) and size <= _MOST_FILE and shown + size <= _MOST_PAGE:
                text = take().decode("utf-8", "replace")
                shown += size
            found.append(Inside(name, size, text, name.endswith((".py", ".js", ".so", ".pyd", ".pth"))))
    except BROKEN:
        return []
    return sorted(found, key=lambda inside: (not inside.runs, ".dist-info/" in inside.path, inside.path))


def _members(path: Path) -> Iterator[tuple[str, int, _Take]]:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            # Code first, so that it is what is shown where not all of it can be.
            for one in sorted(wheel.infolist(), key=lambda one: not one.filename.endswith(".py"))[:_MOST_FILES]:
                if not one.is_dir():
                    yield one.filename, one.file_size, _Take(wheel, one)
        return
    with tarfile.open(path, "r:gz") as archive:
        for number, member in enumerate(archive):
            if number >= _MOST_FILES:
                return
            if member.isfile():
                yield member.name, member.size, _Take(archive, member)


@dataclass(frozen=True)
class _Take:
    """Reads one member when it is asked to."""

    archive: zipfile.ZipFile | tarfile.TarFile
    member: zipfile.ZipInfo | tarfile.TarInfo

    def __call__(self) -> bytes:
        if isinstance(self.archive, zipfile.ZipFile) and isinstance(self.member, zipfile.ZipInfo):
            return self.archive.read(self.member)
        if isinstance(self.archive, tarfile.TarFile) and isinstance(self.member, tarfile.TarInfo):
            file = self.archive.extractfile(self.member)
            return file.read() if file is not None else b""
        return b""
