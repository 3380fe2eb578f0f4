"""Whether a process that was seen earlier still lives, and is still the same one."""

from __future__ import annotations

import os
from pathlib import Path

#: Seconds by which clocks and the kernel's ticks may disagree.
_SLACK = 2.0


def is_alive(pid: int, seen: float) -> bool:
    """Whether the process that had this number at a moment is still there.

    Args:
        pid: its number; 0 is nobody.
        seen: seconds since the epoch at which it surely ran; a process that began later is another one.

    Returns:
        False for a process that has ended, also when its parent has not yet taken notice (a zombie).
    """
    if pid <= 0:
        return False
    stat = _stat(pid)
    if stat is not None:
        state, began = stat
        return state not in ("Z", "X") and (began is None or began <= seen + _SLACK)
    if Path("/proc/self/stat").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _stat(pid: int) -> tuple[str, float | None] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The second field is the program's name in parentheses, which may hold spaces and parentheses itself.
    fields = text[text.rfind(")") + 2 :].split()
    booted = _booted()
    began = None if booted is None else booted + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return fields[0], began


def _booted() -> float | None:
    try:
        lines = Path("/proc/stat").read_text().splitlines()
    except OSError:
        return None
    return next((float(line.split()[1]) for line in lines if line.startswith("btime ")), None)
