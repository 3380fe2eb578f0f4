"""Metrics from the browser: try, add, read, edit, fail, mend, disable, remove; save and load."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import PATIENCE, Training, World

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]


@pytest.fixture
def page(open_page: Open, training: Training) -> Page:
    """The run's page, with its panels on it."""
    page = open_page(f"/run/{training.run}")
    expect(page.locator(".bv-tile-frame").first).to_be_visible()
    return page


def tile(page: Page, title: str) -> Locator:
    """The tile with a title."""
    return page.locator(".bv-tile-frame", has=page.get_by_role("heading", name=title, exact=True))


def write(page: Page, code: str) -> None:
    """Puts code in place of what is in the editor."""
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(code)


def add(page: Page, name: str, code: str) -> None:
    """Adds a metric from a new editor."""
    page.keyboard.press("m")
    write(page, code)
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".bv-actions .bv-words")).to_contain_text("Added at step")


def test_an_expression_is_tried_and_added_with_the_keys_alone(page: Page) -> None:
    page.keyboard.press("m")
    expect(page.locator(".cm-content")).to_be_focused()
    page.keyboard.type("grads.norm(")
    page.keyboard.press("Control+Enter")
    trial = page.get_by_role("region", name="Result of the trial")
    expect(trial).to_contain_text(re.compile(r"grads_norm\s*[\d.]+"))
    expect(trial).to_contain_text(re.compile(r"(µs|ms) a run, (< )?[\d.]+ % of a step"))
    page.keyboard.press("Control+s")
    expect(page.locator(".bv-actions .bv-words")).to_contain_text("Added at step")
    expect(tile(page, "grads_norm").locator("canvas").first).to_be_visible()


def test_a_mapping_is_shown_by_name_and_drawn(page: Page) -> None:
    page.keyboard.press("m")
    page.get_by_role("button", name="Norm of each layer's gradient").click()
    page.get_by_role("button", name="Try", exact=True).click()
    trial = page.get_by_role("region", name="Result of the trial")
    expect(trial.get_by_role("rowheader", name="0.weight")).to_be_visible()
    expect(trial.locator("canvas").first).to_be_visible()


def test_every_example_runs_as_it_stands(page: Page) -> None:
    page.keyboard.press("m")
    trial = page.get_by_role("region", name="Result of the trial")
    examples = page.get_by_role("group", name="Examples").get_by_role("button")
    for number in range(examples.count()):
        examples.nth(number).click()
        expect(trial).to_have_count(0)
        page.get_by_role("button", name="Try", exact=True).click()
        expect(trial).to_be_visible()
        expect(trial).to_have_attribute("data-tone", "good")


@pytest.mark.parametrize(
    ("code", "line", "says"),
    [
        ("x = 1\nreturn nope + x", 2, "nope"),
        ("a = (1\nreturn a", 1, "never closed"),
        ("a = 1\nb = 2\nreturn a / (b - 2)", 3, "division by zero"),
    ],
)
def test_an_error_is_marked_on_its_line(page: Page, code: str, line: int, says: str) -> None:
    page.keyboard.press("m")
    write(page, code)
    page.keyboard.press("Control+Enter")
    trial = page.get_by_role("region", name="Result of the trial")
    expect(trial).to_contain_text(f"Line {line}: ")
    expect(trial).not_to_contain_text(f"(line {line})")
    expect(trial).to_contain_text(says)
    marked = page.locator(".cm-line").nth(line - 1).locator(".cm-lintRange-error, .cm-lintPoint-error")
    expect(marked).not_to_have_count(0)


def test_what_failed_when_tried_is_marked_by_its_name_and_added_only_when_asked_twice(page: Page) -> None:
    page.keyboard.press("m")
    write(page, "size = 2.0\nreturn size * grads.norn()")
    page.get_by_role("textbox", name="Name").fill("misspelt")
    page.keyboard.press("Control+Enter")
    trial = page.get_by_role("region", name="Result of the trial")
    expect(trial).to_contain_text("did you mean 'norm'?")
    expect(page.locator(".cm-lintRange-error")).to_have_text("norn")
    page.get_by_role("button", name="Add", exact=True).click()
    said = page.locator(".bv-actions .bv-words").first
    expect(said).to_contain_text("It failed when it was tried: see below. Press Add again to add it all the same.")
    expect(tile(page, "misspelt")).to_have_count(0)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(tile(page, "misspelt")).to_contain_text("Set aside at step")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    tile(page, "misspelt").get_by_role("button", name="Remove").click()
    expect(page.locator(".bv-strip")).not_to_contain_text("misspelt")


