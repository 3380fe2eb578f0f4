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


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    for port in _ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("ports never end")
