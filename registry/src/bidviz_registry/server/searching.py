"""Searches the bundles of a registry: every word must occur, and where it occurs decides the order.

Words are parts of what stands between blanks, in names, metrics' names, summaries and help texts. An index over what
was there at one moment gives them in milliseconds; what has changed since is looked through one by one until the index
is made anew.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bidviz_registry.server.held import Project, Snapshot

#: What a word is worth in the name, the metrics' names, the summary, the help texts; and as the name itself.
_WORTH = (8, 4, 3, 1)
_WHOLE_NAME = 16
_MOST_WORDS = 12
_LONGEST = 200
_PREFIXES = ("bidviz-metric-", "bidviz-policy-")
#: So many changed bundles are looked through one by one before the index is made anew.
_MOST_CHANGED = 200


class Searcher:
    """Searches snapshots as they come.

    Args:
        snapshot: the first of them.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._making = threading.Lock()
        self._index = _Index(snapshot.bundles)
        self._changes = _Changes.between(self._index, snapshot)

    def search(self, snapshot: Snapshot, query: str, offset: int = 0, limit: int = 100) -> tuple[list[Project], int]:
        """Bundles that a query finds, the best first; all of them by name if it is empty.

        Args:
            snapshot: where to look.
            query: words; parts of words are found as well, whatever their case.
            offset: how many of the best are left out.
            limit: how many are given after those.

        Returns:
            The bundles, and how many there are in all.
        """
        words = query.lower()[:_LONGEST].split()[:_MOST_WORDS]
        if not words:
            return list(snapshot.bundles[offset : offset + limit]), len(snapshot.bundles)
        changes = self._since(snapshot)
        scored = [(score, project) for project in changes.changed if (score := _score(project, words))]
        best, total = changes.index.find(words, changes.stale, offset + limit)
        total += len(scored)
        scored = sorted([*scored, *best], key=lambda item: (-item[0], item[1].name))
        return [project for _, project in scored[offset : offset + limit]], total

    def _since(self, snapshot: Snapshot) -> _Changes:
        """What the index does not know yet; the index is made anew where that is much."""
        changes = self._changes
        if changes.snapshot is snapshot and changes.index is self._index:
            return changes
        changes = self._changes = _Changes.between(self._index, snapshot)
        if len(changes.changed) > _MOST_CHANGED:
            self._make_anew(snapshot.bundles)
        return changes

    def _make_anew(self, bundles: Sequence[Project]) -> None:
        """Makes the index in a thread of its own; searches go on with the old one."""
        if not self._making.acquire(blocking=False):
            return

        def make() -> None:
            try:
                self._index = _Index(bundles)
            finally:
                self._making.release()

        threading.Thread(target=make, name="bidviz-registry-index", daemon=True).start()


class _Index:
    """Which bundles hold which words.

    Args:
        bundles: all of them, by name.
    """

    def __init__(self, bundles: Sequence[Project]) -> None:
        self.bundles = bundles
        self.numbers = {project.name: number for number, project in enumerate(bundles)}
        texts = [_texts(project) for project in bundles]
        self._fields = [_Field.of([each[place] for each in texts]) for place in range(len(_WORTH))]
        self._names: dict[str, list[int]] = {}
        for number, project in enumerate(bundles):
            for name in {project.name, _own_name(project.name)}:
                self._names.setdefault(name, []).append(number)

    def find(self, words: list[str], stale: NDArray[np.int64], most: int) -> tuple[list[tuple[int, Project]], int]:
        """What the words are worth in the bundles that have all of them, the best first.

        Args:
            words: in lower case.
            stale: bundles that are not to be found.
            most: how many are given.

        Returns:
            Those, and how many have all words.
        """
        total = np.zeros(len(self.bundles), np.int64)
        has_all = np.ones(len(self.bundles), bool)
        has_all[stale] = False
        for word in words:
            score = np.zeros(len(self.bundles), np.int64)
            for place, (field, worth) in enumerate(zip(self._fields, _WORTH, strict=True)):
                spellings = {word, word.replace("_", "-")} if place == 0 else {word}
                found = np.zeros(len(self.bundles), bool)
                for spelling in spellings:
                    for holders in field.holders(spelling):
                        found[holders] = True
                score += worth * found
            score[self._names.get(word, [])] += _WHOLE_NAME
            has_all &= score > 0
            total += score
        numbers = np.flatnonzero(has_all)
        best = numbers[np.argsort(-total[numbers], kind="stable")[:most]]
        return [(int(total[number]), self.bundles[int(number)]) for number in best], len(numbers)


@dataclass(frozen=True)
class _Changes:
    """What an index does not know of a snapshot.

    Args:
        snapshot: what is searched.
        index: what was there before.
        changed: the bundles that are new or other than they were.
        stale: numbers in the index of bundles that are gone or other than they were.
    """

    snapshot: Snapshot
    index: _Index
    changed: list[Project]
    stale: NDArray[np.int64]

    @staticmethod
    def between(index: _Index, snapshot: Snapshot) -> _Changes:
        """Compares them."""
        now = {project.name: project for project in snapshot.bundles}
        stale = [number for number, project in enumerate(index.bundles) if now.get(project.name) is not project]
        known = index.numbers
        changed = [
            project
            for name, project in now.items()
            if (number := known.get(name)) is None or index.bundles[number] is not project
        ]
        return _Changes(snapshot, index, changed, np.array(stale, np.int64))


@dataclass(frozen=True)
class _Field:
    """One kind of text of all bundles.

    Args:
        words: every word once, each with a line break behind it.
        starts: where each begins.
        numbers: which bundles hold it.
    """

    words: str
    starts: list[int]
    numbers: list[NDArray[np.int32]]

    @staticmethod
    def of(texts: list[str]) -> _Field:
        """Makes it of the bundles' texts, in the order of the bundles."""
        holders: dict[str, list[int]] = {}
        for number, text in enumerate(texts):
            for word in set(text.split()):
                holders.setdefault(word, []).append(number)
        starts, start = [], 0
        for word in holders:
            starts.append(start)
            start += len(word) + 1
        numbers = [np.array(found, np.int32) for found in holders.values()]
        return _Field("".join(f"{word}\n" for word in holders), starts, numbers)

    def holders(self, part: str) -> Iterator[NDArray[np.int32]]:
        """The bundles that hold each word of which `part` is a part."""
        at = self.words.find(part)
        while at >= 0:
            place = bisect_right(self.starts, at) - 1
            yield self.numbers[place]
            if place + 1 == len(self.starts):
                return
            at = self.words.find(part, self.starts[place + 1])


def _texts(project: Project) -> tuple[str, str, str, str]:
    """What is looked through, in the order of `_WORTH`."""
    held = project.newest
    return project.name, held.texts[0], held.summary.lower(), held.texts[1]


def _score(project: Project, words: list[str]) -> int:
    """What the words are worth in a bundle; 0 where one of them does not occur. The same as the index gives."""
    texts = _texts(project)
    total = 0
    for word in words:
        found = [word in text for text in texts]
        found[0] = found[0] or word.replace("_", "-") in texts[0]
        score = sum(worth for worth, is_there in zip(_WORTH, found, strict=True) if is_there)
        if not score:
            return 0
        total += score + (_WHOLE_NAME if word in (project.name, _own_name(project.name)) else 0)
    return total


def _own_name(name: str) -> str:
    return next((name.removeprefix(prefix) for prefix in _PREFIXES if name.startswith(prefix)), name)
