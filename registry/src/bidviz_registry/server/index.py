"""The pages that pip and uv read: PEP 503 and 691, with the fields of PEP 592, 700 and 714, and PEP 658's metadata."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import Any

import flask
import msgspec
from packaging.utils import canonicalize_name
from werkzeug.wrappers import Response

from bidviz_registry.server.held import Held, Project, Snapshot
from bidviz_registry.server.reading import open_metadata
from bidviz_registry.server.refusals import Refused
from bidviz_registry.server.shelf import Shelf

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
#: What each name that may be asked for is answered with; the first is preferred.
_TYPES = {
    "text/html": "text/html",
    HTML: HTML,
    JSON: JSON,
    "application/vnd.pypi.simple.latest+html": HTML,
    "application/vnd.pypi.simple.latest+json": JSON,
}
_META = {"api-version": "1.1"}


def make_index(shelf: Shelf) -> flask.Blueprint:
    """The index and the files.

    Args:
        shelf: what is served.
    """
    pages = flask.Blueprint("index", __name__)
    kept: dict[str, tuple[int, bytes]] = {}

    @pages.get("/simple/")
    def projects() -> Response:
        kind, snapshot = _negotiate(), shelf.snapshot()
        number, body = kept.get(kind, (-1, b""))
        if number != snapshot.number:
            body = _list_json(snapshot) if kind == JSON else _list_html(snapshot)
            kept[kind] = (snapshot.number, body)
        return _page(body, kind)

    @pages.get("/simple/<name>/")
    def project(name: str) -> Response:
        normalized = canonicalize_name(name)
        if normalized != name:
            return flask.redirect(f"../{normalized}/", 301)
        kind = _negotiate()
        found = shelf.look_again(name).projects.get(name)
        if found is None:
            raise Refused(f"There is no project {name[:100]!r} in this registry.", 404)
        return _page(_project_json(found) if kind == JSON else _project_html(found), kind)

    @pages.get("/files/<filename>")
    def file(filename: str) -> Response:
        held = _held(shelf, filename)
        response = flask.send_file(
            shelf.path(held).absolute(),
            mimetype="application/octet-stream",
            as_attachment=True,
            download_name=held.filename,
            etag=held.sha256,
            max_age=365 * 24 * 3600,
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @pages.get("/files/<filename>.metadata")
    def metadata(filename: str) -> Response:
        held = _held(shelf, filename)
        if not held.metadata_sha256:
            raise Refused(f"{filename} is an sdist; only wheels have metadata that can be trusted.", 404)
        response = flask.Response(open_metadata(shelf.path(held)), mimetype="text/plain")
        response.set_etag(held.metadata_sha256)
        return response.make_conditional(flask.request)

    return pages


def upload_time(held: Held) -> str:
    """When a file was published, as PEP 700 writes it."""
    return datetime.fromtimestamp(held.changed / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _held(shelf: Shelf, filename: str) -> Held:
    held = shelf.snapshot().files.get(filename)
    if held is not None:
        held = shelf.look_again(held.project).files.get(filename)
    if held is None:
        raise Refused(f"There is no file {filename[:100]!r} in this registry.", 404)
    return held


def _negotiate() -> str:
    asked = flask.request.args.get("format")
    best = asked if asked in _TYPES else flask.request.accept_mimetypes.best_match(_TYPES)
    if not flask.request.accept_mimetypes and not asked:
        best = "text/html"
    if best is None or (asked and asked not in _TYPES):
        raise Refused(f"This index speaks {JSON}, {HTML} and text/html.", 406)
    return _TYPES[best]


def _page(body: bytes, kind: str) -> Response:
    response = flask.Response(body, content_type=f"{kind}; charset=utf-8" if kind != JSON else kind)
    response.headers["Vary"] = "Accept"
    response.headers["Cache-Control"] = "max-age=0, must-revalidate"
    response.add_etag()
    return response.make_conditional(flask.request)


def _list_json(snapshot: Snapshot) -> bytes:
    return msgspec.json.encode({"meta": _META, "projects": [{"name": name} for name in sorted(snapshot.projects)]})


def _list_html(snapshot: Snapshot) -> bytes:
    links = "".join(f'<a href="{escape(name)}/">{escape(name)}</a><br>\n' for name in sorted(snapshot.projects))
    return _html("Simple index", links)


def _project_json(project: Project) -> bytes:
    files = []
    for held in project.files:
        about: dict[str, Any] = {
            "filename": held.filename,
            "url": f"../../files/{held.filename}",
            "hashes": {"sha256": held.sha256},
            "size": held.size,
            "upload-time": upload_time(held),
            "yanked": (project.yanked[held.filename] or True) if held.filename in project.yanked else False,
        }
        if held.requires_python:
            about["requires-python"] = held.requires_python
        if held.metadata_sha256:
            about["core-metadata"] = about["dist-info-metadata"] = {"sha256": held.metadata_sha256}
        files.append(about)
    versions = list(reversed(project.versions))
    return msgspec.json.encode({"meta": _META, "name": project.name, "versions": versions, "files": files})


def _project_html(project: Project) -> bytes:
    lines = []
    for held in project.files:
        marks = f' data-requires-python="{escape(held.requires_python)}"' if held.requires_python else ""
        if held.metadata_sha256:
            value = f'="sha256={held.metadata_sha256}"'
            marks += f" data-core-metadata{value} data-dist-info-metadata{value}"
        if held.filename in project.yanked:
            marks += f' data-yanked="{escape(project.yanked[held.filename])}"'
        address = f"../../files/{escape(held.filename)}#sha256={held.sha256}"
        lines.append(f'<a href="{address}"{marks}>{escape(held.filename)}</a><br>\n')
    return _html(f"Links for {project.name}", "".join(lines))


def _html(title: str, links: str) -> bytes:
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f'<meta name="pypi:repository-version" content="{_META["api-version"]}">'
        f"<title>{escape(title)}</title></head>\n<body>\n<h1>{escape(title)}</h1>\n{links}</body>\n</html>\n"
    ).encode()
