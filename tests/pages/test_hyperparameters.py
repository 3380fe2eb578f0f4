"""The side panel's hyperparameters, on the page of a training with groups, a scheduler and values of its own."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import PATIENCE, Training
from .steps import step_of

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]


def hyperparameters(open_page: Open, steered: Training, **options: object) -> Page:
    """The run's page with its hyperparameters."""
    page = open_page(f"/run/{steered.run}", **options)
    expect(row(page, "lr")).to_be_visible()
    return page


def row(page: Page, name: str) -> Locator:
    """The line of a hyperparameter."""
    return page.locator(f".bv-hyper[data-name='{name}']")


def opened(page: Page, name: str) -> Locator:
    """Opens the form of a hyperparameter."""
    page.get_by_role("button", name=name, exact=True).click()
    return page.get_by_role("form", name=f"Change {name}", exact=True)


def given_back(form: Locator) -> None:
    """Releases what a test has set."""
    form.get_by_role("button", name="Release").click()
    expect(form.locator(".bv-change")).to_contain_text("was released")


def test_each_hyperparameter_says_its_value_and_who_holds_it(open_page: Open, steered: Training) -> None:
    page = hyperparameters(open_page, steered)
    expect(row(page, "lr").locator(".bv-holder")).to_have_text("scheduler")
    expect(row(page, "momentum").locator(".bv-hyper-value")).to_have_text("0.9000")
    expect(row(page, "momentum").locator(".bv-holder")).to_have_text("script")
    expect(row(page, "mix.share").locator(".bv-hyper-value")).to_have_attribute("title", re.compile("float, 0 to 1"))
    expect(row(page, "lr").locator(".bv-spark-line")).to_have_attribute("d", re.compile(r"L.*L"))
    before = row(page, "lr").locator(".bv-hyper-value").inner_text()
    expect(row(page, "lr").locator(".bv-hyper-value")).not_to_have_text(before)


def test_a_typed_value_is_read_back_and_undone(open_page: Open, steered: Training) -> None:
    page = hyperparameters(open_page, steered)
    form = opened(page, "lr")
    form.get_by_role("textbox", name="Value").fill("5e-3")
    form.get_by_role("button", name="Apply").click()
    expect(form.locator(".bv-change")).to_contain_text(re.compile(r"lr is 0\.005 since step [\d\s]+, read back\."))
    expect(row(page, "lr").locator(".bv-hyper-value")).to_have_text("0.005000")
    expect(row(page, "lr").locator(".bv-holder")).to_have_text("by hand")
    expect(form.get_by_role("radio", name="× scheduler")).to_be_visible()  # it goes on beneath
    form.get_by_role("button", name="Undo").click()
    expect(form.locator(".bv-change")).to_contain_text("Undone: lr was released")
    expect(row(page, "lr").locator(".bv-holder")).to_have_text("scheduler")
    page.get_by_role("tab", name="Journal").click()
    expect(page.get_by_role("complementary", name="Journal")).to_contain_text("lr")


def test_a_value_that_moves_stands_still_under_the_hand(open_page: Open, steered: Training) -> None:
    page = hyperparameters(open_page, steered)
    form = opened(page, "lr")
    field = form.get_by_role("textbox", name="Value")
    field.focus()
    field.select_text()
    shown = row(page, "lr").locator(".bv-hyper-value")
    for _ in range(3):  # the value beside it moves on
        expect(shown).not_to_have_text(shown.inner_text())
    page.keyboard.insert_text("5e-3")
    expect(field).to_have_value("5e-3")


def test_a_value_far_from_the_present_one_is_said_so_and_never_refused(open_page: Open, steered: Training) -> None:
    page = hyperparameters(open_page, steered)
    form = opened(page, "weight_decay")
    said = form.locator(".bv-hyper-field .bv-words")
    form.get_by_role("textbox", name="Value").fill("50")
    expect(said).to_have_text("50 is 500 000 times the present 0.0001.")
    expect(form.get_by_role("textbox", name="Value")).not_to_have_attribute("aria-invalid", "true")
    form.get_by_role("textbox", name="Value").fill("0.0002")
    expect(said).to_have_text("")
    form.get_by_role("textbox", name="Value").fill("0.02")
    expect(said).to_have_text("0.02 is 200 times the present 0.0001.")
    form.get_by_role("button", name="Apply").click()
    expect(form.locator(".bv-change")).to_contain_text("weight_decay is 0.02")
    expect(said).to_have_text("")
    given_back(form)
    form = opened(page, "lr")
    form.get_by_role("radio", name="× scheduler").click()
    form.get_by_role("textbox", name="Factor").fill("100")
    expect(form.locator(".bv-hyper-field .bv-words")).to_contain_text(
        re.compile(r"× 100 gives \S+, which is 100 times the present \S+\.")
    )


