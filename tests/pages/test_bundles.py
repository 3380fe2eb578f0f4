"""Bundles from the browser: listed, unloaded, loaded again, installed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import PATIENCE, Training
from .steps import text_of_step

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)


@pytest.fixture
def page(open_page: Callable[..., Page], training: Training) -> Page:
    """The run's page, with its panels on it."""
    page = open_page(f"/run/{training.run}")
    expect(page.locator(".bv-tile-frame").first).to_be_visible()
    return page


def test_a_bundle_is_unloaded_and_loaded_again_while_the_training_runs(page: Page) -> None:
    tiles = page.locator(".bv-tile-frame", has=page.locator(".bv-tile-origin", has_text="gradnorm"))
    expect(tiles.first).to_be_visible()
    page.get_by_role("button", name="Bundles").click()
    bundle = page.get_by_role("article", name=re.compile("gradnorm"))
    expect(bundle).to_contain_text("loaded")
    # What finds and installs them is none that a person would load.
    expect(page.get_by_role("article", name="bidviz-registry")).to_have_count(0)
    expect(bundle).to_contain_text(re.compile(r"code [0-9a-f]{12}"))
    bundle.get_by_role("button", name="Unload bidviz-metric-gradnorm", exact=True).click()
    expect(tiles).to_have_count(0)
    expect(bundle).to_contain_text("offered")
    load = bundle.get_by_role("button", name="Load bidviz-metric-gradnorm", exact=True)
    expect(load).to_be_visible()
    # Whoever has unloaded it is not offered it at once.
    expect(page.locator(".bv-notice", has_text="is installed and can be loaded")).to_have_count(0)
    load.click()
    expect(tiles.first).to_be_visible()
    expect(tiles.first.locator("canvas").first).to_be_visible()
    expect(page.locator(".bv-state")).to_have_text("running")


def test_what_cannot_be_installed_says_why_and_training_goes_on(page: Page) -> None:
    page.get_by_role("button", name="Install…").click()
    page.get_by_role("textbox", name="Requirement, path or wheel").fill(
        "/nowhere/bidviz_metric_none-1.0-py3-none-any.whl"
    )
    page.keyboard.press("Enter")
    words = page.get_by_role("complementary", name="Install a bundle").locator(".bv-words[data-tone=bad]")
    expect(words).to_contain_text("bidviz_metric_none")
    step = text_of_step(page)
    expect(page.locator(".bv-fact-step")).not_to_have_text(step)
