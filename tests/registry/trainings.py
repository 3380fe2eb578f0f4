"""A training in a process of its own, which a test talks to and which is never started anew."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from bidviz_core.store import StoreReader

from .conftest import Environment, Index, settings_of

NAME = "bidviz-metric-live"
PATIENCE = 60.0


class Training:
    """A training in a process of its own.

    Args:
        environment: whose interpreter runs it.
        index: the index that its pip knows.
        folder: where its run and its user's files lie.
        more: further variables of its environment.
    """

    def __init__(
        self, environment: Environment, index: Index, folder: Path, more: dict[str, str] | None = None
    ) -> None:
        self.process = subprocess.Popen(
            [str(environment.python), str(Path(__file__).with_name("training.py")), str(folder / "runs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**settings_of(index, folder), **(more or {})},
        )
        self.run_dir = Path(self._read())

    def ask(self, do: str, what: Any = "") -> Any:
        """Asks and gives the answer; an error's text is given as it is."""
        self.begin(do, what)
        return self._read()

    def begin(self, do: str, what: Any = "") -> None:
        """Asks and does not wait for the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, "what": what}) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        """The answer to what was begun."""
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

    def goes_on(self) -> bool:
        """Whether it makes further steps; waits for the next one."""
        step = self.last("loss")[0]
        return bool(until(lambda: self.last("loss")[0] > step))

    def kill_installer(self) -> None:
        """Kills the process that installs, as a machine that runs out of memory would."""
        for child in until(lambda: installers(self.process.pid)):
            child.kill()

    def end(self) -> int:
        """Lets the training come to its end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """Ends it, in whatever state it is."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()

    def _read(self) -> Any:
        assert self.process.stdout is not None
        reply = json.loads(self.process.stdout.readline())
        return reply["ok"] if "ok" in reply else reply["error"]


def installers(pid: int) -> list[psutil.Process]:
    """The processes of pip that a training has started."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        try:
            if "pip" in child.cmdline():
                found.append(child)
        except psutil.Error:  # it has just ended
            continue
    return found


def until(condition: Callable[[], Any]) -> Any:
    """Waits until a condition holds and gives what it gave."""
    pause = threading.Event()
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        pause.wait(0.02)
    return found


def content_hash(wheel: Path) -> str:
    """The hash of a bundle, from its wheel alone."""
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(name for name in archive.namelist() if ".dist-info/" not in name)
        digest = hashlib.sha256()
        for name in names:
            digest.update(name.encode() + b"\0" + hashlib.sha256(archive.read(name)).digest())
    return digest.hexdigest()


def function_hash(wheel: Path, module: str, function: str) -> str:
    """What a function in a wheel compiles to."""
    with zipfile.ZipFile(wheel) as archive:
        compiled = compile(archive.read(module), module, "exec")
    code = next(one for one in compiled.co_consts if hasattr(one, "co_code") and one.co_name == function)
    return hashlib.sha256(repr((code.co_code, code.co_consts, code.co_names)).encode()).hexdigest()


def tree_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file of an environment, with size and time of change: it must not change."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
