"""A dashboard in a process of its own, and programs that look at it over `/ws`, of either version of the protocol."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from support import warm
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from bidviz_core.endpoint import Endpoint, parse_url, tokens_of
from bidviz_core.frames import unpack_frame

WITHIN = 20.0


class Client:
    """A program at `/ws`: keeps what comes, and waits for what it wants.

    Args:
        endpoint: the dashboard.
        right: whose token it has.
        run: the run in the address.
        headers: more headers.
    """

    def __init__(self, endpoint: Endpoint, right: str = "code", run: str = "", **headers: str) -> None:
        self.messages: list[dict[str, Any]] = []
        self.frames: list[tuple[dict[str, Any], list[Any]]] = []
        self.closed: tuple[int, str] | None = None
        self._changed = threading.Condition()
        self._number = 0
        given = {"Authorization": f"Bearer {endpoint.tokens[right]}", **headers}  # type: ignore[index]
        query = f"?run={run}" if run else ""
        self.socket: ClientConnection = connect(
            f"ws://{endpoint.host}:{endpoint.port}/ws{query}",
            additional_headers=given,
            max_size=None,
            compression=None,
            legacy=True,
        )
        self._reader = threading.Thread(target=self._read, name="test-client", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while True:
                message = self.socket.recv()
                with self._changed:
                    if isinstance(message, bytes):
                        self.frames.append(unpack_frame(message))
                    else:
                        self.messages += json.loads(message)
                    self._changed.notify_all()
        except ConnectionClosed as closed:
            with self._changed:
                self.closed = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
                self._changed.notify_all()

    def until(self, what: Callable[[], Any]) -> Any:
        """Waits until something is so, and gives it."""
        with self._changed:
            assert self._changed.wait_for(what, WITHIN), f"still not so; last: {self.messages[-3:]}"
            return what()

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The contents of all messages of a kind so far."""
        return [message["content"] for message in self.messages if message["msgType"] == kind]

    def wait(self, kind: str, fits: Callable[[Any], bool] = lambda content: True) -> Any:
        """The first message of a kind that fits."""
        return self.until(lambda: next((one for one in self.of(kind) if fits(one)), None))

    def send(self, text: str | bytes) -> None:
        """Sends as it is."""
        self.socket.send(text)

    def ask(self, method: str, content: Any = None, **extra: Any) -> dict[str, Any]:
        """A request and its answer."""
        self._number += 1
        number = f"{method}-{self._number}"
        request = {"methodName": method} if content is None else {"methodName": method, "content": content}
        self.send(json.dumps({"id": number, "content": request, **extra}))
        return self.wait("callback", lambda answer: answer["id"] == number)

    def hello(self) -> Client:
        """Speaks version 2 from here on."""
        assert self.ask("hello", {"versions": [1, 2]})["success"]
        return self

    def close(self) -> None:
        """Leaves."""
        self.socket.close()
        self._reader.join(5)


class Process:
    """A dashboard's process.

    Args:
        options: of the command.
    """

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-P", "-m", "bidviz_dashboard", "--port", "0", *options]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = warm.DASHBOARDS.start(command, text=True, **pipes)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "http://" in line, self.process.communicate()
        self.page = line.split()[-1]
        host, port = parse_url(self.page)
        self.endpoint = Endpoint(host, port, tokens_of(host, port))

    def end(self) -> tuple[str, str]:
        """Stops it in order; what it has written."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.communicate(timeout=15)


def wait_for_run(client: Client, run: str) -> None:
    """Waits until the dashboard has a run's session."""
    client.ask("subscribeRuns")
    client.until(lambda: any(row["run"]["id"] == run and row["live"] for rows in client.of("runs") for row in rows))
