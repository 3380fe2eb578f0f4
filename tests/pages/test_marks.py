"""Marks of changes on the charts: who, what and when, joined where they are many, and switched off."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import PATIENCE, Training, World

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]


def paused_page(open_page: Open, training: Training, **options: object) -> Page:
    """The run's page while the run is paused by a person, which is a change that is marked."""
    page = open_page(f"/run/{training.run}", **options)
    expect(page.locator(".bv-tile-frame canvas").first).to_be_visible()
    expect(page.locator(".bv-state")).to_have_text(re.compile("running|paused"))
    if page.locator(".bv-state").inner_text() == "running":
        page.keyboard.press(" ")
    expect(page.locator(".bv-state")).to_have_text("paused")
    return page


def resume(page: Page) -> None:
    """Lets the run go on: a paused one would never see that its input ends."""
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".bv-state")).to_have_text("running")


@pytest.fixture
def page(open_page: Open, training: Training) -> Iterator[Page]:
    """The same at the usual size."""
    page = paused_page(open_page, training)
    yield page
    resume(page)


def point_at_last_mark(page: Page, tile: Locator, changes: int = 1) -> Locator:
    """Moves the pointer over a chart from the right until it tells of so many changes at once."""
    over = tile.locator(".u-over")
    expect(over).to_be_visible()
    box = over.bounding_box()
    assert box is not None
    tip = page.get_by_role("tooltip")
    for left in range(int(box["width"]) - 2, 0, -3):
        page.mouse.move(box["x"] + left, box["y"] + box["height"] * 0.6)
        if tip.count() and tip.is_visible() and tip.locator("p").count() >= changes:
            return tip
    raise AssertionError(f"no mark of the chart tells of {changes} changes")


def loss_of(page: Page) -> Locator:
    return page.locator("[data-panel='metric:loss']")


def test_a_change_is_marked_on_every_line_chart_and_says_who_what_and_when(page: Page) -> None:
    charts = page.locator(".bvc-chart[aria-label*=': Line']")
    assert charts.count() >= 2
    for chart in charts.all():
        expect(chart).to_have_attribute("aria-label", re.compile(r"\d+ marks? of (a change|changes)"))
    tip = point_at_last_mark(page, loss_of(page))
    expect(tip).to_contain_text("paused")
    expect(tip).to_contain_text("a person on a page")
    expect(tip).to_contain_text(re.compile(r"step \d"))
    expect(tip.locator(".bvc-mark-letter").last).to_have_text("‖")
    expect(tip.locator("small").last).to_have_text(re.compile(r"^a person on a page · step \d"))
    expect(tip.locator("p").last).to_have_text(re.compile("^‖paused"))
    expect(page.locator("label", has_text="marks")).to_have_attribute("title", re.compile("H hyperparameter, ƒ policy"))
    page.mouse.move(2, 2)
    expect(tip).to_be_hidden()


def test_marks_near_each_other_are_one_with_a_count(page: Page) -> None:
    for _ in range(2):
        page.keyboard.press(" ")
        expect(page.locator(".bv-state")).to_have_text("running")
        page.keyboard.press(" ")
        expect(page.locator(".bv-state")).to_have_text("paused")
    expect(point_at_last_mark(page, loss_of(page), changes=2)).to_contain_text("resumed")


def test_marks_can_be_switched_off(page: Page) -> None:
    chart = loss_of(page).locator(".bvc-chart")
    switch = page.get_by_role("checkbox", name="marks")
    expect(switch).to_be_checked()
    switch.uncheck()
    expect(chart).to_have_attribute("aria-label", "Loss: Line")
    switch.check()
    expect(chart).to_have_attribute("aria-label", re.compile("mark"))


def test_the_enlarged_view_has_the_marks_and_words_for_them(page: Page) -> None:
    page.get_by_role("button", name="Enlarge Loss").click()
    view = page.get_by_role("region", name="Enlarged panel")
    mark = view.locator(".annotation").last
    expect(mark).to_be_visible()
    mark.hover()
    expect(view.locator(".hovertext")).to_contain_text("paused")
    view.get_by_role("checkbox", name="marks of changes").uncheck()
    expect(view.locator(".annotation")).to_have_count(0)


#: A tap is a pointer that comes, clicks and, where the browser knows of a mouse, is taken back to that at once.
HEAR = """addEventListener("click", () => {
  const tip = document.querySelector("[role=tooltip]");
  if (tip && !tip.hidden) window.told = tip.innerText;
})"""


def test_a_finger_on_a_mark_is_enough(open_page: Open, training: Training) -> None:
    page = paused_page(open_page, training, viewport={"width": 400, "height": 800}, has_touch=True)
    over = loss_of(page).locator(".u-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box is not None
    page.evaluate(HEAR)
    half = int(box["width"]) // 2
    # Right and left in turn: two taps on one spot are a double click, which enlarges the chart.
    for left in (place for right in range(2 * half - 2, half, -5) for place in (right, right - half)):
        page.touchscreen.tap(box["x"] + left, box["y"] + box["height"] / 2)
        if told := page.evaluate("window.told"):
            break
    assert "paused" in told or "resumed" in told
    resume(page)


def test_other_runs_are_drawn_beside_this_one(page: Page, world: World, training: Training) -> None:
    other = world.train("blobs-other")
    page.get_by_role("button", name="Enlarge Loss").click()
    view = page.get_by_role("region", name="Enlarged panel")
    expect(view.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    view.get_by_role("button", name="Compare with…").click()
    page.get_by_role("dialog", name="Compare with").get_by_role("checkbox", name="blobs-other").check()
    page.keyboard.press("Escape")
    expect(view.locator(".legendtext", has_text="blobs-other")).to_be_visible()
    view.get_by_label("x axis").select_option("time since start")
    expect(view.locator(".xtitle")).to_have_text("seconds since start")
    view.get_by_role("button", name="No longer compare with blobs-other").click()
    expect(view.locator(".legendtext", has_text="blobs-other")).to_have_count(0)
    other.end()


def test_runs_are_compared_on_a_page_of_their_own(open_page: Open, world: World, training: Training) -> None:
    world.train("blobs-again").end()
    page = open_page("/")
    boxes = page.locator(".ag-selection-checkbox input")
    expect(boxes.nth(1)).to_be_visible()
    compare = page.get_by_role("button", name="Compare")
    expect(compare).to_have_attribute("aria-disabled", "true")
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.get_by_role("button", name="Compare 2 runs").click()
    expect(page).to_have_url(re.compile(r"/compare/\w+,\w+$"))
    expect(page.locator(".legendtext")).to_have_count(2)
    expect(page.get_by_role("region", name="Configurations")).to_contain_text("What differs")
    expect(page.get_by_role("region", name="Journals")).to_contain_text("Journal of blobs")


def test_runs_of_one_name_are_called_alike_in_the_legend_and_on_the_chips(
    open_page: Open, world: World, training: Training
) -> None:
    other = world.train("blobs")
    other.end()
    page = open_page(f"/compare/{training.run},{other.run}")
    names = [f"blobs ({run[:6]})" for run in (training.run, other.run)]
    expect(page.locator(".bv-compare-run strong")).to_have_text(names)
    expect(page.locator(".legendtext")).to_have_text(names)
    expect(page.locator(".bv-compare-journals h2")).to_have_text([f"Journal of {name}" for name in names])
