"""Finds bundles: those that are installed, and one of a given name on the package index."""

from __future__ import annotations

import importlib.metadata
import re
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from bidviz_core.errors import PluginError
from bidviz_registry import pip

_BUNDLE = re.compile(r"bidviz-(metric|policy)-[a-z0-9-]+")
_NEWEST = re.compile(r"^\S+ \((?P<version>[^)\s]+)\)")


@dataclass(frozen=True)
class FoundBundle:
    """A bundle that fits a query.

    Args:
        name: its distribution's name.
        version: the newest version there is to be had.
        summary: what it says of itself; empty where it is not installed.
        installed: the version installed here, or an empty text.
    """

    name: str
    version: str
    summary: str = ""
    installed: str = ""


def find(query: str) -> list[FoundBundle]:
    """Finds bundles whose name or summary holds a text.

    Args:
        query: a part of the name or summary; the full name of a bundle is looked for on the package index as well.
    """
    wanted = query.strip().lower()
    found: dict[str, FoundBundle] = {}
    for distribution in importlib.metadata.distributions():
        if not distribution.entry_points.select(group="bidviz"):
            continue
        name = canonicalize_name(distribution.metadata["Name"])
        summary = str(distribution.metadata.json.get("summary", ""))
        if wanted in name or wanted in summary.lower():
            found.setdefault(name, FoundBundle(name, distribution.version, summary, distribution.version))
    exact = canonicalize_name(wanted) if wanted else ""
    if _BUNDLE.fullmatch(exact):
        newest = _newest(exact)
        if newest:
            known = found.get(exact, FoundBundle(exact, newest))
            found[exact] = FoundBundle(exact, newest, known.summary, known.installed)
    return sorted(found.values(), key=lambda bundle: bundle.name)


def _newest(name: str) -> str:
    try:
        # Its JSON is newer than the pip that many environments have; the first line has been the same for years.
        said = pip.run("index", "versions", name, progress=lambda line: None)
    except PluginError:
        return ""  # the index does not know it, or is not to be reached: what is installed is still an answer
    newest = next((match for line in said if (match := _NEWEST.match(line))), None)
    return newest["version"] if newest else ""
