"""The journal on a run's page: filtered, exported, undone, and what changed around a point of a chart."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from support.dashboards import Browser

from .conftest import PATIENCE, Training, World

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]


def ask(world: World, training: Training, method: str, content: Any) -> Any:
    """A request of a program, which stands in the journal as a person's."""
    with Browser(f"127.0.0.1:{world.port}", world.token("code"), training.run) as browser:
        browser.wait_for_values("loss", 1)  # the training has joined the dashboard
        reply = browser.ask(method, content)
    assert reply["success"], reply
    return reply["data"]


@pytest.fixture(scope="module")
def steered(world: World, training: Training) -> Training:
    """The training with a few things done to it."""
    ask(world, training, "modifyParam", [{"key": "lr", "value": 0.02}])
    ask(world, training, "addMetric", {"name": "norm of all", "code": "params.norm()"})
    ask(world, training, "changeModel", {"action": "freeze", "pattern": "0.*"})
    return training


def journal(open_page: Open, training: Training) -> Locator:
    page = open_page(f"/run/{training.run}")
    page.get_by_role("tab", name="Journal").click()
    drawer = page.locator(".bv-side")
    expect(drawer.locator(".bv-entry").first).to_be_visible()
    return drawer


def test_the_journal_is_filtered_by_kind_author_and_words(open_page: Open, steered: Training) -> None:
    drawer = journal(open_page, steered)
    entries = drawer.locator(".bv-entry")
    expect(entries).to_have_count(3)
    expect(entries.first).to_contain_text("froze 0.weight, 0.bias")
    drawer.get_by_label("Filter by kind").select_option("metrics")
    expect(entries).to_have_count(1)
    expect(drawer).to_contain_text("1 of 3 entries")
    entries.locator("summary").click()
    expect(entries.locator("pre")).to_have_text("params.norm()")
    drawer.get_by_label("Filter by kind").select_option("")
    drawer.get_by_label("Filter the journal by words").fill("0.02 lr")
    expect(entries).to_have_count(1)
    drawer.get_by_label("Filter the journal by words").fill("nothing of the kind")
    expect(drawer).to_contain_text("Nothing fits.")
    drawer.get_by_label("Filter the journal by words").fill("")
    drawer.get_by_label("Filter by author").select_option("test")
    expect(entries).to_have_count(3)


def test_the_exports_are_downloaded(open_page: Open, steered: Training, tmp_path: Path) -> None:
    drawer = journal(open_page, steered)
    with drawer.page.expect_download() as replay:
        drawer.get_by_role("button", name="Replay file").click()
    assert replay.value.suggested_filename == "blobs-journal.json"
    file = json.loads(Path(replay.value.path()).read_text())
    assert [entry["action"] for entry in file["entries"]][:3] == ["modifyParam", "addMetric", "changeModel"]
    with drawer.page.expect_download() as snippet:
        drawer.get_by_role("button", name="Python snippet").click()
    assert snippet.value.suggested_filename == "blobs-schedule.py"
    scope: dict[str, Any] = {}
    exec(Path(snippet.value.path()).read_text(), scope)
    assert scope["schedule"](10**9) == {"lr": 0.02}


def test_a_point_that_is_clicked_lists_what_changed_around_it(open_page: Open, steered: Training) -> None:
    page = open_page(f"/run/{steered.run}")
    tile = page.locator(".bv-tile-frame", has=page.get_by_role("heading", name="Loss", exact=True))
    tile.hover()
    tile.get_by_role("button", name="Menu of Loss").click()
    page.get_by_role("menuitem", name=re.compile("Enlarge")).click()
    focus = page.locator(".bv-focus")
    plot = focus.locator(".nsewdrag").first
    expect(plot).to_be_visible()
    expect(focus).to_contain_text("Click a point of the chart")
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(focus.locator(".hoverlayer")).to_contain_text(re.compile(r"\d"))
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(focus.locator("h3")).to_have_text(re.compile(r"What changed around step [\d\s,.\u202f]+"))
    expect(focus.locator(".bv-entry").first).to_be_visible()
    focus.get_by_role("button", name="All entries").click()
    expect(focus.locator("h3")).to_have_text("Journal")
    expect(focus.locator(".bv-entry")).to_have_count(3)


def test_a_change_of_the_model_is_undone(open_page: Open, steered: Training) -> None:
    drawer = journal(open_page, steered)
    change = drawer.locator(".bv-entry", has_text="froze 0.weight")
    change.get_by_role("button", name="Undo").click()
    expect(drawer.locator(".bv-entry").first).to_contain_text("undid entry 3: freeze 0.*")
    expect(change.get_by_role("button", name="Undo")).to_have_attribute("aria-disabled", "true")
    expect(change.get_by_role("button", name="Undo")).to_have_attribute("title", "It was undone.")


def test_who_may_only_look_cannot_undo(open_page: Open, steered: Training) -> None:
    page = open_page(f"/run/{steered.run}", right="view")
    page.get_by_role("tab", name="Journal").click()
    undo = page.locator(".bv-side").get_by_role("button", name="Undo")
    expect(undo).to_have_attribute("aria-disabled", "true")
    with page.expect_download():
        page.get_by_role("button", name="Replay file").click()
