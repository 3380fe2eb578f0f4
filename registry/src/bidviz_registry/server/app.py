"""The registry as a web application: who may ask, what is answered, how it is refused."""

from __future__ import annotations

import logging

import flask
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from bidviz_registry.pages.gallery import make_gallery
from bidviz_registry.server.answers import make_answers
from bidviz_registry.server.index import make_index
from bidviz_registry.server.refusals import Refused
from bidviz_registry.server.searching import Searcher
from bidviz_registry.server.settings import Settings
from bidviz_registry.server.shelf import Shelf
from bidviz_registry.server.tokens import USER
from bidviz_registry.server.uploading import MOST_FIELD_BYTES, Request, make_uploads

_LOG = logging.getLogger("bidviz.registry")
#: Scripts of ours alone, nothing from elsewhere, no frame, nothing that a stranger's text could become. Style elements
#: are let in because Plotly and Vega-Lite make theirs when they are loaded; what they could name is still ours alone.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "style-src-elem 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_app(shelf: Shelf, settings: Settings) -> flask.Flask:
    """Makes the application.

    Args:
        shelf: what it serves.
        settings: how it is run.
    """
    searcher = Searcher(shelf.snapshot())
    app = flask.Flask("bidviz_registry", static_folder=None)
    app.request_class = Request
    app.config["BIDVIZ_FOLDER"] = settings.folder
    app.config["MAX_CONTENT_LENGTH"] = settings.most_bytes + MOST_FIELD_BYTES
    app.config["TRUSTED_HOSTS"] = list(settings.hosts) or None

    @app.before_request
    def ask_for_token() -> None:
        given = flask.request.authorization
        if settings.readers is None or flask.request.method == "POST":
            return
        password = given.password or "" if given is not None and given.type == "basic" else ""
        if given is None or given.username != USER:
            raise Refused("Reading this registry needs a token: user name __token__, the token as the password.", 401)
        if not settings.readers.holds(password) and not settings.tokens.holds(password):
            raise Refused("The token is wrong.", 401)

    @app.after_request
    def harden(response: Response) -> Response:
        if settings.readers is not None:
            response.cache_control.public, response.cache_control.private = False, True
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if flask.request.method == "POST" and response.status_code >= 400:
            response.headers["Connection"] = "close"  # the rest of what is being sent is not waited for
        return response

    @app.errorhandler(Refused)
    def refuse(error: Refused) -> Response:
        return _sentence(str(error), error.status)

    @app.errorhandler(HTTPException)
    def refuse_request(error: HTTPException) -> Response:
        return _sentence(error.description or error.name, error.code or 500)

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        _LOG.exception("%s %s failed", flask.request.method, flask.request.path)
        return _sentence("The registry failed to answer; its log says why.", 500)

    app.register_blueprint(make_index(shelf))
    app.register_blueprint(make_uploads(shelf, settings))
    app.register_blueprint(make_answers(shelf, searcher, settings))
    app.register_blueprint(make_gallery(shelf, searcher, settings))
    return app


def _sentence(text: str, status: int) -> Response:
    """A refusal; its sentence is the status line's too, for that is all that twine shows."""
    response = flask.Response(text + "\n", status=status, content_type="text/plain; charset=utf-8")
    line = " ".join(text.encode("latin-1", "replace").decode("latin-1").split())
    response.status = f"{status} {''.join(letter for letter in line if letter.isprintable())[:1000]}"
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="bidviz registry", charset="UTF-8"'
    return response