def test_names_in_scope_are_listed_with_a_word_each_and_completed(page: Page) -> None:
    page.keyboard.press("m")
    scope = page.locator(".bv-scope")
    for name in ("model", "optimizer", "grads", "params", "updates", "loss", "series", "torch", "np", "math"):
        row = scope.locator("li", has=page.get_by_role("button", name=name, exact=True))
        expect(row).to_have_text(re.compile(rf"^{name}\S* ?\w"))
    page.locator(".cm-content").click()
    page.keyboard.type("updat")
    # A click, because the editor takes no Enter in the first moment: one who types a line's end means that.
    page.locator(".cm-tooltip-autocomplete li", has_text="updates").click()
    page.keyboard.type(".nor")
    expect(page.locator(".cm-tooltip-autocomplete")).to_contain_text("norms")


def test_a_metric_that_fails_says_so_on_its_tile_and_is_mended_there(page: Page) -> None:
    add(page, "sick", "state['n'] = state.get('n', 0) + 1\nreturn 1 / (3 - state['n'])")
    sick = tile(page, "sick")
    expect(sick).to_contain_text("Set aside at step")
    expect(sick).to_contain_text("division by zero")
    expect(sick.locator(".bv-fail-code")).to_contain_text("return 1 / (3 - state['n'])")
    expect(page.locator(".bv-strip")).to_contain_text("1 metric set aside: sick")
    said = page.locator(".bv-actions .bv-words").first
    expect(said).to_contain_text(re.compile(r"Added at step [\d\s]+\. Set aside at step [\d\s]+: see below\."))
    expect(said).to_have_attribute("data-tone", "bad")
    expect(page.locator(".bv-state")).to_have_text("running")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    sick.get_by_role("button", name="Edit").click()
    expect(page.locator(".cm-content")).to_contain_text("state.get('n', 0)")
    expect(page.locator(".cm-line").nth(1).locator(".cm-lintRange-error")).not_to_have_count(0)
    write(page, "return 7.0")
    page.keyboard.press("Control+s")
    expect(sick.locator("canvas").first).to_be_visible()
    expect(page.locator(".bv-strip")).not_to_contain_text("set aside")


def test_a_metric_is_disabled_enabled_removed_and_brought_back(page: Page) -> None:
    add(page, "passing", "step * 1.0")
    page.get_by_role("button", name="Close").click()
    passing = tile(page, "passing")
    page.get_by_role("button", name="Menu of passing").click()
    page.get_by_role("menuitem", name="Disable metric").click()
    expect(passing).to_contain_text("disabled")
    page.get_by_role("button", name="Menu of passing").click()
    page.get_by_role("menuitem", name="Enable metric").click()
    expect(passing).not_to_contain_text("disabled")
    page.get_by_role("button", name="Menu of passing").click()
    page.get_by_role("menuitem", name="Remove metric").click()
    expect(page.locator("[data-panel='metric:passing']")).to_have_count(0)
    page.locator(".bv-notice", has_text="passing is removed").get_by_role("button", name="Undo").click()
    expect(page.locator("[data-panel='metric:passing']")).to_be_visible()


def test_the_list_tells_where_each_metric_is_from_and_what_it_costs(page: Page) -> None:
    page.get_by_role("button", name="Metrics", exact=True).click()
    loss = page.get_by_role("article", name="loss", exact=True)
    expect(loss).to_contain_text("built-in")
    expect(loss).to_contain_text(re.compile(r"a run, (< )?[\d.]+ % of the step time|not measured yet"))
    loss.get_by_role("button", name="Remove").click()
    menu = page.get_by_role("menu", name="Remove loss?")
    expect(menu).to_contain_text("It is built in: it comes back")
    page.keyboard.press("Escape")
    expect(loss).to_be_visible()


def test_metrics_are_saved_to_a_file_and_loaded_again(page: Page, tmp_path: Path) -> None:
    add(page, "kept", "loss * 2")
    page.get_by_role("button", name="Save / load").click()
    with page.expect_download() as downloading:
        page.get_by_role("menuitem", name="Download all metrics").click()
    file = tmp_path / "metrics.json"
    downloading.value.save_as(file)
    assert json.loads(file.read_text())["stats"]["kept"]["code"] == "loss * 2"
    page.get_by_role("button", name="Menu of kept").click()
    page.get_by_role("menuitem", name="Remove metric").click()
    expect(page.locator("[data-panel='metric:kept']")).to_have_count(0)
    page.get_by_role("button", name="Save / load").click()
    with page.expect_file_chooser() as choosing:
        page.get_by_role("menuitem", name="Load from a file…").click()
    choosing.value.set_files(file)
    expect(page.locator(".bv-notice", has_text="Added kept")).to_be_visible()
    expect(page.locator("[data-panel='metric:kept']")).to_be_visible()


