"""Our own routes: both websockets, the proof, what stops the dashboard."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

import msgspec
from flask import Flask, Response, g, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server

from bidviz_core.handshake import PRODUCT
from bidviz_core.identity import LINK_VERSION, new_nonce, prove, spell_address
from bidviz_core.probe import PATH as PROOF_PATH
from bidviz_dashboard import __version__
from bidviz_dashboard.browser import Browser
from bidviz_dashboard.gate import SOCKET_PATHS, refuse
from bidviz_dashboard.hub import Hub
from bidviz_dashboard.session_socket import serve_session
from bidviz_dashboard.sockets import PatientSocket, close_quietly
from bidviz_dashboard.threads import socket_thread

log = logging.getLogger("bidviz_dashboard")

#: Bytes of a message from a browser.
LARGEST = 2**20
#: Messages of one client that may wait to be answered.
IMPATIENCE = 1000
#: Seconds between pings; a browser that answers none for twice as long is gone.
PING_EVERY = 20
#: Seconds between two looks whether a connection that says nothing still stands.
LOOK_EVERY = 1.0


def add_routes(app: Flask, hub: Hub, secret: bytes, stop: Callable[[], None]) -> None:
    """Puts the routes on an app whose requests are guarded already.

    Args:
        app: the app.
        hub: the hub.
        secret: the user's.
        stop: ends the dashboard; called once.
    """
    app.config["SOCK_SERVER_OPTIONS"] = {
        "max_message_size": LARGEST,
        "receive_bytes": 65536,
        "ping_interval": PING_EVERY,
        "thread_class": socket_thread,
    }
    sock = Sock(app)

    @app.before_request
    def wrap_socket() -> Response | None:
        if request.path not in SOCKET_PATHS or "werkzeug.socket" not in request.environ:
            return None
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return Response("This address speaks websocket only.\n", 426, mimetype="text/plain")
        if request.path == "/ws" and hub.full():
            return refuse("Too many viewers", f"{hub.most_clients} browsers are connected already; close one.", 503)
        request.environ["werkzeug.socket"] = PatientSocket(request.environ["werkzeug.socket"])
        return None

    @sock.route("/ws")  # type: ignore[untyped-decorator]
    def browser_socket(ws: Server) -> None:
        connection: PatientSocket = request.environ["werkzeug.socket"]
        browser = Browser(hub, connection, g.right, request.args.get("run", ""))
        reason = (1000, "")
        try:
            if not hub.browser_came(browser):
                reason = (1013, f"{hub.most_clients} browsers are connected already")
                return
            browser.begin()
            while True:
                # Not for ever: after a message that is too big simple_websocket may wake us a moment too early, once.
                message = ws.receive(timeout=LOOK_EVERY)
                if message is not None:
                    browser.take(message)
                if len(ws.input_buffer) > IMPATIENCE:
                    reason = (1008, f"More than {IMPATIENCE} messages are waiting to be answered")
                    return
        except ConnectionClosed:
            pass
        except Exception as error:
            # The text of an error may hold a payload, and with it what is nobody's business.
            log.error("a browser's connection ended with %s", type(error).__name__, exc_info=log.isEnabledFor(10))
            reason = (1011, "The dashboard failed to handle a message; its log says more")
        finally:
            hub.browser_went(browser)
            browser.mailbox.close(0.5)
            close_quietly(ws, connection, *reason)

    @sock.route("/session")  # type: ignore[untyped-decorator]
    def session_socket(ws: Server) -> None:
        connection: PatientSocket = request.environ["werkzeug.socket"]
        reason = ""
        try:
            reason = serve_session(hub, ws, connection, secret)
        except ConnectionClosed:
            pass
        except Exception as error:
            log.error("a session's connection ended with %s", type(error).__name__, exc_info=log.isEnabledFor(10))
            reason = "The dashboard failed to handle a message; its log says more"
        finally:
            close_quietly(ws, connection, 1008 if reason else 1000, reason[:120])

    @app.get(PROOF_PATH)
    def proof() -> Response:
        nonce = request.args.get("nonce", "")
        connection = request.environ["werkzeug.socket"]
        address = spell_address(connection.getsockname())
        # The process is proven with it, as a part of our nonce.
        mine, pid = new_nonce(), os.getpid()
        proven = prove(secret, "dashboard", nonce, f"{mine} {pid}", address, LINK_VERSION)
        about = {"product": PRODUCT, "version": LINK_VERSION, "nonce": mine, "pid": pid, "proof": proven}
        return Response(msgspec.json.encode({**about, "dashboard": __version__}), mimetype="application/json")

    @app.get("/bidviz/healthy")
    def healthy() -> Response:
        return Response("yes\n", mimetype="text/plain")

    @app.post("/bidviz/stop")
    def stop_dashboard() -> Response:
        if g.right != "code":
            return refuse("This is not allowed", "Only the owner's token stops the dashboard.")
        stop()
        return Response("stopping\n", mimetype="text/plain")
