"""Runs for the tests to write."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bidviz_core.messages.notifications import RunInfo
from bidviz_core.records import Batch, ScalarBlock
from bidviz_core.store import StoreWriter

MakeWriter = Callable[..., StoreWriter]


def about(folder: Path, **changes: Any) -> RunInfo:
    """A run's description."""
    given = {
        "id": folder.name,
        "name": f"run {folder.name}",
        "folder": str(folder),
        "started": 1.79e9,
        "pid": os.getpid(),
        "host": socket.gethostname(),
    }
    return RunInfo(**{**given, **changes})


def batch(sequence: int, steps: Any, *, times: Any = None, **values: Any) -> Batch:
    """A batch with one block: the given series at the given steps."""
    steps = np.asarray(steps, np.int64)
    times = 1.79e9 + steps / 1000 if times is None else np.asarray(times, np.float64)
    rows = np.array([np.broadcast_to(np.asarray(row, np.float64), steps.shape) for row in values.values()])
    return Batch(sequence, [ScalarBlock(tuple(values), steps, times, rows)])