def test_metrics_are_saved_in_the_runs_folder_only(page: Page) -> None:
    page.get_by_role("button", name="Save / load").click()
    page.get_by_role("textbox", name="File's name in the run's folder").fill("../outside.json")
    page.get_by_role("menuitem", name="Save all metrics").click()
    expect(page.locator(".bv-notice[data-tone=bad]")).to_contain_text("outside.json")
    page.get_by_role("button", name="Save / load").click()
    page.get_by_role("menuitem", name="Save all metrics").click()
    expect(page.locator(".bv-notice[data-tone=good]")).to_contain_text("saved as metrics.json")


def test_metrics_that_another_run_saved_are_loaded_by_its_name(open_page: Open, page: Page, world: World) -> None:
    page.get_by_role("button", name="Save / load").click()
    page.get_by_role("menuitem", name="Load what another run saved…").click()
    none = "No other run that this dashboard knows has saved its metrics"
    expect(page.locator(".bv-notice", has_text=none)).to_be_visible()
    other = world.train("lender")
    theirs = open_page(f"/run/{other.run}")
    expect(theirs.locator(".bv-tile-frame").first).to_be_visible()
    add(theirs, "lent", "loss * 3")
    theirs.get_by_role("button", name="Save / load").click()
    theirs.get_by_role("menuitem", name="Save all metrics").click()
    expect(theirs.locator(".bv-notice[data-tone=good]")).to_contain_text("saved as metrics.json")
    other.end()
    page.get_by_role("button", name="Save / load").click()
    page.get_by_role("menuitem", name="Load what another run saved…").click()
    live = page.get_by_role("menuitem", name=re.compile(rf"^what was added live to lender \({other.run}\) · 1 metric"))
    expect(live).to_be_visible()
    page.get_by_role("menuitem", name=re.compile(rf"^metrics\.json of lender \({other.run}\)")).click()
    expect(page.locator(".bv-notice[data-tone=good]")).to_contain_text("Loaded lent from metrics.json of lender.")
    expect(page.locator("[data-panel='metric:lent']")).to_be_visible()


def test_a_draft_waits_while_something_else_is_looked_at(page: Page) -> None:
    page.keyboard.press("m")
    write(page, "# half a thought\nparams.norm()")
    page.get_by_role("button", name="Metrics", exact=True).click()
    expect(page.locator(".cm-content")).to_have_count(0)
    page.get_by_role("button", name="+ Metric").click()
    expect(page.locator(".cm-content")).to_contain_text("half a thought")


def test_the_console_runs_a_line_in_the_training(page: Page) -> None:
    page.keyboard.press("`")
    lines = page.get_by_role("log", name="Console output")
    page.keyboard.type("6 * 7\n")
    expect(lines).to_contain_text("42")
    page.get_by_role("tab", name="Journal").click()
    expect(page.get_by_role("complementary", name="Journal")).to_contain_text("6 * 7")


def test_a_metric_that_takes_too_long_runs_seldom_and_its_panel_says_so(page: Page) -> None:
    add(
        page,
        "slow",
        "import time\nbegan = time.perf_counter()\nwhile time.perf_counter() - began < 0.3:\n    pass\nreturn 1.0",
    )
    tile = page.locator("[data-panel='metric:slow']")
    expect(tile.locator(".bv-tile-note")).to_have_text(re.compile(r"^every [\d\s]+ steps$"))
    apart = """head => {
        const words = document.createRange();
        words.selectNodeContents(head.querySelector('.bv-tile-note'));
        const [note, title] = [words, head.querySelector('.bv-tile-title')].map((one) => one.getBoundingClientRect());
        return note.left >= title.right + 8 || note.top >= title.bottom;
    }"""
    assert tile.locator(".bv-tile-head").evaluate(apart)  # beside the title and clear of it, or below it
    expect(tile.locator(".bv-tile-note")).to_have_attribute(
        "title", re.compile(r"it took [\d.]+ m?s .* the budget is 5%")
    )


def test_the_result_of_a_trial_goes_when_it_is_added_under_another_name(page: Page) -> None:
    page.keyboard.press("m")
    write(page, "loss * 2")
    name = page.get_by_role("textbox", name="Name")
    name.fill("first")
    page.get_by_role("button", name="Try", exact=True).click()
    trial = page.get_by_role("region", name="Result of the trial")
    expect(trial).to_contain_text("first")
    name.fill("second")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".bv-actions .bv-words")).to_contain_text("Added at step")
    expect(trial).to_be_hidden()
    page.get_by_role("button", name="Try", exact=True).click()
    expect(trial).to_contain_text("second")
