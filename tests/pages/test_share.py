"""Share…: a metric, a policy or the page becomes a package on the disk, checked, and comes to the browser as a zip."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import PATIENCE, Training, World
from .steps import text_of_step
from .test_editor import add
from .test_policies import armed, editor, press

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
#: The check runs every metric on the sample learners in a process of the lowest priority.
LONG = 240_000
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]


@pytest.fixture
def page(open_page: Open, training: Training) -> Page:
    """The run's page, with its panels on it."""
    page = open_page(f"/run/{training.run}")
    expect(page.locator(".bv-tile-frame").first).to_be_visible()
    return page


def share_form(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Share…")


def fill(form: Locator, **fields: str) -> None:
    for name, text in fields.items():
        form.get_by_role("textbox" if name != "Licence" else "combobox", name=name).fill(text)


def written(form: Locator) -> Locator:
    """Has the package written, and gives what is said of it."""
    form.get_by_role("button", name="Write the package").click()
    result = form.get_by_role("region", name="What was written")
    expect(result).to_be_visible(timeout=LONG)
    return result


def unzipped(page: Page, result: Locator) -> zipfile.ZipFile:
    with page.expect_download() as download:
        result.get_by_role("button", name="Download as a zip").click()
    return zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))


def test_a_metric_that_was_typed_becomes_a_package(page: Page, tmp_path: Path) -> None:
    add(page, "mean_gradient", "grads.norm() / len(grads)")
    page.keyboard.press("Escape")
    tile = page.locator("[data-panel='metric:mean_gradient']")
    tile.scroll_into_view_if_needed()
    tile.get_by_role("button", name="Menu of mean_gradient").click()
    page.get_by_role("menuitem", name="Share…").click()
    form = share_form(page)
    expect(form.get_by_role("checkbox", name="metric mean_gradient")).to_be_checked()
    expect(form.get_by_role("textbox", name="Name")).to_have_value("mean-gradient")
    form.get_by_role("button", name="Write the package").click()
    expect(form.locator(".bv-actions .bv-words")).to_contain_text("Say who the author is: it stands in the package.")
    author = form.get_by_role("textbox", name="Author")
    expect(author).to_have_attribute("required", "")
    expect(author).to_have_attribute("aria-invalid", "true")
    expect(author).to_be_focused()
    fill(form, Author="Ada Lovelace <ada@example.org>", Licence="MIT", Folder=str(tmp_path))
    step = text_of_step(page)
    result = written(form)
    folder = tmp_path / "bidviz-metric-mean-gradient"
    expect(result).to_contain_text(str(folder))
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "bidviz-metric-mean-gradient"
    assert project["authors"] == [{"name": "Ada Lovelace", "email": "ada@example.org"}]
    assert "MIT" in json.dumps(project["license"])
    result.get_by_text(re.compile(r"^\d+ files$")).click()
    for file in ("pyproject.toml", "README.md"):
        expect(result.get_by_role("listitem").filter(has_text=re.compile(rf"^{re.escape(file)}$"))).to_be_visible()
    expect(result).to_contain_text("It passes bidviz bundle check")
    expect(result).to_contain_text("does not say yet what is healthy and sick")
    expect(result).to_contain_text("As it stands it goes to PyPI, for everybody.")
    expect(page.locator(".bv-fact-step")).not_to_have_text(step)

    packed = unzipped(page, result)
    names = packed.namelist()
    assert {name.split("/")[0] for name in names} == {"bidviz-metric-mean-gradient"}
    sources = [name for name in names if "/src/bidviz_metric_mean_gradient/" in name and name.endswith(".py")]
    code = "".join(packed.read(name).decode() for name in sources)
    assert "grads.norm() / len(grads)" in code


def test_what_was_written_is_told_after_a_reload_and_written_anew_only_when_asked_twice(
    page: Page, tmp_path: Path
) -> None:
    add(page, "steepness", "grads.norm() * 2")
    page.keyboard.press("Escape")

    def opened() -> Locator:
        tile = page.locator("[data-panel='metric:steepness']")
        tile.scroll_into_view_if_needed()
        tile.get_by_role("button", name="Menu of steepness").click()
        page.get_by_role("menuitem", name="Share…").click()
        return share_form(page)

    form = opened()
    fill(form, Author="Ada Lovelace", Folder=str(tmp_path))
    form.get_by_role("button", name="Write the package").click()
    expect(form.get_by_role("log", name="Progress")).to_contain_text("Gathering")
    page.reload()
    form = opened()
    result = form.get_by_role("region", name="What was written")
    expect(result).to_contain_text("Written at step", timeout=LONG)
    expect(result).to_contain_text("It passes bidviz bundle check")
    folder = tmp_path / "bidviz-metric-steepness"
    expect(result).to_contain_text(str(folder))

    form.get_by_role("button", name="Write the package").click()
    expect(result).to_contain_text("is there already. It was written at step")
    result.get_by_role("button", name="Write it anew…").click()
    (folder / "mine.txt").write_text("kept")
    page.get_by_role("menuitem", name="Put it aside and write the package anew").click()
    expect(result).to_contain_text(f"What was there before is in {folder}.1", timeout=LONG)
    assert (tmp_path / f"{folder.name}.1" / "mine.txt").read_text() == "kept"
    assert not (folder / "mine.txt").exists()
    page.keyboard.press("Escape")  # the button that was pressed is gone, and the key works all the same
    expect(form).to_be_hidden()


