"""The dashboard as a running thing: its socket, its server, its clock, and how it ends."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from pathlib import Path
from types import FrameType

from bidviz_core.endpoint import load_record, record_process
from bidviz_core.identity import load_secret
from bidviz_dashboard import __version__
from bidviz_dashboard.app import make_app
from bidviz_dashboard.auth import Auth
from bidviz_dashboard.hub import JUDGE_EVERY, Hub
from bidviz_dashboard.threads import RequestHandler, WebServer

log = logging.getLogger("bidviz_dashboard")


class DashboardServer:
    """Serves on a socket that listens already.

    Args:
        listener: the socket; it is taken over.
        run_dir: a folder of runs to show beside those of the user's index.
        allow_code: whether code is passed on to sessions.
        idle: seconds with neither runs nor viewers after which it ends by itself; none for never.
        most_clients: how many browsers may be connected at once.
    """

    def __init__(
        self,
        listener: socket.socket,
        run_dir: Path | None = None,
        allow_code: bool = True,
        idle: float | None = None,
        most_clients: int = 64,
    ) -> None:
        self.host, self.port = listener.getsockname()[:2]
        self.record = load_record(self.host, self.port)
        self.hub = Hub(run_dir, allow_code, most_clients)
        self._idle = idle
        self._ending = threading.Event()
        app = make_app(self.hub, Auth(self.record), load_secret(), self.stop)
        self._server = WebServer(self.host, self.port, app, RequestHandler, fd=listener.fileno())
        listener.close()
        self._clock = threading.Thread(target=self._tick, name="bidviz-clock", daemon=True)

    def run(self) -> None:
        """Serves until it is stopped, on this thread."""
        record_process(self.host, self.port, os.getpid(), __version__)
        # The server's own loop waits in another thread: shutdown from the loop's thread would wait for itself.
        serving = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="bidviz-http", daemon=True)
        serving.start()
        self._clock.start()
        try:
            # A signal that the kernel gives to another thread is heard when this one wakes, so it does not sleep long.
            while not self._ending.wait(1.0):
                continue
        except KeyboardInterrupt:
            self._ending.set()
        finally:
            self._end(serving)

    def stop(self) -> None:
        """Asks it to end; returns at once."""
        self._ending.set()

    def stop_at_signals(self) -> None:
        """Makes SIGTERM end it in order. Call it on the main thread."""

        def heard(_number: int, _frame: FrameType | None) -> None:
            self._ending.set()

        signal.signal(signal.SIGTERM, heard)

    def _end(self, serving: threading.Thread) -> None:
        self._ending.set()
        self.hub.close()
        self._server.shutdown()
        self._server.server_close()
        serving.join(2.0)
        self._clock.join(2.0)
        if load_record(self.host, self.port).pid == os.getpid():
            record_process(self.host, self.port, 0)

    def _tick(self) -> None:
        while not self._ending.wait(JUDGE_EVERY):
            try:
                self.hub.tick()
            except Exception:
                # The clock must go on: without it no run would ever be called lost.
                log.exception("judging the runs failed")
            if self._idle is not None and time.monotonic() - self.hub.used_at > self._idle:
                log.warning("neither runs nor viewers for %.0f s: the dashboard ends", self._idle)
                self._ending.set()
