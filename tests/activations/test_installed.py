"""All four bundles as wheels, beside models that have nothing for some of them: nothing fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUNDLES = ("distributions", "activations", "sparse", "clustering")

PROGRAM = """
import json, sys
import torch
from torch import nn
import bidviz_core as bidviz

torch.set_num_threads(1)
models = {
    "dense": nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3)),
    "bare": nn.Linear(8, 3),
    "words": nn.Sequential(nn.EmbeddingBag(50, 8), nn.Linear(8, 3)),
    "frozen": nn.Linear(8, 3).requires_grad_(False),
}
found = {}
for name, model in models.items():
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with bidviz.watch(model, optimizer, dashboard=None, run_dir=sys.argv[1], name=name) as session:
        for _ in range(205):
            inputs = torch.randint(0, 50, (4, 6)) if name == "words" else torch.randn(4, 8)
            loss = model(inputs).square().mean()
            if loss.requires_grad:
                loss.backward()
            optimizer.step()
        states = {one.name: (one.state, one.error) for one in session.plugins if one.name.startswith("bidviz-metric")}
        found[name] = {"failures": [one.message for one in session.failures], "states": states}
with bidviz.watch(name="plain", dashboard=None, run_dir=sys.argv[1]) as session:
    for _ in range(205):
        session.step_done(loss=1.0)
    states = {one.name: (one.state, one.error) for one in session.plugins if one.name.startswith("bidviz-metric")}
    found["plain"] = {"failures": [one.message for one in session.failures], "states": states}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the four are installed."""
    folder = tmp_path_factory.mktemp("site")
    sources = [str(ROOT / "plugins" / f"bidviz-metric-{name}") for name in BUNDLES]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(folder), *sources], check=True, timeout=170)
    return folder


def test_nothing_fails_and_what_has_nothing_says_so(site: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=170,
    )
    found = json.loads(done.stdout)
    for name, run in found.items():
        assert run["failures"] == [], name
        assert {f"bidviz-metric-{bundle}" for bundle in BUNDLES} <= set(run["states"])
        assert all(state != "failed" for state, _ in run["states"].values()), name

    def state(run: str, bundle: str) -> tuple[str, str]:
        told = found[run]["states"][f"bidviz-metric-{bundle}"]
        return told[0], told[1]

    assert state("dense", "distributions") == ("loaded", "")
    assert state("dense", "activations")[0] == "loaded"
    assert "no attention module" in state("dense", "activations")[1]
    assert state("words", "sparse")[0] == "loaded"
    for run, bundle, reason in (
        ("dense", "sparse", "no nn.Embedding"),
        ("bare", "clustering", "the model has no centres"),
        ("plain", "distributions", "not watched through torch"),
        ("plain", "activations", "not watched through torch"),
    ):
        assert state(run, bundle)[0] == "offered"
        assert reason in state(run, bundle)[1]
    assert state("plain", "clustering") == ("loaded", "")
