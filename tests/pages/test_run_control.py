"""Run control from the page: steps, until a condition, the guard before bad updates, stop, what a loop cannot do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import PATIENCE, Training, World
from .steps import step_of

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]


def shown(page: Page) -> Page:
    """The page when its panels and its state are there."""
    expect(page.locator(".bv-tile-frame").first).to_be_visible()
    expect(page.locator(".bv-state")).to_have_text(re.compile("running|paused"))
    return page


@pytest.fixture
def page(open_page: Open, training: Training) -> Iterator[Page]:
    """A page before a training whose loop is the script's own, paused; it goes on afterwards."""
    page = shown(open_page(f"/run/{training.run}"))
    if page.locator(".bv-state").inner_text() == "running":
        page.keyboard.press(" ")
    expect(page.locator(".bv-state")).to_have_text("paused")
    yield page
    page.keyboard.press("Escape")
    resume = page.get_by_role("button", name="Resume")
    if resume.is_visible():
        resume.click()
        expect(page.locator(".bv-state")).to_have_text("running")  # or the next page may still be told the last state


def expect_step(page: Page, step: int) -> None:
    expect(page.locator(".bv-fact-step")).to_have_text(re.compile(r"^step " + r"\D?".join(str(step)) + "$"))


def how_far(page: Page) -> Locator:
    """The card of steps and conditions."""
    page.get_by_role("button", name="Run until…").click()
    return page.get_by_role("dialog", name="Run on, then pause")


def test_the_point_key_makes_one_step(page: Page) -> None:
    before = step_of(page)
    page.keyboard.press(".")
    expect(page.locator(".bv-header .bv-words")).to_contain_text("one step")
    expect_step(page, before + 1)
    expect(page.locator(".bv-state")).to_have_text("paused")
    page.get_by_role("button", name="One step", exact=True).click()
    expect_step(page, before + 2)


def test_so_many_steps_and_then_a_pause(page: Page) -> None:
    before = step_of(page)
    card = how_far(page)
    card.get_by_role("spinbutton", name="Number of steps").fill("150")
    card.get_by_role("button", name="Run").first.click()
    expect(card).to_have_count(0)
    expect(page.locator(".bv-header .bv-words")).to_contain_text("goes on for 150 steps, then pauses")
    expect_step(page, before + 150)
    expect(page.locator(".bv-strip")).to_contain_text(re.compile(r"as step [\d\s]+ is reached; serving your edits"))
    expect(page.locator(".bv-header .bv-words-text")).to_have_text("")


def test_a_running_run_says_where_it_pauses(page: Page) -> None:
    card = how_far(page)
    card.get_by_role("textbox", name="Condition").fill("step >= 100000000")
    card.get_by_role("button", name="Run").last.click()
    expect(page.locator(".bv-strip")).to_contain_text("Pauses when step >= 100000000.")
    # The examples are of what this run has.
    card = how_far(page)
    card.get_by_role("button", name="gradnorm").click()
    card.get_by_role("button", name="Run").last.click()
    expect(page.locator(".bv-strip")).to_contain_text('Pauses when last("gradnorm/norm/global") is nan.')
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(".bv-state")).to_have_text("paused")


def test_a_pause_that_was_set_is_shown_and_called_off(page: Page) -> None:
    for place in ("the line below the header", "the card"):
        card = how_far(page)
        expect(card).not_to_contain_text("At present")
        card.get_by_role("textbox", name="Condition").fill("loss < -1")
        card.get_by_role("button", name="Run").last.click()
        expect(page.locator(".bv-strip")).to_contain_text("Pauses when loss < -1.")
        where = page.locator(".bv-strip")
        if place == "the card":
            where = how_far(page)
            expect(where).to_contain_text("At present it pauses when loss < -1.")
        where.get_by_role("button", name="Call off").click()
        expect(page.locator(".bv-strip")).not_to_contain_text("Pauses when")
        expect(page.locator(".bv-strip").get_by_role("button", name="Call off")).to_be_hidden()
        if place == "the card":
            expect(where).not_to_contain_text("At present")
            expect(where).to_contain_text("it no longer pauses when loss < -1")
            where.get_by_role("textbox", name="Condition").press("Escape")
        else:
            expect(page.locator(".bv-header .bv-words")).to_contain_text("it no longer pauses when loss < -1")
        expect(page.locator(".bv-state")).to_have_text("running")


def test_the_update_that_waits_is_skipped(open_page: Open, world: World) -> None:
    training = world.train("poisoned", "looped_training.py")
    page = shown(open_page(f"/run/{training.run}"))
    skip = page.get_by_role("button", name="Skip the update")
    expect(skip).to_be_hidden()
    page.get_by_role("button", name="Pause before a bad update").click()
    expect(page.get_by_role("button", name="Pause before a bad update")).to_have_attribute("aria-pressed", "true")
    content = {"run": training.run, "action": "scale", "pattern": "0.bias", "value": 1e39}
    request = {"id": 1, "content": {"methodName": "changeModel", "content": content}}
    page.evaluate(
        """([run, request]) => new Promise((done) => {
          const socket = new WebSocket(`ws://${location.host}/ws?run=${run}`);
          socket.onopen = () => socket.send(request);
          socket.onmessage = ({ data }) => String(data).includes("callback") && done(socket.close());
        })""",
        [training.run, json.dumps(request)],
    )
    said = "a gradient is not finite, and neither is the model itself (0.bias), which skipping does not mend"
    expect(page.locator(".bv-strip")).to_contain_text(said)
    skip.click()
    # The next update is as bad, and the run waits again at once: that the training goes on is said for a moment only.
    again = "not finite again, though the update before was skipped, and neither is the model itself (0.bias)"
    expect(page.locator(".bv-strip")).to_contain_text(again)
    expect(page.locator(".bv-header .bv-words")).not_to_contain_text("goes on")
    training.end()


