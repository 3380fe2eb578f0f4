"""Ports that stay free until somebody listens there, also while other tests run beside this one."""

from __future__ import annotations

import os
import socket
from itertools import cycle

#: Below the ports that the system hands out by itself, and away from those that BIDViz has by default; each worker of
#: pytest-xdist has its own share of them.
_FIRST, _SHARE, _SHARES = 12_000, 500, 40
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _SHARES
# Two runs of the suite on one machine seldom begin at the same one.
_ports = cycle(_FIRST + _WORKER * _SHARE + (os.getpid() + at) % _SHARE for at in range(_SHARE))
_kept: list[int] = []


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    for port in _ports:
        if port not in _kept and _is_free(port):
            return port
    raise AssertionError("ports never end")


def same_port() -> int:
    """The same port each time in this process, for sites that come one after the other; nobody listens on it.

    A browser finds what it knows of a site by the address, the port included. Where somebody has come between, it is
    another port from then on.
    """
    if not _kept or not _is_free(_kept[-1], again=True):
        _kept.append(free_port())
    return _kept[-1]


def _is_free(port: int, again: bool = False) -> bool:
    with socket.socket() as probe:
        if again and os.name == "posix":  # as servers do it: connections that have ended hold no port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
