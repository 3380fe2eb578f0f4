"""Ports that nobody uses, and dashboards that tests started without knowing their processes."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.ports import free_port

from bidviz_core.endpoint import recorded
from bidviz_core.processes import is_alive


@pytest.fixture(name="free_port")
def port_that_is_free() -> int:
    """A port of the loopback that nobody listens on."""
    return free_port()


@pytest.fixture
def at(free_port: int, state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Makes `"auto"` mean a free port; ends every dashboard that the test leaves behind."""
    url = f"http://127.0.0.1:{free_port}"
    monkeypatch.setenv("BIDVIZ_DASHBOARD", url)
    yield url
    for record in recorded():
        if is_alive(record.pid, record.started):
            with contextlib.suppress(ProcessLookupError):
                os.kill(record.pid, signal.SIGTERM)
            deadline = time.monotonic() + 15
            while is_alive(record.pid, record.started) and time.monotonic() < deadline:
                os.sched_yield()