def test_a_card_over_a_run_that_is_lost_or_ended_closes_and_says_why(open_page: Open, world: World) -> None:
    doomed = world.train("doomed")
    page = shown(open_page(f"/run/{doomed.run}"))
    card = how_far(page)
    expect(card).to_be_visible()
    doomed.kill()
    expect(page.locator(".bv-state")).to_have_text("lost")
    expect(card).to_have_count(0)
    expect(page.locator(".bv-header .bv-words")).to_contain_text("The training is not there any more (lost).")
    ending = world.train("ending")
    page = shown(open_page(f"/run/{ending.run}"))
    page.get_by_role("button", name="Stop", exact=True).click()
    card = page.get_by_role("dialog", name="Stop the training?")
    expect(card).to_be_visible()
    ending.end()
    expect(card).to_have_count(0)
    expect(page.locator(".bv-header .bv-words")).to_contain_text("The training is not there any more (ended).")


def test_until_a_condition_with_the_error_in_words(page: Page) -> None:
    before = step_of(page)
    card = how_far(page)
    condition = card.get_by_role("textbox", name="Condition")
    condition.fill("loss <")
    condition.press("Enter")
    expect(card.locator(".bv-words[data-tone=bad]")).to_have_text(re.compile(r"\w+"))
    # The example lies ahead: what is over already would pause it at once.
    card.get_by_role("button", name=re.compile(r"^(epoch|step) \d+$")).click()
    expect(condition).to_have_value(re.compile(r"^(epoch|step) \d+$"))
    kind, number = condition.input_value().split()
    assert kind == "epoch" or int(number) > step_of(page)
    condition.fill(f"step >= {before + 5}")
    condition.press("Enter")
    expect(page.locator(".bv-header .bv-words")).to_contain_text(f"goes on until step >= {before + 5}")
    expect_step(page, before + 5)
    expect(page.locator(".bv-state")).to_have_text("paused")


def test_the_guard_before_bad_updates_says_whether_it_is_on(page: Page) -> None:
    guard = page.get_by_role("button", name="Pause before a bad update")
    expect(guard).to_have_attribute("aria-pressed", "false")
    guard.click()
    expect(guard).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".bv-header .bv-words")).to_contain_text("pauses before an update")
    box = how_far(page).get_by_role("checkbox", name="pause before an update")
    expect(box).to_be_checked()
    box.uncheck()
    expect(guard).to_have_attribute("aria-pressed", "false")


def test_what_a_loop_of_the_scripts_own_cannot_do_is_grey_and_says_what_to_change(page: Page) -> None:
    restart = page.get_by_role("button", name="Restart", exact=True)
    expect(restart).to_have_attribute("aria-disabled", "true")
    expect(restart).to_have_attribute("title", re.compile(r"session\.batches"))
    page.get_by_role("button", name="What if", exact=True).click()
    drawer = page.get_by_role("complementary", name="What if")
    expect(drawer.get_by_role("button", name="Try it")).to_have_attribute("title", re.compile(r"session\.batches"))
    expect(drawer).to_contain_text("session.batches")


def test_who_may_look_only_steers_nothing(open_page: Open, training: Training) -> None:
    page = shown(open_page(f"/run/{training.run}", right="view"))
    for name in ("One step", "Run until…", "Stop", "Restart", "Pause before a bad update"):
        button = page.get_by_role("button", name=name, exact=True)
        expect(button).to_have_attribute("title", re.compile("Your link allows looking only"))
    page.keyboard.press(".")
    expect(page.locator(".bv-header .bv-words")).to_contain_text("Your link allows looking only")


def test_a_stop_asks_first_says_what_it_does_and_ends_the_training(open_page: Open, world: World) -> None:
    training = world.train("stopped")
    page = shown(open_page(f"/run/{training.run}"))
    stop = page.get_by_role("button", name="Stop", exact=True)
    stop.click()
    card = page.get_by_role("dialog", name="Stop the training?")
    expect(card).to_contain_text("step boundary")
    expect(card).to_contain_text("script")
    expect(card).not_to_contain_text(re.compile(r"\d"))  # it goes on while this is read
    card.get_by_role("button", name="Cancel").click()
    expect(card).to_have_count(0)
    expect(page.locator(".bv-state")).to_have_text("running")
    stop.click()
    card.get_by_role("button", name="Stop the training").click()
    expect(page.locator(".bv-state")).to_have_text("stopped")
    assert training.process.wait(30) == 0
    expect(stop).to_have_attribute("aria-disabled", "true")
