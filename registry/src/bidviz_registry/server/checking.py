"""Looks through the whole of an archive before it is published: every byte of it can be had, and stays in its place."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from bidviz_registry.server.held import Held
from bidviz_registry.server.reading import BROKEN
from bidviz_registry.server.refusals import Refused

_MOST_MEMBERS = 20_000
#: Unpacked, an archive may be so many times what it is packed, and this many bytes in any case.
_MOST_TIMES = 100
_FREE_BYTES = 64 * 2**20
_CHUNK = 2**20


def check_archive(path: Path, held: Held) -> None:
    """Reads every member of a wheel or an sdist.

    Raises:
        Refused: a member is damaged, lies outside the archive, or there is far more in it than its size allows.
    """
    most = max(_FREE_BYTES, held.size * _MOST_TIMES)
    try:
        if held.kind == "wheel":
            _check_zip(path, held.filename, most)
        else:
            _check_tar(path, held.filename, most)
    except BROKEN as error:
        raise Refused(
            f"{held.filename} is broken: {error or type(error).__name__}. Build and upload it anew."
        ) from error


def _check_zip(path: Path, filename: str, most: int) -> None:
    with zipfile.ZipFile(path) as wheel:
        members = wheel.infolist()
        if len(members) > _MOST_MEMBERS:
            raise Refused(f"{filename} has {len(members):,} members; at most {_MOST_MEMBERS:,} are taken.")
        if len({member.filename for member in members}) != len(members):
            raise Refused(f"{filename} has two members of one name: build it anew.")
        total = 0
        for member in members:
            _check_place(filename, member.filename)
            with wheel.open(member) as file:
                while chunk := file.read(_CHUNK):  # reading to the end compares the checksum
                    total += len(chunk)
                    _check_total(filename, total, most)
        shortcut = next((one.filename for one in members if one.filename.endswith(".pth")), None)
        if shortcut:
            raise Refused(
                f"{filename} holds {shortcut}, which would run at every start of Python wherever the wheel is "
                "installed; BIDViz installs no such wheel. Take it out."
            )


def _check_tar(path: Path, filename: str, most: int) -> None:
    with tarfile.open(path, mode="r:gz") as archive:
        total = 0
        for number, member in enumerate(archive):
            if number >= _MOST_MEMBERS:
                raise Refused(f"{filename} has more than {_MOST_MEMBERS:,} members; no more are taken.")
            _check_place(filename, member.name)
            if member.issym() or member.islnk():
                _check_place(filename, member.linkname)
            total += member.size
            _check_total(filename, total, most)
            file = archive.extractfile(member) if member.isfile() else None
            while file is not None and file.read(_CHUNK):
                pass


def _check_place(filename: str, member: str) -> None:
    place = PurePosixPath(member)
    if place.is_absolute() or ".." in place.parts or "\\" in member or "\0" in member or not place.parts:
        raise Refused(f"{filename} holds {member[:100]!r}, which lies outside of it: build it anew.")


def _check_total(filename: str, total: int, most: int) -> None:
    if total > most:
        raise Refused(f"{filename} unpacks to more than {most / 2**20:,.0f} MiB, which is no package: build it anew.")
