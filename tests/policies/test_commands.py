"""Policies from the browser, through a real dashboard: armed, previewed, dry-run, disarmed, refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.dashboards import Browser, Dashboard, running_dashboard
from torch import nn

import bidviz_core as bidviz


@bidviz.policy(target="lr", params={"peak": 0.1, "warmup": 10})
def rising(step: float, peak: float, warmup: int) -> float:
    """Rises in a line.

    Args:
        peak: where it ends.
        warmup (int): how many steps
            that takes.
        other: no parameter of it.

    Returns:
        The value.
    """
    return peak * min(1.0, (step + 1) / warmup)


@bidviz.policy(target="lr", params={"metric": "loss"})
def following(state: dict[str, Any], last: Any, metric: str) -> float:
    """A tenth of a metric, and never more than before."""
    state["least"] = min(state.get("least", 1.0), abs(last(metric)) / 10 + 1e-6)
    return state["least"]


class Bundle:
    """A plugin that brings policies."""

    @bidviz.hookimpl
    def register_policies(self) -> list[bidviz.Policy]:
        return [rising, following]


class Run:
    """A training that goes on in a thread of its own until it is told to end."""

    def __init__(self, url: str, folder: Path) -> None:
        self._over = threading.Event()
        self._there = threading.Event()
        self._url, self._folder = url, folder
        self.session: Any = None
        self._thread = threading.Thread(target=self._train, name="test-training")
        self._thread.start()
        assert self._there.wait(60)

    def _train(self) -> None:
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with bidviz.watch(model, optimizer, dashboard=self._url, plugins=(), run_dir=self._folder) as session:
            session.plugins.register(Bundle(), "bundle", origin="bidviz-policy-test 1.0")
            self.session = session
            while not self._over.wait(0.002):
                optimizer.zero_grad()
                model(torch.ones(8, 4)).square().mean().backward()
                optimizer.step()
                if session.step == 5:
                    self._there.set()

    def end(self) -> None:
        self._over.set()
        self.session.resume()
        self._thread.join(30)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Dashboard, Run]]:
    """A dashboard and a training that streams to it."""
    folder = tmp_path_factory.mktemp("policies")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIDVIZ_STATE_DIR", str(folder / "state"))
        patch.delenv("BIDVIZ_DASHBOARD", raising=False)
        with running_dashboard(folder / "runs") as dashboard:
            run = Run(dashboard.url, folder / "runs")
            try:
                yield dashboard, run
            finally:
                run.end()


@pytest.fixture
def browser(world: tuple[Dashboard, Run]) -> Iterator[Browser]:
    """A program that may tune."""
    dashboard, run = world
    with dashboard.browser(run.session.id, "tune") as browser:
        browser.wait_for(lambda message: message["msgType"] == "catalogue" and "loss" in message["content"]["series"])
        yield browser


def test_arm_watch_edit_and_disarm(browser: Browser, world: tuple[Dashboard, Run]) -> None:
    said = browser.ask("armPolicy", {"target": "lr", "formula": "lr = 0.1 * 0.5 ** (step / 1000)", "low": 1e-4})
    assert said["success"], said
    assert said["data"]["formula"] == "0.1 * 0.5 ** (step / 1000)"
    assert said["step"] >= 5
    browser.wait_for_values("hp/lr", 5)

    def shown(message: dict[str, Any]) -> bool:
        policies = message["content"].get("policies", []) if message["msgType"] == "catalogue" else []
        return any(one["target"] == "lr" and one["state"] == "armed" and one["low"] == 1e-4 for one in policies)

    browser.wait_for(shown)
    assert browser.ask("armPolicy", {"target": "lr", "formula": "0.02"})["success"]
    browser.wait_for_values("hp/lr", 6)
    assert browser.ask("disarmPolicy", {"name": "lr"})["success"]
    assert not browser.ask("disarmPolicy", {"name": "lr"})["success"]
    actions = [entry.action for entry in world[1].session.journal]
    assert actions[-3:] == ["armPolicy", "armPolicy", "disarmPolicy"]


@pytest.mark.parametrize("method", ["armPolicy", "previewPolicy", "dryRunPolicy"])
def test_what_is_wrong_is_said_with_its_column(browser: Browser, method: str) -> None:
    said = browser.ask(method, {"target": "lr", "formula": "0.1 * stepp"})
    assert not said["success"]
    assert said["data"] == {"message": "There is no 'stepp'; did you mean 'step'?", "column": 7}
    said = browser.ask(method, {"target": "lr", "formula": "().__class__"})
    assert not said["success"]
    assert said["data"]["column"] == 1
    said = browser.ask(method, {"target": "lrr", "formula": "1"})
    assert "did you mean 'lr'" in said["data"]["message"]


def test_preview_and_dry_run(browser: Browser) -> None:
    said = browser.ask("previewPolicy", {"target": "lr", "formula": "0.1 + 0 * step", "steps": 50})
    assert said["success"], said
    assert len(said["data"]["step"]) == 51
    assert said["data"]["value"] == [0.1] * 51
    said = browser.ask("dryRunPolicy", {"target": "lr", "formula": 'mean("loss", 3)'})
    assert said["success"], said
    assert said["data"]["value"][0] == "NaN"
    assert all(value > 0 for value in said["data"]["value"][2:])


def test_named_policies_are_offered_and_filled_in(browser: Browser) -> None:
    def offered(message: dict[str, Any]) -> bool:
        policies = message["content"].get("policies", []) if message["msgType"] == "catalogue" else []
        return any(one["policy"] == "rising" and one["state"] == "offered" for one in policies)

    catalogue = browser.wait_for(offered)["content"]
    one = next(one for one in catalogue["policies"] if one["policy"] == "rising" and one["state"] == "offered")
    assert one["parameters"] == {"peak": 0.1, "warmup": 10}
    assert one["help"] == "Rises in a line."
    assert one["parameter_help"] == {"peak": "where it ends.", "warmup": "how many steps that takes."}
    assert one["origin"] == "bidviz-policy-test 1.0"
    content = {"target": "lr", "policy": "rising", "parameters": {"peak": "0.05", "warmup": 1}}
    assert browser.ask("previewPolicy", {**content, "steps": 3})["data"]["value"] == [0.05] * 4
    said = browser.ask("armPolicy", content)
    assert said["success"], said
    assert said["data"]["value"] == 0.05
    said = browser.ask("armPolicy", {**content, "parameters": {"peek": 1}})
    assert said["data"]["message"].endswith("did you mean 'peak'?")
    assert browser.ask("armPolicy", {"target": "lr", "policy": "risin"})["data"]["message"].endswith("'rising'?")
    assert browser.ask("armPolicy", {"target": "lr", "policy": "following"})["success"]
    said = browser.ask("dryRunPolicy", {"target": "lr", "policy": "following"})
    assert said["success"], said
    assert said["data"]["step"][-1] > 3
    assert browser.ask("disarmPolicy", {"name": "lr"})["success"]


def test_who_may_only_look_may_look(world: tuple[Dashboard, Run]) -> None:
    dashboard, run = world
    with dashboard.browser(run.session.id, "view") as browser:
        assert browser.ask("previewPolicy", {"target": "lr", "formula": "0.1", "steps": 3})["success"]
        said = browser.ask("armPolicy", {"target": "lr", "formula": "0.1"})
        assert not said["success"]
        assert "'tune'" in said["data"]


def test_while_it_is_paused_policies_are_armed_at_once(browser: Browser, world: tuple[Dashboard, Run]) -> None:
    session = world[1].session
    assert browser.ask("pauseTraining", True)["success"]
    said = browser.ask("armPolicy", {"target": "weight_decay", "formula": "0.1 * lr"})
    assert said["success"], said
    assert session.hyperparameters["weight_decay"] == pytest.approx(0.1 * session.hyperparameters["lr"])
    assert browser.ask("disarmPolicy", {"name": "weight_decay"})["success"]
    assert browser.ask("pauseTraining", False)["success"]
