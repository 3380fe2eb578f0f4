"""Compresses what is large and the same for all: scripts and styles, each once."""

from __future__ import annotations

import gzip
import threading

from flask import Flask, Response, request

_KINDS = frozenset({"text/javascript", "application/javascript", "text/css", "image/svg+xml"})
_SMALLEST = 2048
_KEPT = 64


def compress(app: Flask) -> None:
    """Makes an app send scripts and styles compressed where the browser takes that.

    Args:
        app: the app.
    """
    kept: dict[tuple[str, str], bytes] = {}
    lock = threading.Lock()

    @app.after_request
    def shrink(response: Response) -> Response:
        if (
            response.status_code != 200
            or response.mimetype not in _KINDS
            or "Content-Encoding" in response.headers
            or "gzip" not in request.headers.get("Accept-Encoding", "")
            or request.method != "GET"
        ):
            return response
        # A file's own mark tells one version from the next; without one its length does.
        key = (request.full_path, response.headers.get("ETag") or response.headers.get("Content-Length", ""))
        with lock:
            data = kept.get(key)
        if data is None:
            response.direct_passthrough = False
            plain = response.get_data()
            if len(plain) < _SMALLEST:
                return response
            data = gzip.compress(plain, 6, mtime=0)
            with lock:
                if len(kept) >= _KEPT:
                    kept.clear()
                kept[key] = data
        response.direct_passthrough = False
        response.set_data(data)
        response.headers["Content-Encoding"] = "gzip"
        response.vary.add("Accept-Encoding")
        return response
