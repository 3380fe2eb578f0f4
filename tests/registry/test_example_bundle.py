"""The example of the documentation is a bundle that builds, installs, loads and works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

import bidviz_core as bidviz

from .conftest import Index

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "bidviz-metric-example"


def test_the_example_is_built_installed_loaded_and_tested(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__"))
    site = tmp_path / "site"
    with zipfile.ZipFile(index.build(source)) as wheel:
        wheel.extractall(site)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))

    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with bidviz.watch(model, optimizer, dashboard=None, run_dir=tmp_path / "runs", plugins=()) as session:
        info = session.plugins.load("example")
        assert (info.state, info.metrics, info.error) == ("loaded", ("weight_norm",), "")
        for _ in range(10):
            model(torch.ones(3, 2)).sum().backward()
            optimizer.step()
        weights = torch.cat([parameter.detach().reshape(-1) for parameter in model.parameters()])
        assert session.history("weight_norm").value[-1] == pytest.approx(weights.norm().item())
        assert session.failures == []
        session.plugins.unload("example")
    assert not [name for name in sys.modules if name.startswith("bidviz_metric_example")]

    own = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(source / "tests")]
    done = subprocess.run(own, cwd=source, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
