"""A run without a mouse: past the tools to the charts, a chart enlarged and given back, panels sized by a menu."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import PATIENCE, Training, World

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]


@pytest.fixture
def page(open_page: Open, training: Training) -> Page:
    """The run's page, with its panels on it."""
    page = open_page(f"/run/{training.run}")
    expect(page.locator(".bv-tile-frame canvas").first).to_be_visible()
    return page


def test_the_first_tab_stop_leads_to_the_charts(page: Page) -> None:
    skip = page.get_by_role("link", name="Skip to the charts")
    expect(skip).not_to_be_in_viewport()
    page.keyboard.press("Tab")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    address = page.url
    page.keyboard.press("Enter")
    expect(page.locator(".bv-tile-frame:focus")).to_have_count(1)
    assert page.url == address


@pytest.mark.parametrize("path", ["/", "/discover", "/run/{run}/discover", "/compare/{run}"])
def test_other_pages_lead_to_their_content(open_page: Open, training: Training, path: str) -> None:
    page = open_page(path.format(run=training.run))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main:focus, .bv-no-runs:focus")).to_have_count(1)


def test_enter_enlarges_a_panel_and_escape_gives_the_keyboard_back_to_it(page: Page) -> None:
    loss = page.get_by_role("region", name="Loss", exact=True)
    view = page.get_by_role("region", name="Enlarged panel")
    loss.focus()
    page.keyboard.press("Enter")
    expect(view.locator("h2")).to_have_text("Loss")
    page.keyboard.press("Escape")
    expect(view).to_have_count(0)
    expect(loss).to_be_focused()
    # Enter on a button inside is the button's.
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    menu = page.get_by_role("button", name="Menu of Loss")
    while not menu.evaluate("one => one === document.activeElement"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menu", name="Menu of Loss")).to_be_visible()
    expect(view).to_have_count(0)


def test_escape_closes_an_enlarged_chart_that_was_clicked_into(page: Page) -> None:
    page.get_by_role("button", name="Enlarge Loss").click()
    view = page.get_by_role("region", name="Enlarged panel")
    expect(view.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Escape")
    expect(view).to_have_count(0)


PLACES = """all => all.map(one => {
    const {x, y, w, h} = one.gridstackNode;
    return {id: one.dataset.panel, x, y, w, h};
})"""


def sizes(page: Page) -> dict[str, dict[str, int]]:
    """Where the panels stand, in cells of the grid."""
    tiles = page.locator(".grid-stack-item").evaluate_all(PLACES)
    return {tile.pop("id"): tile for tile in tiles}


@pytest.mark.parametrize("side", ["wider", "taller"])
def test_a_panel_that_grows_from_its_menu_leaves_no_hole(open_page: Open, training: Training, side: str) -> None:
    page = open_page(f"/run/{training.run}", viewport={"width": 1600, "height": 1000})
    expect(page.locator(".bv-tile-frame canvas").first).to_be_visible()
    before = sizes(page)
    [loss] = [name for name in before if name.endswith(":loss")]
    page.get_by_role("button", name="Menu of Loss").click()
    page.get_by_role("menu", name="Menu of Loss").get_by_text(side, exact=True).click()
    key = {"wider": "w", "taller": "h"}[side]
    size = before[loss][key]
    page.wait_for_function(
        "([id, key, size]) => document.querySelector(`[data-panel='${id}']`).gridstackNode[key] === size",
        arg=[loss, key, size + {"wider": 3, "taller": 1}[side]],
    )
    after = sizes(page)
    assert holes(after) <= holes(before)
    assert all(after[name]["x"] == before[name]["x"] for name in before), "what was put somewhere stays in its columns"


def holes(places: dict[str, dict[str, int]]) -> int:
    """The empty cells above panels."""
    count = 0
    for x in range(12):
        here = [place for place in places.values() if place["x"] <= x < place["x"] + place["w"]]
        count += max((place["y"] + place["h"] for place in here), default=0) - sum(place["h"] for place in here)
    return count


#: The panels' names, row by row.
IN_ORDER = """() => [...document.querySelectorAll("[data-panel]")]
    .sort(({gridstackNode: one}, {gridstackNode: other}) => one.y - other.y || one.x - other.x)
    .map((one) => one.dataset.panel).join("\\n")"""


def test_packing_gives_the_first_order_again(open_page: Open, world: World) -> None:
    page = open_page(f"/run/{world.train('packed').run}", viewport={"width": 1600, "height": 1000})
    for last in ("Gradient norm by layer, now", "weight norm"):  # of the bundle, and of what the script logs
        expect(page.get_by_role("heading", name=last, exact=True)).to_be_attached()
    first = page.evaluate(IN_ORDER)
    assert len(first.split("\n")) >= 4
    page.get_by_role("button", name="Menu of Loss").click()
    for choice in ("taller", "right"):
        page.get_by_role("menu", name="Menu of Loss").get_by_text(choice, exact=True).click()
    page.wait_for_function(f"first => ({IN_ORDER})() !== first", arg=first)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.get_by_role("button", name="Pack the panels in their first order").click()
    page.wait_for_function(f"first => ({IN_ORDER})() === first", arg=first)
    assert {(place["w"], place["h"]) for place in sizes(page).values()} == {(3, 5)}
