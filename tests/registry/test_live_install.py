"""The whole way of a bundle while one training runs: installed, offered, loaded, upgraded, rolled back, removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bidviz_core.store import StoreReader

from .conftest import Environment, Index, write_bundle
from .trainings import NAME, Training, content_hash, function_hash, until


@pytest.fixture
def training(environment: Environment, index: Index, tmp_path: Path) -> Iterator[Training]:
    made = Training(environment, index, tmp_path)
    yield made
    made.close()


def runs(training: Training, wheel: Path, version: str, value: float) -> bool:
    """Whether the code of that wheel, and no other, gives the values that are recorded now."""
    step = training.ask("step")
    until(lambda: training.last("live_value")[0] > step)
    assert training.last("live_value")[1] == value
    assert training.ask("code")["hash"] == function_hash(wheel, "bidviz_metric_live/metrics.py", "live_value")
    state, loaded, _ = training.ask("bundles")[NAME]
    return (state, loaded) == ("loaded", version)


def test_a_bundle_comes_is_upgraded_and_goes_while_the_training_runs(
    training: Training, environment: Environment, index: Index, tmp_path: Path
) -> None:
    until(lambda: training.ask("step") > 5)
    assert NAME not in training.ask("bundles")

    # The wheel is made only now, and somebody installs it in another terminal.
    first = index.build(write_bundle(tmp_path / "source", "0.1.0", 1.5))
    environment.pip("install", "--index-url", index.url, NAME)
    until(lambda: NAME in training.offered())
    assert training.ask("modules") == []
    info = training.ask("load", NAME)
    assert (info["state"], info["version"], info["hash"]) == ("loaded", "0.1.0", content_hash(first))
    assert info["source"] == "environment"
    assert runs(training, first, "0.1.0", 1.5)
    assert training.ask("code")["file"] == str(environment.site / "bidviz_metric_live" / "metrics.py")

    # Upgraded from within, for this run alone; the old code runs until somebody says so.
    second = index.build(write_bundle(tmp_path / "source", "0.2.0", 2.5))
    text, lines = training.ask("install", NAME)
    assert text == "Installed bidviz-metric-live 0.2.0."
    assert any("Collecting bidviz-metric-live" in line for line in lines)
    assert training.ask("bundles")[NAME] == ["loaded", "0.1.0", True]
    assert runs(training, first, "0.1.0", 1.5)
    found = training.ask("find", "metric-live")
    assert {(row["source"], row["installed"], row["loaded"]) for row in found} >= {("installed", "0.2.0", "0.1.0")}
    info = training.ask("info", NAME)
    assert (info["source"], info["installed_source"]) == ("environment", training.ask("pins")[NAME][1])
    done = training.ask("reload", NAME)
    assert (done["old_version"], done["version"]) == ("0.1.0", "0.2.0")
    assert (done["old_hash"], done["hash"]) == (content_hash(first), content_hash(second))
    assert runs(training, second, "0.2.0", 2.5)
    assert (environment.site / "bidviz_metric_live-0.1.0.dist-info").is_dir()
    assert training.ask("code")["file"].startswith(str(training.run_dir / "bundles" / NAME))

    # One that would pull a package from under the training is not installed.
    index.stub("iniconfig", "0.9")
    index.build(write_bundle(tmp_path / "source", "0.3.0", 3.5, ("iniconfig<1",)))
    refusal = training.ask("install", NAME)
    assert "needs iniconfig<1: installing it would replace iniconfig" in refusal
    assert "in the environment of the running training" in refusal
    assert training.ask("bundles")[NAME] == ["loaded", "0.2.0", False]

    # One that does not load leaves the old one running; asked for with loading, it is taken away again.
    source = write_bundle(tmp_path / "source", "0.4.0", 4.5)
    with (source / "src" / "bidviz_metric_live" / "__init__.py").open("a") as file:
        file.write("\nraise RuntimeError('made wrong')\n")
    index.build(source)
    assert training.ask("install", NAME)[0] == "Installed bidviz-metric-live 0.4.0."
    assert "RuntimeError: made wrong" in training.ask("reload", NAME)
    assert runs(training, second, "0.2.0", 2.5)
    assert training.ask("rollback", NAME)["version"] == "0.2.0"
    refusal = training.ask("install", {"requirement": NAME, "load": True})
    assert "RuntimeError: made wrong" in refusal
    assert "bidviz-metric-live 0.4.0 was taken away again; nothing is changed." in refusal
    assert training.ask("pins")[NAME][0] == "0.2.0"
    assert runs(training, second, "0.2.0", 2.5)

    # From a folder that the person names, in one go.
    third = index.build(write_bundle(tmp_path / "source", "0.5.0", 5.5))
    wish = {"requirement": str(tmp_path / "source"), "load": True}
    assert training.ask("install", wish)[0] == "Installed bidviz-metric-live 0.5.0."
    assert runs(training, third, "0.5.0", 5.5)

    # Back, and back again to what the environment has, whose code is the very same as at the beginning.
    assert training.ask("rollback", NAME)["hash"] == content_hash(second)
    assert runs(training, second, "0.2.0", 2.5)
    assert training.ask("rollback", NAME)["hash"] == content_hash(first)
    assert runs(training, first, "0.1.0", 1.5)
    assert training.ask("code")["file"] == str(environment.site / "bidviz_metric_live" / "metrics.py")
    assert not list((training.run_dir / "bundles").rglob("*.py"))
    assert "is installed in the environment, not by this run" in training.ask("rollback", NAME)

    # Unloaded and removed, it leaves nothing behind but what was recorded.
    assert training.ask("unload", NAME)["state"] == "offered"
    assert training.ask("modules") == []
    assert "live_value" not in training.ask("metrics")
    environment.pip("uninstall", "--yes", NAME)
    until(lambda: NAME not in training.ask("bundles"))
    step = training.ask("step")
    until(lambda: training.ask("step") > step)
    assert training.end() == 0
    history = StoreReader(training.run_dir).history("live_value")
    assert sorted(set(history.value)) == [1.5, 2.5, 5.5]
    assert training.last("loss")[0] >= step
