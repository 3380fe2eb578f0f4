"""The console's terminal on the page, in a real browser and with a real training."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect


@pytest.fixture
def page(open_page: Callable[..., Page], training: Any) -> Page:
    """The run's page with its console open."""
    page = open_page(f"/run/{training.run}")
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    expect(page.locator(".bv-state")).to_have_text("running")  # a line goes nowhere before the page is connected
    page.get_by_role("button", name="Console").click()
    expect(page.locator(".xterm-rows")).to_be_visible()
    return page


def prompt(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Python to run in the training")


def seen(page: Page) -> Locator:
    """What the terminal shows."""
    return page.locator(".xterm-rows")


def said(page: Page) -> Locator:
    """What a screen reader is told."""
    return page.get_by_role("log", name="Console output")


def test_a_line_runs_and_its_value_and_colours_are_seen(page: Page) -> None:
    page.keyboard.type("6 * 7\n")
    expect(seen(page)).to_contain_text("› 6 * 7")
    expect(seen(page)).to_contain_text("42")
    expect(said(page)).to_contain_text("42")
    page.keyboard.type("1 / 0\n")
    expect(seen(page)).to_contain_text("ZeroDivisionError: division by zero")
    assert page.locator(".xterm-rows span[class*=xterm-fg-]").count() > 3
    expect(page.locator(".bv-console-state")).to_have_text("the last line failed")
    page.get_by_role("tab", name="Journal").click()
    journal = page.get_by_role("complementary", name="Journal")
    expect(journal).to_contain_text("6 * 7")
    failed = journal.locator(".bv-entry", has_text="1 / 0").first
    expect(failed.locator("p").first).to_have_text(re.compile("1 / 0 failed$"))
    expect(failed).to_contain_text("console · ZeroDivisionError: division by zero")


def test_several_lines_are_typed_and_run_after_an_empty_one(page: Page) -> None:
    page.keyboard.type("for n in range(3):\nprint('n is', n)\n")  # the indent comes by itself
    expect(prompt(page)).to_contain_text("print")
    page.keyboard.press("Enter")
    expect(seen(page)).to_contain_text("n is 2")
    expect(prompt(page)).not_to_contain_text("print")


def test_lines_come_back_with_the_arrows_also_on_another_page(
    page: Page, open_page: Callable[..., Page], training: Any
) -> None:
    page.keyboard.type("'first of two'\n")
    expect(page.locator(".bv-console-state")).to_contain_text("done at step")
    page.keyboard.type("'second of two'\n")
    page.keyboard.type("a draft")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(prompt(page)).to_have_text("'first of two'")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(prompt(page)).to_have_text("a draft")
    expect(said(page)).to_contain_text("'second of two'\n")
    other = open_page(f"/run/{training.run}")
    other.get_by_role("button", name="Console").click()
    expect(other.locator(".xterm-rows")).to_be_visible()
    other.keyboard.type("1\n")  # its answer comes after the lines of before
    expect(other.locator(".bv-console-state")).to_contain_text("done at step")
    other.keyboard.press("ArrowUp")
    other.keyboard.press("ArrowUp")
    expect(prompt(other)).to_have_text("'second of two'")


def test_tab_completes_names_of_the_training(page: Page) -> None:
    page.keyboard.type("session.resu")
    page.keyboard.press("Tab")
    expect(prompt(page)).to_have_text("session.resume")
    page.keyboard.press("Control+a")
    page.keyboard.type("model.")
    page.keyboard.press("Tab")
    choices = page.get_by_role("listbox", name="Completions")
    expect(choices).to_be_visible()
    expect(choices).to_contain_text("append")
    page.keyboard.press("Escape")
    expect(choices).to_be_hidden()
    expect(prompt(page)).to_be_visible()  # Escape closed the list alone


def test_ctrl_c_interrupts_while_the_page_says_that_the_training_waits(page: Page) -> None:
    page.keyboard.type("while True: pass\n")
    page.keyboard.press("Enter")
    expect(page.locator(".bv-console-state")).to_have_text("The training waits for this line")
    expect(page.get_by_role("button", name="Interrupt", exact=True)).to_be_visible()
    page.keyboard.press("Control+c")
    expect(page.get_by_role("button", name="Interrupt", exact=True)).to_be_hidden()
    expect(seen(page)).to_contain_text("Interrupted")
    page.keyboard.type("'alive'\n")
    expect(said(page)).to_contain_text("'alive'\n")


def test_a_line_on_its_own_thread_prints_while_the_training_goes_on(page: Page) -> None:
    page.get_by_role("radio", name="own thread").click()
    expect(page.locator(".bv-console-says")).to_contain_text("while the training goes on")
    prompt(page).click()
    page.keyboard.type("import threading; print('on'); threading.Event().wait(600)\n")
    expect(said(page).get_by_text("on", exact=True)).to_be_attached()
    step = page.locator(".bv-header")
    before = step.inner_text()
    expect(step).not_to_have_text(before)
    expect(page.locator(".bv-console-state")).to_have_text("A line runs beside the training")
    page.get_by_role("button", name="Interrupt", exact=True).click()
    expect(said(page)).to_contain_text("Interrupted")


def test_figures_and_tables_are_shown_beside(open_page: Callable[..., Page], training: Any) -> None:
    page = open_page(f"/run/{training.run}", lenient=True)  # the browser tells of the script that it did not run
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    expect(page.locator(".bv-state")).to_have_text("running")  # a line goes nowhere before the page is connected
    page.keyboard.press("`")
    expect(prompt(page)).to_be_focused()
    page.keyboard.type("import plotly.graph_objects as go; go.Figure(go.Scatter(y=[1, 3, 2]))\n")
    shown = page.get_by_role("complementary", name="Figures and tables")
    expect(shown.locator(".js-plotly-plot .scatterlayer .js-line")).to_be_visible(timeout=20_000)
    page.keyboard.type(
        "type('T', (), {'_repr_html_': lambda self: '<table><tr><td>cell</td></tr></table>"
        "<script>parent.hacked = 1</script>'})()\n"
    )
    frame = page.frame_locator("iframe[sandbox]")
    expect(frame.locator("td")).to_have_text("cell")
    assert page.evaluate("window.hacked") is None
    shown.get_by_role("button", name="Remove Table 2").click()
    expect(page.locator("iframe[sandbox]")).to_have_count(0)


def test_it_never_covers_the_header_and_gives_the_keys_back(page: Page) -> None:
    page.get_by_role("button", name="Larger").click()
    header, console = (page.locator(one).bounding_box() for one in (".bv-header", ".bv-console"))
    assert header
    assert console
    assert console["y"] >= header["y"] + header["height"]
    page.get_by_role("button", name="Smaller").click()
    prompt(page).click()
    page.keyboard.press("Escape")
    expect(page.locator(".bv-console")).to_be_hidden()
    expect(page.get_by_role("button", name="Console")).to_be_focused()
    page.keyboard.press("`")
    expect(prompt(page)).to_be_focused()


def test_the_terminal_is_loaded_when_it_is_opened(open_page: Callable[..., Page], training: Any) -> None:
    page = open_page(f"/run/{training.run}", fresh=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    assert page.evaluate("window.bidviz_terminal") is None
    page.keyboard.press("`")
    expect(page.locator(".xterm-rows")).to_be_visible()
    assert sum(bool(re.search(r"/bidviz/terminal\.(js|css)", url)) for url in asked) == 2


@pytest.mark.parametrize("right", ["tune", "view"])
def test_a_link_without_the_right_says_why(open_page: Callable[..., Page], training: Any, right: str) -> None:
    page = open_page(f"/run/{training.run}", right)
    button = page.get_by_role("button", name="Console")
    expect(button).to_have_attribute("title", re.compile("owner's link"))
    page.keyboard.press("`")
    page.keyboard.type("1\n")
    expect(page.get_by_role("log", name="Console output")).to_contain_text("owner's link")