def test_a_check_that_failed_is_told_after_a_reload(open_page: Open, world: World, tmp_path: Path) -> None:
    page = open_page(f"/run/{world.train('doomed', cold=True).run}")
    expect(page.locator(".bv-tile-frame").first).to_be_visible()
    add(page, "doomed_share", "grads.norm() * 3")
    page.keyboard.press("Escape")

    def opened() -> Locator:
        tile = page.locator("[data-panel='metric:doomed_share']")
        tile.scroll_into_view_if_needed()
        tile.get_by_role("button", name="Menu of doomed_share").click()
        page.get_by_role("menuitem", name="Share…").click()
        return share_form(page)

    form = opened()
    fill(form, Author="Ada Lovelace", Folder=str(tmp_path))
    form.get_by_role("button", name="Write the package").click()
    expect(form.get_by_role("log", name="Progress")).to_contain_text("Checking")
    page.reload()
    form = opened()
    words = form.locator(".bv-actions .bv-words")
    expect(words).to_contain_text("was being written when this page ceased to wait for it")
    end_check(tmp_path / "bidviz-metric-doomed-share")
    failed = re.compile(r"doomed-share failed at step [\d\s]+, at .*its check did not end well")
    expect(words).to_contain_text(failed, timeout=LONG)
    page.reload()
    expect(opened().locator(".bv-actions .bv-words")).to_contain_text("its check did not end well")
    form = share_form(page)
    fill(form, Name="another name")
    expect(form.locator(".bv-actions .bv-words-text")).to_have_text("")


def end_check(folder: Path) -> None:
    """Kills the process that checks a bundle, as an outside power does, as soon as it is there."""
    line = str(folder).encode()
    while True:
        for about in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                given = about.read_bytes().split(b"\0")
            except OSError:
                continue  # it has gone meanwhile
            if line in given and b"check" in given:
                os.kill(int(about.parent.name), signal.SIGKILL)
                return


def test_the_page_becomes_a_package_with_the_metrics_it_shows(page: Page, tmp_path: Path) -> None:
    page.get_by_role("button", name="Pages").click()
    page.get_by_role("menuitem", name="Share this page…").click()
    form = share_form(page)
    expect(form.get_by_role("checkbox", name="the page of panels")).to_be_checked()
    fill(form, Name="evening", Author="Ada Lovelace", Folder=str(tmp_path))
    packed = unzipped(page, written(form))
    [file] = [name for name in packed.namelist() if re.search(r"/pages/[^/]+\.json$", name)]
    shared = json.loads(packed.read(file))
    assert shared["bidviz_page"] == 1
    assert any(panel["chart"].get("title") == "Loss" for panel in shared["panels"])


def test_a_policy_is_shared_from_its_row(page: Page) -> None:
    page.get_by_role("tab", name="Policies").click()
    press(editor(page, "lr", "0.05 * 0.5 ** (step / 100000)"), "Arm")
    row = armed(page, "lr")
    expect(row).to_contain_text("armed")
    row.get_by_role("button", name="Share…").click()
    form = share_form(page)
    expect(form.get_by_role("checkbox", name="policy lr")).to_be_checked()
    expect(form).to_contain_text("bidviz-policy-lr")


def test_what_comes_while_the_form_is_open_can_be_ticked_too(open_page: Open, page: Page, training: Training) -> None:
    page.get_by_role("button", name="Pages").click()
    page.get_by_role("menuitem", name="Share this page…").click()
    form = share_form(page)
    whole = form.get_by_role("checkbox", name="the page of panels")
    whole.uncheck()
    other = open_page(f"/run/{training.run}")
    expect(other.locator(".bv-tile-frame").first).to_be_visible()
    add(other, "late_gradient", "grads.norm() / len(grads)")
    expect(form.get_by_role("checkbox", name="metric late_gradient")).not_to_be_checked()
    expect(whole).not_to_be_checked()


def test_what_nobody_ticked_is_not_written_and_who_may_not_is_told(
    open_page: Open, page: Page, training: Training
) -> None:
    page.get_by_role("button", name="Pages").click()
    page.get_by_role("menuitem", name="Share this page…").click()
    form = share_form(page)
    for box in form.get_by_role("checkbox").all():
        box.uncheck()
    button = form.get_by_role("button", name="Write the package")
    expect(button).to_have_attribute("title", "Tick what is to be shared.")
    other = open_page(f"/run/{training.run}", right="tune")
    expect(other.locator(".bv-tile-frame").first).to_be_visible()
    other.get_by_role("button", name="Menu of Loss").click()
    item = other.get_by_role("menuitem", name="Share…")
    expect(item).to_have_attribute("aria-disabled", "true")
    expect(item).to_have_attribute("title", re.compile("owner's link"))
