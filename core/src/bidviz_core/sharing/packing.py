"""Puts a bundle's folder into one file, for whoever wants it on another machine."""

from __future__ import annotations

import io
import re
import tomllib
import zipfile
from pathlib import Path

from bidviz_core.errors import BidvizError

#: The most bytes of a packed folder: it travels in one message.
MOST_BYTES = 6 * 2**20
#: The most files that are looked at.
MOST_FILES = 2_000
#: What tools leave behind.
_LEFT_OUT = {"__pycache__", "dist", "build", "node_modules"}
_NAME = re.compile(r"bidviz-(metric|policy)-[a-z0-9-]+")


def pack_bundle(folder: Path) -> tuple[str, bytes]:
    """Packs the source folder of a bundle.

    Args:
        folder: the folder, as `session.share` or `bidviz bundle new` wrote it.

    Returns:
        The name of the zip file, and its bytes; inside it everything lies in one folder of the bundle's name.

    Raises:
        BidvizError: it is no bundle's folder, or too large to travel in one message.
    """
    name = _name_of(folder)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as packed:
        for number, path in enumerate(_files(folder)):
            if number >= MOST_FILES or data.tell() > MOST_BYTES:
                raise BidvizError(
                    f"{folder} has more than {MOST_FILES:,} files or {MOST_BYTES >> 20} MiB: take it from the disk."
                )
            packed.write(path, Path(name, path.relative_to(folder)))
    if data.tell() > MOST_BYTES:
        raise BidvizError(f"{folder} is larger than {MOST_BYTES >> 20} MiB packed: take it from the disk.")
    return f"{name}.zip", data.getvalue()


def _name_of(folder: Path) -> str:
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8")).get("project", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BidvizError(f"{folder} is no bundle's folder: its pyproject.toml cannot be read ({error}).") from error
    name = str(project.get("name", ""))
    if not _NAME.fullmatch(name):
        raise BidvizError(
            f"{folder} is no bundle's folder: its name is {name!r}, expected bidviz-metric-… or bidviz-policy-…."
        )
    return name


def _files(folder: Path) -> list[Path]:
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") and part != ".gitignore" for part in parts)
        if not hidden and not _LEFT_OUT & set(parts) and path.is_file() and not path.is_symlink():
            found.append(path)
    return found
