"""Reads wheels and sdists without unpacking or running anything: all of it is a stranger's."""

from __future__ import annotations

import configparser
import email.message
import email.parser
import email.policy
import hashlib
import os
import re
import tarfile
import tomllib
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Literal

import msgspec
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from bidviz_core.description import FILE, MOST_BYTES, Description, decode_description
from bidviz_core.errors import SpecError
from bidviz_registry.server.held import Held
from bidviz_registry.server.refusals import Refused

#: The most bytes of a METADATA, an entry_points.txt or a pyproject.toml.
_MOST_TEXT = 4 * 2**20
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,250}")
#: What a damaged archive makes the standard library raise.
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError)


def parse_filename(filename: str) -> tuple[str, str, Literal["wheel", "sdist"]]:
    """What a file's name says.

    Returns:
        The project's normalized name, the version, and what kind of file it is.

    Raises:
        Refused: it is the name of neither a wheel nor an sdist.
    """
    if not _SAFE.fullmatch(filename) or ".." in filename:
        raise Refused(f"{filename[:100]!r} is no file name of a package: letters, digits and . _ + ! - alone.")
    try:
        if filename.endswith(".whl"):
            name, version, _, _ = parse_wheel_filename(filename)
            return str(name), str(version), "wheel"
        if filename.endswith(".tar.gz"):
            name, version = parse_sdist_filename(filename)
            return str(name), str(version), "sdist"
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion) as error:
        raise Refused(f"{filename} does not follow the rules for names: {error}.") from error
    raise Refused(
        f"{filename} is neither a wheel (.whl) nor an sdist (.tar.gz): build both with `bidviz bundle build`."
    )


def read_file(path: Path, filename: str = "") -> Held:
    """Reads what the index and the gallery say of a file.

    Args:
        path: the file.
        filename: the name it is to have; the path's own by default.

    Raises:
        Refused: it cannot be read, or is not what its name says.
    """
    filename = filename or path.name
    project, version, kind = parse_filename(filename)
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            read = _read_wheel(file, filename) if kind == "wheel" else _read_sdist(file, filename)
    except BROKEN as error:
        raise Refused(f"{filename} is broken: {error or type(error).__name__}. Build it anew.") from error
    metadata, bundle, description, problem = read
    message = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(metadata, headersonly=True)
    name, own = _text(message, "Name"), _text(message, "Version")
    if canonicalize_name(name) != project or not _same(own, version):
        raise Refused(f"{filename} holds {name or 'nothing'} {own}, expected {project} {version}: keep the built name.")
    if description and not problem and (canonicalize_name(description.name), description.version) != (project, own):
        problem = (
            f"Its {FILE} is of {description.name} {description.version}, expected {project} {own}: make it anew with "
            "`bidviz bundle check --write`."
        )
    return Held(
        filename=filename,
        name=name,
        project=project,
        version=version,
        kind=kind,
        size=about.st_size,
        changed=about.st_mtime_ns,
        sha256=sha256,
        metadata_sha256=hashlib.sha256(metadata).hexdigest() if kind == "wheel" else "",
        summary=_text(message, "Summary") or (description.summary if description else ""),
        requires_python=_text(message, "Requires-Python"),
        requires_dist=tuple(_texts(message, "Requires-Dist")),
        license=_license(message),
        author=_text(message, "Author") or _text(message, "Author-email"),
        links=tuple(_links(message)),
        bundle=bundle,
        light=_lighten(description) if description else b"",
        hash=description.hash if description else "",
        texts=_texts_of(description) if description else ("", ""),
        problem=problem,
    )


def open_metadata(path: Path) -> bytes:
    """The `METADATA` of a wheel, as it stands there.

    Raises:
        Refused: there is none that can be read.
    """
    return _open(path, lambda wheel: _info(wheel, path.name) + "METADATA")


def open_description(path: Path) -> bytes:
    """The description that a wheel carries, as it stands there.

    Raises:
        Refused: there is none that can be read.
    """
    return _open(path, _place_of_description)


def _open(path: Path, find: Callable[[zipfile.ZipFile], str]) -> bytes:
    try:
        with zipfile.ZipFile(path) as wheel:
            return _take(wheel, find(wheel))
    except BROKEN as error:
        raise Refused(f"{path.name} is broken: {error}.", 404) from error


def _place_of_description(wheel: zipfile.ZipFile) -> str:
    """Its path; empty where there is none."""
    return min((name for name in wheel.namelist() if name.count("/") == 1 and name.endswith(f"/{FILE}")), default="")


