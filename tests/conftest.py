"""What every test is given: a state folder of its own, no dashboard unless it asks for one, and a Chromium."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from support import warm
from support.quiet import QUIET
from support.tabs import Tabs

gc.disable()  # nothing that the tests' modules bring goes away again; it is enabled once they are all imported
warm.start_helpers_warm()
#: Folders whose files take longest: they come first, so that at the end no process waits for another one's.
LONG = ("bundle_kit", "charts", "examples", "health", "pages", "registry", "system", "watching", "worker")
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest files first; the order is otherwise as it was, and the same in each process."""
    items.sort(key=lambda item: item.path.parent.name not in LONG)


def pytest_collection_finish() -> None:
    """Keeps the garbage collector, while tests run, from looking through torch and some thousand tests each time."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def state_dirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders for one test each, numbered here: `mktemp` looks through all that there are to number the next."""
    parent = tmp_path_factory.mktemp("states")
    return (parent / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def state_dir(state_dirs: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keeps each test's secrets, tokens and index of runs out of the user's own state folder."""
    folder = next(state_dirs)
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(folder))
    monkeypatch.setenv("BIDVIZ_DASHBOARD", "off")
    return folder


@pytest.fixture(scope="session", autouse=True)
def warm_starters() -> Iterator[None]:
    """Ends the processes that others are started from."""
    yield
    warm.close()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; `make test` sees to it that there is one."""
    for name in (os.environ.get("BIDVIZ_CHROMIUM"), *BROWSERS):
        if name and (path := shutil.which(name)):
            return path
    pytest.fail("There is no Chromium: run `make test`, which brings one, or set BIDVIZ_CHROMIUM to its path.")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], chromium: str) -> dict[str, Any]:
    """Makes pytest-playwright's `page` use that Chromium, which has no graphics card and talks to nobody."""
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium refuses its sandbox to root
    return {**browser_type_launch_args, "executable_path": chromium, "args": [*sandbox, *QUIET]}


@pytest.fixture(scope="session")
def tabs(browser: Browser) -> Iterator[Tabs]:
    """Lends browser tabs to tests."""
    tabs = Tabs(browser)
    yield tabs
    tabs.close()
