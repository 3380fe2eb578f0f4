"""The web server's threads: named, and daemons, so that none of them keeps the dashboard from ending."""

from __future__ import annotations

import itertools
import threading
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

_numbers = itertools.count(1)


def socket_thread(target: Any) -> threading.Thread:
    """A thread that reads a websocket, for `simple_websocket`."""
    return threading.Thread(target=target, name=f"bidviz-socket-{next(_numbers)}", daemon=True)


class WebServer(ThreadedWSGIServer):
    """werkzeug's server with a thread for each request."""

    daemon_threads = True
    # A browser's connection lasts for hours: its thread is not waited for when the server ends.
    block_on_close = False

    def process_request(self, request: Any, client_address: Any) -> None:
        """Starts a thread that answers one request."""
        threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name=f"bidviz-request-{next(_numbers)}",
            daemon=True,
        ).start()


class RequestHandler(WSGIRequestHandler):
    """Answers requests without a line in the log for each, which would hold tokens."""

    #: Seconds that a client may take for its request's head.
    timeout = 30

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing."""

    def version_string(self) -> str:
        """Not which server this is."""
        return "bidviz"