def _read_wheel(file: IO[bytes], filename: str) -> tuple[bytes, bool, Description | None, str]:
    with zipfile.ZipFile(file) as wheel:
        info = _info(wheel, filename)
        metadata = _take(wheel, info + "METADATA")
        names = set(wheel.namelist())
        if info + "WHEEL" not in names or info + "RECORD" not in names:
            raise Refused(f"{filename} has no WHEEL or no RECORD in {info}, so it is no wheel: build it anew.")
        points = _take(wheel, info + "entry_points.txt") if info + "entry_points.txt" in names else b""
        description, problem = None, ""
        if place := _place_of_description(wheel):
            try:
                description = decode_description(_take(wheel, place, MOST_BYTES))
            except (SpecError, Refused) as error:
                problem = str(error)
        return metadata, _has_entry_point(points), description, problem


def _read_sdist(file: IO[bytes], filename: str) -> tuple[bytes, bool, Description | None, str]:
    metadata, bundle = b"", False
    with tarfile.open(fileobj=file, mode="r:gz") as archive:
        for member in archive:
            if member.name.count("/") != 1 or not member.isfile():
                continue
            if member.name.endswith("/PKG-INFO"):
                metadata = _take_member(archive, member)
            elif member.name.endswith("/pyproject.toml"):
                bundle = _names_entry_point(_take_member(archive, member))
    if not metadata:
        raise Refused(f"{filename} has no PKG-INFO at its top, so it is no sdist: build it anew.")
    return metadata, bundle, None, ""


def _info(wheel: zipfile.ZipFile, filename: str) -> str:
    found = {name.split("/")[0] for name in wheel.namelist() if name.split("/")[0].endswith(".dist-info")}
    if len(found) != 1:
        raise Refused(f"{filename} has {len(found)} folders *.dist-info, expected one: build it anew.")
    return found.pop() + "/"


def _take(wheel: zipfile.ZipFile, name: str, most: int = _MOST_TEXT) -> bytes:
    try:
        about = wheel.getinfo(name)
    except KeyError:
        raise Refused(f"The wheel has no {name}: build it anew.") from None
    if about.file_size > most:
        raise Refused(f"{name} has {about.file_size:,} bytes; at most {most:,} are read.")
    return wheel.read(about)


def _take_member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    if file is None or member.size > _MOST_TEXT:
        raise Refused(f"{member.name} has {member.size:,} bytes; at most {_MOST_TEXT:,} are read.")
    return file.read()


def _has_entry_point(text: bytes) -> bool:
    points = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    try:
        points.read_string(text.decode("utf-8", "replace"))
    except configparser.Error:
        return False
    return points.has_section("bidviz") and bool(points.options("bidviz"))


def _names_entry_point(project: bytes) -> bool:
    try:
        found: Any = tomllib.loads(project.decode("utf-8"))["project"]["entry-points"]["bidviz"]
    except (KeyError, TypeError, ValueError):
        return False
    return bool(found)


def _same(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return False


def _texts(message: email.message.Message, field: str) -> list[str]:
    return [text for value in message.get_all(field, []) if (text := _clean(str(value)))]


def _text(message: email.message.Message, field: str) -> str:
    return next(iter(_texts(message, field)), "")


def _clean(text: str) -> str:
    """One line, without bytes that are no text."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join(part for part in text.split() if part != "UNKNOWN")[:2000]


def _license(message: email.message.Message) -> str:
    """The expression, or the old field's first words, or what a classifier says."""
    classifiers = [text for text in _texts(message, "Classifier") if text.startswith("License ::")]
    last = classifiers[0].split("::")[-1].strip() if classifiers else ""
    return _text(message, "License-Expression") or _text(message, "License")[:120] or last


def _links(message: email.message.Message) -> list[tuple[str, str]]:
    """Links that a browser may follow: nothing but http and https."""
    pairs = [text.partition(",")[::2] for text in _texts(message, "Project-URL")]
    if home := _text(message, "Home-page"):
        pairs.insert(0, ("Homepage", home))
    return [
        (label.strip()[:40], link.strip())
        for label, link in pairs
        if re.match(r"https?://", link.strip(), re.IGNORECASE)
    ][:8]


def _lighten(description: Description) -> bytes:
    """The description as JSON without what makes it heavy: samples and code."""
    return msgspec.json.encode(
        msgspec.structs.replace(
            description,
            samples={},
            metrics=tuple(msgspec.structs.replace(metric, code="") for metric in description.metrics),
            policies=tuple(msgspec.structs.replace(policy, code="") for policy in description.policies),
        )
    )


def _texts_of(description: Description) -> tuple[str, str]:
    metrics, policies = description.metrics, description.policies
    charts = [*description.charts, *(chart for metric in metrics for chart in metric.charts)]
    names = [metric.name for metric in metrics] + [policy.name for policy in policies] + [*description.renderers]
    helps = [metric.help for metric in metrics] + [policy.help for policy in policies]
    helps += [text for chart in charts for text in (chart.title, chart.help)]
    helps += [text for page in description.pages for text in (page.title, page.help)]
    return "\n".join(names).lower(), "\n".join(filter(None, helps)).lower()
