"""Tracebacks of a console line without the frames that stand between the person's code and the session."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType

_HERE = str(Path(__file__).parent)


def without_ours(trace: TracebackType | None) -> TracebackType | None:
    """The traceback without the console's own frames."""
    frames = []
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(_HERE):
            frames.append(trace)
        trace = trace.tb_next
    found: TracebackType | None = None
    for one in reversed(frames):
        found = TracebackType(found, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return found


def where_interrupted(trace: TracebackType | None) -> str:
    """One sentence about where an interrupt came."""
    frames = traceback.extract_tb(without_ours(trace))
    if not frames:
        return "Interrupted.\n"
    last = frames[-1]
    return f"Interrupted, in line {last.lineno}{f': {last.line}' if last.line else ''}\n"
