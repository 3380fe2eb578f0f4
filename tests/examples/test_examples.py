"""Each example is a real training, has one line of ours in it, and leaves its curves on the disk."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import warm

import bidviz_core as bidviz

#: The first test waits for all five trainings.
pytestmark = pytest.mark.timeout(600)

EXAMPLES = Path(__file__).parents[2] / "examples"
SHORT = {
    "digits": ["--epochs", "4"],
    "text": ["--steps", "30"],
    "kmeans": ["--steps", "400"],
    "sparse": ["--epochs", "1"],
    "rewind": ["--epochs", "8"],
}
#: Imports torch as another example does that is started as a person starts it; kmeans does without.
WARM = ("text", "sparse", "rewind")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, str]]:
    """Runs each example once; gives its run and what it printed, by its name."""
    import os

    # One thread each: these nets are too small to gain from two.
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "BIDVIZ_DASHBOARD": "off",
        "BIDVIZ_STATE_DIR": str(tmp_path_factory.mktemp("state")),
    }
    runs = {}
    for name, arguments in SHORT.items():
        folder = tmp_path_factory.mktemp(name)
        command = [sys.executable, "-W", "error::UserWarning", str(EXAMPLES / f"{name}.py"), *arguments]
        if name in WARM:
            result = warm.TRAININGS.run(command, cwd=folder, env=environment, text=True)
        else:
            result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        (run,) = (folder / "bidviz-runs").iterdir()
        runs[name] = (bidviz.open_run(run), result.stdout)
    return runs


@pytest.mark.parametrize("name", SHORT)
def test_an_example_has_one_line_of_ours(name: str) -> None:
    text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    ours = [line.strip() for line in text.splitlines() if "bidviz" in line]
    assert ours[0] == "import bidviz_core as bidviz"
    assert len(ours) == 2
    assert re.fullmatch(r"(session = )?bidviz\.watch\(.*\)", ours[1])
    assert ast.get_docstring(ast.parse(text))


def test_every_example_is_tested_and_is_a_demo() -> None:
    from bidviz_core.demos import DEMOS

    assert sorted(path.stem for path in EXAMPLES.glob("*.py")) == sorted(SHORT) == sorted(DEMOS)


@pytest.mark.parametrize("name", SHORT)
def test_an_example_learns_and_its_run_ends(name: str, done: dict) -> None:
    run, _ = done[name]
    assert (run.name, run.state) == (name, "ended")
    assert [failure.message for failure in run.failures] == []
    loss = run.history("loss")
    assert loss.step[-1] == run.step
    assert np.isfinite(loss.value).all()
    tenth = max(1, len(loss.value) // 10)
    assert loss.value[-tenth:].mean() < loss.value[:tenth].mean()


@pytest.mark.parametrize("name", ["digits", "text", "sparse", "rewind"])
def test_a_torch_example_shows_rate_accuracy_and_gradient_norm(name: str, done: dict) -> None:
    run, _ = done[name]
    series = run.series
    assert run.history("lr").value[0] > 0
    assert any("norm" in one for one in series), series
    accuracy = run.history("accuracy").value
    assert ((accuracy >= 0) & (accuracy <= 1)).all()
    assert accuracy.max() > 0


def test_the_rewind_examples_loop_counts_and_keeps_the_way_back(done: dict) -> None:
    run, _ = done["rewind"]
    assert run.history("epoch").value.tolist() == list(range(1, 9))
    assert list((run.run_dir / "checkpoints").iterdir()), "the state before the first step"


def test_the_digits_count_their_epochs(done: dict) -> None:
    run, _ = done["digits"]
    assert run.history("epoch").value.tolist() == [1, 2, 3, 4]
    assert done["sparse"][0].history("epoch").value.tolist() == [1]


def test_kmeans_imports_no_torch_and_its_memory_can_be_turned(done: dict) -> None:
    program = "import sys, runpy\nsys.argv = ['kmeans.py', '--steps', '5']\n"
    program += f"runpy.run_path({str(EXAMPLES / 'kmeans.py')!r}, run_name='__main__')\nprint('torch' in sys.modules)\n"
    program += "from bidviz_core.watching import _open\n(session,) = _open\nprint(dict(session.hyperparameters))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=done["kmeans"][0].run_dir
    )
    assert result.stdout.splitlines()[-2:] == ["False", "{'memory': 20000}"]


def test_kmeans_shows_what_moves_and_what_is_found(done: dict) -> None:
    run, printed = done["kmeans"]
    assert {"loss", "shift", "smallest_share", "purity"} <= set(run.series)
    shares = run.history("smallest_share").value
    assert ((shares >= 0) & (shares <= 0.1)).all()
    assert len(np.unique(shares)) > 100  # a number of the last batches, and no constant
    shifts = run.history("shift").value
    assert (shifts > 0).all()
    assert shifts[-20:].mean() < shifts[:20].mean()  # each tenth step has one
    losses = run.history("loss").value
    assert losses[1] > losses[0] / 1.5  # the first point leaves the others room on the axis
    assert f"purity {run.history('purity').value[-1]:.1%}" in printed.splitlines()[-1]


def test_sparse_is_sparse(done: dict) -> None:
    density = re.search(r"density (\S+)", done["sparse"][1])
    assert density
    assert float(density[1]) < 1e-3
