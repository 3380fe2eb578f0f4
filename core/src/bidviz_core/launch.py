"""Finds this user's dashboard, or starts one in a process of its own that outlives the training."""

from __future__ import annotations

import errno
import importlib.util
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

from bidviz_core.endpoint import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    Endpoint,
    is_loopback,
    load_record,
    parse_url,
    record_process,
    tokens_of,
)
from bidviz_core.errors import LinkError
from bidviz_core.identity import load_secret, state_folder
from bidviz_core.probe import Answer, probe
from bidviz_core.processes import is_alive

#: How many ports after the wanted one are tried before the system chooses any.
_MORE_PORTS = 20
#: Seconds that somebody who listens, but is not known to be a dashboard of ours, may take to answer.
_PATIENCE = 2.0
_LOG_BYTES = 2**20


class _Outliving(subprocess.Popen[bytes]):
    """A process that is meant to outlive this one: Python need not warn that nobody waited for it."""

    def __del__(self) -> None:
        """Leaves it running."""


# Kept to be asked for their end, so that one that has ended does not stay behind as a zombie.
_started: list[_Outliving] = []


def find_or_start(dashboard: str | None, run_dir: Path) -> tuple[Endpoint | None, str]:
    """Finds the dashboard that a session is to join, starting it where that is wanted.

    Never raises for a reason that lies outside the script: a training goes on without its dashboard.

    Args:
        dashboard: `"auto"`, a URL, or none.
        run_dir: where runs are kept; a dashboard that is started shows what is in it.

    Returns:
        The endpoint, or none; and a sentence for the user where there is something to say, else an empty text.
    """
    from_environment = os.environ.get("BIDVIZ_DASHBOARD", "") if dashboard == "auto" else ""
    if dashboard is None or from_environment.lower() in ("off", "none"):
        return None, ""
    try:
        load_secret()
        if from_environment or dashboard == "auto":
            host, port = parse_url(from_environment) if from_environment else (DEFAULT_HOST, DEFAULT_PORT)
            if is_loopback(host):
                return _join_or_start(host, port, run_dir)
            return _join(host, port)
        return _join(*parse_url(dashboard))
    except (LinkError, OSError, subprocess.SubprocessError) as error:
        return None, f"There is no dashboard: {error} The training goes on, and its history is kept."


def bind(host: str, port: int) -> socket.socket | None:
    """A socket that listens at an address.

    Args:
        host: an address of this machine.
        port: the port; 0 lets the system choose.

    Returns:
        The socket, or none where somebody listens there already.

    Raises:
        OSError: the address is not this machine's, or not allowed.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)  # may fail as well: two that bound at once are told apart only here
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise
    return listener


def _join(host: str, port: int) -> tuple[Endpoint | None, str]:
    endpoint = Endpoint(host, port, tokens_of(host, port))
    answer = probe(host, port, _PATIENCE)
    if answer.kind == "dashboard":
        return endpoint, ""
    if answer.kind in ("nobody", "silent"):
        return endpoint, f"No dashboard answers at {endpoint.url} yet; the run joins it as soon as one does."
    return None, f"{answer.why} The training goes on without a dashboard, and its history is kept."


def _join_or_start(host: str, port: int, run_dir: Path) -> tuple[Endpoint | None, str]:
    sentence = ""
    for candidate in [*range(port, min(port + _MORE_PORTS + 1, 65536)), 0]:
        listener = None
        if candidate == 0 or _nobody_listens(host, candidate):
            if importlib.util.find_spec("bidviz_dashboard") is None:
                return None, _not_installed()
            listener = bind(host, candidate)
        if listener is not None:
            with listener:
                return _start(listener, run_dir), sentence
        answer = _who_listens(host, candidate)
        if answer.kind == "dashboard":
            return Endpoint(host, candidate, tokens_of(host, candidate)), sentence
        if not sentence:
            sentence = f"{answer.why} The dashboard is at another port."
    raise LinkError(f"No port of {host} could be bound.")


def _nobody_listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=_PATIENCE).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def _who_listens(host: str, port: int) -> Answer:
    """Who it is; a dashboard of ours that is just being started cannot answer yet, but its starter has noted it."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        answer = probe(host, port, 0.25)
        if answer.kind != "silent":
            return answer
        record = load_record(host, port)
        if is_alive(record.pid, record.started):
            # The link proves it once more, before anything passes.
            return Answer("dashboard")
        if time.monotonic() > deadline:
            return Answer("stranger", f"Somebody else's program is at {host}:{port}.")


def _start(listener: socket.socket, run_dir: Path) -> Endpoint:
    if not sys.executable:
        raise LinkError("This Python does not know its own path: start the dashboard by hand with `bidviz dashboard`.")
    host, port = listener.getsockname()[:2]
    record = load_record(host, port)
    fd = listener.fileno()
    # -P: what lies in the current folder must not stand in for a package of the dashboard's.
    command = [sys.executable, "-P", "-m", "bidviz_dashboard", "--fd", str(fd), "--run-dir", str(run_dir)]
    for process in _started[:]:
        if process.poll() is not None:
            _started.remove(process)
    with _open_log(port) as log:
        _started.append(
            _Outliving(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=state_folder(),
                pass_fds=(fd,),
                start_new_session=True,
            )
        )
    record_process(host, port, _started[-1].pid)
    return Endpoint(host, port, record.tokens)


def _open_log(port: int) -> BinaryIO:
    folder = state_folder() / "logs"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"dashboard-{port}.log"
    fresh = path.exists() and path.stat().st_size > _LOG_BYTES
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if fresh else os.O_APPEND)
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def _not_installed() -> str:
    return (
        "The dashboard is not installed: `pip install bidviz-dashboard` brings it. The training goes on, and its "
        "history is kept."
    )
