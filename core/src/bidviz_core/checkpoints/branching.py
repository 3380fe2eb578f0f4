"""A branch: the session goes on from a checkpoint as another run, with a name and a folder of its own.

It stays in the same process: only there is the script's loop, which is turned back as for a restore. The run so far
ends as *stopped*, its file is closed, and the same session writes the new run from here on.
"""

from __future__ import annotations

import re
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from bidviz_core.checkpoints.restoring import Loaded, restore_here
from bidviz_core.control.reply import DEFERRED, Reply
from bidviz_core.errors import CommandError

if TYPE_CHECKING:
    from bidviz_core.checkpoints.collection import Checkpoints
    from bidviz_core.session import Session


def branch_here(
    session: Session,
    checkpoints: Checkpoints,
    loaded: Loaded,
    name: str,
    author: str,
    values: dict[str, Any],
    answer: Callable[[Reply], None] | None,
) -> Reply:
    """Goes on from a checkpoint as another run; between two batches only.

    Args:
        session: the session.
        checkpoints: its checkpoints.
        loaded: the checkpoint.
        name: the branch's name.
        author: who wants it.
        values: hyperparameters of the branch that differ.
        answer: sends the answer before the old run's link is closed; if none, it is returned.

    Raises:
        CommandError: the name is empty, or it cannot be gone back to; nothing is changed.
    """
    if not name.strip():
        raise CommandError("A branch needs a name.")
    if not session.control.needs_loop("a branch") == "":
        raise CommandError(session.control.needs_loop("a branch"))
    old = session.info
    parent = {"run": old.id, "name": old.name, "folder": old.folder, "step": loaded.step, "checkpoint": loaded.name}
    config = {**old.config, "branched_from": parent}
    folder, identity = _folder(old.folder, name)
    info = structs.replace(old, id=identity, name=name, folder=str(folder), started=time.time(), config=config)
    reached = session.step
    session.report.keep()  # what the old run says last is of where it is, not of where the session goes back to
    try:
        restore_here(session, checkpoints, loaded, author, {}, branching=True)
    except BaseException:  # whatever it was, and it is raised again: the old run goes on, and is told as it is
        session.report.kept = None
        raise
    detail = {"run": info.id, "name": name, "id": loaded.name, "step": loaded.step, "values": values}
    session.journal.add(reached, author, "branchCheckpoint", f"goes on as {name!r}", detail)
    reply = Reply(True, {"run": info.id, "name": name}, session.step)
    if answer is not None:
        answer(reply)
    checkpoints.flush()
    session.error = f"Goes on as {name!r} ({info.id}) from step {session.step:,}."  # the old run's last word
    session.become(info)
    session.plugins.pins.follow()
    session.error = ""
    checkpoints.forget()
    session.journal.add(session.step, author, "branchCheckpoint", f"branched off {old.name!r}", parent)
    if values:
        checked = [(key, session.hyperparameters.check(key, value)) for key, value in values.items()]
        session.changes.write(checked, author, "modifyParam")
    checkpoints.save_now("", "session", "start")
    if session.url:
        print(f"BIDViz: {name} at {session.url}", file=sys.stderr, flush=True)
    return reply if answer is None else DEFERRED


def _folder(old: str, name: str) -> tuple[Path, str]:
    identity = uuid.uuid4().hex[:8]
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "branch"
    return Path(old).parent / f"{plain[:60]}-{time.strftime('%Y%m%d-%H%M%S')}-{identity}", identity
