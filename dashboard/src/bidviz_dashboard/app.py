"""Puts the dashboard's web application together."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from bidviz_dashboard.auth import Auth
from bidviz_dashboard.compress import compress
from bidviz_dashboard.gate import guard
from bidviz_dashboard.hub import Hub
from bidviz_dashboard.routes import add_routes


def make_app(hub: Hub, auth: Auth, secret: bytes, stop: Callable[[], None]) -> Flask:
    """The Flask app with the checks, our routes and the Dash pages.

    Args:
        hub: the hub.
        auth: judges requests.
        secret: the user's, for the proof.
        stop: ends the dashboard.
    """
    from bidviz_dashboard import pages

    app = Flask("bidviz_dashboard", static_folder=None)
    # Before the pages: Dash adds checks of its own, and none of its routes may come in front of ours.
    guard(app, auth)
    compress(app)
    add_routes(app, hub, secret, stop)
    pages.build(app, hub)
    return app
