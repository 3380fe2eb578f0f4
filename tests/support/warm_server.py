"""The process that `warm.py` keeps warm: it has imported what takes long, and forks for every program wanted.

Started as `python warm_server.py FD MODULE...`, with one end of a socket pair. It runs no thread and nothing of what it
has imported. The child leaves `serve`, becomes the program as nearly as Python lets it, and comes to its end as every
interpreter does: exit handlers, threads, buffers and the exit status are Python's own doing. Only what the server had
imported is left as it is: to take torch apart, in Python and in C++, costs a quarter of a second. When the socket
ends, because the tests have ended in whatever way, the server kills what is left and ends too.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import ctypes
import fcntl
import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import socket
import struct
import sys
import types
import warnings
from importlib.machinery import SourceFileLoader
from typing import Any

#: How long a request is, a number ahead of it; process ids and wait statuses on their way back.
LENGTH, NUMBER = struct.Struct("!Q"), struct.Struct("!i")


def serve(control: socket.socket, listening: socket.socket | None) -> dict[str, Any] | None:
    """Forks for each request.

    Args:
        control: the tests' socket; when it ends, so does the server.
        listening: where programs connect that the server has forked, if they can.

    Returns:
        In a child the request; in the server nothing, when nobody can ask for anything any more.
    """
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at the tests is theirs, and their programs'
    wake, woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else _pipe()
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(woken)
    ends: dict[int, int] = {}
    sources = [control, wake] if listening is None else [control, wake, listening]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if wake in ready:
            os.read(wake, 4096)
            _report(ends)
        if listening in ready:
            assert listening is not None
            asked = _accept(listening)
        elif control in ready:
            asked = control
        else:
            continue
        request, descriptors = _receive(asked) if asked is not None else (None, [])
        if asked is not control:
            if asked is not None:
                asked.close()
            if request is None:
                continue
        elif request is None:
            for pid in ends:
                os.kill(pid, signal.SIGKILL)
            return None
        *given, end = descriptors
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, interrupt)
            if request["session"]:
                os.setsid()
            _tell(end, os.getpid())  # not before: who knows the number may send a signal to the group
            control.close()
            if listening is not None:
                listening.close()
            for descriptor in (wake, woken, end, *ends.values()):
                os.close(descriptor)
            _place(given, [0, 1, 2, *request["passed"]])
            return request
        for descriptor in given:
            os.close(descriptor)
        ends[pid] = end


def _accept(listening: socket.socket) -> socket.socket | None:
    """The connection of a program, which has to be this user's: anybody can connect."""
    asking, _ = listening.accept()
    told = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    if struct.unpack("3i", told)[1] == os.getuid():
        return asking
    asking.close()
    return None


def _place(given: list[int], numbers: list[int]) -> None:
    """Gives descriptors the numbers that they have in the process that passed them."""
    aside = max(numbers) + 1
    moved = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, aside) for descriptor in given]
    for descriptor in given:
        os.close(descriptor)
    for descriptor, number in zip(moved, numbers, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)


def _pipe() -> tuple[int, int]:
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    return ends


