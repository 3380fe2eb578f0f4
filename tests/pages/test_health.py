"""The health line: what rules found, in a line and a list, each with the way to the chart that shows it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import PATIENCE, Training, World

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def ruled(world: World) -> Training:
    """A training whose rules say what the test has them say."""
    return world.train("ruled", "sharing_training.py")


def tell(training: Training, rule: str, level: str, text: str = "", **more: str) -> None:
    """Has a rule say something at the next step."""
    assert training.process.stdin is not None
    training.process.stdin.write(json.dumps({"rule": rule, "level": level, "text": text, **more}) + "\n")
    training.process.stdin.flush()


def opened(open_page: Open, run: str, **options: object) -> Page:
    page = open_page(f"/run/{run}", **options)
    expect(page.locator(".bv-tile-frame").first).to_be_visible()
    return page


def test_nothing_is_said_where_no_rule_has_found_anything(open_page: Open, ruled: Training) -> None:
    page = opened(open_page, ruled.run)
    expect(page.locator(".bv-strip")).to_contain_text("no metric failed")
    expect(page.locator(".bv-health")).to_be_hidden()


def test_a_finding_comes_by_itself_and_leads_to_its_chart(open_page: Open, ruled: Training) -> None:
    page = opened(open_page, ruled.run)
    tell(ruled, "NotLearning", "warning", "The loss has not fallen for 500 steps.", series="loss")
    line = page.locator(".bv-health")
    expect(line).to_contain_text("health: ⚠ 1 rule")
    expect(line).to_contain_text(re.compile(r"The loss has not fallen for 500 steps\. \(step [\d\s]+\)"))
    page.get_by_role("button", name="Menu of Loss").click()
    page.get_by_role("menuitem", name="Hide panel").click()
    loss = page.locator("[data-panel='metric:loss']")
    expect(loss).to_have_count(0)
    line.get_by_role("button", name=re.compile("The loss has not fallen")).click()
    expect(loss).to_be_visible()
    expect(loss.locator(".bv-tile-found")).to_be_visible()


def test_the_list_holds_all_the_worst_first_and_what_was_done(open_page: Open, ruled: Training) -> None:
    page = opened(open_page, ruled.run)
    tell(ruled, "LossIsNaN", "bad", "The loss is NaN.", series="nothing/of/it", action="The run was paused.")
    expect(page.locator(".bv-health")).to_contain_text("The loss is NaN.")
    page.get_by_role("button", name="health:").click()
    drawer = page.get_by_role("complementary", name="Health")
    rows = drawer.get_by_role("article")
    expect(rows.first).to_have_accessible_name("LossIsNaN")
    expect(rows.first).to_contain_text("The run was paused.")
    expect(rows.first).to_contain_text("No panel shows its series nothing/of/it now.")
    rows.filter(has_text="NotLearning").get_by_role("button", name="Show “Loss”").click()
    expect(page.locator("[data-panel='metric:loss'] .bv-tile-found")).to_be_visible()
    # Cleared, it stands below, and the line counts it among those that are well.
    tell(ruled, "LossIsNaN", "ok")
    expect(page.locator(".bv-health")).to_contain_text(re.compile(r"✓ 1 rule · ⚠ \d rule"))
    expect(rows.last).to_have_accessible_name("LossIsNaN")
    expect(rows.last).to_contain_text("stands no more")


def test_rules_that_watch_are_counted_before_they_find_anything(open_page: Open, world: World) -> None:
    watched = world.train("healthy", "healthy_training.py")
    page = opened(open_page, watched.run)
    line = page.locator(".bv-health")
    expect(line).to_contain_text("health: ✓ 13 rules")
    line.get_by_role("button", name="health:").click()
    drawer = page.get_by_role("complementary", name="Health")
    expect(drawer.locator(".bv-health-rules").first).to_contain_text("Watching, and finding nothing: NanLoss,")
    page.get_by_role("button", name="Metrics", exact=True).click()
    row = page.get_by_role("article", name="health/updates", exact=True)
    row.get_by_role("button", name="Disable").click()
    expect(line).to_contain_text("health: ✓ 11 rules")
    line.get_by_role("button", name="health:").click()
    for rule in ("UnchangedTensor", "Plateau"):
        expect(drawer.locator(".bv-health-rules").last).to_contain_text(rule)
    watched.end()
    again = opened(open_page, watched.run)
    expect(again.locator(".bv-state")).to_have_text("ended")
    expect(again.locator(".bv-health")).to_contain_text("✓ 11 rules")


def test_long_findings_are_cut_and_move_nothing(open_page: Open, ruled: Training) -> None:
    page = opened(open_page, ruled.run, viewport={"width": 1280, "height": 800})
    strip = page.locator(".bv-strip")
    for rule in ("One", "Two", "Three", "Four"):
        tell(ruled, rule, "bad", f"The rule {rule} has found something that it takes a very long sentence to tell.")
    more = page.locator(".bv-health").get_by_text(re.compile(r"^and \d+ more$"))
    expect(more).to_be_visible()
    expect(page.locator(".bv-health-found")).to_have_count(2)
    whole, cost = strip.bounding_box(), page.locator(".bv-cost").bounding_box()
    assert whole is not None
    assert cost is not None
    assert whole["height"] < 40, "a line of its own, whatever is said"
    assert abs(whole["x"] + whole["width"] - cost["x"] - cost["width"]) < 16
    assert more.evaluate("one => one.getBoundingClientRect().right") < cost["x"]


def test_a_run_that_has_ended_shows_how_it_was(open_page: Open, ruled: Training) -> None:
    ruled.end()
    page = opened(open_page, ruled.run, viewport={"width": 390, "height": 844})
    expect(page.locator(".bv-state")).to_have_text("ended")
    expect(page.locator(".bv-health")).to_contain_text(re.compile(r"✓ 1 rule · ⚠ \d rule"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
