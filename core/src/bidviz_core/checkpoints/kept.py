"""The checkpoints that lie in the folder of a run whose training is not there any more."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bidviz_core.checkpoints.file import SUFFIX, read_about
from bidviz_core.errors import CommandError
from bidviz_core.messages.steered import CheckpointInfo

FOLDER = "checkpoints"


def kept_in(run_dir: Path, state: str) -> list[CheckpointInfo]:
    """Lists them, oldest first, each with the way to go on from it; their states are not read.

    Args:
        run_dir: the run's folder.
        state: the run's state, in a word.
    """
    infos = [_info(path, state) for path in (run_dir / FOLDER).glob(f"*{SUFFIX}")]
    return sorted(infos, key=lambda one: (one.time, one.id))


def _info(path: Path, state: str) -> CheckpointInfo:
    how = (
        f"Its training is not there to go back (it is {state}). To go on from this checkpoint start the script again "
        f"with bidviz.watch(…, resume={str(path.absolute())!r}), or call session.checkpoints.restore with that path "
        "before the loop."
    )
    try:
        about = read_about(path)
        known = {name: about[name] for name in CheckpointInfo.__struct_fields__ if name in about}
        info = msgspec.convert(known, CheckpointInfo)
        return msgspec.structs.replace(info, state="ready", size=path.stat().st_size, how=how)
    except (CommandError, OSError, msgspec.ValidationError) as error:
        step = path.stem.partition("-")[0]
        number = int(step) if step.isdigit() else 0
        return CheckpointInfo(id=path.stem, step=number, state="failed", how=str(error))
