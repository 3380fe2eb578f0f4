"""A real dashboard in a process of its own, and a program that follows a run as a browser does."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from support import warm
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from bidviz_core.endpoint import tokens_of
from bidviz_core.frames import unpack_frame


class Browser:
    """Follows a run over `/ws`, keeps what came, and sends requests.

    Args:
        address: `host:port` of the dashboard.
        token: which right it has.
        run: the run.
        version: 2 says hello; 1 does not.
    """

    def __init__(self, address: str, token: str, run: str, version: int = 2) -> None:
        self.frames = 0
        self.messages: list[dict[str, Any]] = []
        self.values: dict[str, list[tuple[float, float]]] = {}
        self._news = threading.Condition()
        self._numbers = iter(range(1, 1_000_000))
        headers = {"Authorization": f"Bearer {token}"}
        self.run = run
        opened = connect(f"ws://{address}/ws?run={run}", additional_headers=headers, max_size=None, compression=None)
        self._open = contextlib.ExitStack()
        self.socket = self._open.enter_context(opened)
        self._thread = threading.Thread(target=self._read, name="test-browser", daemon=True)
        self._thread.start()
        if version > 1:
            assert self.ask("hello", {"versions": [2], "client": "test"})["success"]
            assert self.ask("subscribe", {"run": run})["success"]

    def ask(self, method: str, content: Any = None, timeout: float = 30.0) -> dict[str, Any]:
        """Sends a request and waits for its callback."""
        number = f"request{next(self._numbers)}"
        self.socket.send(json.dumps({"id": number, "content": {"methodName": method, "content": content}}))

        def is_answer(message: dict[str, Any]) -> bool:
            return message["msgType"] == "callback" and message["content"]["id"] == number

        return self.wait_for(is_answer, timeout)["content"]

    def wait_for(self, fits: Callable[[dict[str, Any]], bool], timeout: float = 30.0) -> dict[str, Any]:
        """Waits for a message, also one that has come already (the newest counts)."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = [message for message in reversed(self.messages) if fits(message)][:1]
            return bool(found)

        with self._news:
            assert self._news.wait_for(look, timeout), f"nothing came that fits; last: {self.messages[-3:]}"
        return found[0]

    def wait_for_values(self, name: str, count: int, timeout: float = 30.0) -> list[tuple[float, float]]:
        """Waits until so many live records of a series have come."""
        with self._news:
            came = self._news.wait_for(lambda: len(self.values.get(name, ())) >= count, timeout)
        assert came, f"{name}: {len(self.values.get(name, ()))} of {count} records came; there are {list(self.values)}"
        return self.values[name]

    def _read(self) -> None:
        try:
            for message in self.socket:
                with self._news:
                    if isinstance(message, bytes):
                        self.frames += 1
                        self._take_frame(message)
                    else:
                        self.messages += json.loads(message)
                        del self.messages[:-5000]
                    self._news.notify_all()
        except ConnectionClosed:
            return

    def _take_frame(self, frame: bytes) -> None:
        header, buffers = unpack_frame(frame)
        if header["type"] == "batch":
            for block in header["blocks"]:
                at = block["at"]
                for name, row in zip(block["names"], buffers[at + 2], strict=True):
                    kept = self.values.setdefault(name, [])
                    kept += zip(buffers[at].tolist(), row.tolist(), strict=True)
                    del kept[:-5000]
        elif header["type"] == "array":
            self.values.setdefault(header["name"], []).append((header["step"], float("nan")))

    def close(self) -> None:
        """Closes the socket and joins the reader."""
        self._open.close()
        self._thread.join(5.0)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Dashboard:
    """A dashboard that runs.

    Args:
        url: its address, with the token.
        process: its process.
    """

    def __init__(self, url: str, process: subprocess.Popen[str]) -> None:
        self.page = url
        self.process = process
        self.url = url.split("/?")[0].split("?")[0].rstrip("/")
        self.address = self.url.removeprefix("http://")
        host, port = self.address.rsplit(":", 1)
        self.tokens = tokens_of(host, int(port))

    def browser(self, run: str, right: str = "code", version: int = 2) -> Browser:
        """A program that follows a run."""
        return Browser(self.address, self.tokens[right], run, version)  # type: ignore[index]


@contextlib.contextmanager
def running_dashboard(run_dir: Path, *options: str) -> Iterator[Dashboard]:
    """Starts `python -m bidviz_dashboard` on a free port, in the present state folder, and stops it at the end."""
    environment = {key: value for key, value in os.environ.items() if key != "BIDVIZ_DASHBOARD"}
    command = [sys.executable, "-m", "bidviz_dashboard", "--port", "0", "--run-dir", str(run_dir), *options]
    process = warm.DASHBOARDS.start(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://" in line, line
        yield Dashboard(line.split()[-1], process)
    finally:
        process.terminate()
        process.wait(15)
        if process.stdout is not None:
            process.stdout.close()
