"""A change that comes over the wire: through the dashboard, the link and the channel, and back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.dashboards import running_dashboard

from .conftest import Twin, sgd
from .schedules import ALL


def test_a_browser_sets_keeps_and_releases(
    watch: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_dashboard(tmp_path) as dashboard, ThreadPoolExecutor(1) as pool:
        monkeypatch.delenv("BIDVIZ_DASHBOARD", raising=False)
        steered, twin = Twin(sgd(), ALL["CosineAnnealingLR"]), Twin(sgd(), ALL["CosineAnnealingLR"])
        session = watch(steered.optimizer, dashboard=dashboard.url.partition("?")[0])

        def training(function: Callable[[], Any]) -> Any:
            asked = pool.submit(function)
            while not asked.done():
                steered.step(), twin.step()
            return asked.result()

        browser = training(lambda: dashboard.browser(session.id, "tune"))
        with browser:
            content = {"name": "lr", "value": "0.5", "group": 1, "lease": {"steps": 1_000_000}, "reason": "a try"}
            answer = training(lambda: browser.ask("setHyperparameter", content))
            assert answer["success"], answer
            assert answer["data"]["used"] == answer["data"]["applied"] == 0.5
            assert answer["step"] == session.journal[-1].step

            def held(message: Any) -> bool:
                if message["msgType"] != "hyperparameters":
                    return False
                infos = {one["name"]: one for one in message["content"]["hyperparameters"]}
                return infos["lr[1]"].get("used") == 0.5 and infos["lr[1]"]["owner"] == "person"

            told = training(lambda: browser.wait_for(held, 10))
            infos = {one["name"]: one for one in told["content"]["hyperparameters"]}
            assert (infos["lr[0]"]["owner"], infos["lr[1]"]["mode"]) == ("scheduler", "override")
            assert training(lambda: browser.ask("keepChange", {"name": "lr[1]"}))["success"]
            answer = training(lambda: browser.ask("releaseHyperparameter", {"name": "lr[1]"}))
            assert answer["data"]["mode"] == "release"
            refused = training(lambda: browser.ask("setHyperparameter", {"name": "lr", "value": "much"}))
            assert (refused["success"], refused["data"]) == (False, "lr is float, got 'much'.")
            # In a pause the answer does not wait for an update.
            answer = training(
                lambda: (
                    browser.ask("pauseTraining", True),
                    browser.ask("setHyperparameter", {"name": "lr", "value": 0.25, "mode": "scale"}),
                    browser.ask("pauseTraining", False),
                )[1]
            )
            assert answer["data"]["used"] is None
            assert "used from the next update on" in answer["data"]["note"]
            base, used = twin.update(), steered.update()
            assert used == pytest.approx([0.25 * rate for rate in base], abs=1e-12)
            assert steered.written() == twin.written()
            assert [entry.action for entry in session.journal if entry.action != "pauseTraining"] == [
                "setHyperparameter",
                "keepChange",
                "releaseHyperparameter",
                "setHyperparameter",
            ]
