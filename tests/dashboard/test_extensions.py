"""What bundles give to the dashboard: found without importing what gives nothing, and fenced off where it fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import bidviz_core as bidviz
from bidviz_core.errors import PluginError
from bidviz_dashboard.extensions import ADDRESS, Extensions

HEAD = """import bidviz_core as bidviz
from pathlib import Path
HERE = Path(__file__).parent
"""
GOOD = (
    HEAD
    + """
@bidviz.hookimpl
def register_renderers():
    return [bidviz.Renderer({kind!r}, HERE / "{script}")]

@bidviz.hookimpl
def register_pages():
    return [bidviz.Page({page!r}, "A page", HERE / "{script}")]
"""
)
METRICS = """raise AssertionError("a bundle of metrics alone is not imported by the dashboard")"""
Write = Callable[..., Path]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed bundles, and nothing else that has any."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), *(path for path in sys.path if "site-packages" not in path)])
    before = set(sys.modules)
    yield folder  # type: ignore[misc]
    for name in set(sys.modules) - before:
        if name.startswith("tried_"):
            del sys.modules[name]


@pytest.fixture
def write(site: Path) -> Write:
    """Installs a bundle of one module: `write("good", source)`."""

    def made(name: str, source: str, version: str = "1", script: str = "export default 1;") -> Path:
        (site / f"tried_{name}.py").write_text(source)
        (site / f"{name}.js").write_text(script)
        for old in site.glob(f"bidviz_metric_{name}-*.dist-info"):
            old.rename(site / f"gone-{old.name}.bak")
        info = site / f"bidviz_metric_{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: bidviz-metric-{name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[bidviz]\n{name} = tried_{name}\n")
        (info / "RECORD").write_text("")
        return info

    return made


def good(name: str, kind: str, page: str) -> str:
    return GOOD.format(kind=kind, script=f"{name}.js", page=page)


def problems(extensions: Extensions) -> dict[str, str]:
    return {problem.origin: problem.message for problem in extensions.listing().problems}


def test_a_renderer_and_a_page_are_listed_and_served(write: Write) -> None:
    write("one", good("one", "one.Chart", "one"))
    write("metrics", METRICS)
    extensions = Extensions()
    listing = extensions.listing()
    [renderer], [page] = listing.renderers, listing.pages
    assert (renderer.kind, renderer.origin, renderer.style) == ("one.Chart", "bidviz-metric-one 1", "")
    assert (page.path, page.title) == ("one", "A page")
    assert listing.problems == ()
    assert "tried_metrics" not in sys.modules
    served = extensions.file(renderer.script.removeprefix(f"{ADDRESS}/"))
    assert served is not None
    assert served.read_text() == "export default 1;"
    assert extensions.file("bidviz-metric-one/../tried_one.py") is None
    served.write_text("export default 2;")
    assert extensions.file(renderer.script.removeprefix(f"{ADDRESS}/")) is None, "what was listed is what is served"
    [again] = extensions.listing().renderers
    assert again.script != renderer.script


def test_a_bundle_that_comes_or_changes_is_there_without_a_restart(
    write: Write, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    module = site / "tried_late.py"
    extensions = Extensions()
    assert extensions.listing().renderers == ()
    write("late", good("late", "late.Chart", "late"))
    assert [one.kind for one in extensions.listing().renderers] == ["late.Chart"]
    written = module.stat()
    write("late", good("late", "late.Other", "late"), version="2")
    # As long as before, and in the same second: its bytecode passes for current.
    os.utime(module, ns=(written.st_atime_ns, written.st_mtime_ns))
    assert module.stat().st_size == written.st_size
    [one] = extensions.listing().renderers
    assert (one.kind, one.origin) == ("late.Other", "bidviz-metric-late 2")


FAILURES = {
    "import os\nos.no_such_thing  # register_pages": "could not be imported: AttributeError",
    "raise SystemExit(3)  # register_pages": "could not be imported: SystemExit: 3",
    HEAD + "@bidviz.hookimpl\ndef register_renderer(): ...\n# register_renderers": "did you mean register_renderers",
    HEAD + "@bidviz.hookimpl\ndef register_renderers(): return [3]": "gave 3; expected bidviz.Renderer",
    HEAD + "@bidviz.hookimpl\ndef register_pages(): return 3": "gave 3; expected bidviz.Page",
    HEAD + "@bidviz.hookimpl\ndef register_pages(): raise ValueError('no')": "register_pages raised ValueError: no",
    good("bad", "Line", "bad"): "A renderer's kind is called like",
    good("nowhere", "bad.Chart", "bad"): "'nowhere.js', which is not there",
    "import threading\nthreading.Event().wait()  # register_pages": "did not load within 0.5 s",
}


@pytest.mark.parametrize("source", FAILURES, ids=[words[:40] for words in FAILURES.values()])
def test_one_that_fails_is_said_and_the_others_are_there(source: str, write: Write) -> None:
    write("bad", source)
    write("one", good("one", "one.Chart", "one"))
    extensions = Extensions(patience=0.5 if "Event" in source else 30)
    assert [one.kind for one in extensions.listing().renderers] == ["one.Chart"]
    assert FAILURES[source] in problems(extensions)["bidviz-metric-bad 1"]


def test_of_two_with_one_kind_the_first_is_taken(write: Write) -> None:
    write("a", good("a", "shared.Chart", "a"))
    write("b", good("b", "shared.Chart", "b"))
    extensions = Extensions()
    first, second = sorted({one.origin for one in extensions.listing().pages})
    [renderer] = extensions.listing().renderers
    loser = second if renderer.origin == first else first
    assert problems(extensions) == {
        loser: f"The kind 'shared.Chart' is {renderer.origin}'s already; this one is left out."
    }


def test_what_is_wrong_with_a_page_or_a_file_is_said(tmp_path: Path) -> None:
    script = tmp_path / "a.js"
    script.write_text("")
    for arguments, words in (
        (("a/b", "A", script), "plain word"),
        (("a", " ", script), "no title"),
        (("a", "A", tmp_path / "a.py"), "ends with .js or .mjs"),
        (("a", "A", None), "expected the path of a file"),
    ):
        with pytest.raises(PluginError) as caught:
            bidviz.Page(*arguments)  # type: ignore[arg-type]
        assert words in str(caught.value)
    with pytest.raises(PluginError, match=r"ends with \.css"):
        bidviz.Renderer("a.B", script, script)
