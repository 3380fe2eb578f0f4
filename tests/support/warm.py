"""Starts programs of the tests in processes that have imported torch, or a dashboard's server, already.

To import torch takes more of a processor than most trainings of the tests do afterwards, and so does a dashboard's
start. `TRAININGS.start(...)` and `DASHBOARDS.start(...)` take what `subprocess.Popen` takes and give a `Popen`; their
process is forked from one that has everything imported (`warm_server.py`) and is otherwise like a fresh one. Where the
start itself is what a test is about, where there is no `fork`, and where the environment has what libraries read while
they are imported, it is a fresh one.

What the product itself starts, a worker for metrics, the check of a bundle and pip, is forked from the same process,
both from the tests' own processes (`start_helpers_warm`) and from those that were started here; a program that a test
starts by `subprocess` starts them as it does anywhere.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support import warm_asking
from support.warm_asking import WarmPopen, early, number_from
from support.warm_server import LENGTH

SERVER = Path(__file__).with_name("warm_server.py")
#: The environment that the tests were started with, whatever a test makes of it.
_AT_FIRST = dict(os.environ)


class Starter:
    """Starts programs from a process that has imported some modules.

    Args:
        modules: what it has imported.
    """

    def __init__(self, *modules: str) -> None:
        self._modules = modules
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self, command: Sequence[str | os.PathLike[str]], **options: Any) -> subprocess.Popen[Any]:
        """Starts a program.

        Args:
            command: `[sys.executable, ...]`, with a script, `-m` or `-c`, and of the options `-P`, `-u` and `-W`.
            options: of `subprocess.Popen`: `stdin`, `stdout`, `stderr`, `text`, `bufsize`, `encoding`, `cwd`, `env` and
                `start_new_session`.
        """
        if not hasattr(os, "fork") or early(options.get("env") or dict(os.environ)) != early(_AT_FIRST):
            return subprocess.Popen(command, **options)
        return WarmPopen(self, command, **options)

    def run(
        self, command: Sequence[str | os.PathLike[str]], timeout: float | None = None, check: bool = False, **more: Any
    ) -> subprocess.CompletedProcess[Any]:
        """Runs a program to its end and gives what it wrote, as `subprocess.run(..., capture_output=True)` does."""
        process = self.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        with process:
            try:
                out, err = process.communicate(timeout=timeout)
            finally:
                process.kill()
        done = subprocess.CompletedProcess(command, process.returncode, out, err)
        if check:
            done.check_returncode()
        return done

    def ask(self, request: dict[str, Any], descriptors: list[int]) -> tuple[int, int]:
        """Has the server fork; gives the process's id, and what its wait status will be read from."""
        told, end = os.pipe()
        try:
            with self._lock:
                control = self._warm()
                data = json.dumps(request).encode()
                socket.send_fds(control, [LENGTH.pack(len(data))], [*descriptors, end])
                control.sendall(data)
        except BaseException:
            os.close(told)
            raise
        finally:
            os.close(end)
        return number_from(told), told

    def begin(self) -> None:
        """Starts the server now, and not with the first program: for tests that count this process's descriptors."""
        with self._lock:
            self._warm()

    def close(self) -> None:
        """Ends the server, if there is one."""
        with self._lock:
            if self._server is None or self._control is None:
                return
            self._control.close()
            self._server.wait()
            self._server = self._control = None

    def _warm(self) -> socket.socket:
        if self._control is None:
            self._control, theirs = socket.socketpair()
            with theirs:
                command = [sys.executable, str(SERVER), str(theirs.fileno()), *self._modules]
                self._server = subprocess.Popen(
                    command, env=_AT_FIRST, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
                )
        return self._control


#: For what trains: with what a session and torch's optimizers import only when they are made.
TRAININGS = Starter(
    *("torch", "torch._dynamo", "numpy", "packaging.requirements"),
    *("bidviz_core", "bidviz_core.session", "bidviz_core.default_plugins.commands_sharing"),
    *("bidviz_core.worker.runner", "bidviz_core.testing.torch_learners"),
    *("pip._internal.commands.install", "pip._internal.commands.download"),
)
#: For `python -m bidviz_dashboard`; there is no torch in it.
DASHBOARDS = Starter("bidviz_dashboard.server", "bidviz_dashboard.pages")


def start_helpers_warm() -> None:
    """Has this process start its workers, and its checks of bundles, from the process that has torch."""
    if hasattr(os, "fork"):
        warm_asking.start_helpers_from(TRAININGS, _AT_FIRST)


def close() -> None:
    """Ends the servers."""
    for starter in (TRAININGS, DASHBOARDS):
        starter.close()
