"""Searches the bundles of a registry: every word must occur, and where it occurs decides the order."""

from __future__ import annotations

from collections.abc import Iterable

from bidviz_registry.server.held import Held, Project

#: What a word is worth in the name, the metrics' names, the summary, the help texts.
_NAME, _METRIC, _SUMMARY, _HELP = 8, 4, 3, 1
_MOST_WORDS = 12
_LONGEST = 200
_PREFIXES = ("bidviz-metric-", "bidviz-policy-")


def search(bundles: Iterable[Project], query: str) -> list[Project]:
    """Bundles that a query finds, the best first; all of them by name if it is empty.

    Args:
        bundles: where to look, in the order of their names.
        query: words; parts of words are found as well, whatever their case.
    """
    words = query.lower()[:_LONGEST].split()[:_MOST_WORDS]
    if not words:
        return list(bundles)
    scored = [(_score(project.newest, words), project) for project in bundles]
    found = [(-score, project.name, project) for score, project in scored if score]
    return [project for _, _, project in sorted(found, key=lambda item: item[:2])]


def _score(held: Held, words: list[str]) -> int:
    """What the words are worth in a bundle; 0 where one of them does not occur."""
    name = held.project
    summary = held.summary.lower()
    metrics, helps = held.texts
    total = 0
    for word in words:
        score = 0
        if word in name or word.replace("_", "-") in name:
            score += _NAME * (3 if _own_name(name) == word or name == word else 1)
        if word in metrics:
            score += _METRIC
        if word in summary:
            score += _SUMMARY
        if word in helps:
            score += _HELP
        if not score:
            return 0
        total += score
    return total


def _own_name(name: str) -> str:
    return next((name.removeprefix(prefix) for prefix in _PREFIXES if name.startswith(prefix)), name)