def test_a_slider_and_the_field_show_the_same(open_page: Open, steered: Training) -> None:
    page = hyperparameters(open_page, steered)
    form = opened(page, "mix.share")
    slider = form.get_by_role("slider")
    slider.fill("250")
    expect(form.get_by_role("textbox", name="Value")).to_have_value("0.25")
    form.get_by_role("textbox", name="Value").fill("0.75")
    expect(slider).to_have_value("750")
    form.get_by_role("button", name="Apply").click()
    expect(form.locator(".bv-change")).to_contain_text("mix.share is 0.75 since")
    given_back(form)


def test_what_does_not_fit_is_refused_where_it_was_typed(open_page: Open, steered: Training) -> None:
    page = hyperparameters(open_page, steered)
    form = opened(page, "mix.share")
    for typed, words in (("2", "at most 1; got 2"), ("abc", "is no number"), ("", "Type a value first")):
        form.get_by_role("textbox", name="Value").fill(typed)
        form.get_by_role("button", name="Apply").click()
        expect(form.locator(".bv-hyper-field .bv-words")).to_contain_text(words)
        expect(form.get_by_text(words)).to_have_count(1)
        expect(form.get_by_role("textbox", name="Value")).to_have_attribute("aria-invalid", "true")
    expect(row(page, "mix.share").locator(".bv-hyper-value")).to_have_text("0.5000")


def test_a_factor_on_the_scheduler_with_a_lease_is_kept(open_page: Open, steered: Training) -> None:
    page = hyperparameters(open_page, steered)
    form = opened(page, "lr")
    form.get_by_role("radio", name="× scheduler").click()
    form.get_by_role("textbox", name="Factor").fill("0.5")
    form.get_by_text("When, for how long, why").click()
    form.get_by_label("steps of the lease").fill("100000")
    form.get_by_label("Reason").fill("it swings")
    form.get_by_role("button", name="Apply").click()
    expect(form.locator(".bv-change")).to_contain_text("(× 0.5)")
    lease = row(page, "lr").locator(".bv-lease")
    expect(lease).to_contain_text(re.compile(r"[\d\s]+ steps to go"))
    expect(row(page, "lr").locator(".bv-hyper-about")).to_contain_text("× 0.5000 of")
    lease.get_by_role("button", name="Keep").click()
    expect(lease).to_contain_text("It stays.")
    given_back(form)
    page.get_by_role("tab", name="Journal").click()
    expect(page.get_by_role("complementary", name="Journal")).to_contain_text("it swings")


def set_on_a_lease(form: Locator, steps: int) -> Locator:
    """Sets a value on a lease; returns the place of the words about it."""
    form.get_by_role("textbox", name="Value").fill("0.25")
    if not form.get_by_label("steps of the lease").is_visible():
        form.get_by_text("When, for how long, why").click()
    form.get_by_label("steps of the lease").fill(str(steps))
    form.get_by_role("button", name="Apply").click()
    return form.locator(".bv-change")


def test_what_is_said_of_a_lease_changes_when_it_is_over(open_page: Open, steered: Training) -> None:
    page = hyperparameters(open_page, steered)
    form = opened(page, "mix.share")
    words = set_on_a_lease(form, 3)
    expect(words).to_contain_text(re.compile(r"^The lease is over: mix\.share is 0\.5 again since step \d[\d\s]*\."))
    expect(words.get_by_role("button", name="Undo")).to_be_hidden()
    page.get_by_role("tab", name="Journal").click()
    entry = page.locator(".bv-side .bv-entry", has_text="the lease of 3 steps is over").first
    expect(entry).to_be_visible()
    assert entry.locator("p").all_inner_texts()[1].count("is over") == 0  # the line above says it


def test_what_is_said_of_a_lease_changes_when_it_is_kept_and_when_it_is_set_again(
    open_page: Open, steered: Training
) -> None:
    page, other = hyperparameters(open_page, steered), hyperparameters(open_page, steered)
    form = opened(page, "mix.share")
    words = set_on_a_lease(form, 100_000)
    row(page, "mix.share").locator(".bv-lease").get_by_role("button", name="Keep").click()
    expect(words).to_contain_text("mix.share stays 0.25: it was kept at step")
    expect(words.get_by_role("button", name="Undo")).to_be_visible()
    given_back(opened(other, "mix.share"))
    expect(words).to_contain_text("mix.share was released at step")
    expect(words.get_by_role("button", name="Undo")).to_be_hidden()


def test_one_group_is_set_and_the_other_stays(open_page: Open, steered: Training) -> None:
    page = hyperparameters(open_page, steered)
    form = opened(page, "momentum")
    form.get_by_label("Parameter group").select_option("1")
    form.get_by_role("textbox", name="Value").fill("0.5")
    form.get_by_role("button", name="Apply").click()
    expect(form.locator(".bv-change")).to_contain_text("momentum[1] is 0.5 since")
    row(page, "momentum").get_by_role("button", name=re.compile("2 groups")).click()
    expect(row(page, "momentum[0]").locator(".bv-hyper-value")).to_have_text("0.9000")
    expect(row(page, "momentum[1]").locator(".bv-hyper-value")).to_have_text("0.5000")
    expect(row(page, "momentum").locator(".bv-hyper-groups")).to_contain_text("not alike")
    form.get_by_role("button", name="Undo").click()
    expect(row(page, "momentum[1]").locator(".bv-hyper-value")).to_have_text("0.9000")


