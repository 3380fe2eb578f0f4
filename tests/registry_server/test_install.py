"""Real pip and uv install from a real registry, and are told the truth by it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.registries import TOKEN, Registry, decode, describe, make_sdist, make_wheel, pip

from bidviz_core.errors import PluginError
from bidviz_registry.asking import list_found
from bidviz_registry.listing import search
from bidviz_registry.server.withdrawing import withdraw
from bidviz_registry.sources import Source

NAME = "bidviz-metric-weights"


def uv(*arguments: str) -> subprocess.CompletedProcess[str]:
    from uv import find_uv_bin

    environment = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_"))}
    line = [find_uv_bin(), "--no-config", "--no-cache", "pip", *arguments]
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=150)


def versions(target: Path) -> list[str]:
    return sorted(path.name.split("-")[1].removesuffix(".dist") for path in target.glob("*.dist-info"))


def test_pip_installs_by_metadata_alone_and_checks_the_hash(registry: Registry, tmp_path: Path) -> None:
    path = make_wheel(registry.folder, description=describe(NAME, "0.1.0"))
    make_wheel(registry.folder, version="0.2.0", metadata="Requires-Dist: bidviz-metric-needed>=1\n")
    make_wheel(registry.folder, "bidviz-metric-needed", "1.0")
    make_wheel(registry.folder, version="0.3.0", filename="bidviz_metric_weights-0.3.0-py2-none-any.whl")
    done = pip("install", "-vv", "--index-url", registry.index, "--target", str(tmp_path / "one"), NAME)
    assert done.returncode == 0, done.stderr
    assert versions(tmp_path / "one") == ["0.2.0", "1.0"]
    assert f"{registry.url}files/bidviz_metric_weights-0.2.0-py3-none-any.whl.metadata" in done.stdout
    requirements = tmp_path / "requirements.txt"
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    line = ["install", "--no-deps", "--require-hashes", "--index-url", registry.index, "-r", str(requirements)]
    requirements.write_text(f"{NAME}==0.1.0 --hash=sha256:{sha256}\n")
    assert pip(*line, "--target", str(tmp_path / "two")).returncode == 0
    requirements.write_text(f"{NAME}==0.1.0 --hash=sha256:{'0' * 64}\n")
    refused = pip(*line, "--target", str(tmp_path / "three"))
    assert refused.returncode == 1
    assert not (tmp_path / "three").exists()


def test_pip_leaves_withdrawn_versions_to_who_names_them(registry: Registry, tmp_path: Path) -> None:
    make_wheel(registry.folder, version="0.1.0")
    make_wheel(registry.folder, version="0.2.0")
    withdraw(registry.folder, NAME, "0.2.0", "counts twice")
    line = ("install", "--no-deps", "--index-url", registry.index, "--target")
    assert pip(*line, str(tmp_path / "any"), NAME).returncode == 0
    assert versions(tmp_path / "any") == ["0.1.0"]
    named = pip(*line, str(tmp_path / "named"), f"{NAME}==0.2.0")
    assert "counts twice" in named.stderr
    assert versions(tmp_path / "named") == ["0.2.0"]


def test_uv_installs_from_it(registry: Registry, tmp_path: Path) -> None:
    make_wheel(registry.folder, version="0.1.0", metadata="Requires-Dist: bidviz-metric-needed>=1\n")
    make_wheel(registry.folder, "bidviz-metric-needed", "1.0")
    make_sdist(registry.folder, version="0.0.9")
    done = uv("install", "--index-url", registry.index, "--target", str(tmp_path / "one"), NAME)
    assert done.returncode == 0, done.stderr
    assert versions(tmp_path / "one") == ["0.1.0", "1.0"]


def test_pip_finds_what_was_uploaded_a_moment_ago(registry: Registry, tmp_path: Path) -> None:
    for number in range(1, 4):
        path = make_wheel(tmp_path / "dist", version=f"0.{number}.0")
        assert registry.twine(path).returncode == 0
        target = tmp_path / path.name
        assert pip("install", "--no-deps", "--index-url", registry.index, "--target", str(target), NAME).returncode == 0
        assert versions(target) == [f"0.{number}.0"]


@pytest.fixture
def private(tmp_path: Path) -> Iterator[Registry]:
    readers = tmp_path / "readers"
    readers.write_text("reading-alone-0123456789\n")
    readers.chmod(0o600)
    made = Registry(tmp_path, "--private", "--read-token-file", str(readers))
    yield made
    made.close()


def test_a_private_registry_asks_readers_for_a_token(private: Registry, tmp_path: Path) -> None:
    path = make_wheel(tmp_path / "dist", description=describe(NAME, "0.1.0"))
    assert private.twine(path, token="reading-alone-0123456789").returncode == 1
    assert private.twine(path).returncode == 0
    assert pip("download", "--no-deps", "-d", str(tmp_path), "--index-url", private.index, NAME).returncode == 1
    for number, token in enumerate(["reading-alone-0123456789", TOKEN]):
        with_token = private.index.replace("://", f"://__token__:{token}@")
        target = str(tmp_path / f"target{number}")
        assert pip("install", "--no-deps", "--index-url", with_token, "--target", target, NAME).returncode == 0
        assert uv("install", "--no-deps", "--index-url", with_token, "--target", f"{target}uv", NAME).returncode == 0
        assert NAME in list_found(private.url.replace("://", f"://__token__:{token}@"), "", 5)
    readable = urllib.request.Request(f"{private.url}files/{path.name}")
    pair = b64encode(f"__token__:{TOKEN}".encode()).decode()
    readable.add_header("Authorization", f"Basic {pair}")
    with urllib.request.urlopen(readable) as answer:
        assert "private" in answer.headers["Cache-Control"]
        assert "public" not in answer.headers["Cache-Control"]
    with pytest.raises(PluginError, match="401 Reading this registry needs a token"):
        list_found(private.url, "", 5)
    with pytest.raises(PluginError, match="The token is wrong") as caught:
        list_found(private.url.replace("://", "://__token__:wrong@"), "", 5)
    assert "wrong@" not in str(caught.value)


def test_a_search_over_the_wire_gives_what_the_file_says(registry: Registry, tmp_path: Path) -> None:
    path = make_wheel(registry.folder, description=describe(NAME, "0.1.0"), metadata="Requires-Dist: numpy>=1\n")
    [one] = search(Source("here", "registry", registry.url), "weights NORM")
    assert (one.name, one.version, one.versions) == (NAME, "0.1.0", ("0.1.0",))
    assert one.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert one.description is not None
    assert one.description["samples"].keys() == {"weight_norm"}
    with urllib.request.urlopen(f"{registry.url}api/search?q=weights") as answer:
        [told] = decode(answer.read())["bundles"]
    assert (told["requires_python"], told["requires_dist"], told["size"]) == (
        ">=3.11",
        ["numpy>=1"],
        path.stat().st_size,
    )
    assert told["url"] == f"{registry.url}files/{path.name}"
    text = list_found(registry.url, "norm", 5)
    assert text.splitlines()[0].startswith(f"{NAME} 0.1.0")
    assert "weight_norm" in text
    assert NAME in list_found(registry.index, "", 5)  # the index's address does as well
    assert "No bundle has 'nothing'" in list_found(registry.url, "nothing", 5)


def test_the_registries_that_are_configured_are_searched_together(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(registry.folder, description=describe(NAME, "0.1.0"))
    monkeypatch.setenv("BIDVIZ_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("BIDVIZ_REGISTRIES", f"lab={registry.url} down=http://127.0.0.1:9/")
    text = list_found("", "norm", 5)
    assert f"{NAME} 0.1.0" in text
    assert "(lab)" in text
    assert "! down (http://127.0.0.1:9/) cannot be reached" in text
    assert NAME in list_found("lab", "norm", 5)
    with pytest.raises(PluginError, match="cannot be reached"):
        list_found("down", "norm", 5)
