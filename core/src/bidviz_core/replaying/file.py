"""The file that replays: what stands in it, and how it is written and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from bidviz_core.errors import StoreError

VERSION = 1


class ReplayEntry(Struct, frozen=True, kw_only=True):
    """An entry of the journal.

    Args:
        number: its number in the journal it comes from.
        step: the step boundary at which it took hold.
        kind: `"hyperparameters"`, `"policies"`, `"metrics"`, `"console"`, `"model"` or `"control"`.
        action: the command's `methodName`, or what happened.
        author: who did it.
        time: seconds since the epoch.
        summary: one line of text.
        detail: what was given, code included.
        success: whether it went well; a console line that raised may have done something all the same.
    """

    number: int
    step: int
    kind: str
    action: str
    author: str = ""
    time: float = 0.0
    summary: str = ""
    detail: dict[str, Any] = {}
    success: bool = True


class Values(Struct, frozen=True, kw_only=True):
    """The values that policies gave to one hyperparameter: each from its step's boundary on, until the next.

    Args:
        name: the hyperparameter.
        steps: rising.
        values: one for each step; factors where the policy scales.
    """

    name: str
    steps: list[int]
    values: list[float]


class ReplayFile(Struct, frozen=True, kw_only=True):
    """Everything that was done to a run.

    Args:
        bidviz_replay: the version of this form.
        run: the run's id.
        name: the run's name.
        started: seconds since the epoch.
        last_step: the last step that the file tells of.
        begins_at: the step of the checkpoint from which the run went on; 0 for one that began by itself.
        parent: the run whose checkpoint that was.
        versions: of what the run was made with.
        entries: in their order; those that a rewind made undone are left out.
        values: what policies applied.
    """

    bidviz_replay: int
    run: str
    name: str
    started: float = 0.0
    last_step: int = 0
    begins_at: int = 0
    parent: str = ""
    versions: dict[str, str] = {}
    entries: list[ReplayEntry] = []
    values: list[Values] = []


def to_text(file: ReplayFile) -> str:
    """The text of the file; every number in it comes back to the bit."""
    return msgspec.json.format(msgspec.json.encode(file), indent=1).decode()


def write_text(path: Path, text: str) -> None:
    """Writes an export.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"The journal cannot be written to {path}: {error.strerror or error}.") from error


def read_file(path: Path) -> ReplayFile:
    """Reads a file that was exported.

    Raises:
        StoreError: there is none, it is cut short, or it is of a later version.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise StoreError(f"There is nothing to replay at {path}: {error.strerror or error}.") from error
    try:
        about = msgspec.json.decode(text, type=dict[str, Any])
        version = about.get("bidviz_replay")
        if version is None:
            raise StoreError(f"{path} is no exported journal: session.journal.export(path) writes one.")
        if version != VERSION:
            raise StoreError(
                f"{path} is of version {version}; this bidviz-core reads version {VERSION}: upgrade bidviz-core."
            )
        return msgspec.convert(about, ReplayFile)
    except msgspec.MsgspecError as error:
        raise StoreError(f"{path} cannot be read: {error}. It was cut short or changed; export it again.") from error
