"""Starts programs of the tests in processes that have imported torch, or a dashboard's server, already.

To import torch takes more of a processor than most trainings of the tests do afterwards, and so does a dashboard's
start. `TRAININGS.start(...)` and `DASHBOARDS.start(...)` take what `subprocess.Popen` takes and give a `Popen`; their
process is forked from one that has everything imported (`warm_server.py`) and is otherwise like a fresh one. Where the
start itself is what a test is about, where there is no `fork`, and where the environment has what libraries read while
they are imported, it is a fresh one.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.warm_server import LENGTH, NUMBER

#: What is read when a module is imported, or by the interpreter: with another value the process must be a fresh one.
EARLY = ("PYTHON", "OMP_", "MKL_", "OPENBLAS_", "KMP_", "NUMEXPR_", "TORCH", "PYTORCH", "CUDA_", "LD_", "LC_", "LANG")
#: What scikit-learn and torch write into the environment themselves while they are imported.
WRITTEN = ("KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK", "TORCHINDUCTOR_CACHE_DIR")
#: Two that a child takes up by itself.
TAKEN_UP = ("PYTHONUNBUFFERED", "PYTHONPATH")
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
        if not hasattr(os, "fork") or _early(options.get("env") or dict(os.environ)) != _early(_AT_FIRST):
            return subprocess.Popen(command, **options)
        return _Warm(self, command, **options)

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


class _Warm(subprocess.Popen[Any]):
    """A process that is the server's child, and whose end the server tells of."""

    def __init__(self, starter: Starter, command: Sequence[str | os.PathLike[str]], **options: Any) -> None:
        self._starter = starter
        self._told = -1
        self._reading = threading.Lock()
        super().__init__(command, **options)

    def _execute_child(self, args: Any, *more: Any) -> None:
        # Popen's own arguments: what it would have given the system, and the ends of its pipes, -1 for what is passed
        # on. They are the same in Python 3.11 to 3.14.
        _, preexec, _, passed, folder, environment, _, _, shell, *ends = more
        own, last = ends[:6], ends[6:]
        assert preexec is None, "a warm process runs nothing between fork and start: start it by Popen"
        plain = not passed and not shell
        assert plain, "a warm process is given no descriptors and no shell: start it by Popen"
        request = {
            **_parsed([os.fspath(one) for one in args]),
            "environment": dict(os.environ if environment is None else environment),
            "folder": os.getcwd() if folder is None else os.fspath(folder),
            "session": bool(last[5]),
        }
        stdin, stdout, stderr = own[0], own[3], own[5]
        standard = [given if given != -1 else number for number, given in enumerate((stdin, stdout, stderr))]
        try:
            self.pid, self._told = self._starter.ask(request, standard)
            self._child_created = True
        finally:
            self._close_pipe_fds(*own)  # type: ignore[attr-defined]

    def _wait(self, timeout: float | None) -> int:
        news = select.poll()
        news.register(self._told, select.POLLIN)
        while self.returncode is None:
            if not news.poll(None if timeout is None else timeout * 1000):
                assert timeout is not None
                raise subprocess.TimeoutExpired(self.args, timeout)
            with self._reading:
                if self.returncode is None:
                    self.returncode = os.waitstatus_to_exitcode(number_from(self._told))
        return self.returncode

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._wait(0)
        return None

    def __del__(self, *_: Any) -> None:
        super().__del__()
        if self._told >= 0 and self.returncode is not None:
            os.close(self._told)  # not before: another thread may be waiting for it, too


def number_from(told: int) -> int:
    """The next number that the server wrote."""
    data = os.read(told, NUMBER.size)
    if not data:
        raise ChildProcessError("The process that starts others has ended: see what it wrote to standard error.")
    return int(NUMBER.unpack(data)[0])


def _early(environment: dict[str, str]) -> dict[str, str]:
    return {
        key: value for key, value in environment.items() if key.startswith(EARLY) and key not in (*TAKEN_UP, *WRITTEN)
    }


def _parsed(command: list[str]) -> dict[str, Any]:
    """What a command line asks of Python."""
    assert command[0] == sys.executable, f"expected this interpreter, got {command[0]}: start it by Popen"
    parsed: dict[str, Any] = {"command": command, "safe": False, "warnings": []}
    rest = iter(command[1:])
    for one in rest:
        if one in ("-m", "-c"):
            parsed |= {"kind": "module" if one == "-m" else "code", "what": next(rest)}
            break
        if one == "-P":
            parsed["safe"] = True
        elif one == "-W":
            parsed["warnings"].append(next(rest))
        else:
            assert not one.startswith("-"), f"a warm process knows no {one}: start it by Popen"
            parsed |= {"kind": "script", "what": one}
            break
    return {**parsed, "arguments": list(rest)}


#: For what trains: with what a session and torch's optimizers import only when they are made.
TRAININGS = Starter(
    *("torch", "torch._dynamo", "numpy", "packaging.requirements"),
    *("bidviz_core", "bidviz_core.session", "bidviz_core.default_plugins.commands_sharing"),
)
#: For `python -m bidviz_dashboard`; there is no torch in it.
DASHBOARDS = Starter("bidviz_dashboard.server", "bidviz_dashboard.pages")


def close() -> None:
    """Ends the servers."""
    for starter in (TRAININGS, DASHBOARDS):
        starter.close()
