"""Pages of panels: offered by a bundle for the models they are for, saved as a file, and opened in another run."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from .attended import NAME, PACKAGE, build_wheel, install, panel, write_source
from .conftest import PATIENCE, Training, World
from .test_journal import ask

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def sharing(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Training]:
    """An attention model's training, with a bundle that brings pages."""
    folder = tmp_path_factory.mktemp("bundle")
    site = install(build_wheel(write_source(folder / "source"), folder), folder / "site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
        yield world.train("attended", "sharing_training.py")


def tile(page: Page, title: str) -> Locator:
    """The tile with a title."""
    return page.locator(".grid-stack-item", has=page.get_by_role("heading", name=title, exact=True))


def place(of: Locator) -> tuple[str | None, ...]:
    """Where a tile stands on the grid."""
    return tuple(of.get_attribute(f"gs-{key}") for key in "xywh")


def opened(open_page: Open, run: str, **options: object) -> Page:
    page = open_page(f"/run/{run}", **options)
    expect(page.locator(".bv-tile-frame").first).to_be_visible()
    return page


def test_a_page_for_this_model_opens_by_itself_where_nobody_has_arranged_anything(
    open_page: Open, sharing: Training
) -> None:
    page = opened(open_page, sharing.run)
    notice = page.locator(".bv-notice", has_text="no arrangement of its own yet")
    expect(notice).to_contain_text("The page “Attention” of attended 0.1.0 is for models with MultiheadAttention")
    expect(tile(page, "Head and loss")).to_have_attribute("gs-w", "8")
    assert place(tile(page, "Head and loss")) == ("0", "0", "8", "6")
    assert place(tile(page, "Head norm")) == ("8", "0", "4", "6")
    expect(tile(page, "Head norm").locator("canvas").first).to_be_visible()
    # What it does not name stands below, and is not lost.
    assert int(tile(page, "Loss").get_attribute("gs-y") or 0) >= 6
    notice.get_by_role("button", name="Undo").click()
    expect(tile(page, "Head and loss")).not_to_have_attribute("gs-w", "8")


def test_offered_pages_say_for_which_models_they_are_and_why_one_cannot_be_read(
    open_page: Open, sharing: Training
) -> None:
    page = opened(open_page, sharing.run)
    page.get_by_role("button", name="Pages").click()
    menu = page.get_by_role("menu", name="Pages of panels")
    expect(menu.get_by_role("menuitem", name="Attention (attended 0.1.0) · for MultiheadAttention")).to_be_visible()
    expect(menu.get_by_role("menuitem", name="Pictures (attended 0.1.0) · for other models")).to_be_visible()
    wrong = menu.get_by_role("menuitem", name="wrong.json of attended 0.1.0")
    expect(wrong).to_have_attribute("title", re.compile("Panel 1 of the page wrong.json: A chart of kind 'Circle'"))
    # One with a metric: it is added, and computed.
    menu.get_by_role("menuitem", name="Everywhere").click()
    expect(tile(page, "Twice the loss")).to_have_attribute("gs-w", "12")
    expect(tile(page, "Twice the loss").locator("canvas").first).to_be_visible()
    tile(page, "double").scroll_into_view_if_needed()
    expect(tile(page, "double")).to_contain_text(re.compile(r"\d"))
    page.locator(".bv-notice", has_text="Everywhere").get_by_role("button", name="Hide the other panels").click()
    expect(page.locator(".bv-hidden-note")).to_contain_text("Loss")
    expect(page.locator(".grid-stack-item")).to_have_count(1)


def test_a_page_is_saved_as_a_file_and_opened_in_another_run(
    open_page: Open, sharing: Training, training: Training, tmp_path: Path
) -> None:
    page = opened(open_page, sharing.run)
    expect(page.locator(".bv-grid")).to_be_visible()
    page.get_by_role("button", name="Pages").click()
    page.get_by_role("menuitem", name="Attention (attended").click()
    expect(tile(page, "Head and loss")).to_have_attribute("gs-w", "8")
    page.get_by_role("button", name="Pages").click()
    page.get_by_role("menuitem", name="Save this page…").click()
    drawer = page.get_by_role("complementary", name="Save this page")
    drawer.get_by_role("textbox", name="Title").fill("Evening's page")
    drawer.get_by_role("textbox", name="For models with").fill("*.Linear, *Attention*")
    with page.expect_download() as download:
        drawer.get_by_role("button", name="Save to a file").click()
    expect(drawer.locator(".bv-words")).to_contain_text("“Evening's page” is in the downloaded file")
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    written = json.loads(file.read_text())
    assert (written["bidviz_page"], written["when"]) == (1, ["*.Linear", "*Attention*"])
    first = written["panels"][0]
    assert (first["x"], first["y"], first["w"], first["h"]) == (0, 0, 8, 6)
    assert first["chart"]["series"] == ["head_norm", "loss"]
    assert first["origin"] == "bidviz-metric-attended 0.1.0"
    assert [one["name"] for one in written["metrics"]] == ["double"]

    other = opened(open_page, training.run)
    other.get_by_role("button", name="Pages").click()
    with other.expect_file_chooser() as chooser:
        other.get_by_role("menuitem", name="Open from a file…").click()
    chooser.value.set_files(file)
    notice = other.locator(".bv-notice", has_text="The page “Evening's page” is open")
    expect(notice).to_contain_text("waits for bidviz-metric-attended 0.1.0, which is not loaded: see Discover")
    expect(tile(other, "Head and loss").locator("canvas").first).to_be_visible()  # the loss of it is there
    tile(other, "double").scroll_into_view_if_needed()
    expect(tile(other, "double")).to_contain_text(re.compile(r"\d"))
    # It stays for the run's name.
    expect(notice.get_by_role("button", name="Undo")).to_be_visible()


def write_page(folder: Path, panels: list[dict[str, Any]], **more: Any) -> Path:
    """Writes a page file."""
    file = folder / "evening.page.json"
    file.write_text(json.dumps({"bidviz_page": 1, "title": "Evening", "panels": panels, **more}))
    return file


def open_file(page: Page, file: Path) -> Locator:
    """Opens a page file, and gives the notice that says so."""
    page.get_by_role("button", name="Pages").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("menuitem", name="Open from a file…").click()
    chooser.value.set_files(file)
    notice = page.locator(".bv-notice", has_text="The page “Evening” is open")
    expect(notice).to_be_visible()
    return notice


def test_the_panels_of_a_page_stand_where_its_file_says_whatever_stood_there(
    open_page: Open, world: World, tmp_path: Path
) -> None:
    fresh = world.train("placed")
    page = opened(open_page, fresh.run)
    tiles = page.locator(".grid-stack-item")
    expect(tiles.nth(5)).to_be_attached()
    known = tiles.evaluate_all("all => all.map(one => [one.dataset.panel, one.querySelector('h2').textContent])")
    wide = ((0, 0, 4, 6), (4, 0, 8, 6), (0, 6, 6, 4), (6, 6, 6, 4))
    row = ((0, 0, 4, 6), (4, 0, 4, 6), (8, 0, 4, 6))
    # Panels that stood in each other's way, and one that was nowhere.
    for places, chosen in (
        (wide, [1, 2, 4, 0]),
        (wide, [1, 2, -2, 0]),
        (row, [1, 4, 2]),
        (wide, [None, 4, 1, 0]),
    ):
        panels = [known[number] if number is not None else ("absent", "Absent at first") for number in chosen]
        entries = [
            {**panel(title, ["none"], at), "panel": key} for (key, title), at in zip(panels, places, strict=True)
        ]
        notice = open_file(page, write_page(tmp_path, entries))
        for (_, title), wanted in zip(panels, places, strict=True):
            assert place(tile(page, title)) == tuple(map(str, wanted)), (chosen, title)
        notice.get_by_role("button", name="Undo").click()
        expect(notice).to_have_count(0)
    fresh.end()


def test_undo_removes_the_metrics_that_opening_a_page_added_and_no_others(
    open_page: Open, world: World, tmp_path: Path
) -> None:
    fresh = world.train("undone")
    ask(world, fresh, "addMetric", {"name": "mine", "code": "loss * 3"})
    page = opened(open_page, fresh.run)
    expect(tile(page, "mine")).to_have_count(1)
    before = place(tile(page, "Loss"))
    metrics = [{"name": name, "source": f"loss * {by}"} for name, by in (("mine", 3), ("twice", 2))]
    panels = [panel("Both", ["mine", "twice"], (0, 0, 6, 6)), panel("Loss", ["loss"], (6, 0, 6, 6))]
    notice = open_file(page, write_page(tmp_path, panels, metrics=metrics))
    expect(tile(page, "twice")).to_have_count(1)
    # It is there after the others were hidden, too.
    notice.get_by_role("button", name="Hide the other panels").click()
    expect(tile(page, "mine")).to_have_count(0)
    page.locator(".bv-notice", has_text="are hidden").get_by_role("button", name="Undo").click()
    expect(page.locator(".bv-notice", has_text="“Evening” is closed. twice is removed")).to_be_visible()
    expect(tile(page, "twice")).to_have_count(0)
    expect(tile(page, "Both")).to_have_count(0)
    expect(tile(page, "mine")).to_have_count(1)
    assert place(tile(page, "Loss")) == before
    page.get_by_role("tab", name="Journal").click()
    journal = page.get_by_role("complementary", name="Journal")
    expect(journal).to_contain_text(re.compile("remove.*twice|twice.*remove", re.IGNORECASE))
    fresh.end()


@pytest.fixture
def offered(world: World, tmp_path: Path) -> Iterator[Training]:
    """A training in whose environment a bundle lies that is not loaded."""
    source = write_source(tmp_path / "source")
    code = source / "src" / PACKAGE / "__init__.py"
    code.write_text(code.read_text().replace("head.weight", "0.weight"))
    site = install(build_wheel(source, tmp_path), tmp_path / "site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
        started = world.train("offered")
    yield started
    started.end()


def test_a_panel_says_which_bundle_it_waits_for_and_becomes_that_bundle_s_panel(
    open_page: Open, world: World, offered: Training, tmp_path: Path
) -> None:
    page = opened(open_page, offered.run)
    waiting = {
        **panel("Head norm", ["head_norm"], (0, 0, 4, 6)),
        "panel": "metric:head_norm",
        "origin": f"{NAME} 0.1.0",
    }
    open_file(page, write_page(tmp_path, [waiting, panel("Loss", ["loss"], (4, 0, 8, 6))]))
    head, loss = tile(page, "Head norm"), tile(page, "Loss")
    expect(head).to_contain_text(f"It waits for {NAME} 0.1.0, which is not loaded: see Discover.")
    ask(world, offered, "loadBundle", {"name": NAME})
    expect(head.locator(".bv-tile-origin")).to_contain_text("attended 0.1.0")
    expect(head).to_contain_text(re.compile(r"\d"))
    expect(head).to_have_count(1)
    expect(head).to_have_attribute("data-panel", "metric:head_norm")
    assert (place(head), place(loss)) == (("0", "0", "4", "6"), ("4", "0", "8", "6"))
    page.reload()
    expect(head).to_have_attribute("data-panel", "metric:head_norm")
    assert (place(head), place(loss)) == (("0", "0", "4", "6"), ("4", "0", "8", "6"))
    ask(world, offered, "unloadBundle", {"name": NAME})
    expect(head).to_have_attribute("data-panel", re.compile("^page:"))
    assert (place(head), place(loss)) == (("0", "0", "4", "6"), ("4", "0", "8", "6"))


def test_what_is_no_page_is_refused_with_a_sentence(open_page: Open, training: Training, tmp_path: Path) -> None:
    page = opened(open_page, training.run)
    wrong = tmp_path / "metrics.json"
    wrong.write_text('{"stats": {}}')
    page.get_by_role("button", name="Pages").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("menuitem", name="Open from a file…").click()
    chooser.value.set_files(wrong)
    expect(page.locator(".bv-notice[data-tone=bad]")).to_contain_text("metrics.json is no page of panels")


def test_each_panel_says_from_which_bundle_it_comes_and_which_code_that_is(open_page: Open, sharing: Training) -> None:
    page = opened(open_page, sharing.run)
    for title in ("Head norm", "Head and loss"):
        origin = tile(page, title).locator(".bv-tile-origin")
        expect(origin).to_contain_text("attended 0.1.0")
        expect(origin).to_have_accessible_name(re.compile(r"from bidviz-metric-attended 0\.1\.0, code [0-9a-f]{12}"))
    origin = tile(page, "Head norm").locator(".bv-tile-origin")
    expect(origin.locator(".bv-origin-hash")).to_be_hidden()
    origin.focus()
    page.keyboard.press("Shift")  # the focus of somebody who uses the keyboard
    expect(origin.locator(".bv-origin-hash")).to_have_text(re.compile(r"^[0-9a-f]{8}$"))
    origin.press("Enter")
    card = page.get_by_role("dialog", name="bidviz-metric-attended")
    expect(card.locator(".bv-hash")).to_have_text(re.compile(r"^[0-9a-f]{64}$"))


def test_a_run_that_has_ended_still_says_whose_code_it_was(open_page: Open, sharing: Training) -> None:
    sharing.end()
    page = opened(open_page, sharing.run)
    expect(page.locator(".bv-state")).to_have_text("ended")
    expect(tile(page, "Head norm").locator(".bv-tile-origin")).to_have_accessible_name(
        re.compile(r"from bidviz-metric-attended 0\.1\.0, code [0-9a-f]{12}")
    )
