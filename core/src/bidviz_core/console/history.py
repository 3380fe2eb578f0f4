"""The lines that were typed, over all sessions of this user: one JSON text a line, in the user's state folder."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from bidviz_core.identity import state_folder

FILE = "console-history.jsonl"
#: Lines that are kept; the file is cut back to these when it holds twice as many bytes as it may.
KEPT = 1000
MOST_BYTES = 2_000_000
#: Characters of a line that is worth keeping: what is longer was pasted.
LONGEST = 20_000


def read(count: int = KEPT) -> list[str]:
    """The last lines, oldest first; those that cannot be read are left out."""
    lines = []
    try:
        texts = (state_folder() / FILE).read_bytes().splitlines()
    except OSError:
        return []
    for text in texts[-count:]:
        try:
            lines.append(msgspec.json.decode(text, type=str))
        except msgspec.MsgspecError:  # cut short by a full disk or a power cut
            continue
    return lines


def append(code: str) -> None:
    """Writes a line down; where that cannot be done the history lasts as long as the session."""
    if not code.strip() or len(code) > LONGEST:
        return
    try:
        path = state_folder() / FILE
        # O_APPEND: lines of two trainings at the same time do not cut each other.
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, msgspec.json.encode(code) + b"\n")
            size = os.fstat(handle).st_size
        finally:
            os.close(handle)
        if size > MOST_BYTES:
            _cut_back(path)
    except OSError:
        return


def _cut_back(path: Path) -> None:
    kept = read()
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in kept))
    fresh.chmod(0o600)
    fresh.replace(path)
