"""Tells whether this process trains, or is a child that only helps: a DataLoader's worker, a spawned copy, a rank."""

from __future__ import annotations

import inspect
import multiprocessing
import sys


def ranks() -> tuple[int, int]:
    """This process's rank and how many there are, of `torch.distributed`; `(0, 1)` without."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return 0, 1
    return int(distributed.get_rank()), int(distributed.get_world_size())


def why_not() -> str:
    """Why this process is not to be watched; an empty text where it is."""
    rank, world = ranks()
    if world > 1:
        return "" if rank == 0 else f"rank {rank} of {world} is not watched; rank 0 has the session"
    if multiprocessing.parent_process() is not None or _imported_by_spawn():
        return "this is a child process (a DataLoader's worker, or a spawned copy of the script); its parent is watched"
    return ""


def _imported_by_spawn() -> bool:
    """Whether a spawned process is only now running the script anew, before it knows that it has a parent."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == "__mp_main__":
            return True
        frame = frame.f_back
    return False


def why_no_steering() -> str:
    """Why a run may be seen but not steered; an empty text where it may."""
    _, world = ranks()
    if world == 1:
        return ""
    return (
        f"This training has {world} ranks: a change on rank 0 alone would make them differ, "
        "so steering is refused until it can be applied on all ranks at one step."
    )
