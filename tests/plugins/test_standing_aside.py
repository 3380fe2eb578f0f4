"""A bundle that was made of what runs here takes over from it, and gives it back."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import bidviz_core as bidviz
from bidviz_core.errors import PluginError
from bidviz_core.metrics.collection import LIVE_FILE
from bidviz_core.metrics.source import compile_metric
from bidviz_core.sharing.gathering import gather
from bidviz_core.sharing.naming import bundle_name
from bidviz_core.sharing.writing import files_of

NAME = "bidviz-metric-evening"
PACKAGE = "src/bidviz_metric_evening"
SCALE = 2.0

TYPED_MODULE = """from collections import deque

SPAN = 3


def width(values):
    # from the least to the greatest
    return max(values) - min(values)


@bidviz.metric(every=2)
def spread(loss, state):
    recent = state.setdefault("recent", deque(maxlen=SPAN))
    recent.append(float(loss))
    return width(recent)
"""


def doubled(value: Any) -> Any:
    return value * SCALE


def closed(k: float) -> Any:
    def inner(params: Any) -> Any:
        return doubled(params.norm()) * k

    return inner


class Loop:
    """A tiny training into which what is shared of it can be installed."""

    def __init__(self, folder: Path, site: Any) -> None:
        torch.manual_seed(0)
        self.model = torch.nn.Linear(3, 2)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)
        self.site = site
        self.session: Any = bidviz.watch(
            self.model, self.optimizer, dashboard=None, run_dir=folder, plugins=(), budget=None
        )

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            self.optimizer.zero_grad()
            self.model(torch.ones(4, 3)).square().mean().backward()
            self.optimizer.step()

    def type(self, code: str, name: str, every: int = 1) -> None:
        """Adds a metric as the page does."""
        self.session.metrics.add(compile_metric(code, name=name, every=every))

    def share(self, *metrics: str, version: str = "0.1.0", change: Callable[[str], str] = lambda text: text) -> None:
        """Installs what *Share…* writes of metrics."""
        name = bundle_name("evening", "metric")
        gathered = gather(self.session, name, metrics, (), None)
        files = files_of(name, gathered, author="", licence="Apache-2.0", run="evening")
        package = {path: text for path, text in files.items() if path.startswith(PACKAGE)}
        self.site.put(NAME, version, {path.removeprefix("src/"): change(text) for path, text in package.items()})

    def origin(self, name: str) -> str:
        return str(self.session.metrics[name].origin)

    def steps(self, name: str) -> list[int]:
        return [int(one) for one in self.session.history(name).step]


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Any) -> Iterator[Loop]:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    known = set(sys.modules)
    made = Loop(tmp_path / "runs", site)
    yield made
    made.session.close()
    for name in set(sys.modules) - known:
        if name.startswith("bidviz_metric_evening"):
            del sys.modules[name]


def test_what_is_loaded_into_the_run_where_it_was_typed_takes_over_and_gives_back(loop: Loop) -> None:
    loop.type("grads.norm() * np.sqrt(2)", "typed norm")
    loop.type("x = grads.norm()\n# half of what is large\nif x > 1:\n    x = x / 2\nx * 2", "body")
    loop.type(TYPED_MODULE, "spread", every=2)
    loop.session.metrics.add(closed(3.5), name="closed")
    loop.session.metrics.add(lambda params: params.norm() * SCALE, name="shown")
    names = ["typed norm", "body", "spread", "closed", "shown"]
    loop.step(6)
    loop.share(*names)
    info = loop.session.plugins.load(NAME)
    assert info.state == "loaded"
    assert "'typed norm' goes on by the bundle's code" in info.error
    assert {loop.origin(name) for name in names} == {f"{NAME} 0.1.0"}
    assert [entry.action for entry in loop.session.journal].count("standAside") == len(names)
    # The series goes on, and so does what the metric keeps: no window starts anew.
    assert len(loop.session.metrics.slots["spread"].state["recent"]) == 3
    assert not loop.session.engine.retired
    loop.step(4)
    info = loop.session.plugins.unload(NAME)
    assert info.error == f"By the code written for this run, as before: {', '.join(names)}."
    assert [loop.origin(name) for name in names] == ["person", "person", "person", "script", "script"]
    assert not loop.session.engine.retired
    loop.step(2)
    assert loop.steps("typed norm") == list(range(1, 13))
    assert loop.steps("spread") == [2, 4, 6, 8, 10, 12]


def test_the_next_run_can_bring_back_what_stands_aside(loop: Loop) -> None:
    loop.type("grads.norm()", "norm")
    loop.step(1)
    loop.share("norm")
    loop.session.plugins.load(NAME)
    file = loop.session.run_dir / LIVE_FILE
    assert list(json.loads(file.read_text())["stats"]) == ["norm"]
    # And where the bundle is there as well, its code goes on.
    text = file.read_text()
    loop.session.metrics.remove("norm")
    loop.session.plugins.reload(NAME)
    file.write_text(text)
    assert loop.session.metrics.load(file) == ([], {})
    assert loop.origin("norm") == f"{NAME} 0.1.0"
    loop.session.plugins.unload(NAME)
    assert loop.origin("norm") == "person"
    loop.step(1)


@pytest.mark.parametrize(
    ("typed", "change"),
    [
        ("grads.norm() * 2", ("* 2", "* 3")),
        (TYPED_MODULE, ("SPAN = 3", "SPAN = 4")),
        (TYPED_MODULE, ("max(values) - min(values)", "max(values) + min(values)")),
        (TYPED_MODULE, ("from collections import deque", "from collections import UserList as deque")),
    ],
)
def test_other_code_of_the_same_name_is_refused_with_what_to_do(
    loop: Loop, typed: str, change: tuple[str, str]
) -> None:
    loop.type(typed, "mine")
    loop.step(2)
    loop.share("mine", change=lambda text: text.replace(*change))
    with pytest.raises(PluginError, match=r"Remove it \(session\.metrics\.remove\('mine'\), or Remove in its editor\)"):
        loop.session.plugins.load(NAME)
    assert loop.origin("mine") == "person"
    # What the sentence says helps.
    loop.session.metrics.remove("mine")
    loop.session.plugins.load(NAME)
    loop.step(2)
    assert loop.origin("mine") == f"{NAME} 0.1.0"


def test_a_newer_version_takes_the_place_of_the_older_whatever_its_code(loop: Loop) -> None:
    loop.type("grads.norm()", "norm")
    loop.type("params.norm()", "size")
    loop.step(1)
    loop.share("norm", "size")
    loop.session.plugins.load(NAME)
    files = loop.session.plugins  # the bundle's, whose newer version mends one metric and leaves one out

    def newer(text: str) -> str:
        return text.replace("grads.norm()", "grads.norm() * 2").replace("[norm, size]", "[norm]")

    loop.session.metrics.remove("norm")
    loop.session.plugins.unload(NAME)
    assert "norm" not in loop.session.metrics  # a person removed it
    loop.type("grads.norm()", "norm")
    loop.step(1)
    loop.session.plugins.load(NAME)
    gathered_origin = loop.origin("norm")
    loop.site.remove(NAME)
    _share_again(loop, newer)
    files.reload(NAME)
    assert gathered_origin != loop.origin("norm") == f"{NAME} 0.2.0"
    assert loop.origin("size") == "person"  # the newer version has none of that name
    # One that does not load leaves the older; what stands aside stays aside.
    _share_again(loop, lambda text: text + "\nraise RuntimeError\n", "0.3.0")
    with pytest.raises(PluginError, match="RuntimeError"):
        files.reload(NAME)
    assert loop.origin("norm") == f"{NAME} 0.2.0"
    files.unload(NAME)
    assert loop.origin("norm") == "person"


def _share_again(loop: Loop, change: Callable[[str], str], version: str = "0.2.0") -> None:
    """A newer version of the bundle, from the typed code that stands aside."""
    named = {"norm": "grads.norm()", "size": "params.norm()"}
    other = Loop(loop.session.run_dir / "other", loop.site)
    for name, code in named.items():
        other.type(code, name)
    other.step(1)
    other.share(*named, version=version, change=change)
    other.session.close()
