"""The gallery: every bundle with its charts, its help, its cost and its code, before anybody installs it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import flask
import msgspec
from packaging.utils import canonicalize_name
from werkzeug.wrappers import Response

from bidviz_core.description import Description
from bidviz_registry.pages import words
from bidviz_registry.pages.contents import list_contents
from bidviz_registry.server.answers import describe
from bidviz_registry.server.held import Held, Project, pick
from bidviz_registry.server.refusals import Refused
from bidviz_registry.server.searching import Searcher
from bidviz_registry.server.settings import Settings
from bidviz_registry.server.shelf import Shelf

#: Cards on one page.
CARDS = 24
_DECODER = msgspec.json.Decoder(Description)
_ASSETS = Path(__file__).parent / "static"


def make_gallery(shelf: Shelf, searcher: Searcher, settings: Settings) -> flask.Blueprint:
    """The gallery's pages, and the files they load.

    Args:
        shelf: what is shown.
        searcher: finds what is asked for.
        settings: how the registry is run.
    """
    pages = flask.Blueprint("gallery", __name__, template_folder="templates")

    def address() -> str:
        return (settings.url or flask.request.url_root).rstrip("/")

    @pages.context_processor
    def name_things() -> dict[str, Any]:
        return {"words": words, "address": address(), "drawer": "preview.js" in _drawer()}

    @pages.get("/")
    def home() -> str:
        return flask.render_template("gallery/home.html", **_found(shelf, searcher))

    @pages.get("/cards")
    def cards() -> str:
        return flask.render_template("gallery/cards.html", **_found(shelf, searcher))

    @pages.get("/bundles/<name>/")
    def bundle(name: str) -> str | Response:
        normalized = canonicalize_name(name)
        if normalized != name:
            return flask.redirect(flask.url_for("gallery.bundle", name=normalized), 301)
        version = flask.request.args.get("version", "")
        found = pick(shelf.look_again(name), name, version)
        if found is None:
            raise Refused(f"There is no bundle {f'{name[:100]} {version[:100]}'.strip()!r} in this registry.", 404)
        project, held = found
        return flask.render_template(
            "gallery/bundle.html",
            project=project,
            held=held,
            description=describe(shelf, held),
            contents=list_contents(shelf.path(held)),
        )

    @pages.get("/assets/<filename>")
    def asset(filename: str) -> Response:
        return flask.send_from_directory(_ASSETS, filename, max_age=0)

    @pages.get("/drawer/<filename>")
    def drawer(filename: str) -> Response:
        path = _drawer().get(filename)
        if path is None:
            raise Refused(f"Nothing named {filename[:100]!r} draws charts here.", 404)
        return flask.send_file(path, max_age=0)

    return pages


def _found(shelf: Shelf, searcher: Searcher) -> dict[str, Any]:
    """What a search finds, as the templates take it."""
    query = flask.request.args.get("q", "")[:200]
    text = flask.request.args.get("page", "1")
    page = max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 9 else 1
    snapshot = shelf.snapshot()
    found, total = searcher.search(snapshot, query, (page - 1) * CARDS, CARDS)
    last = max(1, -(-total // CARDS))
    if page > last:
        page = last
        found, total = searcher.search(snapshot, query, (page - 1) * CARDS, CARDS)
    return {"query": query, "cards": [_card(project) for project in found], "total": total, "page": page, "last": last}


def _card(project: Project) -> dict[str, Any]:
    held = project.newest
    description = _light(held)
    holds: list[str] = []
    if description is not None:
        # Of charts a person sees those of the metrics as well.
        charts = len(description.charts) + sum(len(metric.charts) for metric in description.metrics)
        parts = [(len(description.metrics), "metric"), (charts, "chart")]
        parts += [(len(description.policies), "policy"), (len(description.pages), "page")]
        holds = [words.count(number, word) for number, word in parts if number]
    return {
        "project": project,
        "held": held,
        "holds": holds,
        "cost": words.write_whole_cost(description) if description else "",
        "needs": words.write_needs(held.requires_dist),
        "metrics": [metric.name for metric in description.metrics][:6] if description else [],
    }


def _light(held: Held) -> Description | None:
    return _DECODER.decode(held.light) if held.light else None


@lru_cache(maxsize=1)
def _drawer() -> dict[str, Path]:
    """The dashboard's files that draw a bundle's charts, by name; none where it is not installed or too old."""
    try:
        from bidviz_dashboard.pictures import STATIC, preview_files
    except ModuleNotFoundError:
        return {}
    files = {**preview_files(), "bidviz.css": STATIC / "bidviz.css"}
    return {name: path for name, path in files.items() if path.exists()}
