"""What may be installed and what not, and what is said of it; nothing here touches this environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bidviz_core.errors import PluginError
from bidviz_core.plugins import Plugins
from bidviz_registry import Installation, find, install, pip, plugin

from .conftest import Index, make_wheel, metric_code, sha256, write_bundle

pytestmark = pytest.mark.usefixtures("only_our_index")

NAME = "bidviz-metric-live"
CODE = {"bidviz_metric_live/__init__.py": metric_code(1.5)}


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """A run's folder of bundles."""
    return tmp_path / "run" / "bundles"


def refusal(requirement: str, into: Path, **options: object) -> str:
    """Why something is not installed; nothing of it may be left."""
    with pytest.raises(PluginError) as caught:
        install(requirement, lambda line: None, into, **options)  # type: ignore[arg-type]
    assert not [path for path in into.rglob("*") if path.is_file()], "something is left of what was refused"
    return str(caught.value)


@pytest.mark.parametrize(
    ("requirement", "text"),
    [
        (" ", "There is no requirement: expected a name"),
        ("--index-url=http://localhost bidviz-metric-live", "is no requirement but an option of pip"),
        ("bidviz-metric-live\n--pre", "is no requirement but an option of pip"),
        ("bidviz metric live", "is no requirement: expected a name"),
        ("./no/such.whl", "There is no file or folder './no/such.whl'"),
        ("bidviz-metric-absent", "pip could not install it: "),
    ],
)
def test_what_cannot_be_installed_is_said_in_a_sentence(requirement: str, text: str, into: Path) -> None:
    assert text in refusal(requirement, into)


def test_a_folder_without_a_project_is_refused(tmp_path: Path, into: Path) -> None:
    assert "has no pyproject.toml, so there is nothing to install in it" in refusal(str(tmp_path), into)


def test_what_the_training_stands_on_is_not_replaced(index: Index, into: Path) -> None:
    index.stub("numpy", "99.0")
    said = refusal("numpy", into)
    assert "would replace numpy" in said
    assert "by 99.0 in the environment of the running training, so nothing was installed" in said


def test_a_bundle_goes_into_a_folder_of_its_own_version(index: Index, into: Path) -> None:
    wheel = index.serve(make_wheel(index.folder, NAME, "0.1.0", CODE))
    done = install(NAME, print, into)
    assert done.pin is not None
    assert (done.pin.version, done.pin.hash, done.pin.source) == ("0.1.0", sha256(wheel), "pip")
    assert done.pin.folder == str(into / NAME / f"0.1.0-{sha256(wheel)[:8]}")
    assert Path(done.pin.folder, "bidviz_metric_live", "__init__.py").is_file()
    again = install(NAME, print, into, pins={NAME: done.pin})
    assert (again.pin, again.installed) == (None, ())
    assert str(again).startswith("It is installed already and nothing newer fits; nothing has changed.")


def test_a_wheel_that_is_none(tmp_path: Path, into: Path) -> None:
    wheel = tmp_path / "bidviz_metric_live-1.0-py3-none-any.whl"
    wheel.write_text("no wheel")
    assert "pip could not install it: bidviz_metric_live-1.0-py3-none-any.whl is no wheel" in refusal(str(wheel), into)


def test_a_folder_that_the_person_named_is_built(tmp_path: Path, into: Path) -> None:
    source = write_bundle(tmp_path / "source", "0.3.0", 3.5)
    done = install(str(source), print, into)
    assert done.pin is not None
    assert (done.name, done.pin.source, done.pin.address) == (NAME, str(source), "")


def test_what_the_run_installed_for_itself_is_found_and_nothing_else_need_have_it(tmp_path: Path, into: Path) -> None:
    done = install(str(write_bundle(tmp_path / "source", "0.3.0", 3.5)), print, into)
    assert done.pin is not None
    [row] = find("live", pins={NAME: done.pin})
    assert (row.name, row.installed, row.source, row.hash) == (NAME, "0.3.0", "installed", done.pin.hash)
    assert find("live") == []


def test_what_somebody_changed_between_the_look_and_the_installation_is_refused(index: Index, into: Path) -> None:
    looked_at = sha256(index.serve(make_wheel(index.folder, NAME, "0.1.0", CODE)))
    make_wheel(index.folder, NAME, "0.1.0", {"bidviz_metric_live/__init__.py": metric_code(6.5)})
    said = refusal(NAME, into, wheel_hash=looked_at)
    assert f"expected {looked_at}: it is not the file that was looked at, so nothing was installed" in said


def test_pip_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pip, "MOST_SECONDS", 0.0)
    with pytest.raises(PluginError, match="pip took more than 0 minutes and was ended"):
        pip.run("list", progress=print)


def test_no_pip_says_what_to_do() -> None:
    assert "python -m ensurepip" in pip.explain(["/usr/bin/python: No module named pip"])


def test_what_an_installation_says() -> None:
    assert "nothing has changed" in str(Installation("a"))
    assert str(Installation("a", (("a", "1"), ("b", "2")))) == "Installed a 1, b 2."


def test_settings_of_pip_that_would_lead_elsewhere_do_not_hold(
    index: Index, other_index: Index, into: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[global]\nindex-url = {index.url}\ntarget = {tmp_path / 'target'}\nno-binary = :all:\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.delenv("PIP_INDEX_URL")
    index.serve(make_wheel(index.folder, NAME, "0.1.0", CODE))
    assert install(NAME, print, into).pin is not None
    assert not (tmp_path / "target").exists()
    assert other_index.asked == []


def test_the_hooks_fit() -> None:
    class Host:
        session = None

        def __getattr__(self, name: str) -> object:
            return lambda *given: None

    plugins = Plugins(Host())  # type: ignore[arg-type]
    plugins.register(plugin, "registry")
    with pytest.raises(PluginError, match="has no run folder"):
        plugins.install("a b")
    with pytest.raises(PluginError, match="is no requirement"):
        plugins.inspect("a b")
    assert plugins.find("gradnorm")[0].name == "bidviz-metric-gradnorm"
    plugins.close()


def test_bundles_are_found_by_name_and_summary() -> None:
    found = {bundle.name: bundle for bundle in find("gradient")}
    assert found["bidviz-metric-gradnorm"].installed
    assert find("no bundle says this of itself") == []


def test_a_full_name_is_looked_for_on_the_index(index: Index) -> None:
    for version in ("0.2.0", "0.10.0", "0.11.0rc1"):
        index.serve(make_wheel(index.folder, NAME, version, CODE))
    row = find(NAME)[0]
    assert (row.name, row.version, row.installed, row.source) == (NAME, "0.10.0", "", "pip")
    assert row.versions == ("0.10.0", "0.2.0", "0.11.0rc1")
    assert find("bidviz-metric-absent") == []
    assert os.environ["PIP_INDEX_URL"] == index.url
