"""What may be installed and what not, and what is said of it; nothing here touches this environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bidviz_core.errors import PluginError
from bidviz_core.plugins import Plugins
from bidviz_registry import Installation, find, install, pip, plugin

from .conftest import Index, write_bundle


@pytest.fixture(autouse=True)
def _only_our_index(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


@pytest.mark.parametrize(
    ("requirement", "text"),
    [
        (" ", "There is no requirement: expected a name"),
        ("--index-url=http://localhost bidviz-metric-live", "is no requirement but an option of pip"),
        ("bidviz-metric-live\n--pre", "is no requirement but an option of pip"),
        ("bidviz metric live", "is no requirement: expected a name"),
        ("./no/such.whl", r"There is no file or folder './no/such\.whl'"),
        ("bidviz-metric-absent", "pip could not install it: .*bidviz-metric-absent"),
    ],
)
def test_what_cannot_be_installed_is_said_in_a_sentence(requirement: str, text: str) -> None:
    lines: list[str] = []
    with pytest.raises(PluginError, match=text):
        install(requirement, lines.append)


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"has no pyproject\.toml, so there is nothing to install in it"):
        install(str(tmp_path), print)


def test_what_the_training_stands_on_is_not_replaced(index: Index) -> None:
    index.stub("numpy", "99.0")
    with pytest.raises(PluginError, match=r"would replace numpy .* by 99\.0 .*, so nothing was installed"):
        install("numpy", print)


def test_an_upgrade_that_does_not_fit_is_not_made(index: Index, tmp_path: Path) -> None:
    index.stub("pluggy", "0.13.1")
    index.build(write_bundle(tmp_path / "source", "0.3.0", 3.5, ("pluggy<1",)))
    with pytest.raises(PluginError, match=r"pip could not install it: .*conflict"):
        install("bidviz-metric-live", print)


def test_a_wheel_that_is_none(tmp_path: Path) -> None:
    wheel = tmp_path / "bidviz_metric_live-1.0-py3-none-any.whl"
    wheel.write_text("no wheel")
    with pytest.raises(PluginError, match=r"pip could not install it: .*bidviz_metric_live"):
        install(str(wheel), print)


def test_pip_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pip, "MOST_SECONDS", 0.0)
    with pytest.raises(PluginError, match="pip took more than 0 minutes and was ended"):
        pip.run("list", progress=print)


def test_no_pip_says_what_to_do() -> None:
    assert "python -m ensurepip" in pip.explain(["/usr/bin/python: No module named pip"])


def test_what_an_installation_says() -> None:
    assert "nothing has changed" in str(Installation((), ()))
    assert str(Installation((("a", "1"), ("b", "2")), ("a",))) == "Installed a 1, b 2."
    assert "There is no bundle among them" in str(Installation((("b", "2"),), ()))


def test_bundles_are_found_by_name_and_summary() -> None:
    found = {bundle.name: bundle for bundle in find("gradient")}
    assert found["bidviz-metric-gradnorm"].installed
    assert find("no bundle says this of itself") == []


def test_a_full_name_is_looked_for_on_the_index(index: Index, tmp_path: Path) -> None:
    index.build(write_bundle(tmp_path / "source", "0.3.0", 3.5))
    found = find("bidviz-metric-live")
    assert [(bundle.name, bundle.version, bundle.installed) for bundle in found] == [
        ("bidviz-metric-live", "0.3.0", "")
    ]
    assert find("bidviz-metric-absent") == []


def test_the_hooks_fit(tmp_path: Path) -> None:
    class Host:
        session = None

        def __getattr__(self, name: str) -> object:
            return lambda *given: None

    plugins = Plugins(Host())
    plugins.register(plugin, "registry")
    with pytest.raises(PluginError, match="is no requirement"):
        plugins.install("a b")
    assert plugins.ask("find_bundles", query="gradnorm")[0][0].name == "bidviz-metric-gradnorm"
    plugins.close()
