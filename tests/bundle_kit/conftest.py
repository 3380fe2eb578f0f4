"""The command as a person calls it, and bundles that are written for one test."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.registries import Registry
from support.warm import TRAININGS
from torch import nn

import bidviz_core as bidviz
from bidviz_core.testing import CheckProcess

Bidviz = Callable[..., subprocess.CompletedProcess[str]]

PYPROJECT = """
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "bidviz-metric-tried"
version = "0.1.0"
description = "A bundle of the tests."
readme = "README.md"
license = "MIT"
requires-python = ">=3.11"
dependencies = ["bidviz-core>=0.1,<0.2"]

[project.entry-points.bidviz]
tried = "bidviz_metric_tried"

[tool.hatch.build.targets.wheel]
packages = ["src/bidviz_metric_tried"]
"""


@pytest.fixture
def bidviz_command(tmp_path: Path) -> Bidviz:
    """Calls `bidviz` in a process of its own; nobody is ever shown a traceback."""

    def call(*arguments: str | Path, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "bidviz_core.cli", *map(str, arguments)]
        environment = {**os.environ, "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
        done = TRAININGS.run(line, cwd=cwd, env=environment, text=True, timeout=600)
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return done

    return call


@pytest.fixture(scope="session")
def check_process() -> Iterator[CheckProcess]:
    """Checks bundles as `check_bundle` does by itself, in a child each, of a process that has torch already."""
    with CheckProcess() as process:
        yield process


@pytest.fixture
def write_bundle(tmp_path: Path) -> Callable[..., Path]:
    """Writes a bundle's folder from its code and its `pyproject.toml`."""

    def write(code: str, pyproject: str = PYPROJECT, **files: str) -> Path:
        folder = tmp_path / "tried"
        package = folder / "src" / "bidviz_metric_tried"
        package.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(pyproject)
        (folder / "README.md").write_text("# A bundle of the tests\n")
        (package / "__init__.py").write_text(
            f'"""A bundle."""\n\nimport bidviz_core as bidviz\n\n{textwrap.dedent(code)}'
        )
        for name, text in files.items():
            (package / name.replace("__", ".")).write_text(text)
        return folder

    return write


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Any]:
    """A session on a small net; `session.train(steps)` trains it."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    made = bidviz.watch(
        model,
        optimizer,
        dashboard=None,
        run_dir=tmp_path / "runs",
        name="evening",
        plugins=["bidviz-metric-gradnorm", "bidviz-policy-schedules"],
    )

    def train(steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            model(torch.randn(4, 8)).square().mean().backward()
            optimizer.step()

    made.train = train
    yield made
    made.close()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    made = Registry(tmp_path)
    yield made
    made.close()


def run_own_tests(folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a bundle's own tests as its author would, from its folder."""
    line = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:dash", "tests"]
    path = os.pathsep.join([str(folder / "src"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    return TRAININGS.run(line, cwd=folder, env=environment, text=True, timeout=600)
