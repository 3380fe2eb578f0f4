"""The step that a run's page shows in its header."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect


def text_of_step(page: Page) -> str:
    """What the header says of the step, as soon as it names one: a page that has just come still says nothing."""
    step = page.locator(".bv-fact-step")
    expect(step).to_have_text(re.compile(r"\d"))
    return step.inner_text()


def step_of(page: Page) -> int:
    """The step in the header, whatever stands between its thousands."""
    return int(re.sub(r"\D", "", text_of_step(page)))


def wait_until_kept(page: Page) -> None:
    """Waits until a training has been running for some commits of its file: one killed sooner leaves nothing."""
    expect(page.locator(".bv-fact-step")).to_have_text(re.compile(r"\b([6-9]\d|\d{3,}|\d+\s\d+)\b"))
