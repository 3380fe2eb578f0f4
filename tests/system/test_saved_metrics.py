"""Metrics that one run saved and another loads, over the protocol; nothing outside the folders of runs is reached."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from support.dashboards import Browser, Dashboard
from system.worlds import Training, World, do, refused


@pytest.fixture(scope="module")
def dashboard(shared: World) -> Dashboard:
    return shared.dashboard()


@pytest.fixture(scope="module")
def training(shared: World, dashboard: Dashboard) -> Training:
    return shared.train("net", dashboard)


@pytest.fixture(scope="module")
def lender(shared: World, dashboard: Dashboard) -> Training:
    """Another run, which has saved a metric of its own."""
    lender = shared.train("net", dashboard, name="lender")
    with dashboard.browser(lender.run, "code", version=1) as theirs:
        do(theirs, "addFunction", {"name": "lent", "code": "grads.norm()", "type": "LineChart"})
        do(theirs, "saveMetrics", "lent.json")
    return lender


@pytest.fixture
def client(dashboard: Dashboard, training: Training) -> Iterator[Browser]:
    with dashboard.browser(training.run, "code") as client:
        yield client


def test_what_one_run_saved_is_listed_and_loaded_in_another(
    client: Browser, training: Training, lender: Training
) -> None:
    listed = do(client, "listSavedMetrics")["data"]
    # It keeps by itself what was added live.
    assert {one["file"] for one in listed} == {
        "lent.json",
        "live-metrics.json",
    }
    saved = next(one for one in listed if one["file"] == "lent.json")
    assert (saved["of"], saved["name"], saved["file"]) == (lender.run, "lender", "lent.json")
    assert "lent" in saved["metrics"]
    answer = json.loads(do(client, "loadMetrics", {"file": saved["file"], "of": saved["of"]})["data"])
    assert answer["loaded"] == ["lent"]
    assert answer["stats"]["lent"]["code"] == "grads.norm()"
    assert not (training.folder / "lent.json").exists()
    again = json.loads(do(client, "loadMetrics", {"file": saved["file"], "of": saved["of"]})["data"])
    assert (again["loaded"], again["refused"]) == ([], {})
    assert "no file 'absent.json'" in refused(client, "loadMetrics", {"file": "absent.json", "of": lender.run})


@pytest.mark.parametrize("file", ["../lent.json", "..", "/tmp/lent.json", "a/b.json", "..\\lent.json", ".hidden", ""])
def test_a_file_outside_the_other_runs_folder_is_refused(client: Browser, lender: Training, file: str) -> None:
    assert "name inside the run's folder" in refused(client, "loadMetrics", {"file": file, "of": lender.run})


@pytest.mark.parametrize("run", ["..", "../..", "*", "?", "nowhere", "a/b", "/tmp", "net-*", "\0"])
def test_what_is_no_run_is_refused(client: Browser, lender: Training, run: str) -> None:
    assert "knows no run" in refused(client, "loadMetrics", {"file": "lent.json", "of": run})


def test_a_link_in_the_other_runs_folder_leads_nowhere(client: Browser, lender: Training, training: Training) -> None:
    (training.folder.parent / "outside.json").write_text((lender.folder / "lent.json").read_text())
    (lender.folder / "led.json").symlink_to(training.folder.parent / "outside.json")
    assert "led.json" not in {one["file"] for one in do(client, "listSavedMetrics")["data"]}
    assert "lies elsewhere" in refused(client, "loadMetrics", {"file": "led.json", "of": lender.run})
