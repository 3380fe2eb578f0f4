"""What other programs ask a registry in JSON: a search, and all about one bundle."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import flask
import msgspec
from packaging.utils import canonicalize_name
from werkzeug.wrappers import Response

from bidviz_core.description import Description, decode_description
from bidviz_core.errors import SpecError
from bidviz_registry.server.held import Held, Project, pick
from bidviz_registry.server.index import upload_time
from bidviz_registry.server.reading import open_description
from bidviz_registry.server.refusals import Refused
from bidviz_registry.server.searching import Searcher
from bidviz_registry.server.settings import Settings
from bidviz_registry.server.shelf import Shelf

#: The most bundles of an answer, and the bytes of descriptions after which the rest come without samples and code.
MOST = 100
MOST_BYTES = 8 * 2**20


def make_answers(shelf: Shelf, searcher: Searcher, settings: Settings) -> flask.Blueprint:
    """`/api/search` and `/api/bundles/NAME`.

    Args:
        shelf: what is served.
        searcher: finds what is asked for.
        settings: how the registry is run.
    """
    pages = flask.Blueprint("answers", __name__)

    def address(held: Held) -> str:
        return f"{settings.url or flask.request.url_root}".rstrip("/") + f"/files/{held.filename}"

    @pages.get("/api/search")
    def find() -> Response:
        asked = flask.request.args
        limit, offset = _number(asked.get("limit"), 20, MOST), _number(asked.get("offset"), 0, 10**9)
        whole = asked.get("samples", "0") not in ("", "0")
        found, total = searcher.search(shelf.snapshot(), asked.get("q", ""), offset, limit)
        bundles: list[dict[str, Any]] = []
        left = MOST_BYTES
        for one in found:
            bundles.append(_about(shelf, one, one.newest, address, whole and left > 0))
            left -= len(bundles[-1]["description"] or b"")
        return _json({"bundles": bundles, "total": total})

    @pages.get("/api/bundles/<name>")
    def bundle(name: str) -> Response:
        normalized, version = canonicalize_name(name), flask.request.args.get("version", "")
        found = pick(shelf.look_again(normalized), normalized, version)
        if found is None or not found[0].is_bundle:
            wanted = f"{name[:100]} {version[:100]}".strip()
            raise Refused(f"There is no bundle {wanted!r} in this registry.", 404)
        return _json(_about(shelf, *found, address, True))

    return pages


def describe(shelf: Shelf, held: Held) -> Description | None:
    """A file's description with its samples and code, or none where it carries none that can be read."""
    try:
        return decode_description(data) if (data := _whole(shelf, held)) else None
    except SpecError:
        return None  # replaced by hand this very moment: the next look at the folder finds out


def _whole(shelf: Shelf, held: Held) -> bytes:
    """A description's JSON as it stands in the wheel."""
    return _take(shelf.path(held), held.sha256) if held.light else b""


@lru_cache(maxsize=64)
def _take(path: Path, sha256: str) -> bytes:
    return open_description(path)


def _about(shelf: Shelf, project: Project, held: Held, address: Callable[[Held], str], whole: bool) -> dict[str, Any]:
    data = (_whole(shelf, held) if whole else b"") or held.light
    return {
        "name": project.name,
        "version": held.version,
        "versions": project.versions,
        "summary": held.summary,
        "requires_python": held.requires_python,
        "requires_dist": held.requires_dist,
        "license": held.license,
        "filename": held.filename,
        "url": address(held),
        "sha256": held.sha256,
        "size": held.size,
        "uploaded": upload_time(held),
        "yanked": project.yanked.get(held.filename),
        "description": msgspec.Raw(data) if data else None,
    }


def _number(text: str | None, default: int, most: int) -> int:
    return min(int(text), most) if text and text.isascii() and text.isdigit() and len(text) < 12 else default


def _json(data: Any) -> Response:
    response = flask.Response(msgspec.json.encode(data), content_type="application/json")
    response.headers["Cache-Control"] = "no-cache"
    return response