def test_a_switch_is_set_at_a_step_to_come(open_page: Open, steered: Training) -> None:
    page = hyperparameters(open_page, steered)
    form = opened(page, "nesterov")
    form.get_by_role("combobox", name="Value").select_option("true")
    form.get_by_text("When, for how long, why").click()
    form.get_by_label("at step").fill("100000000")
    form.get_by_role("button", name="Apply").click()
    expect(form.locator(".bv-change")).to_contain_text("nesterov will be true from step 100 000 000 on.")
    form.get_by_role("button", name="Undo").click()
    expect(form.locator(".bv-change")).to_contain_text("is dropped")
    expect(row(page, "nesterov").locator(".bv-hyper-value")).to_have_text("false")


def pause(page: Page) -> None:
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(".bv-state")).to_have_text("paused")


def test_what_is_said_of_a_change_to_come_changes_when_it_takes_hold(open_page: Open, steered: Training) -> None:
    page = hyperparameters(open_page, steered)
    pause(page)
    form = opened(page, "nesterov")
    form.get_by_role("combobox", name="Value").select_option("true")
    form.get_by_text("When, for how long, why").click()
    coming = step_of(page) + 3
    form.get_by_label("at step").fill(str(coming))
    form.get_by_role("button", name="Apply").click()
    words = form.locator(".bv-change")
    expect(words).to_contain_text(re.compile(r"nesterov will be true from step [\d\s]+ on\."))
    page.get_by_role("button", name="Resume").click()
    expect(words).to_contain_text(re.compile(r"nesterov is true since step [\d\s]+, as was asked for\."))
    assert str(coming) in re.sub(r"\D", "", words.inner_text())
    expect(row(page, "nesterov").locator(".bv-hyper-value")).to_have_text("true")
    form.get_by_role("button", name="Undo").click()
    expect(row(page, "nesterov").locator(".bv-hyper-value")).to_have_text("false")


def test_what_was_set_in_a_pause_is_read_back_once_the_run_goes_on(open_page: Open, steered: Training) -> None:
    page = hyperparameters(open_page, steered)
    pause(page)
    form = opened(page, "momentum")
    form.get_by_role("textbox", name="Value").fill("0.25")
    form.get_by_role("button", name="Apply").click()
    words = form.locator(".bv-change")
    expect(words).to_contain_text(re.compile(r"momentum is 0\.25 since step [\d\s]+\. Used from the next update on\."))
    page.get_by_role("button", name="Resume").click()
    expect(words).to_contain_text(re.compile(r"momentum is 0\.25 since step [\d\s]+, read back\."))
    expect(words).not_to_contain_text("next update")
    form.get_by_role("button", name="Undo").click()
    expect(words).to_contain_text("Undone")


def test_what_cannot_be_set_is_grey_with_the_reason(open_page: Open, steered: Training) -> None:
    page = hyperparameters(open_page, steered)
    name = page.get_by_role("button", name="classes", exact=True)
    expect(name).to_have_attribute("title", re.compile("can only be read"))
    form = opened(page, "momentum")
    expect(form.get_by_role("button", name="Release")).to_have_attribute("title", re.compile("nobody has set it"))


def test_a_person_with_the_view_right_looks_only(open_page: Open, steered: Training) -> None:
    page = hyperparameters(open_page, steered, right="view")
    expect(page.get_by_role("button", name="lr", exact=True)).to_have_attribute("title", re.compile("looking only"))
    form = opened(page, "lr")
    expect(form.get_by_role("button", name="Apply")).to_have_attribute("aria-disabled", "true")


def test_the_panel_is_folded_and_stays_so(open_page: Open, steered: Training) -> None:
    page = hyperparameters(open_page, steered)
    page.get_by_role("button", name="Fold the side panel").click()
    expect(row(page, "lr")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("button", name="Unfold the side panel")).to_be_visible()
    page.get_by_role("tab", name="Policies").click()
    expect(page.get_by_role("button", name="New policy")).to_be_visible()


def test_on_a_telephone_it_comes_first_and_is_as_wide_as_the_page(open_page: Open, steered: Training) -> None:
    page = open_page(f"/run/{steered.run}", viewport={"width": 400, "height": 800})
    page.get_by_role("button", name="Unfold the side panel").click()
    expect(row(page, "lr")).to_be_visible()
    side = page.locator(".bv-side").bounding_box()
    board = page.locator(".bv-main").bounding_box()
    assert side is not None
    assert board is not None
    assert side["y"] < board["y"]
    assert side["width"] == 400
    assert page.evaluate("document.documentElement.scrollWidth") == 400
