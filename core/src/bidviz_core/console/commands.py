"""`!command` in a console line: a shell command whose output comes as it is printed, and that an interrupt ends."""

from __future__ import annotations

import codecs
import os
import select
import signal
import subprocess
from collections.abc import Callable
from typing import Any

from bidviz_core.metrics.interrupt import MetricInterrupted

#: Seconds after which the wait for output looks whether it was interrupted: no signal wakes a thread that is not the
#: main one.
_LOOK_EVERY = 0.2


def run_command(command: str, write: Callable[[str], Any]) -> int:
    """Runs a command of the user's shell, with nothing to read from.

    Args:
        command: the command.
        write: takes its output and errors as they come.

    Returns:
        Its exit status; negative for the signal that ended it.
    """
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    process = subprocess.Popen(
        command,
        shell=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # a group of its own, to be ended as one
    )
    assert process.stdout is not None
    handle = process.stdout.fileno()
    try:
        while True:
            ready, _, _ = select.select([handle], [], [], _LOOK_EVERY)
            if ready:
                data = os.read(handle, 65536)
                if not data:
                    break
                write(decode(data))
        return process.wait()
    except BaseException:
        while process.returncode is None:
            try:
                _end(process)
            except (MetricInterrupted, KeyboardInterrupt):
                continue  # an interrupt comes as a signal and as an exception, and the second falls in here
        raise
    finally:
        process.stdout.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    for number, patience in ((signal.SIGINT, 1.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(process.pid, number)
            process.wait(patience)
            return
        except ProcessLookupError:
            process.wait(patience)
            return
        except subprocess.TimeoutExpired:
            continue
