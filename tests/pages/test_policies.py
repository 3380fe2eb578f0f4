"""The side panel's policies: the editor with its curve, arming, the dry run, dependencies."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import PATIENCE, Training
from .steps import step_of

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]


STEP_REACHED = "step => Number(document.querySelector('.bv-fact-step').textContent.replace(/\\D/g, '')) >= step"


def policies(open_page: Open, steered: Training, **options: object) -> Page:
    """The run's page with its policies."""
    page = open_page(f"/run/{steered.run}", **options)
    page.get_by_role("tab", name="Policies").click()
    expect(page.get_by_role("button", name="New policy")).to_be_visible()
    return page


def editor(page: Page, target: str, formula: str) -> Locator:
    """The editor of a new policy with a formula typed into it."""
    page.get_by_role("button", name="New policy").click()
    place = page.get_by_role("region", name="Policy", exact=True)
    place.get_by_label("Target").select_option(target)
    retype(page, formula)
    return place


def retype(page: Page, formula: str) -> None:
    """Types another formula in place of the one that is there, without the brackets that the editor would close."""
    page.locator(".bv-formula .cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(formula)


def armed(page: Page, target: str) -> Locator:
    """The card of a policy."""
    return page.locator(f".bv-policy[data-target='{target}']")


def press(place: Locator, name: str) -> None:
    """Presses one of the editor's buttons."""
    place.get_by_role("button", name=name, exact=True).click()


def test_the_curve_to_come_is_drawn_as_one_types(open_page: Open, steered: Training) -> None:
    page = policies(open_page, steered)
    place = editor(page, "mix.share", "0.5 + 0.25 * sin(step / 50)")
    expect(place.locator(".bv-curve-coming")).to_have_count(1)
    expect(place.locator(".bv-curve-past")).to_have_count(1)
    expect(place.locator(".bv-curve-now")).to_have_count(1)
    expect(place.locator(".bv-curve-readout")).to_contain_text("between 0.25")
    retype(page, "0.125")
    readout = place.locator(".bv-curve-readout")
    expect(readout).to_have_text(re.compile(r"^now to step [\d\s]+: 0.1250 → 0.1250$"))
    expect(readout).to_have_attribute("title", re.compile("the least and the greatest on the way"))
    place.locator(".bv-curve-drawing").hover(position={"x": 340, "y": 60})
    expect(place.locator(".bv-curve-readout")).to_contain_text("will be 0.1250")


def test_a_new_policy_is_for_what_is_under_none_and_each_parameter_is_explained(
    open_page: Open, steered: Training
) -> None:
    page = policies(open_page, steered)
    place = editor(page, "lr", "0.03")
    press(place, "Arm")
    expect(armed(page, "lr")).to_be_visible()
    press(place, "Close")
    page.get_by_role("button", name="New policy").click()
    expect(place.get_by_label("Target")).not_to_have_value("lr")
    said = place.locator(".bv-policy-in-place")
    expect(said).to_be_hidden()
    # A named one is for lr all the same; what it replaces is said.
    place.get_by_label("Rule").select_option("cosine_restarts")
    expect(place.get_by_label("Target")).to_have_value("lr")
    expect(said).to_have_text("A policy of lr is armed already: arming puts this one in its place.")
    fields = place.get_by_role("group", name="Parameters").locator("label")
    expect(fields).to_have_count(4)
    for text in fields.all_inner_texts():
        assert re.search(r"\w.*\.$", text), f"{text!r} is not explained"
    expect(fields.filter(has_text="begin")).to_contain_text("the step at which it begins")
    expect(place.locator("p code")).to_have_text(["floor", "period", "growth", "CosineAnnealingWarmRestarts"])
    expect(place).not_to_contain_text("`")
    assert place.evaluate("one => one.getBoundingClientRect().bottom > innerHeight"), "the form is longer than the page"
    expect(place.get_by_role("button", name="Arm in its place")).to_be_in_viewport(ratio=1)
    armed(page, "lr").get_by_role("button", name="Disarm").click()
    expect(armed(page, "lr")).to_contain_text("Disarmed at step")


def test_a_number_that_is_half_typed_leaves_the_last_curve_there(open_page: Open, steered: Training) -> None:
    page = policies(open_page, steered)
    page.get_by_role("button", name="New policy").click()
    place = page.get_by_role("region", name="Policy", exact=True)
    place.get_by_label("Target").select_option("mix.share")
    place.get_by_label("Rule").select_option("cosine_restarts")
    expect(place.locator(".bv-curve-coming")).to_have_count(1)
    expect(place.locator(".bv-curve-stale")).to_have_count(0)
    for half in ("", "1e", "1e-"):
        place.get_by_label("period", exact=True).fill(half)
        expect(place.locator(".bv-policy-problem")).to_contain_text("period: ")
        expect(place.locator(".bv-curve-stale .bv-curve-coming")).to_have_count(1)
        expect(place.get_by_role("button", name="Arm", exact=True)).to_have_attribute("aria-disabled", "true")
    place.get_by_label("period", exact=True).fill("50")
    expect(place.locator(".bv-policy-problem")).to_be_empty()
    expect(place.locator(".bv-curve-stale")).to_have_count(0)
    expect(place.get_by_role("button", name="Arm", exact=True)).not_to_have_attribute("aria-disabled", "true")


def test_the_past_of_a_page_that_was_open_for_long_is_that_of_the_run(open_page: Open, steered: Training) -> None:
    page = policies(open_page, steered)
    opened = step_of(page)
    page.wait_for_function(STEP_REACHED, arg=opened + 400, timeout=3 * PATIENCE)
    page.get_by_role("button", name="New policy").click()
    place = page.get_by_role("region", name="Policy", exact=True)
    place.get_by_label("Target").select_option("lr")
    place.get_by_label("Steps ahead").select_option("100")
    past = place.locator(".bv-curve-past")
    expect(past).to_have_attribute("d", re.compile("L.*L"))
    places = [float(x) for x in re.findall(r"[ML]([\d.]+) ", past.get_attribute("d") or "")]
    # A hundred steps lie side by side: none of the lines between them passes over a stretch that was recorded.
    assert max(after - before for before, after in pairwise(places)) < 40


def test_an_error_is_marked_under_its_character(open_page: Open, steered: Training) -> None:
    page = policies(open_page, steered)
    place = editor(page, "mix.share", "0.5 * momentm")
    expect(place.locator(".bv-policy-problem")).to_contain_text("did you mean 'momentum'? (character 7)")
    expect(place.locator(".cm-lintRange-error")).to_have_text("momentm")
    expect(place.get_by_role("button", name="Arm", exact=True)).to_have_attribute("aria-disabled", "true")
    retype(page, "0.5 * momentum")
    expect(place.locator(".bv-policy-problem")).to_be_empty()
    expect(place.locator(".cm-lintRange-error")).to_have_count(0)


def test_names_in_scope_are_completed_with_a_word_about_each(open_page: Open, steered: Training) -> None:
    page = policies(open_page, steered)
    place = editor(page, "mix.share", "0.1 * ")
    page.keyboard.type("prog")
    option = place.get_by_role("option", name="progress")
    expect(option).to_be_visible()
    expect(place.locator(".cm-completionInfo")).to_contain_text("where the length is known")


def test_a_dependency_is_armed_drawn_and_disarmed(open_page: Open, steered: Training) -> None:
    page = policies(open_page, steered)
    place = editor(page, "mix.share", "0.5 * momentum")
    expect(place.locator(".bv-curve-coming")).to_have_count(1)
    press(place, "Arm")
    expect(place).to_contain_text(re.compile(r"Armed since step [\d\s]+; mix\.share is 0\.4500\."))
    card = armed(page, "mix.share")
    expect(card).to_contain_text("mix.share = 0.5 * momentum")
    expect(card.locator(".bv-hyper-value")).to_have_text("0.4500")
    expect(page.get_by_role("img", name="mix.share follows momentum")).to_be_visible()
    page.get_by_role("tab", name="Hyperparameters").click()
    row = page.locator(".bv-hyper[data-name='mix.share']")
    expect(row.locator(".bv-holder")).to_have_text("dependency")
    expect(row.locator(".bv-hyper-value")).to_have_text("0.4500")
    page.get_by_role("tab", name="Policies").click()
    card.get_by_role("button", name="Disarm").click()
    expect(card).to_contain_text(re.compile(r"Disarmed at step [\d\s]+; mix\.share is released\."))
    expect(page.get_by_role("img", name="mix.share follows momentum")).to_have_count(0)
    card.get_by_role("button", name="Undo").click()
    expect(card).to_contain_text("Armed again")
    expect(page.get_by_role("img", name="mix.share follows momentum")).to_be_visible()
    card.get_by_role("button", name="Disarm").click()
    expect(card).to_contain_text("Disarmed at step")


def test_a_cycle_is_refused_with_the_names_on_it(open_page: Open, steered: Training) -> None:
    page = policies(open_page, steered)
    place = editor(page, "mix.share", "0.5 * momentum")
    press(place, "Arm")
    expect(place).to_contain_text("Armed since")
    place.get_by_label("Target").select_option("momentum")
    retype(page, 'hp("mix.share")')
    expect(place.locator(".bv-policy-problem")).to_contain_text(
        re.compile(r"momentum.*mix\.share|mix\.share.*momentum")
    )
    armed(page, "mix.share").get_by_role("button", name="Disarm").click()
    expect(armed(page, "mix.share")).to_contain_text("Disarmed at step")


def test_a_person_who_sets_the_target_pins_it(open_page: Open, steered: Training) -> None:
    page = policies(open_page, steered)
    place = editor(page, "mix.share", "0.25")
    press(place, "Arm")
    expect(place).to_contain_text("mix.share is 0.2500")
    page.get_by_role("tab", name="Hyperparameters").click()
    page.get_by_role("button", name="mix.share", exact=True).click()
    form = page.get_by_role("form", name="Change mix.share")
    form.get_by_role("textbox", name="Value").fill("0.75")
    form.get_by_role("button", name="Apply").click()
    words = form.locator(".bv-change")
    expect(words).to_contain_text("mix.share is 0.75")
    expect(words).to_contain_text("The policy 0.25 waits: Undo or Release gives mix.share back to it.")
    form.get_by_role("button", name="Undo").click()
    expect(words).to_contain_text("The policy 0.25 has it again.")
    expect(page.locator(".bv-hyper[data-name='mix.share'] .bv-holder")).to_have_text("policy")
    expect(page.locator(".bv-hyper[data-name='mix.share'] .bv-hyper-value")).to_have_text("0.2500")
    for value in ("0.75", "0.625"):
        form.get_by_role("textbox", name="Value").fill(value)
        form.get_by_role("button", name="Apply").click()
        expect(words).to_contain_text(f"mix.share is {value}")
        expect(page.locator(".bv-hyper[data-name='mix.share'] .bv-holder")).to_have_text("by hand")
    expect(words).to_contain_text("The policy 0.25 waits: Release gives mix.share back to it.")
    form.get_by_role("button", name="Edit its policy…").click()
    card = armed(page, "mix.share")
    expect(card).to_contain_text("pinned")
    page.get_by_role("tab", name="Hyperparameters").click()
    page.get_by_role("button", name="mix.share", exact=True).click()
    form.get_by_role("button", name="Release").click()
    expect(page.locator(".bv-hyper[data-name='mix.share'] .bv-hyper-value")).to_have_text("0.2500")
    page.get_by_role("tab", name="Policies").click()
    expect(card).to_contain_text("armed")
    card.get_by_role("button", name="Disarm").click()
    expect(card).to_contain_text("Disarmed at step")


def test_the_buttons_of_an_open_form_stay_where_they_are_when_a_policy_takes_over(
    open_page: Open, steered: Training
) -> None:
    page = open_page(f"/run/{steered.run}")
    page.get_by_role("tab", name="Hyperparameters").click()
    page.get_by_role("button", name="mix.share", exact=True).click()
    button = page.get_by_role("form", name="Change mix.share").get_by_role("button", name="Apply")
    before = button.bounding_box()
    other = policies(open_page, steered)
    press(editor(other, "mix.share", "0.25"), "Arm")
    row = page.locator(".bv-hyper[data-name='mix.share']")
    expect(row.locator(".bv-hyper-about")).to_contain_text("the script says 0.5")
    assert button.bounding_box() == before
    armed(other, "mix.share").get_by_role("button", name="Disarm").click()
    expect(armed(other, "mix.share")).to_contain_text("Disarmed at step")


def test_arming_over_a_value_set_by_hand_says_that_it_is_released_and_releases_it(
    open_page: Open, steered: Training
) -> None:
    page = policies(open_page, steered)
    page.get_by_role("tab", name="Hyperparameters").click()
    page.get_by_role("button", name="mix.share", exact=True).click()
    form = page.get_by_role("form", name="Change mix.share")
    form.get_by_role("textbox", name="Value").fill("0.75")
    form.get_by_role("button", name="Apply").click()
    expect(form.locator(".bv-change")).to_contain_text("mix.share is 0.75")
    form.get_by_role("button", name="Policy…").click()
    place = page.get_by_role("region", name="Policy", exact=True)
    expect(place.locator(".bv-policy-by-hand")).to_contain_text("mix.share was set by hand to 0.75")
    expect(place.locator(".bv-policy-by-hand")).to_contain_text("arming releases that")
    retype(page, "0.25")
    expect(place.locator(".bv-curve-coming")).to_have_count(1)
    press(place, "Release and arm")
    expect(place).to_contain_text(re.compile(r"Armed since step [\d\s]+; mix\.share is 0\.2500\. What was set by"))
    expect(place.locator(".bv-policy-by-hand")).to_be_hidden()
    card = armed(page, "mix.share")
    expect(card.locator(".bv-tag")).to_have_text("armed")
    expect(card.locator(".bv-hyper-value")).to_have_text("0.2500")
    press(place, "Undo")
    expect(place).to_contain_text("Undone. mix.share is 0.75, set by hand, again")
    press(place, "Close")
    page.get_by_role("tab", name="Hyperparameters").click()
    expect(page.locator(".bv-hyper[data-name='mix.share'] .bv-holder")).to_have_text("by hand")
    page.get_by_role("button", name="mix.share", exact=True).click()
    form.get_by_role("button", name="Release").click()
    expect(form.locator(".bv-change")).to_contain_text("mix.share was released")


def test_a_pinned_policy_is_released_on_its_card(open_page: Open, steered: Training) -> None:
    page = policies(open_page, steered)
    place = editor(page, "mix.share", "0.25")
    press(place, "Arm")
    expect(place).to_contain_text("mix.share is 0.2500")
    card = armed(page, "mix.share")
    expect(card.get_by_role("button", name="Release")).to_be_hidden()
    page.get_by_role("tab", name="Hyperparameters").click()
    page.get_by_role("button", name="mix.share", exact=True).click()
    form = page.get_by_role("form", name="Change mix.share")
    form.get_by_role("textbox", name="Value").fill("0.75")
    form.get_by_role("button", name="Apply").click()
    expect(form.locator(".bv-change")).to_contain_text("mix.share is 0.75")
    page.get_by_role("tab", name="Policies").click()
    card.get_by_role("button", name="Release").click()
    expect(card.locator(".bv-tag")).to_have_text("armed")
    expect(card.locator(".bv-hyper-value")).to_have_text("0.2500")
    card.get_by_role("button", name="Disarm").click()
    expect(card).to_contain_text("Disarmed at step")


def test_a_formula_over_metrics_is_dry_run_over_the_history(open_page: Open, steered: Training) -> None:
    page = policies(open_page, steered)
    place = editor(page, "mix.share", 'clip(ewma("loss", 0.99), 0, 1)')
    dry = place.get_by_role("button", name="Dry run")
    expect(place.locator(".bv-curve-coming")).to_have_count(1)
    held = place.get_by_text("ewma(loss) is held at its present value.")
    expect(held).to_be_visible()
    dry.click()
    expect(place).to_contain_text(re.compile(r"Over steps [\d\s]+ to [\d\s]+ it would have given"))
    expect(place.locator(".bv-curve-dry")).to_have_count(1)
    expect(held).to_have_count(0)  # the curve that it was said of is not there any more
    retype(page, "0.5")
    expect(dry).to_have_attribute("title", re.compile("reads no metric"))


def test_a_formula_that_fails_is_disarmed_and_says_so(open_page: Open, steered: Training) -> None:
    page = policies(open_page, steered)
    step = step_of(page)
    place = editor(page, "mix.share", f"0.5 + 0 / max({step + 120} - step, 0)")
    press(place, "Arm")
    expect(place).to_contain_text("Armed since")
    card = armed(page, "mix.share")
    expect(card).to_contain_text("disarmed")
    expect(card.locator(".bv-policy-note")).to_contain_text("divides by zero")
    expect(card.locator(".bv-tag")).to_have_class(re.compile("bv-tone-bad"))
    card.get_by_role("button", name="Disarm").click()
    expect(card).to_contain_text("Disarmed at step")
    expect(card.locator(".bv-tag")).to_have_text("disarmed")
    expect(card.locator(".bv-tag")).to_have_class(re.compile("bv-tone-muted"))  # a person did that: no failure


def test_a_person_with_the_view_right_sees_the_curve_and_arms_nothing(open_page: Open, steered: Training) -> None:
    page = policies(open_page, steered, right="view")
    place = editor(page, "mix.share", "0.3")
    expect(place.locator(".bv-curve-coming")).to_have_count(1)
    expect(place.get_by_role("button", name="Arm", exact=True)).to_have_attribute("title", re.compile("looking only"))


def test_completions_do_not_lie_over_what_is_said_below_the_formula(open_page: Open, steered: Training) -> None:
    page = policies(open_page, steered)
    editor(page, "lr", "10 * ")
    page.keyboard.type("moment")
    offered = page.locator(".cm-tooltip-autocomplete")
    expect(offered).to_be_visible()
    above, line = offered.bounding_box(), page.locator(".bv-formula .cm-line").bounding_box()
    assert above
    assert line
    assert above["y"] + above["height"] <= line["y"] + 2
