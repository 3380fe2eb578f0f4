"""A dashboard for each module of tests, sessions that stream to it, and clients that look at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.clients import Client, Process, wait_for_run
from support.scripted_session import ScriptedSession

from bidviz_core.endpoint import Endpoint


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder that a module's dashboard and its tests share."""
    folder = tmp_path_factory.mktemp("house")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIDVIZ_STATE_DIR", str(folder))
        patch.delenv("BIDVIZ_DASHBOARD", raising=False)
        yield folder


@pytest.fixture(autouse=True)
def at_home(house: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts each test into its module's state folder."""
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(house))
    monkeypatch.delenv("BIDVIZ_DASHBOARD", raising=False)


@pytest.fixture(scope="module")
def dashboard(house: Path) -> Iterator[Process]:
    """A dashboard for the module."""
    process = Process("--run-dir", str(house / "runs"))
    try:
        yield process
    finally:
        _, errors = process.end()
        for token in process.endpoint.tokens.values():
            assert token not in errors
        assert "Traceback" not in errors, errors


@pytest.fixture
def endpoint(dashboard: Process) -> Endpoint:
    """Where the dashboard is."""
    return dashboard.endpoint


@pytest.fixture
def session(endpoint: Endpoint, house: Path) -> Iterator[ScriptedSession]:
    """A session that is connected and has made a step."""
    session = ScriptedSession(endpoint, house / "runs")
    session.link.start()
    try:
        yield session
    finally:
        session.close()


@pytest.fixture
def join(endpoint: Endpoint) -> Iterator[Callable[..., Client]]:
    """Makes clients that leave at the end."""
    clients: list[Client] = []

    def make(*args: Any, **kwargs: Any) -> Client:
        clients.append(Client(endpoint, *args, **kwargs))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def follow(join: Callable[..., Client], session: ScriptedSession) -> Callable[..., Client]:
    """Makes clients of version 2 that follow the session's run."""

    def make(right: str = "code", since: int | None = None) -> Client:
        wait_for_run(join(right).hello(), session.info.id)
        client = join(right, session.info.id).hello()
        assert client.ask("subscribe", {"run": session.info.id, "since": since})["success"]
        return client

    return make
