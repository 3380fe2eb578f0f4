"""The index finds what a plain look finds, in the same order, whatever has changed since it was made."""

from __future__ import annotations

import random
import threading

from bidviz_registry.server.held import Held, Snapshot, arrange
from bidviz_registry.server.searching import Searcher

WORDS = ("gradient", "gradnorm", "norm", "noise", "scale", "layer_norm", "layer-norm", "ß", "İ", "weights", "a", "ab")


def make_held(chance: random.Random, name: str) -> Held:
    def text(words: int) -> str:
        return " ".join(chance.choice(WORDS) for _ in range(words))

    return Held(
        filename=f"{name}-1.0-py3-none-any.whl",
        name=name,
        project=name,
        version="1.0",
        kind="wheel",
        size=1,
        changed=1,
        sha256="0",
        summary=text(3).title(),
        bundle=True,
        texts=(text(2).replace(" ", "\n"), text(6)),
    )


def snapshot_of(held: dict[str, Held], number: int) -> Snapshot:
    return Snapshot(number, {name: arrange(name, [one], {}) for name, one in held.items()}, {}, {})


def plainly(held: dict[str, Held], query: str) -> set[str]:
    """Names of what has every word somewhere."""
    found = set()
    for name, one in held.items():
        texts = [name, one.summary.lower(), *one.texts]
        if all(any(word in text for text in texts) or word.replace("_", "-") in name for word in query.lower().split()):
            found.add(name)
    return found


def test_the_index_and_a_plain_look_agree_while_bundles_come_and_go() -> None:
    chance = random.Random(7)
    held = {
        name: make_held(chance, name) for name in (f"bidviz-metric-{chance.choice(WORDS[:5])}-{n}" for n in range(150))
    }
    snapshot = snapshot_of(held, 1)
    searcher = Searcher(snapshot)
    for number in range(2, 30):
        projects = dict(snapshot.projects)
        for _ in range(chance.randrange(30)):
            name = f"bidviz-metric-{chance.choice(WORDS[:5])}-{chance.randrange(200)}"
            if chance.random() < 0.4 and name in held:
                del held[name], projects[name]
            else:
                held[name] = make_held(chance, name)
                projects[name] = arrange(name, [held[name]], {})
        snapshot = Snapshot(number, projects, {}, {})
        fresh = Searcher(snapshot)
        for _ in range(12):
            query = " ".join(
                chance.choice([*WORDS, "orm", "metric", "NOI", "_", "7"]) for _ in range(chance.randrange(1, 4))
            )
            found, total = searcher.search(snapshot, query, limit=10_000)
            assert {project.name for project in found} == plainly(held, query)
            assert total == len(found)
            anew, _ = fresh.search(snapshot, query, limit=10_000)
            assert [project.name for project in anew] == [project.name for project in found]
            some, counted = searcher.search(snapshot, query, 3, 5)
            assert (some, counted) == (found[3:8], total)


def test_after_many_changes_the_index_is_made_anew_beside_the_searches() -> None:
    chance = random.Random(1)
    searcher = Searcher(Snapshot(1, {}, {}, {}))
    held = {f"bidviz-metric-{number}": make_held(chance, f"bidviz-metric-{number}") for number in range(1000)}
    snapshot = snapshot_of(held, 2)
    first = searcher.search(snapshot, "norm", limit=1000)
    for thread in threading.enumerate():
        if thread.name == "bidviz-registry-index":
            thread.join(60)
    assert searcher.search(snapshot, "norm", limit=1000) == first
    assert first[1] == len(plainly(held, "norm"))
    assert searcher.search(snapshot, "")[1] == 1000
