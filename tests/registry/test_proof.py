"""An install that cannot be faked: the documentation's example, into a training that ran before its wheel was made.

It is found, looked at, installed from a registry, upgraded, rolled back, its installer killed half-way, and removed;
each time it is compared which code runs, and that the environment is the very same.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bidviz_core as bidviz

from .conftest import Environment, Index, make_wheel, metric_code, sha256
from .trainings import Training, content_hash, function_hash, tree_of, until

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "bidviz-metric-example"
NAME = "bidviz-metric-example"
METRICS = "bidviz_metric_example/metrics.py"


@pytest.fixture
def training(environment: Environment, index: Index, other_index: Index, tmp_path: Path) -> Iterator[Training]:
    """A training whose user has a registry, and whose pip knows another index."""
    made = Training(environment, index, tmp_path, {"BIDVIZ_REGISTRIES": f"lab={other_index.address}"})
    yield made
    made.close()


class Sources:
    """The example's source, of which versions are built; each version's norm is scaled, so that values tell."""

    def __init__(self, folder: Path, index: Index) -> None:
        shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
        self.folder, self.index = folder, index

    def build(self, version: str, scale: float) -> Path:
        project = self.folder / "pyproject.toml"
        lines = project.read_text().splitlines(keepends=True)
        project.write_text(
            "".join(f'version = "{version}"\n' if line.startswith("version") else line for line in lines)
        )
        code = self.folder / "src" / METRICS
        head, _, _ = code.read_text().partition("    return ")
        code.write_text(f"{head}    return {scale} * params.norm()\n")
        return self.index.build(self.folder)


def runs(training: Training, wheel: Path) -> None:
    """Compares the code that runs with a wheel's: file, hash and function."""
    step = training.ask("step")
    until(lambda: training.last("weight_norm")[0] > step)
    version = wheel.name.split("-")[1]
    assert training.ask("bundles")[NAME] == ["loaded", version, False]
    assert training.ask("code", "weight_norm")["hash"] == function_hash(wheel, METRICS, "weight_norm")
    file = Path(training.ask("code", "weight_norm")["file"])
    assert file == training.run_dir / "bundles" / NAME / f"{version}-{sha256(wheel)[:8]}" / METRICS
    assert training.ask("pins")[NAME][:3] == [version, "lab", sha256(wheel)]
    assert training.ask("ran")[-1] == [NAME, version, content_hash(wheel), "lab"]


def test_the_example_comes_goes_forth_and_back_while_the_training_runs(
    training: Training, environment: Environment, other_index: Index, tmp_path: Path
) -> None:
    until(lambda: training.last("loss")[0] > 5)
    before, path = tree_of(environment.site), training.ask("path")
    sources = Sources(tmp_path / "example", other_index)
    assert "no place has 'bidviz-metric-example'" in training.ask("install", NAME)

    # Made only now; found, and looked at before anything is installed.
    first = sources.build("1.0.0", 1.0)
    row = next(row for row in training.ask("find", "example") if row["source"] == "lab")
    assert (row["name"], row["version"], row["hash"], row["installed"]) == (NAME, "1.0.0", sha256(first), "")
    seen: dict[str, Any] = training.ask("inspect", NAME)
    assert (seen["hash"], seen["code"], seen["source"]) == (sha256(first), content_hash(first), "lab")
    assert (seen["refusals"], seen["entry_points"]) == ([], {"example": "bidviz_metric_example"})
    assert [need["state"] for need in seen["needs"]] == ["there"]
    code = next(file["code"] for file in seen["files"] if file["path"] == METRICS)
    assert "return 1.0 * params.norm()" in code
    assert not (training.run_dir / "bundles").exists()

    # Installed, exactly as it was looked at.
    wish = {"requirement": NAME, "source": "lab", "hash": seen["hash"], "load": True}
    assert training.ask("install", wish)[0] == "Installed bidviz-metric-example 1.0.0."
    runs(training, first)

    # Upgraded.
    second = sources.build("1.1.0", 2.0)
    assert training.ask("install", {"requirement": NAME, "load": True})[0] == "Installed bidviz-metric-example 1.1.0."
    runs(training, second)

    # Rolled back, and forth again.
    assert training.ask("rollback", NAME)["hash"] == content_hash(first)
    runs(training, first)
    training.ask("install", {"requirement": NAME, "load": True})
    runs(training, second)

    # The installer is killed while it fetches, and the next try works.
    third = sources.build("1.2.0", 3.0)
    other_index.let_go.clear()
    training.begin("install", {"requirement": NAME, "load": True})
    assert other_index.half_way.wait(60)
    training.kill_installer()
    refusal = training.answer()
    assert "pip was killed (signal 9) before it had done its work. Nothing is changed; try again." in refusal
    other_index.let_go.set()
    runs(training, second)
    there = [f"1.0.0-{sha256(first)[:8]}", f"1.1.0-{sha256(second)[:8]}"]
    assert sorted(path.name for path in (training.run_dir / "bundles" / NAME).iterdir()) == there
    training.ask("install", {"requirement": NAME, "load": True})
    runs(training, third)

    # Removed: as it was, but for what was recorded.
    assert training.ask("remove", NAME)["state"] == "offered"
    assert NAME not in training.ask("bundles")
    assert not (training.run_dir / "bundles" / NAME).exists() or not any(
        (training.run_dir / "bundles" / NAME).iterdir()
    )
    assert training.ask("path") == path
    assert tree_of(environment.site) == before
    assert training.goes_on()
    assert training.ask("failures") == []
    assert training.end() == 0

    # Years later.
    run = bidviz.open_run(training.run_dir)
    ran = [one for one in run.bundles if one.name == NAME]
    assert [(one.version, one.hash, one.wheel, one.source) for one in ran] == [
        (wheel.name.split("-")[1], content_hash(wheel), sha256(wheel), "lab")
        for wheel in (first, second, first, second, third)
    ]
    assert all(one.until is not None and one.since < one.until for one in ran)
    done = [entry.action for entry in run.journal if entry.action.endswith("Bundle")]
    assert done == ["installBundle"] * 2 + ["rollbackBundle"] + ["installBundle"] * 2 + ["removeBundle"]


def test_an_installer_that_is_killed_while_it_unpacks_leaves_all_as_it_was(
    training: Training, environment: Environment, other_index: Index
) -> None:
    name = "bidviz-metric-live"
    before = tree_of(environment.site)
    # So many files that unpacking them takes long enough to be met.
    many = {f"bidviz_metric_live/data/{number}.txt": f"{number}" for number in range(12_000)}
    code = {"bidviz_metric_live/__init__.py": metric_code(1.5)}
    wheel = other_index.serve(make_wheel(other_index.folder, name, "0.1.0", {**many, **code}))
    folder = training.run_dir / "bundles" / name
    training.begin("install", {"requirement": name, "load": True})
    until(lambda: list(folder.glob("*.part")))
    training.kill_installer()
    assert "pip was killed (signal 9)" in training.answer()
    assert list(folder.iterdir()) == []
    assert tree_of(environment.site) == before
    assert training.ask("pins") == {}
    assert training.goes_on()
    training.ask("install", {"requirement": name, "load": True})
    assert training.ask("bundles")[name] == ["loaded", "0.1.0", False]
    assert training.ask("pins")[name][2] == sha256(wheel)
    assert training.ask("failures") == []
