"""SIGTERM, said in the run's file before it does what it always does: the process ends by it, with that status.

No Python handler: one would run only when the main thread comes back to Python, and in the middle of whatever the
script does. `faulthandler` writes to a pipe from within the signal itself; a thread that waits at the other end lets
the sessions write what is left, takes the handler away and sends the signal once more. Until then nobody notices, and
`signal.getsignal` says what it said before. What the script handles itself is left to it.

The one difference: where something holds the interpreter lock for ever, the thread cannot run, and SIGKILL is needed.
"""

from __future__ import annotations

import faulthandler
import os
import select
import signal
import threading
from collections.abc import Callable

#: Seconds without another byte after which the stack has come as a whole.
_QUIET = 0.05

_lock = threading.Lock()
_sessions: list[Callable[[str], None]] = []
_pipe: tuple[int, int] | None = None
_thread: threading.Thread | None = None
_children_told = False


def arm(perish: Callable[[str], None]) -> bool:
    """Has a session told when the process is ended by SIGTERM. The first one registers.

    Args:
        perish: called on a thread of our own with the stack of the thread that was interrupted; then the process
            ends.

    Returns:
        False where the script handles the signal itself, or where it would not end the process (the first one of a
        container ignores it), or the system knows no such thing.
    """
    global _pipe, _thread, _children_told
    if not hasattr(faulthandler, "register") or os.getpid() == 1:
        return False
    with _lock:
        if _pipe is None:
            if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
                return False
            if not _children_told:
                os.register_at_fork(after_in_child=_forget)
                _children_told = True
            _pipe = os.pipe()
            os.set_blocking(_pipe[1], False)  # the signal itself never waits
            faulthandler.register(signal.SIGTERM, file=_pipe[1], all_threads=False, chain=False)
            _thread = threading.Thread(target=_wait, args=(_pipe[0],), name="bidviz-sigterm", daemon=True)
            _thread.start()
        _sessions.append(perish)
    return True


def disarm(perish: Callable[[str], None]) -> None:
    """Takes it back; with the last session the signal has its old meaning."""
    global _pipe, _thread
    with _lock:
        if perish not in _sessions:
            return
        _sessions.remove(perish)
        if _sessions or _pipe is None:
            return
        _unregister()
        (read, write), _pipe = _pipe, None
        os.close(write)  # the thread reads the end, and ends
        thread, _thread = _thread, None
    if thread is not None and thread is not threading.current_thread():
        thread.join(5.0)
    os.close(read)


def _wait(read: int) -> None:
    text = os.read(read, 65536)
    if not text:
        return
    while select.select([read], [], [], _QUIET)[0] and (more := os.read(read, 65536)):
        text += more
    with _lock:
        for perish in _sessions:
            perish(text.decode(errors="replace"))
        _unregister()
    os.kill(os.getpid(), signal.SIGTERM)


def _unregister() -> None:
    # Where the script has put a handler of its own there meanwhile, taking ours away would take that one.
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        faulthandler.unregister(signal.SIGTERM)


def _forget() -> None:
    """In a forked child: it has no thread that waits, and a signal of its own is none of its parent's."""
    global _pipe, _thread, _lock
    _lock = threading.Lock()  # another thread of the parent may have held it
    if _pipe is None:
        return
    _unregister()
    for end in _pipe:
        os.close(end)
    _pipe, _thread = None, None
    _sessions.clear()
