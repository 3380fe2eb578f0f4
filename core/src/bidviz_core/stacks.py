"""Where every thread of a training is, asked from outside: also while the interpreter lock is held.

The session registers `faulthandler` on a signal that nobody else uses; it costs nothing until it is asked. The
dashboard sends that signal, but only to a process that has a handler for it, because without one it would kill.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import platform
import signal
import time
from pathlib import Path
from typing import IO

from bidviz_core.errors import CommandError
from bidviz_core.identity import state_folder
from bidviz_core.processes import is_alive

#: A real-time signal: no library sends them, and this one is far from those that the C library keeps for itself.
SIGNAL: int = int(signal.SIGRTMIN) + 11 if hasattr(signal, "SIGRTMIN") else 0
#: Seconds to wait for the stacks.
_WITHIN = 2.0

_file: IO[bytes] | None = None
_holders = 0


def arm() -> bool:
    """Makes this process write its stacks when asked. Called by each session; the first one registers.

    Returns:
        False where the system has no such signals, or the script uses this one itself.
    """
    global _file, _holders
    if not SIGNAL or not hasattr(faulthandler, "register"):
        return False
    if _file is None:
        if signal.getsignal(SIGNAL) is not signal.SIG_DFL:
            return False
        path = _path(os.getpid())
        path.parent.mkdir(mode=0o700, exist_ok=True)
        _file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600), "ab", buffering=0)
        faulthandler.register(SIGNAL, file=_file, all_threads=True, chain=False)
    _holders += 1
    return True


def disarm() -> None:
    """Takes it back when the last session is closed; from then on the signal has its old meaning."""
    global _file, _holders
    if _file is None:
        return
    _holders -= 1
    if _holders == 0:
        # From the moment of unregistering the signal kills again: the file goes first, which nobody asks without.
        _path(os.getpid()).unlink(missing_ok=True)
        faulthandler.unregister(SIGNAL)
        _file.close()
        _file = None


def ask(pid: int, started: float, host: str) -> str:
    """The stacks of a process's threads.

    Args:
        pid: the process.
        started: seconds since the epoch at which it surely ran.
        host: its machine.

    Returns:
        The text that `faulthandler` wrote.

    Raises:
        CommandError: it is not there, not of this machine, or cannot be asked.
    """
    if host != platform.node():
        raise CommandError(f"The training is on {host}: its stacks can be seen from there only.")
    if not is_alive(pid, started):
        raise CommandError(f"The process {pid} is not there any more.")
    path = _path(pid)
    if not SIGNAL or not path.exists() or not _catches(pid):
        raise CommandError(f"The process {pid} did not make itself ready to tell its stacks.")
    before = path.stat().st_size
    os.kill(pid, SIGNAL)
    text = _grown(path, before)
    if not text:
        raise CommandError(
            f"The process {pid} does not answer: it is stopped, or waits inside the kernel, for a disk or a device."
        )
    return text


def _grown(path: Path, before: int) -> str:
    deadline = time.monotonic() + _WITHIN
    size = before
    while time.monotonic() < deadline:
        time.sleep(0.02)
        now = path.stat().st_size if path.exists() else before
        if now > before and now == size:
            break
        size = now
    with contextlib.suppress(OSError), path.open("rb") as file:
        file.seek(before)
        return file.read().decode(errors="replace")
    return ""


def _catches(pid: int) -> bool:
    """Whether a process has a handler for the signal, as the kernel knows it."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    mask = next((int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:")), 0)
    return bool(mask >> (SIGNAL - 1) & 1)


def _path(pid: int) -> Path:
    return state_folder() / "stacks" / f"{pid}.txt"
