"""Changes of the model, undo and exports as a browser asks for them, with the rights they need."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.dashboards import Dashboard, running_dashboard

import bidviz_core as bidviz

World = tuple[Dashboard, Any, Callable[[], None]]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A dashboard, a session that waits at its first boundary on a thread of its own, and what lets it end."""
    with running_dashboard(tmp_path / "runs") as dashboard:
        ready = threading.Event()
        sessions: list[Any] = []

        def train() -> None:
            torch.manual_seed(0)
            model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
            optimizer = torch.optim.Adam(model.parameters())
            options: Any = {"dashboard": dashboard.url, "run_dir": tmp_path / "runs", "plugins": (), "paused": True}
            with bidviz.watch(model, optimizer, **options) as session:
                sessions.append(session)
                ready.set()
                for _ in range(3):
                    optimizer.zero_grad()
                    model(torch.randn(5, 3)).sum().backward()
                    optimizer.step()

        thread = threading.Thread(target=train, name="training")
        thread.start()

        def end() -> None:
            sessions[0].resume()
            thread.join(30)
            assert not thread.is_alive()

        assert ready.wait(30)
        yield dashboard, sessions[0], end
        end()


def test_change_undo_and_export(world: World, tmp_path: Path) -> None:
    dashboard, session, end = world
    run = {"run": session.id}
    change = {**run, "action": "initialize", "pattern": "1.*", "seed": 5}
    with dashboard.browser(session.id) as browser:
        # Its heart beats: the training has joined the dashboard.
        browser.wait_for(lambda _: sum(one["msgType"] == "status" for one in browser.messages) > 2)
        listed = browser.ask("listParameters", run)["data"]
        assert [(one["name"], one["shape"], one["trained"]) for one in listed][:2] == [
            ("0.weight", [4, 3], True),
            ("0.bias", [4], True),
        ]
        reply = browser.ask("changeModel", change)
        assert (reply["success"], reply["step"]) == (True, 1)
        assert reply["data"]["names"] == ["1.weight", "1.bias"]
        number = {**run, "number": reply["data"]["number"]}
        undone = browser.ask("undoModelChange", number)
        assert (undone["success"], undone["step"]) == (True, 1)
        again = browser.ask("undoModelChange", number)
        assert not again["success"]
        assert "undone already" in again["data"]
        assert not browser.ask("changeModel", {**change, "pattern": "9.*"})["success"]
        assert browser.ask("modifyParam", {"lr": 0.25})["success"]
    with dashboard.browser(session.id, "tune") as browser:
        assert "right 'code'" in browser.ask("changeModel", change)["data"]
        assert "right 'code'" in browser.ask("undoModelChange", number)["data"]
    with dashboard.browser(session.id, "view") as browser:
        session.pump.flush()

        def exported(form: str) -> str:
            return str(browser.ask("exportJournal", {**run, "form": form})["data"])

        def actions() -> list[str]:
            return [one["action"] for one in json.loads(exported("replay"))["entries"] if one["author"] == "test"]

        wanted = ["changeModel", "undoModelChange", "modifyParam"]
        assert actions() == wanted
        scope: dict[str, Any] = {}
        exec(exported("python"), scope)
        assert scope["schedule"](2) == {"lr": 0.25}
        end()
        assert actions() == wanted, "of a run that has ended"
        path = tmp_path / "wire.json"
        path.write_text(exported("replay"))
    assert len(bidviz.replay(path).file.entries) >= 3
