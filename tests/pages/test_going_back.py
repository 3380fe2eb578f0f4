"""Going back to a checkpoint from a pause before a bad update, as a person does who has set a value by mistake."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from .conftest import PATIENCE, World
from .steps import step_of
from .test_checkpoints import drawer_of, save
from .test_hyperparameters import opened, row

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]


@pytest.fixture
def page(open_page: Open, world: World) -> Iterator[Page]:
    """The page of a training of its own that can be turned back, with the shield on."""
    training = world.train("ruined", "looped_training.py")
    page = open_page(f"/run/{training.run}")
    expect(page.locator(".bv-tile-frame canvas").first).to_be_visible()
    page.get_by_role("button", name="Pause before a bad update").click()
    expect(page.get_by_role("button", name="Pause before a bad update")).to_have_attribute("aria-pressed", "true")
    yield page
    training.end()


def test_the_run_goes_on_from_there_and_nothing_is_left_of_what_was_thrown_away(page: Page) -> None:
    strip, said = page.locator(".bv-strip"), page.locator(".bv-header .bv-words")
    checkpoint = save(drawer_of(page, "Checkpoints"), "good")
    page.keyboard.press("Escape")  # the drawer lies over the hyperparameters
    form = opened(page, "lr")
    form.get_by_role("textbox", name="Value").fill("1e30")
    form.get_by_role("button", name="Apply").click()
    expect(strip).to_contain_text("a gradient is not finite. The update was not made")
    skip = page.get_by_role("button", name="Skip the update")
    skip.click()
    expect(strip).to_contain_text("not finite again, though the update before was skipped. Skipping does not help.")
    expect(said).not_to_contain_text("was left out")
    expect(row(page, "lr").locator(".bv-hyper-value")).to_have_text("1.000e30")
    drawer = drawer_of(page, "Checkpoints")
    checkpoint.get_by_role("button", name=re.compile("^Go back")).click()
    card = page.get_by_role("dialog", name=re.compile("Go back to step"))
    expect(card).to_contain_text("The training goes on from step")
    card.get_by_role("button", name=re.compile("^Go back to step")).click()
    expect(drawer.locator(".bv-words").first).to_contain_text(re.compile(r"is back at step [\d\s]+ and goes on"))
    expect(page.locator(".bv-state")).to_have_text("running")
    expect(strip).not_to_contain_text("Paused")
    expect(skip).to_be_hidden()
    for name, value in (("loss", r"^0\.\d+"), ("lr", r"^0\.050")):
        readout = page.locator(f"[data-panel='metric:{name}'] .bvc-readout").first
        expect(readout).to_contain_text(re.compile(value))
    page.keyboard.press("Escape")  # the drawer lies over the hyperparameters
    expect(row(page, "lr").locator(".bv-hyper-value")).to_have_text("0.05000")
    expect(row(page, "lr").locator(".bv-holder")).to_have_text("script")


def test_where_a_person_has_paused_it_waits_and_its_charts_end_at_the_step(page: Page) -> None:
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(".bv-state")).to_have_text("paused")
    drawer = drawer_of(page, "Checkpoints")
    checkpoint = save(drawer, "here")
    step = page.locator(".bv-fact-step")
    kept = step_of(page)
    loss = page.locator("[data-panel='metric:loss'] .bvc-readout > :first-child")
    expect(loss).to_have_attribute("title", re.compile(r"^0\.\d{6}"))
    before = str(loss.get_attribute("title"))
    for more in (1, 2):
        page.get_by_role("button", name="One step", exact=True).click()
        expect(step).to_have_text(f"step {kept + more}")
    expect(page.locator(".bv-strip")).to_contain_text(re.compile(r"as step [\d\s]+ is reached"))
    expect(loss).not_to_have_attribute("title", before)
    checkpoint.get_by_role("button", name=re.compile("^Go back")).click()
    card = page.get_by_role("dialog", name=re.compile("Go back to step"))
    expect(card).to_contain_text("It is paused, and waits at step")
    card.get_by_role("button", name=re.compile("^Go back to step")).click()
    expect(drawer.locator(".bv-words").first).to_contain_text(re.compile(r"is back at step [\d\s]+ and waits there"))
    expect(page.locator(".bv-state")).to_have_text("paused")
    expect(page.locator(".bv-strip")).not_to_contain_text("is reached")
    expect(step).to_have_text(f"step {kept}")
    expect(loss).to_have_attribute("title", before)
