"""The form *Install…*: a folder's bundle is installed, loaded, upgraded by the same path, rolled back and removed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from .attended import NAME, build_wheel, write_source
from .attended import install as unpack
from .conftest import PATIENCE, Training, World

pytestmark = pytest.mark.browser
#: Building and installing start processes, on a machine that is busy.
LONG = 90_000
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def alone(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Training]:
    """A training for which no registry is configured."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("BIDVIZ_REGISTRIES", raising=False)
        patch.setenv("BIDVIZ_CONFIG_DIR", str(tmp_path_factory.mktemp("config")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("PIP_CONFIG_FILE", os.devnull)
        patch.setenv("PIP_NO_INDEX", "1")
        yield world.train("alone", "sharing_training.py")


def open_form(page: Page) -> Locator:
    page.get_by_role("button", name="Install…").first.click()
    return page.get_by_role("complementary", name="Install a bundle")


def install(page: Page, source: Path) -> Locator:
    """Installs a folder by its path, and gives the form."""
    form = open_form(page)
    form.get_by_role("textbox", name="Requirement, path or wheel").fill(str(source))
    page.keyboard.press("Enter")
    return form


def words(form: Locator) -> Locator:
    return form.locator(".bv-actions .bv-words")


def badge(page: Page) -> Locator:
    tile = page.locator(".bv-tile-frame", has=page.get_by_role("heading", name="Head norm", exact=True))
    return tile.locator(".bv-tile-origin")


def test_a_folder_is_installed_upgraded_rolled_back_and_removed_on_the_page(
    open_page: Open, alone: Training, tmp_path: Path
) -> None:
    page = open_page(f"/run/{alone.run}")
    source = write_source(tmp_path / "source")
    form = install(page, source)
    expect(form).to_contain_text("It goes into a folder of this run's own")
    expect(words(form)).to_contain_text(f"Installed {NAME} 0.1.0.", timeout=LONG)
    load = form.get_by_role("button", name="Load")
    expect(load).to_have_text(f"Load {NAME}")
    load.click()
    expect(words(form)).to_contain_text(f"{NAME} is loaded.", timeout=LONG)
    expect(load).to_have_count(0)
    expect(badge(page)).to_contain_text("attended 0.1.0")

    # The same path with a raised version: the old one runs until somebody says so, and the form and the list say that,
    # also where the list was open on another page.
    other = open_page(f"/run/{alone.run}")
    other.get_by_role("button", name="Bundles").click()
    there = other.get_by_role("article", name=NAME)
    expect(there).to_contain_text("loaded")
    form = install(page, write_source(source, version="0.2.0", factor=-1.0))
    expect(words(form)).to_contain_text("0.2.0 is installed; 0.1.0 still runs", timeout=LONG)
    expect(form.get_by_role("button", name="Load 0.2.0")).to_be_visible()
    expect(there).to_contain_text("0.2.0 is installed; 0.1.0 still runs")
    page.get_by_role("button", name="Bundles").click()
    row = page.get_by_role("article", name=NAME)
    expect(row).to_contain_text("0.2.0 is installed; 0.1.0 still runs")
    expect(row.get_by_role("button", name="Load 0.2.0")).to_be_visible()
    form = install(page, source)
    expect(words(form)).to_contain_text("0.2.0 is installed; 0.1.0 still runs", timeout=LONG)
    form.get_by_role("button", name="Load 0.2.0").click()
    expect(words(form)).to_contain_text(f"{NAME} is loaded.", timeout=LONG)
    expect(load).to_have_count(0)
    expect(badge(page)).to_contain_text("attended 0.2.0")

    # No registry has it, and its card is there all the same.
    badge(page).click()
    page.get_by_role("button", name="Show it in Discover").click()
    card = page.get_by_role("article", name=NAME, exact=True)
    detail = page.get_by_role("region", name=f"Details of {NAME}")
    expect(detail).to_be_visible()
    expect(card).to_contain_text("loaded 0.2.0")
    expect(card).to_contain_text(f"installed by this run from {source}")
    expect(detail.locator(".bv-hash").first).to_be_visible()
    detail.get_by_role("button", name="Roll back…").click()
    page.get_by_role("dialog", name="Roll attended back?").get_by_role("button", name="Roll back").click()
    expect(card).to_contain_text("loaded 0.1.0", timeout=LONG)

    # Removed, nothing of it is anywhere.
    detail.get_by_role("button", name="Remove…").click()
    page.get_by_role("dialog", name="Remove attended?").get_by_role("button", name="Remove").click()
    expect(card).to_have_count(0, timeout=LONG)
    expect(detail).to_contain_text("not installed")
    expect(detail.get_by_role("button", name="Remove…")).to_have_count(0)
    expect(detail.locator(".bv-actions .bv-words")).to_contain_text("is removed")
    expect(page.locator(".bv-state")).to_have_text("running")


def test_what_was_installed_and_not_loaded_waits_in_discover(open_page: Open, alone: Training, tmp_path: Path) -> None:
    page = open_page(f"/run/{alone.run}")
    form = install(page, write_source(tmp_path / "source", version="0.3.0"))
    expect(words(form)).to_contain_text(f"Installed {NAME} 0.3.0.", timeout=LONG)
    load = form.get_by_role("button", name="Load")
    expect(load).to_be_visible()
    # Loaded by the notice, it needs no button in the form any more.
    notice = page.locator(".bv-notice", has_text="is installed and can be loaded")
    notice.get_by_role("button", name="Load").click()
    expect(load).to_have_count(0, timeout=LONG)
    form = install(page, write_source(tmp_path / "source", version="0.4.0", factor=-1.0))
    expect(words(form)).to_contain_text("0.4.0 is installed; 0.3.0 still runs", timeout=LONG)
    page.goto(page.url.split("?")[0] + "/discover")
    card = page.get_by_role("article", name=NAME, exact=True)
    expect(card).to_contain_text("0.4.0 is installed; 0.3.0 still runs")
    card.get_by_role("button", name=f"Details of {NAME}").click()
    detail = page.get_by_role("region", name=f"Details of {NAME}")
    detail.get_by_role("button", name="Load 0.4.0").click()
    expect(card).to_contain_text("loaded 0.4.0", timeout=LONG)


def test_what_runs_and_is_not_installed_any_more_is_said_and_can_be_unloaded(
    open_page: Open, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = unpack(build_wheel(write_source(tmp_path / "source"), tmp_path / "wheels"), tmp_path / "site")
    monkeypatch.setenv("BIDVIZ_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")])))
    page = open_page(f"/run/{world.train('left', 'sharing_training.py').run}")
    expect(badge(page)).to_contain_text("attended 0.1.0")
    page.get_by_role("button", name="Bundles").click()
    row = page.get_by_role("article", name=NAME)
    expect(row.get_by_role("button", name="Reload")).to_be_visible()
    shutil.rmtree(site)  # as pip does it for an environment
    expect(row).to_contain_text("It still runs, but is not installed any more", timeout=LONG)
    expect(row.get_by_role("button", name="Reload")).to_have_count(0)

    page.get_by_role("button", name="Discover", exact=True).first.click()
    card = page.get_by_role("article", name=NAME, exact=True)
    expect(card).to_contain_text("0.1.0 still runs; it is not installed any more")
    card.get_by_role("button", name=f"Details of {NAME}").click()
    detail = page.get_by_role("region", name=f"Details of {NAME}")
    expect(detail).to_contain_text("No place that was searched has it any more; what was loaded before still runs.")
    expect(detail.get_by_role("button", name="Install")).to_have_count(0)
    detail.get_by_role("button", name="Unload").click()
    expect(card).to_have_count(0, timeout=LONG)
    expect(page.locator(".bv-state")).to_have_text("running")
