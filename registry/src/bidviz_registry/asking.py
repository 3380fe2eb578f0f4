"""What registries say to a search, for a terminal."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlsplit

from bidviz_core.errors import PluginError
from bidviz_registry import sources
from bidviz_registry.listing import SearchedBundle, ask_together, search
from bidviz_registry.sources import Source

#: Where a registry is when nobody says otherwise.
HERE = "http://127.0.0.1:10002/"


def list_found(registry: str, query: str, limit: int) -> str:
    """What a search finds: name, version and summary of each bundle, its metrics, its hash.

    Args:
        registry: an address (with `__token__:TOKEN@` before the host where reading needs a token) or the name of a
            registry that is configured; empty asks all that are, or the one on this machine if there is none.
        query: words.
        limit: the most bundles of each registry.

    Raises:
        PluginError: no registry could be asked, and why.
    """
    places = _places(registry)
    answers, problems = ask_together((place, partial(search, place, query, limit, samples=False)) for place in places)
    if not answers:
        raise PluginError(" ".join(text for _, text in problems))
    lines = [line for place, found in answers for one in found for line in _lines(one, place, len(places) > 1)]
    if not lines:
        lines = [
            f"No bundle has {query!r} in its name, summary, metrics or help." if query else "There are no bundles."
        ]
    return "\n".join([*lines, *(f"! {_plain(text)}" for _, text in problems)])


def _places(registry: str) -> list[Source]:
    if not registry:
        found = [place for place in sources.configured() if place.kind == "registry"]
        return found or [Source("this machine", "registry", HERE)]
    if "://" not in registry:
        return [sources.one(registry, sources.configured())]
    parts = urlsplit(registry)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PluginError(f"{registry!r} is no address of a registry: expected http(s)://host/.")
    address = registry.rstrip("/").removesuffix("/simple")  # the index's address does as well
    return [Source(parts.netloc.rpartition("@")[2], "registry", address)]


def _lines(one: SearchedBundle, place: Source, several: bool) -> list[str]:
    where = f"  ({place.name})" if several else ""
    lines = [f"{_plain(one.name)} {_plain(one.version)}  {_plain(one.summary)}{where}"]
    metrics = _names((one.description or {}).get("metrics"))
    if metrics:
        lines.append(f"    metrics  {', '.join(metrics)}")
    return [*lines, f"    sha256   {_plain(one.sha256)}"]


def _names(metrics: Any) -> list[str]:
    found = [one.get("name") for one in metrics if isinstance(one, dict)] if isinstance(metrics, list) else []
    return [_plain(name) for name in found if isinstance(name, str)]


def _plain(text: str) -> str:
    """A stranger's text without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
