"""Asks the process that `warm.py` keeps warm for a fork: a `Popen` whose process is that one's child.

It is imported by the tests and, before it forks, by `warm_server.py`: programs that were started warm ask, too.
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
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from support.warm_server import LENGTH, NUMBER

#: What is read when a module is imported, or by the interpreter: with another value the process must be a fresh one.
EARLY = ("PYTHON", "OMP_", "MKL_", "OPENBLAS_", "KMP_", "NUMEXPR_", "TORCH", "PYTORCH", "CUDA_", "LD_", "LC_", "LANG")
#: What scikit-learn and torch write into the environment themselves while they are imported.
WRITTEN = ("KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK", "TORCHINDUCTOR_CACHE_DIR")
#: Some that a child takes up by itself: the graphics cards are counted when they are first used.
TAKEN_UP = ("PYTHONUNBUFFERED", "PYTHONPATH", "PYTHONWARNINGS", "CUDA_VISIBLE_DEVICES")
#: They are `OMP_NUM_THREADS` where they are not set.
AS_OMP = ("MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
#: This interpreter, whatever a test says of it.
PYTHON = sys.executable
#: What the product starts in a process of its own that imports for longer than it works.
HELPERS = (
    *(["bidviz_core.worker"], ["bidviz_core.testing"], ["bidviz_core.cli", "bundle", "check"]),
    *(["pip", "install"], ["pip", "download"]),
)


class Asked(Protocol):
    """What can be asked for a fork."""

    def ask(self, request: dict[str, Any], descriptors: list[int]) -> tuple[int, int]:
        """Has the server fork; gives the process's id, and what its wait status will be read from."""


class Address:
    """The server, as a process asks it that was forked from it.

    Args:
        address: of the socket on which it listens.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    def ask(self, request: dict[str, Any], descriptors: list[int]) -> tuple[int, int]:
        """Has the server fork; gives the process's id, and what its wait status will be read from."""
        told, end = os.pipe()
        try:
            with socket.socket(socket.AF_UNIX) as control:
                control.connect(self._address)
                data = json.dumps(request).encode()
                socket.send_fds(control, [LENGTH.pack(len(data))], [*descriptors, end])
                control.sendall(data)
        except BaseException:
            os.close(told)
            raise
        finally:
            os.close(end)
        return number_from(told), told


class WarmPopen(subprocess.Popen[Any]):
    """A process that is the server's child, and whose end the server tells of.

    Args:
        server: what is asked for it.
        command: the command, as `Popen` takes it.
        options: what else that takes.
    """

    _told = -1

    def __init__(self, server: Asked, command: Sequence[str | os.PathLike[str]], **options: Any) -> None:
        self._server = server
        super().__init__(command, **options)

    def _execute_child(self, args: Any, *more: Any) -> None:
        # Popen's own arguments: what it would have given the system, and the ends of its pipes, -1 for what is passed
        # on. They are the same in Python 3.11 to 3.14.
        _, preexec, _, passed, folder, environment, _, _, shell, *ends = more
        own, last = ends[:6], ends[6:]
        assert preexec is None, "a warm process runs nothing between fork and start: start it by Popen"
        assert not shell, "a warm process is given no shell: start it by Popen"
        request = {
            **_parsed([os.fspath(one) for one in args]),
            "environment": dict(os.environ if environment is None else environment),
            "folder": os.getcwd() if folder is None else os.fspath(folder),
            "session": bool(last[5]),
            "passed": list(passed),
        }
        stdin, stdout, stderr = own[0], own[3], own[5]
        standard = [given if given != -1 else number for number, given in enumerate((stdin, stdout, stderr))]
        self._reading = threading.Lock()
        try:
            self.pid, self._told = self._server.ask(request, [*standard, *passed])
            self._child_created = True
        finally:
            self._close_pipe_fds(*own)  # type: ignore[attr-defined]

    def _wait(self, timeout: float | None) -> int:
        if self._told < 0:
            return int(super()._wait(timeout=timeout))  # type: ignore[misc]
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

    def _internal_poll(self, *given: Any, **more: Any) -> int | None:
        if self._told < 0:
            return super()._internal_poll(*given, **more)  # type: ignore[misc, no-any-return]
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._wait(0)
        return None

    def __del__(self, *_: Any) -> None:
        super().__del__()
        if self._told >= 0 and self.returncode is not None:
            os.close(self._told)  # not before: another thread may be waiting for it, too


def start_helpers_from(server: Asked, at_first: Mapping[str, str]) -> None:
    """From now on this process has `HELPERS` forked by the server, and starts all else as ever.

    Args:
        server: what is asked.
        at_first: the environment with which the server was started.
    """

    class Popen(WarmPopen):
        """`subprocess.Popen`, but for helpers."""

        def __init__(self, *given: Any, **options: Any) -> None:
            self._server = server
            subprocess_popen.__init__(self, *given, **options)

        def _execute_child(self, args: Any, *more: Any) -> None:
            environment = more[5]
            if _is_helper(args) and early(os.environ if environment is None else environment) == early(at_first):
                super()._execute_child(args, *more)
            else:
                subprocess_popen._execute_child(self, args, *more)  # type: ignore[attr-defined]

    subprocess_popen = subprocess.Popen
    subprocess.Popen = Popen  # type: ignore[misc]


def _is_helper(command: Any) -> bool:
    if not isinstance(command, (list, tuple)):
        return False
    said = [os.fspath(one) for one in _without_nice(command) if isinstance(one, (str, os.PathLike))]
    if said[:1] != [PYTHON] or "-m" not in said[1:3]:
        return False
    rest = said[said.index("-m") + 1 :]
    return any(rest[: len(helper)] == helper for helper in HELPERS)


def _without_nice(command: Sequence[Any]) -> Sequence[Any]:
    """A command at the priority of all others: at the lowest it would wait minutes for the tests beside it."""
    if len(command) > 3 and os.path.basename(os.fspath(command[0])) == "nice" and command[1] == "-n":
        return command[3:]
    return command


def number_from(told: int) -> int:
    """The next number that the server wrote."""
    data = os.read(told, NUMBER.size)
    if not data:
        raise ChildProcessError("The process that starts others has ended: see what it wrote to standard error.")
    return int(NUMBER.unpack(data)[0])


def early(environment: Mapping[str, str]) -> dict[str, str]:
    """What an environment has that is read when modules are imported."""
    threads = environment.get("OMP_NUM_THREADS")
    return {
        key: value
        for key, value in environment.items()
        if key.startswith(EARLY) and key not in (*TAKEN_UP, *WRITTEN) and not (key in AS_OMP and value == threads)
    }


def _parsed(command: list[str]) -> dict[str, Any]:
    """What a command line asks of Python."""
    plain = _without_nice(command)
    assert plain[0] == PYTHON, f"expected this interpreter, got {plain[0]}: start it by Popen"
    parsed: dict[str, Any] = {"command": list(plain), "safe": False, "warnings": []}
    rest = iter(plain[1:])
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
