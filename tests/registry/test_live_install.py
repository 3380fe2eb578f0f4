"""The whole way of a bundle while one training runs: installed, offered, loaded, upgraded, removed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bidviz_core.store import StoreReader

from .conftest import Environment, Index, write_bundle

NAME = "bidviz-metric-live"
PATIENCE = 30.0


class Training:
    """A training in a process of its own, which is never started anew."""

    def __init__(self, environment: Environment, index: Index, folder: Path) -> None:
        self.process = subprocess.Popen(
            [str(environment.python), str(Path(__file__).with_name("training.py")), str(folder / "runs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "BIDVIZ_STATE_DIR": str(folder / "state"),
                "PIP_INDEX_URL": index.url,
                "PIP_CONFIG_FILE": os.devnull,
            },
        )
        self.run_dir = Path(self._read())

    def ask(self, do: str, what: str = "") -> Any:
        """Asks and gives the answer; an error's text is given as it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, "what": what}) + "\n")
        self.process.stdin.flush()
        return self._read()

    def last(self, series: str) -> tuple[int, float]:
        """The last step and value that the run's file holds of a series."""
        reader = StoreReader(self.run_dir)
        if series not in reader.series():
            return 0, 0.0
        history = reader.history(series)
        return int(history.step[-1]), float(history.value[-1])

    def offered(self) -> list[str]:
        """What the run's file says is offered."""
        catalogue = StoreReader(self.run_dir).catalogue()
        return catalogue.offered if catalogue is not None else []

    def end(self) -> int:
        """Lets the training come to its end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(PATIENCE)

    def _read(self) -> Any:
        assert self.process.stdout is not None
        reply = json.loads(self.process.stdout.readline())
        return reply["ok"] if "ok" in reply else reply["error"]


@pytest.fixture
def training(environment: Environment, index: Index, tmp_path: Path) -> Iterator[Training]:
    made = Training(environment, index, tmp_path)
    yield made
    if made.process.poll() is None:
        made.process.kill()
    made.process.wait()
    for stream in (made.process.stdin, made.process.stdout):
        assert stream is not None
        stream.close()


def until(condition: Callable[[], Any]) -> Any:
    """Waits until a condition holds and gives what it gave."""
    pause = threading.Event()
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        pause.wait(0.05)
    return found


def content_hash(wheel: Path) -> str:
    """The hash of a bundle, from its wheel alone."""
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(name for name in archive.namelist() if ".dist-info/" not in name)
        digest = hashlib.sha256()
        for name in names:
            digest.update(name.encode() + b"\0" + hashlib.sha256(archive.read(name)).digest())
    return digest.hexdigest()


def function_hash(wheel: Path) -> str:
    """What the metric's function in a wheel compiles to."""
    with zipfile.ZipFile(wheel) as archive:
        module = compile(archive.read("bidviz_metric_live/metrics.py"), "metrics.py", "exec")
    code = next(constant for constant in module.co_consts if hasattr(constant, "co_code"))
    return hashlib.sha256(repr((code.co_code, code.co_consts, code.co_names)).encode()).hexdigest()


def runs(training: Training, wheel: Path, version: str, value: float) -> bool:
    """Whether the code of that wheel, and no other, gives the values that are recorded now."""
    step = training.ask("step")
    until(lambda: training.last("live_value")[0] > step)
    assert training.last("live_value")[1] == value
    assert training.ask("code")["hash"] == function_hash(wheel)
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
    assert runs(training, first, "0.1.0", 1.5)
    assert training.ask("code")["file"] == str(environment.site / "bidviz_metric_live" / "metrics.py")

    # Upgraded from within; the old code runs until somebody says so.
    second = index.build(write_bundle(tmp_path / "source", "0.2.0", 2.5))
    text, lines = training.ask("install", NAME)
    assert text == "Installed bidviz-metric-live 0.2.0."
    assert any("Collecting bidviz-metric-live" in line for line in lines)
    assert training.ask("bundles")[NAME] == ["loaded", "0.1.0", True]
    assert runs(training, first, "0.1.0", 1.5)
    done = training.ask("reload", NAME)
    assert (done["old_version"], done["version"]) == ("0.1.0", "0.2.0")
    assert (done["old_hash"], done["hash"]) == (content_hash(first), content_hash(second))
    assert runs(training, second, "0.2.0", 2.5)

    # One that would pull a package from under the training is not installed.
    index.stub("iniconfig", "0.9")
    index.build(write_bundle(tmp_path / "source", "0.3.0", 3.5, ("iniconfig<1",)))
    refusal = training.ask("install", NAME)
    assert "Installing bidviz-metric-live would replace iniconfig" in refusal
    assert "by 0.9 in the environment of the running training, so nothing was installed" in refusal
    assert training.ask("bundles")[NAME] == ["loaded", "0.2.0", False]

    # One that does not load leaves the old one running.
    source = write_bundle(tmp_path / "source", "0.4.0", 4.5)
    with (source / "src" / "bidviz_metric_live" / "__init__.py").open("a") as file:
        file.write("\nraise RuntimeError('made wrong')\n")
    index.build(source)
    assert training.ask("install", NAME)[0] == "Installed bidviz-metric-live 0.4.0."
    assert "RuntimeError: made wrong" in training.ask("reload", NAME)
    assert runs(training, second, "0.2.0", 2.5)

    # From a folder; the version is the same as an old one, the code is not.
    third = index.build(write_bundle(tmp_path / "source", "0.5.0", 5.5))
    assert training.ask("install", str(tmp_path / "source"))[0] == "Installed bidviz-metric-live 0.5.0."
    assert training.ask("reload", NAME)["hash"] == content_hash(third)
    assert runs(training, third, "0.5.0", 5.5)

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
