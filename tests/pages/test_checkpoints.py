"""Checkpoints, branches and what-if from the page, before a training whose loop is `session.batches`."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import PATIENCE, Training, World

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def looped(world: World) -> Training:
    """A training that can be turned back."""
    return world.train("looped", "looped_training.py")


@pytest.fixture
def page(open_page: Open, looped: Training) -> Page:
    page = open_page(f"/run/{looped.run}")
    expect(page.locator(".bv-tile-frame canvas").first).to_be_visible()
    expect(page.locator(".bv-state")).to_have_text("running")
    return page


def drawer_of(page: Page, name: str) -> Locator:
    page.get_by_role("button", name=name, exact=True).click()
    return page.get_by_role("complementary", name=name)


def save(drawer: Locator, label: str) -> Locator:
    """Saves one and gives its row, once it is written."""
    drawer.get_by_role("textbox", name="Label").fill(label)
    drawer.get_by_role("button", name="Save now").click()
    expect(drawer.locator(".bv-words").first).to_contain_text(f"as “{label}”")
    row = drawer.get_by_role("article", name=re.compile(re.escape(label)))
    expect(row.get_by_role("button", name=re.compile("^Go back"))).not_to_have_attribute("aria-disabled", "true")
    return row


def step_in(text: str) -> int:
    """The first step that a text names."""
    found = re.search(r"step ((?:\d|\D(?=\d{3}))+)", text)
    assert found is not None, text
    return int(re.sub(r"\D", "", found[1]))


def test_a_checkpoint_is_saved_gone_back_to_and_deleted_each_asking_first(page: Page) -> None:
    drawer = drawer_of(page, "Checkpoints")
    row = save(drawer, "before it all")
    kept = step_in(row.inner_text())
    expect(row).to_contain_text(re.compile(r"by hand · .* [kM]?B"))
    row.get_by_role("button", name=re.compile("^Go back")).click()
    card = page.get_by_role("dialog", name=re.compile("Go back to step"))
    expect(card).to_contain_text("is lost")
    expect(card).to_contain_text("goes on from step")
    cost = card.locator("p").first
    expect(cost).not_to_have_text(cost.inner_text())  # the training goes on while one reads
    card.get_by_role("button", name=re.compile("^Go back to step")).click()
    expect(drawer.locator(".bv-words").first).to_contain_text("The training is back at step")
    assert step_in(drawer.locator(".bv-words").first.inner_text()) == kept
    expect(page.locator(".bv-state")).to_have_text("running")
    row.get_by_role("button", name=re.compile("^Delete")).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete it").click()
    expect(row).to_have_count(0)


def test_a_checkpoint_that_was_saved_is_marked_on_the_charts(page: Page) -> None:
    drawer = drawer_of(page, "Checkpoints")
    save(drawer, "marked")
    page.keyboard.press("Escape")  # the drawer lies over the tabs
    page.get_by_role("tab", name="Journal").click()
    saved = page.get_by_role("complementary", name="Journal").locator(".bv-entry", has_text="'marked'")
    line = re.compile(r"^step [\d\s]+ checkpoint of step [\d\s]+ saved as 'marked'$")
    expect(saved.locator("p").first).to_have_text(line)
    expect(saved.locator("p").nth(1)).to_have_text(re.compile("run control$"))
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Pause", exact=True).click()  # a chart that moves takes its marks from the pointer
    expect(page.locator(".bv-state")).to_have_text("paused")
    told = point_at_mark(page, "as 'marked'")
    expect(told.locator(".bvc-mark-letter")).to_have_text("C")
    expect(told).to_contain_text(re.compile(r"checkpoint of step [\d\s]+ saved.*checkpoint · a person on a page"))
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".bv-state")).to_have_text("running")


def point_at_mark(page: Page, words: str) -> Locator:
    """Moves the pointer over the loss from the right until a mark tells of something."""
    over = page.locator("[data-panel='metric:loss'] .u-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box is not None
    tip = page.get_by_role("tooltip")
    for left in range(int(box["width"]) - 2, 0, -3):
        page.mouse.move(box["x"] + left, box["y"] + box["height"] * 0.6)
        if any(words in text for text in tip.all_inner_texts()):  # which waits for none, where there is none
            return tip.locator("p", has_text=words)
    raise AssertionError(f"no mark of the chart tells of {words!r}")


def test_checkpoints_by_themselves_say_what_was_set(page: Page) -> None:
    drawer = drawer_of(page, "Checkpoints")
    drawer.locator("summary").click()
    drawer.get_by_role("button", name="Apply").click()
    expect(drawer).to_contain_text("Say every how many steps, or when.")
    drawer.get_by_role("spinbutton", name="Every so many steps").fill("20")
    drawer.get_by_role("spinbutton", name="Megabytes at most").fill("5")
    drawer.get_by_role("button", name="Apply").click()
    expect(drawer.locator("summary")).to_have_text("By itself: every 20 steps, up to 5.00 MB")
    expect(drawer.get_by_text(re.compile("every n steps")).first).to_be_visible()
    drawer.get_by_role("button", name="Switch off").click()
    expect(drawer.locator("summary")).to_have_text("By itself: off")


def test_what_if_shows_both_curves_and_applies_or_discards(page: Page) -> None:
    drawer = drawer_of(page, "What if")
    drawer.get_by_role("combobox", name="Hyperparameter").select_option("lr")
    drawer.get_by_role("spinbutton", name="Value to try").fill("0.2")
    drawer.get_by_role("spinbutton", name="Steps", exact=True).fill("20")
    drawer.get_by_role("button", name="Try it").click()
    result = drawer.get_by_role("region", name="Result")
    expect(result.get_by_role("img")).to_have_attribute("aria-label", re.compile("lr = 0.05.* ends at .*lr = 0.2"))
    expect(result).to_contain_text("All is put back.")
    result.get_by_role("button", name="Discard").click()
    expect(result.get_by_role("img")).to_have_count(0)


def test_a_range_test_is_one_button_and_a_click_chooses(page: Page) -> None:
    drawer = drawer_of(page, "What if")
    drawer.get_by_role("combobox", name="Hyperparameter").select_option("lr")
    drawer.get_by_role("spinbutton", name="From").fill("0.001")
    drawer.get_by_role("spinbutton", name="To", exact=True).fill("1")
    drawer.get_by_role("spinbutton", name="Steps of the range test").fill("30")
    drawer.get_by_role("button", name="Range test").click()
    curve = drawer.get_by_role("slider")
    expect(curve).to_be_visible()
    curve.click()
    result = drawer.get_by_role("region", name="Result")
    expect(result).to_contain_text(re.compile(r"lr = 0\.0\d+, where the loss was"))
    expect(result.get_by_role("button", name="Apply this value")).to_be_visible()


def test_a_branch_goes_on_as_another_run_and_both_are_seen(open_page: Open, page: Page, looped: Training) -> None:
    drawer = drawer_of(page, "Checkpoints")
    row = save(drawer, "the fork")
    row.get_by_role("button", name=re.compile("^Branch")).click()
    card = page.get_by_role("dialog", name=re.compile("Branch from step"))
    card.get_by_role("textbox", name="Name of the branch").fill("looped-faster")
    card.get_by_role("combobox", name="Hyperparameter").first.select_option("lr")
    card.get_by_role("textbox", name="Value").first.fill("0.1")
    card.get_by_role("button", name="Branch", exact=True).click()
    expect(card).to_contain_text("“looped-faster” goes on from step")
    card.get_by_role("button", name="See both on one chart").click()
    view = page.get_by_role("region", name="Enlarged panel")
    expect(view.locator(".legendtext", has_text="looped-faster")).to_be_visible()


def test_a_run_that_has_ended_lists_its_checkpoints_and_says_how_to_go_on(open_page: Open, looped: Training) -> None:
    page = open_page(f"/run/{looped.run}")  # which ended when it went on as the branch
    expect(page.locator(".bv-state")).to_have_text("stopped")
    row = drawer_of(page, "Checkpoints").get_by_role("article", name=re.compile("the fork"))
    expect(row).to_contain_text(re.compile(r"bidviz\.watch\(…, resume='.*\.checkpoint'\)"))
    back = row.get_by_role("button", name=re.compile("^Go back"))
    expect(back).to_have_attribute("aria-disabled", "true")
    expect(back).to_have_attribute("title", re.compile("resume="))


def test_what_is_left_of_a_what_if_is_grey_once_the_training_is_gone(open_page: Open, world: World) -> None:
    doomed = world.train("doomed", "looped_training.py")
    page = open_page(f"/run/{doomed.run}")
    expect(page.locator(".bv-state")).to_have_text("running")
    drawer = drawer_of(page, "What if")
    drawer.get_by_role("combobox", name="Hyperparameter").select_option("lr")
    drawer.get_by_role("spinbutton", name="Value to try").fill("0.04")
    drawer.get_by_role("spinbutton", name="Steps", exact=True).fill("10")
    drawer.get_by_role("button", name="Try it").click()
    result = drawer.get_by_role("region", name="Result")
    result.get_by_role("button", name="Apply this value").click()
    undo = result.get_by_role("button", name=re.compile("^Undo"))
    expect(undo).not_to_have_attribute("aria-disabled", "true")
    doomed.kill()
    expect(page.locator(".bv-state")).to_have_text("lost")
    for button in (undo, result.get_by_role("button", name="Apply this value")):
        expect(button).to_have_attribute("aria-disabled", "true")
        expect(button).to_have_attribute("aria-description", re.compile("not there any more"))
