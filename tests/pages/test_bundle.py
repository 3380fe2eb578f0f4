"""The committed bundle is what its sources give, and brings everything with it."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.node_modules import UI, bring

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "dashboard" / "src" / "bidviz_dashboard" / "static"
#: Bytes of script, compressed, before a Plotly chart is opened; Dash and its table come on top.
LARGEST = 500_000

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed: the bundle is not rebuilt")


@pytest.fixture(scope="session")
def modules() -> None:
    """Brings what the bundle is made of, where it is not there."""
    bring()


@needs_node
@pytest.mark.usefixtures("modules")
def test_the_committed_bundle_is_built_from_its_sources(tmp_path: Path) -> None:
    subprocess.run(["node", "build.mjs", "--out", str(tmp_path)], cwd=UI, check=True, capture_output=True)
    for built in tmp_path.iterdir():
        same = built.read_bytes() == (STATIC / built.name).read_bytes()
        assert same, f"static/{built.name} is not what the sources give: run `npm run build` in dashboard/ui"


def test_the_bundle_is_small_and_loads_nothing() -> None:
    script, style = (STATIC / "bidviz.js").read_bytes(), (STATIC / "bidviz.css").read_text()
    assert len(gzip.compress(script)) < LARGEST
    assert not re.search(r"url\((?!\s*['\"]?data:)|@import", style)


def test_every_dependency_is_pinned_to_one_version() -> None:
    import json

    package = json.loads((UI / "package.json").read_text())
    versions = {**package["dependencies"], **package["devDependencies"]}
    assert versions["codemirror"] == "6.0.2", "npm's latest codemirror is version 5 under a wrong number"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values())
