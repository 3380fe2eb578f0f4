"""`bidviz registry`: what it says when it starts, when it cannot, and what it finds."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from support.registries import Registry, describe, make_wheel

from bidviz_registry.sources import FILE, config_folder, configured

NAME = "bidviz-metric-weights"


def bidviz(*arguments: str, before: str = "", state: Path | None = None) -> subprocess.CompletedProcess[str]:
    code = f"import sys\n{before}\nfrom bidviz_core.cli import main\nmain()"
    environment = {**os.environ, "COLUMNS": "200"} | ({"BIDVIZ_STATE_DIR": str(state)} if state else {})
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True, timeout=150
    )
    assert "Traceback" not in done.stderr
    return done


def test_it_says_where_it_is_and_ends_quietly(tmp_path: Path) -> None:
    make_wheel(tmp_path / "shelf")
    registry = Registry(tmp_path)
    assert "holds    1 bundle in 1 file of" in registry.said[1]
    assert f"--index-url {registry.index}" in "\n".join(registry.said)
    with urllib.request.urlopen(registry.index) as answer:
        assert NAME in answer.read().decode()
    rest = registry.close()
    assert rest == ""
    assert "Traceback" not in registry.log.read_text()


def test_the_line_that_it_prints_is_all_that_discover_needs(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    [line] = [one for one in registry.said if one.startswith("  discover ")]
    entry, place = line.removeprefix("  discover ").split("  under [registries] in ")
    assert place == f"{config_folder() / FILE}, where a training runs"
    monkeypatch.setenv("BIDVIZ_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.delenv("BIDVIZ_REGISTRIES", raising=False)
    monkeypatch.delenv("BIDVIZ_BUNDLE_FOLDERS", raising=False)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / FILE).write_text(f"[registries]\n{entry}\n")
    [source] = configured()
    assert (source.kind, source.simple) == ("registry", registry.index)


def test_on_loopback_nobody_elses_name_is_answered(registry: Registry) -> None:
    for host, expected in (("evil.example", 400), ("127.0.0.1", 200), ("localhost:99", 200)):
        request = urllib.request.Request(registry.index, headers={"Host": host})
        try:
            with urllib.request.urlopen(request) as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
            error.close()
        assert status == expected


def test_other_hosts_are_warned_that_reading_is_open(tmp_path: Path) -> None:
    registry = Registry(tmp_path, "--host", "0.0.0.0")
    try:
        assert registry.process.stdout is not None
        said = registry.process.stdout.readline() + registry.process.stdout.readline()
        assert "whoever reaches this address can read everything here; --private asks" in said
        assert "tokens travel unencrypted" in said
    finally:
        registry.close()


def test_a_port_that_is_taken_and_a_bad_token_file_are_told(tmp_path: Path, registry: Registry) -> None:
    port = registry.url.rstrip("/").rsplit(":", 1)[1]
    taken = bidviz("registry", "serve", str(tmp_path / "other"), "--port", port, state=tmp_path / "state")
    assert taken.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in taken.stderr
    loose = tmp_path / "loose"
    loose.write_text("a-token-that-all-can-read-0123\n")
    loose.chmod(0o644)
    refused = bidviz("registry", "serve", str(tmp_path / "other"), "--port", "0", "--token-file", str(loose))
    assert refused.returncode == 1
    assert "Others can read" in refused.stderr
    loose.write_text("short\n")
    loose.chmod(0o600)
    refused = bidviz("registry", "serve", str(tmp_path / "other"), "--port", "0", "--token-file", str(loose))
    assert "holds no token of 16 characters or more" in refused.stderr


def test_the_token_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    made = bidviz(
        "registry", "serve", str(tmp_path / "shelf"), "--port", "0", "--url", "nonsense", state=tmp_path / "s"
    )
    assert made.returncode == 1
    assert "is no address" in made.stderr
    assert (tmp_path / "s" / "registry-token").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("missing", ["flask", "cheroot", "bidviz_registry"])
def test_what_is_not_installed_is_told_with_the_way_to_mend_it(tmp_path: Path, missing: str) -> None:
    done = bidviz("registry", "serve", str(tmp_path), before=f"sys.modules[{missing!r}] = None")
    assert done.returncode == 1
    assert "pip install 'bidviz-registry[server]'" in done.stderr


def test_the_web_is_not_imported_before_it_is_asked_for() -> None:
    code = "import bidviz_core.cli, bidviz_registry, bidviz_registry.plugin, bidviz_registry.asking, sys; "
    code += "print([name for name in ('flask', 'cheroot', 'dash', 'torch') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_search_and_yank(registry: Registry) -> None:
    make_wheel(registry.folder, description=describe(NAME, "0.1.0"), summary="Evil \x1b[31m text.")
    found = bidviz("registry", "search", "norm", "--registry", registry.url)
    assert found.returncode == 0
    assert f"{NAME} 0.1.0" in found.stdout
    assert "\x1b" not in found.stdout
    assert "No bundle has" in bidviz("registry", "search", "nothing", "--registry", registry.url).stdout
    down = bidviz("registry", "search", "x", "--registry", "http://127.0.0.1:9/")
    assert (down.returncode, "cannot be reached" in down.stderr) == (1, True)
    yanked = bidviz("registry", "yank", str(registry.folder), NAME, "0.1.0", "--reason", "counts twice")
    assert yanked.stdout.strip().endswith("is withdrawn.")
    with urllib.request.urlopen(f"{registry.index}{NAME}/") as answer:
        assert 'data-yanked="counts twice"' in answer.read().decode()
