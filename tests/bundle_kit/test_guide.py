"""docs/write-a-bundle.md, followed word for word: its files are written, its commands run, in their order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
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
def site(tmp_path: Path) -> Path:
    """Where pip installs: a virtual environment of this test's, which sees the packages of this one."""
    folder = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = next((folder / "lib").glob("python*")) / "site-packages"
    outer = sysconfig.get_path("purelib")
    (site / "outer.pth").write_text(f"import site; site.addsitedir({outer!r})\n")
    return site


@pytest.fixture
def environment(site: Path, tmp_path: Path) -> dict[str, str]:
    """A terminal of that environment."""
    commands = tmp_path / "environment" / "bin"
    for name, module in {"bidviz": "bidviz_core.cli", "pip": "pip"}.items():
        (commands / name).write_text(f'#!/bin/sh\nexec "{commands}/python" -m {module} "$@"\n')
        (commands / name).chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_CACHE_DIR": "1",
        "PYTEST_ADDOPTS": "-p no:cacheprovider -p no:dash",
        "TWINE_USERNAME": "__token__",
        "TWINE_PASSWORD": TOKEN,
        "OMP_NUM_THREADS": "1",
    }


def test_the_guide_leads_from_nothing_to_a_running_training(
    registry: Registry, tmp_path: Path, site: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
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
    monkeypatch.syspath_prepend(str(site))
    learner = sample_learner("mlp")
    with learner.watch(dashboard=None, plugins=(), run_dir=tmp_path / "runs") as session:
        learner.run(session, 5)
        info = session.plugins.load("bidviz-metric-direction")
        assert (info.state, info.metrics) == ("loaded", ("direction/cosine",))
        learner.run(session, 100)
        values = session.history("direction/cosine").value
        assert len(values) >= 3
        assert ((values >= -1) & (values <= 1)).all()
        assert session.failures == []
        session.plugins.unload("bidviz-metric-direction")


def _is_there(command: str) -> bool:
    """What every reader has to fetch from PyPI, and these tests have."""
    return command in ("pip install 'bidviz-core[publish]'", "pip install pytest") and bool(bidviz.__version__)
