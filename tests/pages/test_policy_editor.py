"""An editor of a policy that stays open: what it asks of the training, where a policy begins, what was typed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import PATIENCE, Training
from .steps import step_of
from .test_policies import STEP_REACHED, armed, editor, policies, press

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]

#: Counts what the page asks for over its connection from now on.
COUNT_PREVIEWS = """() => {
  window.previews = 0;
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    const text = typeof data === "string" ? data : new TextDecoder().decode(data);
    if (text.includes("previewPolicy")) window.previews++;
    return send.call(this, data);
  };
}"""


def test_an_open_editor_leaves_the_training_alone(open_page: Open, steered: Training) -> None:
    page = policies(open_page, steered)
    page.wait_for_function("() => /\\d/.test(document.querySelector('.bv-fact-speed').textContent)")
    page.evaluate(COUNT_PREVIEWS)
    place = editor(page, "mix.share", "0.5 + 0.25 * sin(step / 50)")
    expect(place.locator(".bv-curve-stale")).to_have_count(0)
    asked = page.evaluate("() => window.previews")
    assert asked >= 1
    page.wait_for_function(STEP_REACHED, arg=step_of(page) + 200, timeout=3 * PATIENCE)
    assert page.evaluate("() => window.previews") == asked, "nobody typed, and a curve lasts for 250 steps at least"
    readout = place.locator(".bv-curve-readout")
    now, end = (int(re.sub(r"\D", "", one)) for one in _span(page, readout))
    assert 980 <= end - now <= 1000  # all of what is drawn is there all the while


def _span(page: Page, readout: Locator) -> tuple[str, str]:
    """The present step and the last one of the curve to come, both of one moment."""
    words = page.evaluate(
        "([place]) => [place.closest('.bv-curve').querySelector('svg').getAttribute('aria-label'), place.textContent]",
        [readout.element_handle()],
    )
    return re.search(r"now is step ([\d\s]+)", words[0])[1], re.search(r"to step ([\d\s]+):", words[1])[1]  # type: ignore[index]


def test_a_named_policy_begins_where_the_run_is_unless_a_person_puts_another(
    open_page: Open, steered: Training
) -> None:
    page = policies(open_page, steered)
    opened = step_of(page)
    page.get_by_role("button", name="New policy").click()
    place = page.get_by_role("region", name="Policy", exact=True)
    place.get_by_label("Rule").select_option("one_cycle")
    begin = place.get_by_label("begin", exact=True)
    assert int(begin.input_value()) >= opened > 0
    expect(place.locator(".bv-begins-now")).to_contain_text("the present step when it is armed")
    # It is the step at which it is armed, not that at which it was opened: no part of the cycle is left out.
    page.wait_for_function(STEP_REACHED, arg=opened + 50, timeout=3 * PATIENCE)
    press(place, "Arm")
    expect(place).to_contain_text(re.compile(r"Armed since step [\d\s]+; lr is 0\.00400"))
    assert int(begin.input_value()) >= opened + 50
    # What a person puts stays, that of one that is armed too.
    armed(page, "lr").get_by_role("button", name="Edit").click()
    kept = begin.input_value()
    expect(place.locator(".bv-begins-now")).to_have_count(0)
    begin.fill("0")
    press(place, "Arm in its place")
    expect(armed(page, "lr").locator(".bv-policy-rule")).to_contain_text("begin=0)")
    assert kept != "0"
    armed(page, "lr").get_by_role("button", name="Disarm").click()
    expect(armed(page, "lr")).to_contain_text("Disarmed at step")


def test_what_was_typed_stays_when_another_target_is_chosen(open_page: Open, steered: Training) -> None:
    page = policies(open_page, steered)
    place = editor(page, "lr", "0.03")
    press(place, "Arm")
    expect(armed(page, "lr")).to_be_visible()
    press(place, "Close")
    # Where nothing was typed, the policy of the target is shown.
    page.get_by_role("button", name="New policy").click()
    formula = place.locator(".bv-formula .cm-content")
    place.get_by_label("Target").select_option("lr")
    expect(formula).to_have_text("0.03")
    press(place, "Close")
    place = editor(page, "momentum", "900 * weight_decay")
    place.get_by_label("Least").fill("0.01")
    place.get_by_label("Target").select_option("lr")
    expect(formula).to_have_text("900 * weight_decay")
    expect(place.get_by_label("Least")).to_have_value("0.01")
    expect(place.locator(".bv-policy-in-place")).to_contain_text("A policy of lr is armed already")
    # A named one too, with its parameters.
    place.get_by_label("Rule").select_option("cosine_restarts")
    place.get_by_label("period", exact=True).fill("77")
    place.get_by_label("Target").select_option("momentum")
    place.get_by_label("Target").select_option("lr")
    expect(place.get_by_label("Rule")).to_have_value("cosine_restarts")
    expect(place.get_by_label("period", exact=True)).to_have_value("77")
    press(place, "Close")
    armed(page, "lr").get_by_role("button", name="Disarm").click()
    expect(armed(page, "lr")).to_contain_text("Disarmed at step")
