"""The page of all runs, before a real dashboard and real trainings."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import PATIENCE, World

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)


def test_without_runs_it_shows_the_line_to_put_into_a_script(open_page: Callable[..., Page]) -> None:
    page = open_page("/")
    expect(page.get_by_role("heading", name="No runs yet")).to_be_visible()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("copied", exact=True)).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "import bidviz_core as bidviz\nsession = bidviz.watch(model, optimizer)"


def test_a_run_appears_by_itself_and_opens_with_a_click(open_page: Callable[..., Page], world: World) -> None:
    page = open_page("/")
    expect(page.get_by_role("heading", name="No runs yet")).to_be_visible()
    training = world.train("first")
    row = page.locator(".ag-row", has_text="first")
    expect(row).to_contain_text("running")
    expect(row.locator("svg.bv-shape")).to_be_visible()
    step = row.locator("[col-id=step]")
    before = step.inner_text()
    expect(step).not_to_have_text(before)
    row.locator("[col-id=program]").click()
    page.wait_for_url(f"**/run/{training.run}")
    expect(page.locator(".bv-run-page h1")).to_have_text("first")
    page.go_back()
    expect(page.locator(".ag-row", has_text="first")).to_be_visible()


def test_a_second_run_is_beside_the_first_and_the_filter_tells_them_apart(
    open_page: Callable[..., Page], world: World
) -> None:
    world.train("second")
    page = open_page("/")
    expect(page.locator(".ag-center-cols-container .ag-row")).to_have_count(2)
    page.keyboard.press("/")
    page.keyboard.type("second")
    expect(page.locator(".ag-center-cols-container .ag-row")).to_have_count(1)
    expect(page.locator(".ag-center-cols-container .ag-row")).to_contain_text("second")


#: The cells of numbers and the heads whose words are cut.
CUT = """() => [...document.querySelectorAll(".ag-cell.bv-number, .ag-header-cell-text")]
  .filter((one) => one.offsetParent && one.scrollWidth > one.clientWidth)
  .map((one) => one.textContent)"""


def test_numbers_and_heads_are_whole_in_a_small_window(open_page: Callable[..., Page], world: World) -> None:
    page = open_page("/", viewport={"width": 1100, "height": 700})
    row = page.locator(".ag-center-cols-container .ag-row").first
    expect(row.locator("[col-id=speed]")).to_be_visible()
    expect(page.locator("[col-id=host]")).to_have_count(0)
    row.locator("[col-id=step]").evaluate("one => { one.textContent = '277 108'; }")
    assert page.evaluate(CUT) == []
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(row.locator("[col-id=host]")).to_be_visible()


#: Clicks the box of the first row in the same breath as the page hands new rows to its table, before or after it.
CLICK_WITH_THE_NEXT_ROWS = """
(first) => {
  const hand = window.dash_clientside.set_props;
  window.dash_clientside.set_props = (id, props) => {
    window.dash_clientside.set_props = hand;
    const click = () => document.querySelector(".ag-row .ag-selection-checkbox input").click();
    if (first) click();
    hand(id, props);
    if (!first) click();
  };
}
"""


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_a_run_selected_as_new_rows_come_stays_selected(
    open_page: Callable[..., Page], world: World, first: bool
) -> None:
    page = open_page("/")
    row = page.locator(".ag-row", has_text="second").first
    expect(row.locator(".ag-selection-checkbox input")).not_to_be_checked()
    page.evaluate(CLICK_WITH_THE_NEXT_ROWS, first)
    boxes = page.locator(".ag-selection-checkbox input")
    expect(boxes.first).to_be_checked()
    for _ in range(2):
        step = row.locator("[col-id=step]")
        expect(step).not_to_have_text(step.inner_text())
    expect(boxes.first).to_be_checked()
    boxes.nth(1).check()
    expect(page.get_by_role("button", name="Compare 2 runs")).to_be_enabled()
    boxes.first.uncheck()
    expect(boxes.nth(1)).to_be_checked()
    expect(page.get_by_role("button", name="Compare", exact=True)).to_have_attribute("aria-disabled", "true")


def test_the_tables_library_comes_with_the_table_and_not_with_a_run(
    open_page: Callable[..., Page], world: World
) -> None:
    page = open_page(f"/run/{world.trainings[0].run if world.trainings else world.train('blobs').run}")
    expect(page.locator(".bv-tile-frame").first).to_be_visible()
    assert page.evaluate("typeof window.dash_ag_grid") == "undefined"
    page.locator("a[href='/']").first.click()
    expect(page.get_by_role("row").nth(1)).to_be_visible()
    assert page.evaluate("typeof window.dash_ag_grid") == "object"


def test_a_run_that_ends_and_one_that_is_killed_are_told_apart(open_page: Callable[..., Page], world: World) -> None:
    page = open_page("/")
    ended, killed = world.trainings
    ended.end()
    expect(page.locator(".ag-row", has_text="first")).to_contain_text("ended")
    killed.kill()
    expect(page.locator(".ag-row", has_text="second")).to_contain_text("lost")
    expect(page.locator(".ag-row", has_text="second")).to_contain_text("last seen")


def test_on_a_telephone_only_what_counts_is_shown(open_page: Callable[..., Page]) -> None:
    page = open_page("/", viewport={"width": 390, "height": 844})
    expect(page.locator(".ag-header-cell[col-id=state]")).to_be_visible()
    expect(page.locator(".ag-header-cell[col-id=program]")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.locator(".ag-row .ag-cell[col-id=started]").first).to_be_visible()
    # The table takes a moment to lay its columns out anew.
    page.wait_for_function(
        """() => [...document.querySelectorAll('.ag-header-cell-text, .ag-row .ag-cell')].every((cell) =>
            cell.scrollWidth <= cell.clientWidth + 1 && cell.getBoundingClientRect().right <= innerWidth)""",
        timeout=PATIENCE,
    )


def test_on_a_telephone_runs_are_chosen_from_a_list_and_compared(open_page: Callable[..., Page]) -> None:
    page = open_page("/", viewport={"width": 400, "height": 844})
    expect(page.locator(".ag-row").first).to_be_visible()
    page.get_by_role("button", name="Compare…").click()
    card = page.get_by_role("dialog", name="Compare runs")
    go = card.get_by_role("button", name="Compare")
    card.get_by_role("checkbox", name="first").check()
    expect(go).to_have_attribute("aria-disabled", "true")
    card.get_by_role("checkbox", name="second").check()
    expect(go).to_have_text("Compare 2 runs")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    go.click()
    expect(page).to_have_url(re.compile(r"/compare/\w+,\w+$"))
    expect(card).to_have_count(0)
    expect(page.locator(".bv-compare-run")).to_have_count(2)
