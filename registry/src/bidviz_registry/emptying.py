"""Bounds the cache of wheels: what nobody used for long goes, and the least recently used where there is too much."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from bidviz_core.errors import BidvizError
from bidviz_core.plugins.pins import FILE, PinFile
from bidviz_core.store import RunIndex, StoreReader

#: Bytes that the cache holds at most, and seconds after which a wheel that nobody used goes.
MOST_BYTES, LONGEST = 500 * 2**20, 30 * 86_400.0
#: Seconds for which a wheel that was used stays whatever else: another process may be reading it.
_IN_USE = 3_600.0
_OVER = ("ended", "stopped", "failed", "lost")


class _Kept(NamedTuple):
    used: float
    size: int
    folder: Path


def used(folder: Path) -> None:
    """Notes that the wheel in a folder of the cache is used now."""
    try:
        os.utime(folder)
    except OSError:  # it is somebody else's cache, or has just gone
        return


def empty(
    cache: Path, *, most_bytes: int = MOST_BYTES, longest: float = LONGEST, now: float | None = None
) -> list[str]:
    """Takes out of the cache what is not wanted any more; never what was just used, nor what a run pins that goes on.

    Args:
        cache: its folder, which has one for each wheel, named by its hash.
        most_bytes: how much it may hold.
        longest: the seconds after which a wheel goes that nobody used.
        now: the time, seconds since the epoch.

    Returns:
        The hashes of what went.
    """
    now = time.time() if now is None else now
    kept = sorted(_all(cache))
    total = sum(one.size for one in kept)
    pinned: set[str] | None = None
    gone = []
    for one in kept:
        old = now - one.used > longest
        if now - one.used < _IN_USE or not (old or total > most_bytes):
            continue
        if pinned is None:  # asked only where something is to go: it reads the files of runs
            pinned = _pinned()
        if one.folder.name in pinned:
            continue
        shutil.rmtree(one.folder, ignore_errors=True)
        total -= one.size
        gone.append(one.folder.name)
    return gone


def _all(cache: Path) -> Iterator[_Kept]:
    try:
        folders = [path for path in cache.iterdir() if path.is_dir() and not path.is_symlink()]
    except OSError:
        return  # there is none yet
    for folder in folders:
        try:
            size = sum(path.stat().st_size for path in folder.iterdir())
            yield _Kept(folder.stat().st_mtime, size, folder)
        except OSError:
            continue  # another process has just taken it out


def _pinned() -> set[str]:
    """The wheels of the runs of this person that are not over."""
    hashes: set[str] = set()
    try:
        folders = [run.folder for run in RunIndex().runs()]
    except BidvizError:
        return hashes
    for folder in folders:
        try:
            pins = msgspec.json.decode((folder / FILE).read_bytes(), type=PinFile).pins
            if StoreReader(folder).state() not in _OVER:
                hashes |= {pin.hash for versions in pins.values() for pin in versions}
        except (OSError, msgspec.MsgspecError, BidvizError):
            continue  # it has installed nothing, or is gone
    return hashes
