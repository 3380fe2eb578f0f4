"""The files that every written bundle has: `pyproject.toml`, its licence, and what it takes to put them on the disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.version import Version

from bidviz_core.errors import BidvizError
from bidviz_core.sharing.licences import licence_text
from bidviz_core.sharing.naming import BundleName


def core_range() -> str:
    """The range of `bidviz-core` that a bundle written now needs."""
    from bidviz_core import __version__

    here = Version(__version__)
    return f"bidviz-core>={here.major}.{here.minor},<{here.major}.{here.minor + 1}"


def pyproject(name: BundleName, summary: str, licence: str, author: str = "", dependencies: Sequence[str] = ()) -> str:
    """The text of `pyproject.toml`."""
    needs = ", ".join(map(_quoted, (core_range(), *dependencies)))
    who = f"authors = [{{ name = {_quoted(author)} }}]\n" if author else ""
    return f"""[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "{name.distribution}"
version = "0.1.0"
description = {_quoted(summary)}
readme = "README.md"
license = {_quoted(licence)}
license-files = ["LICENSE"]
{who}requires-python = ">=3.11"
dependencies = [{needs}]

[project.entry-points.bidviz]
{name.short} = "{name.package}"

[tool.hatch.build.targets.wheel]
packages = ["src/{name.package}"]
"""


def licence_file(licence: str, author: str) -> str:
    """The text of `LICENSE`."""
    return licence_text(licence, author)


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Writes a new folder: all of it, or nothing.

    Raises:
        BidvizError: there is something already, or it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BidvizError(f"{folder} is there already: choose another name or another folder, or take it away.")
    there = folder.exists()
    try:
        for relative, text in files.items():
            path = folder / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        if there:
            folder.mkdir(exist_ok=True)
        raise BidvizError(f"{folder} cannot be written: {error.strerror or error}. Choose another folder.") from None


def _quoted(text: str) -> str:
    # TOML's basic strings and JSON's have the same escapes.
    return json.dumps(" ".join(text.split()), ensure_ascii=False)
