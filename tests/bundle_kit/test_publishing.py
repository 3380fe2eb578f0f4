"""Bundles are built, uploaded to a real registry, refused where they must be, and installed from there."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from support.registries import TOKEN, Registry

from bidviz_core.description import FILE, description_of_wheel
from bidviz_core.errors import BidvizError
from bidviz_core.publishing.building import NotChecked, build_bundle
from bidviz_core.sharing.scaffold import new_bundle
from bidviz_core.testing import CheckProcess

from .conftest import Bidviz

#: Whole bundles are checked here, which takes its time on a busy machine.
pytestmark = pytest.mark.timeout(900)

WHEEL = "bidviz_metric_mine-0.1.0-py3-none-any.whl"


def test_a_bundle_is_built_published_once_and_installed(
    registry: Registry, tmp_path: Path, bidviz_command: Bidviz, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_bundle("mine", tmp_path)
    address = f"{registry.url}legacy/"
    monkeypatch.setenv("TWINE_PASSWORD", TOKEN)
    monkeypatch.setenv("TWINE_USERNAME", "__token__")
    done = bidviz_command("bundle", "publish", folder, "--repository", address)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{WHEEL} is published at {address}." in done.stdout
    assert (registry.folder / WHEEL).is_file() or list(registry.folder.rglob(WHEEL))
    # The description travels in the wheel, and the sdist holds what it takes to build it.
    said = description_of_wheel(folder / "dist" / WHEEL)
    assert said is not None
    assert [one.name for one in said.metrics] == ["mine/weight_norm"]
    with tarfile.open(folder / "dist" / "bidviz_metric_mine-0.1.0.tar.gz") as sdist:
        assert any(name.endswith("/LICENSE") for name in sdist.getnames())
    # A version is never replaced, also where its bytes are others.
    code = folder / "src" / "bidviz_metric_mine" / "metrics.py"
    code.write_text(code.read_text().replace("params.norm()", "1.0 * params.norm()"))
    again = bidviz_command("bundle", "publish", folder, "--repository", address)
    assert again.returncode == 1
    assert "bidviz-metric-mine 0.1.0 is published already" in again.stderr
    assert "raise the version in pyproject.toml" in again.stderr
    # pip installs it from there.
    line = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(tmp_path / "site"), "--no-cache-dir"]
    line += ["--disable-pip-version-check", "--index-url", registry.index, "bidviz-metric-mine"]
    subprocess.run(line, check=True, capture_output=True)
    assert (tmp_path / "site" / "bidviz_metric_mine" / FILE).is_file()


def test_without_the_right_token_nothing_is_published(
    registry: Registry,
    tmp_path: Path,
    bidviz_command: Bidviz,
    check_process: CheckProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("TWINE_PASSWORD", "TWINE_USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    wheel = build_bundle(new_bundle("mine", tmp_path), process=check_process).wheel
    address = f"{registry.url}legacy/"
    wrong = bidviz_command("bundle", "publish", wheel, "--repository", address, "--token", "wrong")
    assert wrong.returncode == 1
    assert "does not take this token" in wrong.stderr
    assert "--token, TWINE_PASSWORD" in wrong.stderr
    none = bidviz_command("bundle", "publish", wheel, "--repository", address)
    assert none.returncode == 1
    assert f"Give a token for uploads to {address}" in none.stderr
    assert not list(registry.folder.rglob("*.whl"))
    down = bidviz_command("bundle", "publish", wheel, "--repository", "http://127.0.0.1:9/legacy/", "--token", "x")
    assert down.returncode == 1
    assert "127.0.0.1:9 could not be reached" in down.stderr
    unknown = bidviz_command("bundle", "publish", wheel, "--repository", "nobody")
    assert unknown.returncode == 1
    assert "'nobody'" in unknown.stderr


def test_what_has_something_to_mend_is_not_built(tmp_path: Path, bidviz_command: Bidviz) -> None:
    folder = new_bundle("mine", tmp_path)
    charts = folder / "src" / "bidviz_metric_mine" / "charts.py"
    charts.write_text(charts.read_text().replace('title="Weight norm",', 'title="Weight norm", series=("nowhere",),'))
    done = bidviz_command("bundle", "build", folder)
    assert done.returncode == 1
    assert "it names the series 'nowhere', which no metric gives" in done.stdout
    assert "was not built: one thing is to be mended first" in done.stderr
    assert not (folder / "dist").exists()


def test_a_build_that_leaves_something_out_is_noticed(tmp_path: Path, check_process: CheckProcess) -> None:
    folder = new_bundle("mine", tmp_path)
    project = folder / "pyproject.toml"
    project.write_text(project.read_text() + 'exclude = ["charts.py"]\n')
    with pytest.raises(NotChecked) as raised:
        build_bundle(folder, process=check_process)
    assert "does not hold the files that were checked" in raised.value.report.wrong[-1].what


def test_a_build_that_fails_is_one_sentence(tmp_path: Path, check_process: CheckProcess) -> None:
    folder = new_bundle("mine", tmp_path)
    project = folder / "pyproject.toml"
    project.write_text(project.read_text().replace('"hatchling.build"', '"hatchling.nothing"'))
    with pytest.raises(BidvizError, match="could not be built"):
        build_bundle(folder, process=check_process)


def test_wheels_are_the_same_twice(tmp_path: Path, check_process: CheckProcess) -> None:
    folder = new_bundle("mine", tmp_path)
    built = build_bundle(folder, tmp_path / "one", process=check_process)
    with zipfile.ZipFile(built.wheel) as wheel:
        names = set(wheel.namelist())
    assert f"bidviz_metric_mine/{FILE}" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_what_is_missing_is_said_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from bidviz_core.publishing import building

    monkeypatch.setattr(building, "find_spec", lambda name: None)
    with pytest.raises(BidvizError, match=r"needs build, .* pip install 'bidviz-core\[publish\]'"):
        build_bundle(new_bundle("mine", tmp_path))