def _receive(control: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    head, descriptors, _, _ = socket.recv_fds(control, LENGTH.size, 16)
    if not head:
        return None, []
    (length,) = LENGTH.unpack(head)
    return json.loads(control.recv(length, socket.MSG_WAITALL)), list(descriptors)


def _report(ends: dict[int, int]) -> None:
    """Waits for the children that have ended, and tells how."""
    for pid in list(ends):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            _tell(ends[pid], status)
            os.close(ends.pop(pid))


def _tell(end: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody waits for that one
        os.write(end, NUMBER.pack(number))


def become(request: dict[str, Any], path: list[str]) -> types.ModuleType:
    """Makes this process what a fresh one would be at the first line of its program; gives its `__main__`.

    Args:
        request: environment, folder, command line, and what `warm.py` has made of it.
        path: `sys.path` without what a program's place and `PYTHONPATH` bring.
    """
    os.environ.clear()
    os.environ.update(request["environment"])
    if request["folder"]:
        os.chdir(request["folder"])
    _open_standard(unbuffered=bool(request["environment"].get("PYTHONUNBUFFERED")))
    said = request["environment"].get("PYTHONWARNINGS", "")
    for option in [*filter(None, said.split(",")), *request["warnings"]]:
        action, _, category = option.partition("::")
        warnings.simplefilter(action, getattr(builtins, category or "Warning"))  # type: ignore[arg-type]
        sys.warnoptions.append(option)
    sys.orig_argv[:] = request["command"]
    sys.argv[:] = [{"module": "-m", "code": "-c"}.get(request["kind"], request["what"]), *request["arguments"]]
    more = [os.path.abspath(place) for place in path_of(request["environment"])]
    sys.path[:] = list(dict.fromkeys(more + path))
    if not request["safe"]:
        first = {"module": os.getcwd(), "code": ""}.get(request["kind"])
        sys.path.insert(0, os.path.dirname(os.path.realpath(request["what"])) if first is None else first)
    importlib.invalidate_caches()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # the server's is every child's; torch's is the same in every process
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    return main


def path_of(environment: dict[str, str]) -> list[str]:
    """The places that `PYTHONPATH` names."""
    given = environment.get("PYTHONPATH", "")
    return given.split(os.pathsep) if given else []


def _open_standard(unbuffered: bool) -> None:
    """Opens the standard streams anew: what the server's know of terminals and buffers is not true of these."""
    given = io.FileIO(0, closefd=False)
    given.name = "<stdin>"
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(
        io.BufferedReader(given), encoding=sys.stdin.encoding, errors=sys.stdin.errors, newline="\n"
    )
    for number, name in ((1, "stdout"), (2, "stderr")):
        former = getattr(sys, name)
        binary: Any = io.FileIO(number, "w", closefd=False)
        binary.name = f"<{name}>"
        stream = io.TextIOWrapper(
            binary if unbuffered else io.BufferedWriter(binary),
            encoding=former.encoding,
            errors=former.errors,
            newline="\n",
            line_buffering=not unbuffered and (number == 2 or os.isatty(number)),
            write_through=unbuffered,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def code_of(request: dict[str, Any], main: types.ModuleType) -> types.CodeType:
    """What is to run in `__main__`, which is told where it comes from."""
    if request["kind"] == "code":
        return compile(request["what"], "<string>", "exec", dont_inherit=True)
    main.__file__ = os.path.abspath(request["what"])
    main.__loader__ = SourceFileLoader("__main__", main.__file__)
    with open(request["what"], "rb") as file:
        return compile(file.read(), main.__file__, "exec", dont_inherit=True)


def keep_at_the_end(names: set[str]) -> None:
    """Has an interpreter that ends leave these modules alone: the last of the exit handlers."""
    kept = {name: module for name, module in sys.modules.items() if name in names}
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))
    for name in kept:
        del sys.modules[name]


def leave_libraries_at_the_end() -> None:
    """Has this process end as soon as Python has, with its status: the libraries' own exit handlers are not called."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "on_exit"):  # the last to be registered is the first to be called, with the status
        libc.on_exit(libc._exit, None)


def _listening() -> socket.socket | None:
    """A socket for programs that were forked, where one can listen without leaving a file behind."""
    if sys.platform != "linux":
        return None
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"\0bidviz-tests-{os.getpid()}")
    listening.listen(64)
    return listening


if __name__ == "__main__":
    sys.path[0] = os.path.dirname(sys.path[0])
    from support import warm_asking

    del sys.path[0]
    _before, _imported = set(sys.modules), set[str]()
    atexit.register(keep_at_the_end, _imported)  # ahead of theirs, so that it is called after them
    for name in sys.argv[2:]:
        importlib.import_module(name)
    _imported |= sys.modules.keys() - _before
    gc.collect()
    gc.freeze()  # else the first collection in every child would copy the pages of all that was imported
    _own = {os.path.abspath(place) for place in path_of(dict(os.environ))}
    _path = [place for place in sys.path if place not in _own]
    _at_first = dict(os.environ)
    _listens = _listening()
    _address = _listens.getsockname().decode() if _listens is not None else ""
    _request = serve(socket.socket(fileno=int(sys.argv[1])), _listens)
    if _request is None:
        os._exit(0)  # it has nothing to write, and to tear down all that was imported takes its time
    else:
        leave_libraries_at_the_end()
        _main = become(_request, _path)
        if _address:
            warm_asking.start_helpers_from(warm_asking.Address(_address), _at_first)
        try:
            if _request["kind"] == "module":
                runpy._run_module_as_main(_request["what"])  # type: ignore[attr-defined]  # as `python -m` does
            else:
                exec(code_of(_request, _main), _main.__dict__)
        except BaseException as error:
            if error.__traceback__ is not None:
                error.__traceback__ = error.__traceback__.tb_next  # this file is no part of the program
            raise
