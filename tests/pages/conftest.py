"""A real dashboard and real trainings in processes of their own, and a browser before them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Error, Page, Request
from support import warm
from support.tabs import Tabs

HERE = Path(__file__).parent
#: Milliseconds that a page may wait for something on a machine that is busy with other things.
PATIENCE = 20_000


@pytest.fixture(scope="session")
def base_url() -> None:
    """In place of pytest-base-url's own, which pytest 9 warns about."""


@dataclass
class Training:
    """A training in a process of its own."""

    process: subprocess.Popen[str]
    run: str
    url: str

    def kill(self) -> None:
        """Ends it as an outside power does: at once and without a word."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def end(self) -> None:
        """Lets it end by itself."""
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            self.process.wait(30)
        finally:
            self.process.kill()
            self.process.wait(10)
            if self.process.stdout:
                self.process.stdout.close()


@dataclass
class World:
    """A state folder with a dashboard, and what runs before it."""

    folder: Path
    port: int = 0
    url: str = ""
    dashboard: subprocess.Popen[str] | None = None
    trainings: list[Training] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process in it."""
        state = str(self.folder / "state")
        return {**os.environ, "BIDVIZ_STATE_DIR": state, "BIDVIZ_DASHBOARD": "off", "PYTHONUNBUFFERED": "1"}

    @property
    def address(self) -> str:
        """The dashboard's address without a token."""
        return f"http://127.0.0.1:{self.port}"

    def start_dashboard(self) -> None:
        """Starts the dashboard, at the same port when it was there before."""
        command = [sys.executable, "-m", "bidviz_dashboard", "--port", str(self.port), "--run-dir", str(self.runs)]
        self.dashboard = warm.DASHBOARDS.start(command, env=self.environment, stdout=subprocess.PIPE, text=True)
        self.url = _line(self.dashboard, r"BIDViz dashboard: (\S+)")[0]
        self.port = int(re.search(r":(\d+)/", self.url)[1])  # type: ignore[index]

    def stop_dashboard(self) -> None:
        """Ends the dashboard's process."""
        if self.dashboard is None:
            return
        self.dashboard.terminate()
        self.dashboard.wait(20)
        if self.dashboard.stdout:
            self.dashboard.stdout.close()
        self.dashboard = None

    @property
    def runs(self) -> Path:
        """Where runs are kept."""
        return self.folder / "runs"

    def train(self, name: str = "blobs", script: str = "training.py", cold: bool = False) -> Training:
        """Starts a training that joins the dashboard; a cold one's own processes have the command lines of a user's."""
        command = [sys.executable, str(HERE / script), name, str(self.runs), self.address]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        start = subprocess.Popen if cold else warm.TRAININGS.start
        process = start(command, env=self.environment, text=True, **pipes)
        run, url = _line(process, r"run (\S+) (\S+)")
        self.trainings.append(Training(process, run, url))
        return self.trainings[-1]

    def token(self, right: str) -> str:
        """The token of a right, from the file that only the user can read."""
        import json

        [record] = (self.folder / "state" / "dashboards").glob("*.json")
        return str(json.loads(record.read_text())["tokens"][right])

    def close(self) -> None:
        """Ends everything."""
        for training in self.trainings:
            training.end()
        self.stop_dashboard()


def _line(process: subprocess.Popen[str], pattern: str) -> tuple[str, ...]:
    """The groups of the first line that fits; a process that ends without one fails the test."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(pattern, line):
            return found.groups()
    raise AssertionError(f"the process ended with {process.wait(10)} and never said {pattern!r}")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A dashboard without runs, for a module's tests."""
    world = World(tmp_path_factory.mktemp("world"))
    (world.folder / "state").mkdir(mode=0o700)
    try:
        world.start_dashboard()
        yield world
    finally:
        world.close()


@pytest.fixture(scope="module")
def training(world: World) -> Training:
    """A training that runs through a module's tests."""
    return world.train()


@pytest.fixture(scope="module")
def steered(world: World) -> Training:
    """A training with groups, a scheduler and values of its own, through a module's tests."""
    return world.train("steered", "steered_training.py")


@dataclass
class Complaints:
    """What pages said that they should not say, and what they asked of others."""

    said: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)


@pytest.fixture
def open_page(tabs: Tabs, world: World) -> Iterator[Callable[..., Page]]:
    """Opens a page; fails the test when a page reports an error, or asks for anything from elsewhere."""
    complaints = Complaints()

    def asked(request: Request) -> None:
        if not request.url.startswith((world.address, "data:", "blob:")):
            complaints.strangers.append(request.url)

    def heard(said: ConsoleMessage) -> None:
        if said.type == "error":
            complaints.said.append(f"{said.text} ({said.location.get('url', '')})")

    def failed(error: Error) -> None:
        complaints.said.append(str(error))

    def opened(path: str = "/", right: str = "code", lenient: bool = False, **options: Any) -> Page:
        errors = () if lenient else (("pageerror", failed), ("console", heard))
        page = lend(listeners=(("request", asked), *errors), **options)
        page.set_default_timeout(PATIENCE)
        page.goto(f"{world.address}{path}?token={world.token(right)}")
        return page

    with tabs.lent() as lend:
        yield opened
    assert complaints == Complaints()
