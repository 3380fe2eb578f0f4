"""The checks before every request, and the headers on every answer."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from urllib.parse import urlencode

from flask import Flask, Response, g, request

from bidviz_core.messages.commands import Right
from bidviz_core.probe import PATH as PROOF_PATH
from bidviz_dashboard.auth import COOKIE_AGE, Auth

#: Paths that need no token: the proof gives nothing away, the session's link proves itself.
OPEN_PATHS = frozenset({PROOF_PATH, "/session", "/bidviz/healthy"})
SOCKET_PATHS = frozenset({"/ws", "/session"})

_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>BIDViz</title>
<meta name="viewport" content="width=device-width, initial-scale=1">{more}
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 38rem; margin: 15vh auto; padding: 0 1rem; }}
code {{ font-family: ui-monospace, monospace; }} h1 {{ font-size: 1.25rem; }}
</style></head><body><main><h1>{title}</h1><p>{text}</p></main></body></html>
"""


def guard(app: Flask, auth: Auth) -> None:
    """Puts the checks before an app's requests and the headers on its answers.

    Args:
        app: the app; every route it has or gets stands behind the checks.
        auth: judges.
    """

    @app.before_request
    def check() -> Response | None:
        connection = request.environ.get("werkzeug.socket")
        local = connection.getsockname()[0] if connection is not None else None
        host, origin = request.headers.get("Host"), request.headers.get("Origin")
        refusal = auth.why_not_host(host, local) or auth.why_not_origin(origin, host)
        if not refusal and request.path == "/session" and origin is not None:
            refusal = "Sessions are programs; no page may open their link."
        if refusal:
            return refuse("This is not allowed", refusal)
        # Compression costs 24 times what it saves on loopback; what is not asked for is not done.
        request.environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        if request.path in OPEN_PATHS:
            return None
        token = request.args.get("token")
        right = auth.right_of(token, request.headers.get("Authorization"), request.cookies.get(auth.cookie_name))
        if right is None:
            return refuse(*_no_token(token is not None))
        g.right = right
        if token is not None and request.method == "GET" and request.path not in SOCKET_PATHS:
            return _trade(auth, token, right)
        return None

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", "no-store")
        if response.mimetype == "text/html":
            response.headers["Content-Security-Policy"] = _policy(response)
        return response


def refuse(title: str, text: str, status: int = 403) -> Response:
    """A page (or, for a program, a line of text) that says why not."""
    if request.accept_mimetypes.best_match(["text/plain", "text/html"]) == "text/html" and "text/html" in str(
        request.accept_mimetypes
    ):
        return Response(_PAGE.format(title=escape(title), text=text, more=""), status, mimetype="text/html")
    plain = re.sub(r"<[^>]+>", "", text)
    return Response(f"{title}: {plain}\n", status, mimetype="text/plain")


def _no_token(given: bool) -> tuple[str, str]:
    hint = (
        "Open the URL that the training printed, or the one that <code>bidviz dashboard</code> prints: it carries the "
        "token that lets you in. A program sends it as <code>Authorization: Bearer …</code>."
    )
    return ("This token is not known here", hint) if given else ("This dashboard wants a token", hint)


def _trade(auth: Auth, token: str, right: Right) -> Response:
    """A token in a URL is traded for a cookie, and taken out of the address bar and the browser's history."""
    # The token alone counts here: whoever opens a link to look gets what that link allows.
    right = auth.right_of_token(token) or right
    rest = [(key, value) for key, values in request.args.lists() for value in values if key not in ("token", "run")]
    run = request.args.get("run")
    path = request.path
    if path == "/" and run:
        path = f"/run/{_quoted(run)}"
    elif run:
        rest.append(("run", run))
    # A path that begins with two slashes would be another host's.
    target = "/" + path.lstrip("/") + (f"?{urlencode(rest)}" if rest else "")
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        # A browser keeps a strict cookie from a redirect that another site's link began; a page of ours begins anew.
        more = f'<meta http-equiv="refresh" content="0; url={escape(target)}">'
        text = f'<a href="{escape(target)}">Go on</a>'
        response = Response(_PAGE.format(title="BIDViz", text=text, more=more), 200, mimetype="text/html")
    else:
        response = Response("", 302, {"Location": target}, mimetype="text/plain")
    response.set_cookie(
        auth.cookie_name, auth.cookie(right), max_age=COOKIE_AGE, httponly=True, samesite="Strict", path="/"
    )
    return response


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


def _policy(response: Response) -> str:
    """Nothing loads from elsewhere; of inline scripts only those that the page itself came with run."""
    inline = b"" if response.direct_passthrough else response.get_data()
    hashes = [base64.b64encode(hashlib.sha256(found).digest()).decode() for found in _INLINE_SCRIPT.findall(inline)]
    scripts = " ".join(["'self'", *(f"'sha256-{one}'" for one in hashes)])
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src 'self' ws://{request.host}",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )
