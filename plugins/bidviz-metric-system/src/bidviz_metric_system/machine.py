"""What the operating system says of the process and the machine, and torch of its memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import psutil

_MEBIBYTE = 2**20


class CpuTimes(NamedTuple):
    """Seconds of processor time so far.

    Args:
        process: of this process, all its threads together.
        busy: of the whole machine, all cores together, that were not idle.
        total: of the whole machine, idle or not.
    """

    process: float
    busy: float
    total: float


@lru_cache(maxsize=2)
def _process(pid: int) -> psutil.Process:
    return psutil.Process(pid)


def process() -> psutil.Process:
    """This process; a forked child asks about itself."""
    return _process(os.getpid())


def cpu_times() -> CpuTimes:
    """Processor time so far; two readings of the system."""
    own = process().cpu_times()
    all_cores = psutil.cpu_times()
    # The guests' time is in the users' already, and waiting for a disk keeps no core busy.
    counted = [value for name, value in all_cores._asdict().items() if name not in ("guest", "guest_nice")]
    idle = all_cores.idle + getattr(all_cores, "iowait", 0.0)
    return CpuTimes(own.user + own.system, sum(counted) - idle, sum(counted))


def resident() -> float:
    """The process' memory that is in the machine's (MiB)."""
    return float(process().memory_info().rss / _MEBIBYTE)


def held_by_torch(model: Any, optimizers: Iterable[Any]) -> dict[str, float]:
    """Memory that torch holds for a training (MiB): `model`, `gradients`, `optimizer`, and on a GPU `allocated`,
    `reserved`.

    Tensors count by their own size, shared parameters once. Nothing where torch is not imported.

    Args:
        model: a module, or anything else, which counts nothing.
        optimizers: torch's optimizers.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return {}
    found = {}
    parameters: dict[int, Any] = {}
    if isinstance(model, torch.nn.Module):
        parameters = {id(one): one for one in model.parameters()}
        found["model"] = _mebibytes([*parameters.values(), *model.buffers()])
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            parameters |= {id(one): one for one in group["params"]}
        states = [value for state in optimizer.state.values() for value in state.values()]
        found["optimizer"] = found.get("optimizer", 0.0) + _mebibytes(states)
    if parameters:
        found["gradients"] = _mebibytes(one.grad for one in parameters.values())
    if torch.cuda.is_initialized():
        found["allocated"] = sum(map(torch.cuda.memory_allocated, range(torch.cuda.device_count()))) / _MEBIBYTE
        found["reserved"] = sum(map(torch.cuda.memory_reserved, range(torch.cuda.device_count()))) / _MEBIBYTE
    return found


def _mebibytes(values: Iterable[Any]) -> float:
    total = 0
    for value in values:
        if hasattr(value, "element_size"):
            held = value._values() if value.is_sparse else value
            total += held.numel() * held.element_size()
    return total / _MEBIBYTE
