"""What is too long for a narrow place: it is cut with a sign and can be read in full, or the place grows."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import PATIENCE, Training

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]

#: Which boxes of a form do not show all that stands in them.
CUT = """() => [...document.querySelectorAll('.bv-whatif-form input')]
    .filter((box) => box.scrollWidth > box.clientWidth).map((box) => `${box.ariaLabel}: ${box.value}`)"""


@pytest.mark.parametrize("width", [1440, 390])
def test_the_numbers_of_what_if_can_be_read(open_page: Open, steered: Training, width: int) -> None:
    page = open_page(f"/run/{steered.run}", viewport={"width": width, "height": 844})
    expect(page.locator(".bv-tile-frame").first).to_be_visible()
    page.get_by_role("button", name="What if").click()
    for label, value in (("Value to try", "0.0237"), ("From", "0.000475"), ("To", "0.0000125")):
        page.get_by_label(label, exact=True).fill(value)
    assert page.evaluate(CUT) == []
    chosen = page.get_by_label("Hyperparameter", exact=True)
    chosen.select_option("weight_decay")
    expect(chosen).to_have_attribute("title", "weight_decay")


#: Writes long facts into the header, and says where each is; at once, as the run goes on writing its own.
FACTS = """() => {
    const long = {step: 'step 20 845', epoch: 'epoch 1 042', speed: '36.5 steps/s', elapsed: '10 min 05 s'};
    const facts = Object.entries(long).map(([key, text]) => {
        const fact = document.querySelector(`.bv-fact-${key}`);
        fact.textContent = text;
        return fact;
    });
    return facts.map((fact) => {
        const {left, right, top, bottom} = fact.getBoundingClientRect();
        return {left, right: Math.max(right, left + fact.scrollWidth), top, bottom};
    });
}"""


@pytest.mark.parametrize("width", [1440, 900])
def test_the_facts_of_the_header_lie_beside_each_other_or_in_two_lines(
    open_page: Open, steered: Training, width: int
) -> None:
    page = open_page(f"/run/{steered.run}", viewport={"width": width, "height": 700})
    expect(page.locator(".bv-fact-step")).to_have_text(re.compile(r"\d"))
    facts = page.evaluate(FACTS)
    pause = page.get_by_role("button", name="Pause", exact=True).bounding_box()
    assert pause is not None
    assert max(fact["right"] for fact in facts) <= pause["x"]
    for one, other in itertools.combinations(facts, 2):
        beside = one["right"] <= other["left"] or other["right"] <= one["left"]
        assert beside or one["bottom"] <= other["top"] or other["bottom"] <= one["top"], facts


def test_the_tools_take_two_rows_beside_the_side_panel(open_page: Open, steered: Training) -> None:
    page = open_page(f"/run/{steered.run}")
    expect(page.locator(".bv-tile-frame").first).to_be_visible()
    tools = page.get_by_role("toolbar", name="Tools")
    tops = tools.locator("button").evaluate_all(
        "buttons => [...new Set(buttons.map((one) => one.getBoundingClientRect().top))]"
    )
    assert len(tops) == 2
    width = page.get_by_role("combobox", name="x axis").evaluate("one => one.getBoundingClientRect().width")
    assert width < 90  # and not that of the sentence beside what cannot be chosen


def test_a_long_title_of_a_narrow_tile_takes_a_second_line(open_page: Open, steered: Training) -> None:
    page = open_page(f"/run/{steered.run}")
    title = page.get_by_role("heading", name="Gradient norm by layer", exact=True)
    expect(title).to_be_visible()
    for _ in range(5):
        page.get_by_role("button", name="Menu of Gradient norm by layer", exact=True).click()
        page.get_by_role("menuitem", name="narrower").click()
        page.keyboard.press("Escape")
    expect(title).to_have_css("-webkit-line-clamp", "2")  # what does not fit into two lines ends with a sign
    expect(title).to_have_attribute("title", re.compile("^Gradient norm by layer"))
    assert 20 < title.evaluate("one => one.clientHeight") <= 28


def test_a_table_in_a_narrow_tile_says_that_there_is_more_and_scrolls_to_it(open_page: Open, steered: Training) -> None:
    page = open_page(f"/run/{steered.run}")
    tile = page.locator(".bv-tile-frame", has=page.get_by_role("heading", name="Layers", exact=True))
    table = tile.locator(".bvc-scroll")
    expect(table.locator("th").first).to_be_visible()
    for _ in range(5):
        page.get_by_role("button", name="Menu of Layers", exact=True).click()
        page.get_by_role("menuitem", name="narrower").click()
        page.keyboard.press("Escape")
    expect(table).to_have_attribute("data-more", re.compile("right"))
    expect(table).to_have_css("mask-image", re.compile("gradient"))
    table.focus()
    aside = tile.get_by_role("button", name="More columns")
    tops = [part.bounding_box() for part in (aside, table)]
    assert tops[0]
    assert tops[1]
    assert tops[0]["y"] + tops[0]["height"] <= tops[1]["y"]  # over the table, not on it
    aside.click()
    expect(table).not_to_have_js_property("scrollLeft", 0)
    table.evaluate("one => { one.scrollLeft = one.scrollWidth; }")
    expect(table).to_have_attribute("data-more", re.compile("left"))
    expect(table).not_to_have_attribute("data-more", re.compile("right"))
    expect(aside).to_be_hidden()
    # At once: the next values may be wider, and the table with them.
    edges = """one => {
      one.scrollLeft = one.scrollWidth;
      return [one.querySelector('th:last-child'), one].map((part) => part.getBoundingClientRect().right);
    }"""
    last, edge = table.evaluate(edges)
    assert last <= edge + 1


def test_on_a_telephone_the_side_panel_begins_folded_with_its_button_in_view(
    open_page: Open, steered: Training
) -> None:
    page = open_page(f"/run/{steered.run}", viewport={"width": 400, "height": 844})
    expect(page.locator(".bv-tile-frame").first).to_be_in_viewport()
    unfold = page.get_by_role("button", name="Unfold the side panel")
    expect(unfold).to_be_in_viewport()
    unfold.click()
    expect(page.locator(".bv-hyper").first).to_be_visible()
    page.reload()
    expect(page.locator(".bv-hyper").first).to_be_visible()  # as the person has left it


def test_on_a_telephone_the_buttons_of_an_opened_chart_lie_beside_its_legend(
    open_page: Open, steered: Training
) -> None:
    page = open_page(f"/run/{steered.run}", viewport={"width": 400, "height": 844})
    page.get_by_role("button", name="Enlarge Gradient norm by layer", exact=True).click()
    view = page.get_by_role("region", name="Enlarged panel")
    expect(view.locator(".legend .legendtext").first).to_be_visible()
    buttons, legend = (view.locator(one).bounding_box() for one in (".modebar", ".legend"))
    assert buttons is not None
    assert legend is not None
    assert buttons["y"] + buttons["height"] <= legend["y"]
    bar = view.locator(".bvc-focus-bar").bounding_box()
    assert bar is not None
    assert bar["y"] + bar["height"] <= buttons["y"] + 1


def test_a_slowed_metric_of_a_long_name_keeps_its_menu_in_a_narrow_tile(open_page: Open, steered: Training) -> None:
    page = open_page(f"/run/{steered.run}")
    expect(page.locator(".bv-tile-frame").first).to_be_visible()
    page.keyboard.press("m")
    page.locator(".cm-content").click()
    page.keyboard.insert_text("import time\ntime.sleep(0.3)\nreturn 1.0")
    page.get_by_role("textbox", name="Name").fill("confidence")
    page.get_by_role("button", name="Add", exact=True).click()
    tile = page.locator("[data-panel='metric:confidence'] .bv-tile-frame")
    expect(tile.locator(".bv-tile-note")).to_have_text(re.compile(r"^every [\d\s]+ steps$"))
    menu = page.get_by_role("button", name="Menu of confidence", exact=True)
    for _ in range(5):  # as narrow as it gets
        menu.click()
        page.get_by_role("menuitem", name="narrower").click()
        page.keyboard.press("Escape")
    look = """tile => {
        const box = (one) => one.getBoundingClientRect();
        const [head, frame] = [tile.querySelector('.bv-tile-head'), box(tile)];
        const words = (one) => {
            const range = document.createRange();
            range.selectNodeContents(one);
            return [...range.getClientRects()];
        };
        const title = head.querySelector('.bv-tile-title');
        const outside = [...head.querySelectorAll('button:not([hidden])')]
            .filter((one) => box(one).right > frame.right || box(one).left < frame.left)
            .map((one) => one.ariaLabel);
        return {width: frame.width, outside, lines: words(title).length, cut: title.scrollWidth > title.clientWidth,
            note: words(head.querySelector('.bv-tile-note')).every((one) => one.right <= frame.right)};
    }"""
    seen = tile.evaluate(look)
    assert seen.pop("width") < 240
    assert seen == {"outside": [], "lines": 1, "cut": False, "note": True}
    menu.click()
    expect(page.get_by_role("menuitem", name="narrower")).to_be_visible()


def test_a_long_unit_of_a_hyperparameter_leaves_who_holds_it_to_be_read(open_page: Open, steered: Training) -> None:
    page = open_page(f"/run/{steered.run}")
    line = page.locator(".bv-hyper[data-name='classes'] .bv-hyper-line")
    expect(line.locator(".bv-hyper-value")).to_have_text("3 kinds of targets")
    between = """line => {
        const words = document.createRange();
        words.selectNodeContents(line.querySelector('.bv-hyper-value'));
        return line.querySelector('.bv-holder').getBoundingClientRect().left - words.getBoundingClientRect().right;
    }"""
    assert line.evaluate(between) >= 0
