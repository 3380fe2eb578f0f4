"""The files that every written bundle has: `pyproject.toml`, its licence, and what it takes to put them on the disk."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from email.errors import MessageError
from email.headerregistry import Address
from pathlib import Path

from packaging.version import Version

from bidviz_core.errors import BidvizError
from bidviz_core.sharing.licences import licence_text
from bidviz_core.sharing.naming import BundleName

#: Between two authors: a comma or a semicolon that is not within quotation marks.
_BETWEEN = re.compile(r"""[,;](?=(?:[^"]*"[^"]*")*[^"]*$)""")
_WITH_ADDRESS = re.compile(r"(?P<name>.*?)[\s<(]*(?P<email>[^\s<>()]+@[^\s<>()]+)[\s>)]*")


def core_range() -> str:
    """The range of `bidviz-core` that a bundle written now needs."""
    from bidviz_core import __version__

    here = Version(__version__)
    return f"bidviz-core>={here.major}.{here.minor},<{here.major}.{here.minor + 1}"


def pyproject(name: BundleName, summary: str, licence: str, author: str = "", dependencies: Sequence[str] = ()) -> str:
    """The text of `pyproject.toml`."""
    needs = ", ".join(map(_quoted, (core_range(), *dependencies)))
    people = ", ".join(_table(one) for one in authors_of(author))
    who = f"authors = [{people}]\n" if people else ""
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


def authors_of(text: str) -> list[dict[str, str]]:
    """The authors in what a person has typed, as `pyproject.toml` names them: each with a name, an address, or both.

    Args:
        text: `Ada Lovelace <ada@example.org>`, a name or an address alone, or several of them with commas between. What
            is no address that a build takes stays a part of the name, so that nothing is lost and the bundle is built.
    """
    found = (_author(" ".join(piece.split())) for piece in _BETWEEN.split(_plain(text)))
    return [one for one in found if one]


def _author(text: str) -> dict[str, str]:
    match = _WITH_ADDRESS.fullmatch(text)
    if match is None or not _is_address(match["email"]):
        return {"name": _name(text)} if _name(text) else {}
    name = _name(match["name"])
    return {"name": name, "email": match["email"]} if name else {"email": match["email"]}


def _name(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return " ".join(text.replace(",", " ").split())  # pyproject.toml's names have no commas


def _is_address(text: str) -> bool:
    try:
        Address(addr_spec=text)  # as the build makes it of it
    except (ValueError, MessageError, IndexError):
        return False
    return text.isascii()


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


def set_aside(folder: Path, distribution: str) -> Path | None:
    """Makes room for a bundle where one of that name is: the folder keeps all it holds, under another name.

    Returns:
        Where it is now; none where there was nothing in the way.

    Raises:
        BidvizError: what is there is no bundle of that name, or cannot be moved; it is left as it is.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    try:
        name = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        name = ""
    if name != distribution:
        raise BidvizError(
            f"{folder} holds no bundle {distribution}, and is left as it is: choose another name or another folder."
        )
    aside = next(
        one for number in itertools.count(1) if not (one := folder.with_name(f"{folder.name}.{number}")).exists()
    )
    try:
        folder.rename(aside)
    except OSError as error:
        raise BidvizError(
            f"{folder} cannot be put aside: {error.strerror or error}. Choose another name or another folder."
        ) from None
    return aside


def _table(entries: Mapping[str, str]) -> str:
    return f"{{ {', '.join(f'{key} = {_quoted(value)}' for key, value in entries.items())} }}"


def _quoted(text: str) -> str:
    # TOML's basic strings and JSON's have the same escapes.
    return json.dumps(" ".join(_plain(text).split()), ensure_ascii=False)


def _plain(text: str) -> str:
    """Without control characters, which TOML and metadata do not take."""
    return "".join(one if one.isprintable() else " " for one in text)
