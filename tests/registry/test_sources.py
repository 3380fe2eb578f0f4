"""Where bundles may come from: what is configured, what each place answers, and to which one a name belongs."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest

from bidviz_core.description import DescribedMetric, Description, encode_description
from bidviz_core.errors import PluginError
from bidviz_registry import find, inspect, install, sources

from .conftest import Index, make_wheel, metric_code, sha256
from .test_installing import CODE, NAME

pytestmark = pytest.mark.usefixtures("only_our_index")


def use(monkeypatch: pytest.MonkeyPatch, **registries: str) -> None:
    """Configures registries."""
    monkeypatch.setenv("BIDVIZ_REGISTRIES", ",".join(f"{name}={address}" for name, address in registries.items()))


def configure(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").mkdir(exist_ok=True)
    (tmp_path / "config" / "registries.toml").write_text(text)


def test_the_file_and_the_environment_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(tmp_path, '[registries]\nlab = "https://lab.example"\n[folders]\nshared = "/data/bundles"\n')
    use(monkeypatch, home="http://me:secret@home.example:8080/bundles/")
    monkeypatch.setenv("BIDVIZ_BUNDLE_FOLDERS", str(tmp_path / "wheels"))
    found = sources.configured()
    assert [(source.name, source.kind, source.shown) for source in found] == [
        ("home", "registry", "http://home.example:8080/bundles/"),
        (str(tmp_path / "wheels"), "folder", str(tmp_path / "wheels")),
        ("lab", "registry", "https://lab.example"),
        ("shared", "folder", "/data/bundles"),
    ]
    assert found[0].pip_options() == (
        "--index-url",
        "http://me:secret@home.example:8080/bundles/simple/",
        "--trusted-host",
        "home.example:8080",
    )
    assert sources.one("https://lab.example/", found).name == "lab"
    with pytest.raises(PluginError, match=r"No registry or folder 'elsewhere' is configured; there are: home, .*lab"):
        sources.one("elsewhere", found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[registries\n", "cannot be read"),
        ("[registries]\nlab = 3\n", "should hold lines such as lab ="),
        ('[registries]\nlab = "ftp://lab.example"\n', "expected an address such as"),
        ('[registries]\nlab = "https://a.example"\n[folders]\nlab = "/a"\n', "Two places are called 'lab'"),
    ],
)
def test_a_file_that_is_wrong_is_said_and_does_not_stop_the_search(tmp_path: Path, text: str, said: str) -> None:
    configure(tmp_path, text)
    with pytest.raises(PluginError, match=said):
        sources.configured()
    rows = find("gradnorm")
    assert rows[0].name == "bidviz-metric-gradnorm"
    assert said in rows[-1].problem


def test_a_registry_is_searched_and_its_answer_stands_beside_what_is_installed(
    index: Index, other_index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, lab=other_index.address)
    wheel = make_wheel(other_index.folder, "bidviz-metric-gradients", "0.2.0", CODE)
    found = find("grad")
    rows = [row for row in found if row.name in ("bidviz-metric-gradnorm", "bidviz-metric-gradients")]
    assert {row.source for row in found if row not in rows} <= {"installed"}
    assert [(row.name, row.source) for row in rows] == [
        ("bidviz-metric-gradnorm", "installed"),
        ("bidviz-metric-gradients", "lab"),
    ]
    assert (rows[1].version, rows[1].hash, rows[1].summary) == (
        "0.2.0",
        sha256(wheel),
        "What bidviz-metric-gradients is",
    )
    assert index.asked == [], "an index knows exact names alone, and is not asked for anything else"


def test_a_folder_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "wheels"
    folder.mkdir()
    about = Description(1, NAME, "0.2.0", "Something live", (DescribedMetric("live_value"),))
    described = {**CODE, "bidviz_metric_live/bidviz-bundle.json": encode_description(about).decode()}
    make_wheel(folder, NAME, "0.1.0", CODE)
    make_wheel(folder, NAME, "0.2.0", described)
    monkeypatch.setenv("BIDVIZ_BUNDLE_FOLDERS", f"{folder}:{tmp_path / 'absent'}")
    row, problem = find("something")
    assert (row.name, row.versions, row.source) == (NAME, ("0.2.0", "0.1.0"), str(folder))
    assert row.description is not None
    assert row.description["metrics"][0]["name"] == "live_value"
    assert "there is no folder" in problem.problem
    done = install(f"{NAME}==0.1.0", print, tmp_path / "run", source=str(folder))
    assert done.pin is not None
    assert (done.pin.version, done.pin.address) == ("0.1.0", str(folder))


def test_a_registry_that_is_down_slow_or_answers_rubbish_is_a_sentence(
    index: Index, other_index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_index.serve(make_wheel(other_index.folder, NAME, "0.2.0", CODE))
    down = Index(tmp_path / "down")
    down.close()
    slow = Index(tmp_path / "slow")
    slow.let_go.clear()
    slow.silent.set()
    broken = Index(tmp_path / "broken")
    page = Index(tmp_path / "page")
    broken.rubbish, page.rubbish = b'{"bundles": [{"nom": "de guerre"}]}', b"<html>Welcome to the hotel</html>"
    places = {"down": down, "slow": slow, "broken": broken, "page": page, "plain": index, "lab": other_index}
    index.searches = False
    try:
        use(monkeypatch, **{name: place.address for name, place in places.items()})
        began = time.monotonic()
        rows = find("live", seconds=3.0)
        took = time.monotonic() - began
        told = {row.source: row.problem for row in rows}
        assert [row.name for row in rows if row.name] == [NAME], "the one that works has answered"
        assert "cannot be reached" in told["down"]
        assert "did not answer within 3 seconds" in told["slow"]
        assert "answered what no registry of BIDViz answers" in told["broken"]
        assert "answered what no registry of BIDViz answers" in told["page"]
        assert "it is no registry of BIDViz" in told["plain"]
        assert took < 30, "a silent registry does not hold up the others"
        # An installation says it too, and takes it from the one that has it.
        done = install(NAME, print, tmp_path / "run")
        assert done.pin is not None
        assert done.pin.source == "lab"
        assert "down" in str(done)
        assert "did not answer within" in str(done)
    finally:
        for place in (slow, broken, page):
            place.close()


def test_an_answer_without_end_is_cut_off(other_index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, lab=other_index.address)
    other_index.rubbish = b" " * (33 * 2**20)
    assert "answered more than 32 MB, which is not read" in find("live", seconds=30.0)[0].problem


def test_a_name_that_two_places_offer_is_not_taken_from_the_one_with_the_higher_version(
    index: Index, other_index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, lab=other_index.address)
    own = other_index.serve(make_wheel(other_index.folder, NAME, "0.1.0", CODE))
    index.serve(make_wheel(index.folder, NAME, "9.9", {"bidviz_metric_live/__init__.py": metric_code(66.0)}))
    into = tmp_path / "run"
    with pytest.raises(
        PluginError, match=r"is offered by several places, .*lab \(version 0\.1\.0\), pip \(version 9\.9\)"
    ):
        install(NAME, print, into)
    done = install(NAME, print, into, source="lab")
    assert done.pin is not None
    assert done.pin.hash == sha256(own)

    # From then on the name is that place's, in another run as well.
    again = install(NAME, print, tmp_path / "another-run")
    assert again.pin is not None
    assert again.pin.hash == sha256(own)
    assert f"pip ({index.url}) offers {NAME} 9.9, which is left alone: the name belongs to lab" in str(again)
    with pytest.raises(PluginError, match=r"belongs to lab .* offers the same name, which is left alone"):
        install(f"{NAME}==9.9", print, into, source="pip")
    with pytest.raises(PluginError, match=r"pip could not install it.*9\.9"):
        install(f"{NAME}==9.9", print, into)
    assert f"{NAME} 9.9, which is left alone" in " ".join(inspect(NAME, print).warnings)
    assert not any("9.9" in asked for asked in index.asked), "the other's wheel was fetched"

    # It is taken from nowhere else when its own place is not there any more.
    monkeypatch.delenv("BIDVIZ_REGISTRIES")
    with pytest.raises(PluginError, match=r"came from lab .*, which is not among the registries that are configured"):
        install(NAME, print, into)


def test_the_same_file_at_two_places_is_no_question(
    index: Index, other_index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, lab=other_index.address)
    made = make_wheel(index.folder, NAME, "0.1.0", CODE)
    for place, wheel in ((index, made), (other_index, Path(shutil.copy2(made, other_index.folder)))):
        place.serve(wheel, fragment=f"#sha256={sha256(wheel)}")
    done = install(NAME, print, tmp_path / "run")
    assert done.pin is not None
    assert done.pin.source == "lab"


def test_looking_at_a_bundle_runs_nothing_and_installs_exactly_that(index: Index, tmp_path: Path) -> None:
    wrong = {"bidviz_metric_live/__init__.py": "raise SystemExit('it ran')\n", "bidviz_metric_live/notes.txt": "Notes"}
    about = Description(1, NAME, "0.1.0", hash="0" * 64)
    wrong["bidviz_metric_live/bidviz-bundle.json"] = encode_description(about).decode()
    metadata = "Summary: Something live\nLicense: MIT\nAuthor: Somebody"
    needs = ("torch<2", "bidviz-absent", "numpy", 'colorama ; sys_platform == "win32"')
    wheel = index.serve(make_wheel(index.folder, NAME, "0.1.0", wrong, requires=needs, metadata=metadata))
    seen = inspect(f"{NAME}==0.1.0", print)
    assert (seen.name, seen.version, seen.hash, seen.filename) == (NAME, "0.1.0", sha256(wheel), wheel.name)
    assert (seen.summary, seen.license, seen.author, seen.text) == ("Something live", "MIT", "Somebody", f"# {NAME}")
    assert [(need.name, need.state) for need in seen.needs] == [
        ("torch", "conflict"),
        ("bidviz-absent", "missing"),
        ("numpy", "there"),
        ("colorama", "unwanted"),
    ]
    assert [(file.path.rpartition("/")[2], file.runs) for file in seen.files] == [
        ("__init__.py", True),
        ("bidviz-bundle.json", False),
        ("notes.txt", False),
    ]
    assert seen.files[0].code == "raise SystemExit('it ran')\n"
    assert any("would replace torch" in text for text in seen.refusals)
    assert any("bidviz-absent, which is not installed" in text for text in seen.refusals)
    assert any("Its description was made for other code" in text for text in seen.warnings)
    assert not list(tmp_path.glob("run*"))


def test_searches_that_nobody_waits_for_hold_nothing_up(other_index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, lab=other_index.address)
    other_index.let_go.clear()
    other_index.silent.set()
    assert "did not answer within 1 seconds" in find("live", seconds=1.0)[0].problem
    waiting = [thread for thread in threading.enumerate() if thread.name == "bidviz-asking"]
    assert all(thread.daemon for thread in waiting)
    other_index.let_go.set()
    for thread in waiting:
        thread.join(30)


def test_a_person_who_configured_nothing_is_told_where_a_registry_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [row] = [row for row in find("") if not row.name]
    assert (row.source, row.problem) == ("configuration", "")
    assert str(sources.config_folder() / "registries.toml") in row.note
    assert "BIDVIZ_REGISTRIES" in row.note
    assert [row for row in find("gradnorm") if not row.name] == []  # whoever looks for one gets rows of that
    monkeypatch.setenv("BIDVIZ_BUNDLE_FOLDERS", str(tmp_path))
    assert [row.note for row in find("") if row.note] == []


def test_what_finds_bundles_is_no_bundle_that_is_found() -> None:
    names = {row.name for row in find("")}
    assert "bidviz-metric-gradnorm" in names
    assert "bidviz-registry" not in names
