"""docs/write-a-bundle.md, followed word for word: its files are written, its commands run, in their order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.registries import TOKEN, Registry

import bidviz_core as bidviz
from bidviz_core.testing import sample_learner

GUIDE = Path(__file__).parents[2] / "docs" / "write-a-bundle.md"
BLOCK = re.compile(r'^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?[^\n]*\n(?P<text>.*?)^```$', re.M | re.S)
#: Where the guide's registry listens; the test's has another port.
ADDRESS = "http://127.0.0.1:10002/"

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A terminal in which what pip installs goes to a folder of this test's, and commands are the tests' own."""
    commands = tmp_path / "bin"
    commands.mkdir()
    python = sys.executable
    scripts = {
        "python": f'exec "{python}" "$@"',
        "bidviz": f'exec "{python}" -m bidviz_core.cli "$@"',
        "pip": f'exec "{python}" -m pip "$@"',
    }
    for name, line in scripts.items():
        (commands / name).write_text(f"#!/bin/sh\n{line}\n")
        (commands / name).chmod(0o755)
    site = tmp_path / "site"
    site.mkdir()
    return {
        **os.environ,
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]),
        "PIP_TARGET": str(site),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_CACHE_DIR": "1",
        "PYTEST_ADDOPTS": "-p no:cacheprovider -p no:dash",
        "TWINE_USERNAME": "__token__",
        "TWINE_PASSWORD": TOKEN,
        "OMP_NUM_THREADS": "1",
    }


def test_the_guide_leads_from_nothing_to_a_running_training(
    registry: Registry, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    here = tmp_path / "desk"
    here.mkdir()
    said = ""
    for block in BLOCK.finditer(text):
        if block["title"]:
            path = here / block["title"]
            assert path.exists(), f"the guide says to replace {block['title']}, which `bidviz bundle new` has not made"
            path.write_text(block["text"], encoding="utf-8")
        elif block["language"] == "console":
            for line in block["text"].splitlines():
                command = line.removeprefix("$ ").replace(ADDRESS, registry.url)
                if command.startswith("cd "):
                    here /= command.removeprefix("cd ")
                elif _is_there(command):
                    continue
                else:
                    done = subprocess.run(
                        ["sh", "-c", command], cwd=here, env=environment, capture_output=True, text=True, check=False
                    )
                    assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
                    said += f"$ {command}\n{done.stdout}"
    assert "direction/cosine: scalar on mlp, cnn, transformer, lstm, sparse" in said
    assert "Nothing to mend." in said
    assert "3 passed" in said
    assert f"bidviz_metric_direction-0.1.0-py3-none-any.whl is published at {registry.url}legacy/." in said
    assert re.search(r"bidviz-metric-direction +0\.1\.0 +direction", said)
    # What was published runs in a training that began before it was loaded.
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    learner = sample_learner("mlp")
    with learner.watch(dashboard=None, plugins=(), run_dir=tmp_path / "runs") as session:
        learner.run(session, 5)
        info = session.plugins.load("bidviz-metric-direction")
        assert (info.state, info.metrics) == ("loaded", ("direction/cosine",))
        learner.run(session, 20)
        values = session.history("direction/cosine").value
        assert len(values) >= 3
        assert ((values >= -1) & (values <= 1)).all()
        assert session.failures == []
        session.plugins.unload("bidviz-metric-direction")


def _is_there(command: str) -> bool:
    """What every reader has to fetch from PyPI, and these tests have."""
    return command in ("pip install 'bidviz-core[publish]'", "pip install pytest") and bool(bidviz.__version__)
