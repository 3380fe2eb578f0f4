"""Changes of the model from the page: parameters by a pattern, what was done, and undo."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import PATIENCE, Training

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]


def test_parameters_are_frozen_scaled_and_put_back(open_page: Open, training: Training) -> None:
    page = open_page(f"/run/{training.run}")
    page.get_by_role("tab", name="Model").click()
    side = page.get_by_role("tabpanel")
    expect(side.get_by_role("row")).to_have_count(5)
    expect(side.get_by_role("row").nth(1)).to_contain_text("16×8")
    apply = side.get_by_role("button", name="Apply")
    expect(apply).to_have_attribute("aria-disabled", "true")
    side.get_by_role("textbox", name="Parameters").fill("2.*")
    expect(side).to_contain_text("2 of 4 fit.")
    apply.click()
    expect(side.get_by_role("status")).to_contain_text("Freeze: 2 parameters, at step")
    expect(side.get_by_role("row").nth(1)).to_contain_text("frozen")
    changes = side.get_by_role("list", name="Changes of the model")
    changes.get_by_role("button", name="Undo").click()
    expect(side.get_by_role("status")).to_contain_text("to the bit")
    expect(side.get_by_role("row").nth(1)).not_to_contain_text("frozen")
    side.get_by_role("combobox", name="Action").select_option("Scale")
    apply.click()
    expect(side.get_by_role("status")).to_contain_text("The value is a number")
    side.get_by_role("textbox", name="Value").fill("0.5")
    apply.click()
    expect(side.get_by_role("status")).to_contain_text("Scale: 2 parameters")
    expect(changes.get_by_role("listitem")).to_have_count(2)


def test_the_parameters_are_there_where_the_page_opens_with_them(open_page: Open, training: Training) -> None:
    page = open_page(f"/run/{training.run}")
    page.get_by_role("tab", name="Model").click()
    page.reload()  # the tab is kept, and is there before the connection is
    side = page.get_by_role("tabpanel", name="Model")
    expect(side.get_by_role("row")).to_have_count(5)
    expect(side.get_by_role("status")).to_have_text("", use_inner_text=True)


def test_who_may_not_run_code_is_told_why(open_page: Open, training: Training) -> None:
    page = open_page(f"/run/{training.run}", right="tune")
    page.get_by_role("tab", name="Model").click()
    side = page.get_by_role("tabpanel")
    side.get_by_role("textbox", name="Parameters").fill("0")
    apply = side.get_by_role("button", name="Apply")
    expect(apply).to_have_attribute("aria-disabled", "true")
    expect(apply).to_have_attribute(
        "title", "Your link allows “tune”: open the page with the owner's link to add or run code."
    )
