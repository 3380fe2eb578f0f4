"""Discover: a bundle that is built while the training runs is looked at, installed, upgraded, rolled back, removed."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from support.registries import make_wheel

from bidviz_core.store import StoreReader

from .attended import NAME, build_wheel, write_source
from .conftest import PATIENCE, Training, World
from .steps import text_of_step
from .test_journal import ask

pytestmark = pytest.mark.browser
#: Fetching, judging and installing start processes, on a machine that is busy.
LONG = 90_000
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]


class Registry:
    """`bidviz registry serve` in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        line = [sys.executable, "-c", "from bidviz_core.cli import main; main()", "registry", "serve", str(folder)]
        self.process = subprocess.Popen([*line, "--port", "0"], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        for said in self.process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+", said):
                self.url = found[0]
                return
        raise AssertionError("the registry never said where it is")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        if self.process.stdout:
            self.process.stdout.close()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry without bundles."""
    made = Registry(tmp_path_factory.mktemp("registry"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def finder(world: World, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Training]:
    """A training for which that registry is configured, and nothing else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIDVIZ_REGISTRIES", f"lab={registry.url}")
        patch.setenv("BIDVIZ_CONFIG_DIR", str(tmp_path_factory.mktemp("config")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("PIP_CONFIG_FILE", os.devnull)
        patch.setenv("PIP_NO_INDEX", "1")
        yield world.train("finder", "sharing_training.py")


def discover(open_page: Open, run: str, **options: object) -> Page:
    page = open_page(f"/run/{run}/discover", **options)
    expect(page.get_by_role("article", name="bidviz-metric-gradnorm")).to_be_visible()
    return page


def card(page: Page) -> Locator:
    return page.get_by_role("article", name=NAME, exact=True)


def details(page: Page) -> Locator:
    return page.get_by_role("region", name=f"Details of {NAME}")


def sha256(wheel: Path) -> str:
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def publish(registry: Registry, source: Path, **about: object) -> Path:
    """Builds a version and puts its wheel into the registry's folder."""
    return build_wheel(write_source(source, **about), registry.folder)  # type: ignore[arg-type]


def look_again(page: Page) -> None:
    page.get_by_role("button", name="Look again").click()


def open_details(page: Page) -> Locator:
    card(page).get_by_role("button", name=f"Details of {NAME}").click()
    return details(page)


def last(world: World, training: Training, series: str) -> float:
    """The last value that the run's file holds of a series."""
    [folder] = world.runs.glob(f"*-{training.run}")
    return float(StoreReader(folder).history(series).value[-1])


def test_the_way_of_a_bundle_while_one_training_runs(
    open_page: Open, world: World, finder: Training, registry: Registry, tmp_path: Path
) -> None:
    page = discover(open_page, finder.run)
    expect(card(page)).to_have_count(0)
    step = text_of_step(page)

    # The wheel is made only now.
    first = publish(registry, tmp_path / "source")
    look_again(page)
    expect(card(page)).to_contain_text("not installed")
    expect(card(page)).to_contain_text("from lab")
    expect(card(page)).to_contain_text("about 12.5 µs a step, 0.4 % of a step on the sample transformer")
    expect(card(page)).to_contain_text(sha256(first)[:12])
    card(page).scroll_into_view_if_needed()  # what is out of sight draws nothing
    expect(card(page).locator("canvas").first).to_be_visible()

    # All about it, before anything of it is here.
    detail = open_details(page)
    expect(detail.get_by_role("region", name="About it")).to_contain_text(sha256(first), timeout=LONG)
    expect(detail.get_by_role("region", name="What it needs")).to_contain_text(
        re.compile(r"bidviz-core>=0\.1 .* is there")
    )
    code = detail.get_by_role("region", name=re.compile("Which code would run"))
    code.get_by_text("bidviz_metric_attended/__init__.py").click()
    expect(code.get_by_label("bidviz_metric_attended/__init__.py")).to_contain_text("def head_norm(params):")
    expect(code.locator(".bv-py-keyword").first).to_have_text("import")
    assert "head_norm" not in StoreReader(next(world.runs.glob(f"*-{finder.run}"))).series()

    # Installed: exactly this one.
    detail.get_by_role("button", name="Install 0.1.0…").click()
    question = detail.get_by_role("region", name="Install exactly this?")
    expect(question).to_contain_text(f"The wheel with the SHA-256 {sha256(first)}, and no other.")
    question.get_by_role("button", name="Install exactly this").click()
    expect(detail.locator(".bv-actions .bv-words")).to_contain_text(
        "0.1.0 is installed and loaded since step", timeout=LONG
    )
    expect(detail.get_by_role("log")).not_to_be_empty()
    expect(card(page)).to_contain_text("loaded 0.1.0")
    expect(page.locator(".bv-fact-step")).not_to_have_text(step)

    # Its panels stand on the run's page, and say whose code they show.
    detail.get_by_role("button", name="Show its panels").click()
    tile = page.locator(".bv-tile-frame", has=page.get_by_role("heading", name="Head norm", exact=True))
    expect(tile).to_have_text(re.compile(r"\d"))
    with zipfile.ZipFile(first) as wheel:
        assert "bidviz_metric_attended/__init__.py" in wheel.namelist()
    expect(tile.locator(".bv-tile-origin")).to_contain_text("attended 0.1.0")

    # Upgraded: the new version is offered beside the old.
    second = publish(registry, tmp_path / "source", version="0.2.0", factor=-1.0)
    tile.locator(".bv-tile-origin").click()
    page.get_by_role("button", name="Show it in Discover").click()
    detail = details(page)
    expect(detail).to_contain_text("0.1.0 loaded, 0.2.0 is there")
    expect(detail.get_by_role("region", name="About it")).to_contain_text(sha256(second), timeout=LONG)
    detail.get_by_role("button", name="Upgrade to 0.2.0…").click()
    detail.get_by_role("button", name="Install exactly this").click()
    expect(detail.locator(".bv-actions .bv-words")).to_contain_text("0.2.0 is installed and loaded", timeout=LONG)
    assert last_turns(page, world, finder, negative=True)

    # Rolled back, code for code.
    detail.get_by_role("button", name="Roll back…").click()
    page.get_by_role("dialog", name="Roll attended back?").get_by_role("button", name="Roll back").click()
    expect(card(page)).to_contain_text("0.1.0 loaded", timeout=LONG)
    assert last_turns(page, world, finder, negative=False)

    # Removed; what was recorded stays.
    detail.get_by_role("button", name="Remove…").click()
    page.get_by_role("dialog", name="Remove attended?").get_by_role("button", name="Remove").click()
    expect(card(page)).to_contain_text("not installed", timeout=LONG)
    assert "head_norm" in StoreReader(next(world.runs.glob(f"*-{finder.run}"))).series()
    expect(page.locator(".bv-state")).to_have_text("running")


def last_turns(page: Page, world: World, training: Training, *, negative: bool) -> bool:
    """Waits until the recorded value has the sign that only one version's code gives."""
    for _ in range(200):
        if (last(world, training, "head_norm") < 0) is negative:
            return True
        page.wait_for_timeout(100)
    return False


def test_what_may_not_be_installed_says_why_in_place(
    open_page: Open, finder: Training, registry: Registry, tmp_path: Path
) -> None:
    publish(registry, tmp_path / "source", version="0.3.0", needs=("bidviz-core>=0.1", "torch<1"))
    page = discover(open_page, finder.run)
    detail = open_details(page)
    refused = detail.get_by_role("alert", name="It cannot be installed here")
    expect(refused).to_contain_text(re.compile(r"needs torch<1: installing it would replace torch"), timeout=LONG)
    expect(detail.get_by_role("region", name="What it needs")).to_contain_text(re.compile(r"torch<1 is \S+ here"))
    install = detail.get_by_role("button", name="Install 0.3.0…")
    expect(install).to_have_attribute("aria-disabled", "true")
    expect(install).to_have_attribute("title", re.compile("would replace torch"))


def test_what_is_installed_is_what_was_looked_at_whatever_the_registry_gives_meanwhile(
    open_page: Open, world: World, finder: Training, registry: Registry, tmp_path: Path
) -> None:
    seen = sha256(publish(registry, tmp_path / "source", version="0.4.0"))
    page = discover(open_page, finder.run)
    detail = open_details(page)
    expect(detail.get_by_role("region", name="About it")).to_contain_text(seen)
    expect(detail.get_by_role("region", name="What it needs")).to_contain_text("is there", timeout=LONG)
    assert sha256(publish(registry, tmp_path / "source", version="0.4.0", factor=-7.0)) != seen
    detail.get_by_role("button", name="Install 0.4.0…").click()
    question = detail.get_by_role("region", name="Install exactly this?")
    expect(question).to_contain_text(seen)
    question.get_by_role("button", name="Install exactly this").click()
    expect(detail.locator(".bv-actions .bv-words")).to_contain_text("0.4.0 is installed and loaded", timeout=LONG)
    assert last_turns(page, world, finder, negative=False)
    # The same version with other code is another bundle: it is refused, in place.
    detail.get_by_role("button", name="Remove…").click()
    page.get_by_role("dialog", name="Remove attended?").get_by_role("button", name="Remove").click()
    expect(card(page)).to_contain_text("not installed", timeout=LONG)


def test_other_code_of_the_same_name_is_in_the_way_until_somebody_removes_it_there(
    open_page: Open, world: World, finder: Training, registry: Registry, tmp_path: Path
) -> None:
    ask(world, finder, "addMetric", {"name": "head_norm", "code": "params['head.bias'].norm()"})
    publish(registry, tmp_path / "source", version="0.5.0", factor=-1.0)
    page = discover(open_page, finder.run)
    detail = open_details(page)
    expect(detail).to_contain_text("has the name of one that was written for this run", timeout=LONG)
    detail.get_by_role("button", name="Install 0.5.0…").click()
    detail.get_by_role("button", name="Install exactly this").click()
    expect(detail.locator(".bv-actions .bv-words")).to_contain_text(
        "there is one of that name with other code", timeout=LONG
    )
    assert last_turns(page, world, finder, negative=False)
    detail.get_by_role("button", name="Remove this run's own head_norm and load").click()
    expect(detail.locator(".bv-actions .bv-words")).to_contain_text("0.5.0 is installed and loaded", timeout=LONG)
    assert last_turns(page, world, finder, negative=True)
    detail.get_by_role("button", name="Remove…").click()
    page.get_by_role("dialog", name="Remove attended?").get_by_role("button", name="Remove").click()
    expect(card(page)).to_contain_text("not installed", timeout=LONG)


def test_what_it_needs_comes_along_where_somebody_ticks_that_and_is_there_for_the_next(
    open_page: Open, finder: Training, registry: Registry, tmp_path: Path
) -> None:
    needed = "bidviz-metric-needed"
    code = "import bidviz_core as bidviz\n\n\n@bidviz.hookimpl\ndef register_charts():\n    return []\n"
    make_wheel(registry.folder, needed, files={"bidviz_metric_needed/__init__.py": code})
    publish(registry, tmp_path / "source", version="0.6.0", needs=("bidviz-core>=0.1", f"{needed}>=0.1"))
    page = discover(open_page, finder.run)
    detail = open_details(page)
    expect(detail.get_by_role("region", name="To know before")).to_contain_text(f"{needed}>=0.1 is missing here")
    expect(detail.get_by_role("alert")).to_have_count(0)
    detail.get_by_role("button", name="Install 0.6.0…").click()
    go = detail.get_by_role("button", name="Install exactly this")
    expect(go).to_have_attribute("aria-disabled", "true")
    detail.get_by_role("checkbox", name=f"with what it needs and is missing: {needed}>=0.1").check()
    go.click()
    expect(detail.locator(".bv-actions .bv-words")).to_contain_text("0.6.0 is installed and loaded", timeout=LONG)
    expect(page.get_by_role("article", name=needed, exact=True)).to_contain_text("loaded")
    # It stays, and is there when that is looked at again, loaded or not.
    detail.get_by_role("button", name="Remove…").click()
    page.get_by_role("dialog", name="Remove attended?").get_by_role("button", name="Remove").click()
    expect(card(page)).to_contain_text("not installed", timeout=LONG)
    page.reload()
    detail = open_details(page)
    expect(detail.get_by_role("region", name="What it needs")).to_contain_text(
        re.compile(rf"{needed}>=0\.1 \S+ is there"), timeout=LONG
    )
    expect(detail.get_by_role("button", name="Install 0.6.0…")).not_to_have_attribute("aria-disabled", "true")


def test_a_search_finds_by_words_and_says_when_nothing_fits(open_page: Open, finder: Training) -> None:
    page = discover(open_page, finder.run)
    search = page.get_by_role("searchbox", name="Search bundles")
    page.keyboard.press("/")
    expect(search).to_be_focused()
    search.fill("attention")
    expect(page.get_by_role("article", name="bidviz-metric-gradnorm")).to_have_count(0)
    expect(card(page)).to_be_visible()
    search.fill("nothing of that kind")
    expect(page.locator(".bv-empty")).to_have_text("Nothing fits “nothing of that kind”.")


def test_without_a_registry_it_is_said_where_one_is_named(
    open_page: Open, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIDVIZ_CONFIG_DIR", str(tmp_path))
    monkeypatch.delenv("BIDVIZ_REGISTRIES", raising=False)
    training = world.train("alone")
    page = discover(open_page, training.run)
    more = page.get_by_role("region", name="Where more bundles come from")
    page.get_by_role("button", name="Where more come from").click()
    expect(more).to_contain_text(f"name one in {tmp_path / 'registries.toml'}, which is read at every search")
    expect(more).to_contain_text("[registries]")
    expect(more).to_be_in_viewport()
    # What it says is what helps: no restart, nothing else.
    (tmp_path / "bundles").mkdir()
    make_wheel(tmp_path / "bundles", "bidviz-metric-near", summary="It lies near")
    (tmp_path / "registries.toml").write_text(f"[folders]\nshared = {str(tmp_path / 'bundles')!r}\n")
    look_again(page)
    expect(page.get_by_role("article", name="bidviz-metric-near")).to_be_visible()
    expect(more).to_be_hidden()
    training.end()


def test_a_long_text_is_cut_after_four_lines_until_more_is_asked_for(
    open_page: Open, finder: Training, registry: Registry
) -> None:
    wheel = make_wheel(registry.folder, "bidviz-metric-wordy", summary="It has very much to say of itself. " * 40)
    page = discover(open_page, finder.run)
    try:
        wordy = page.get_by_role("article", name="bidviz-metric-wordy", exact=True)
        text = wordy.locator(".bv-clamped-text").first
        more = wordy.get_by_role("button", name="more")
        expect(more).to_have_attribute("aria-expanded", "false")
        lines = "one => one.clientHeight / parseFloat(getComputedStyle(one).lineHeight)"
        assert text.evaluate(lines) == pytest.approx(4, abs=0.5)
        more.click()
        expect(wordy.get_by_role("button", name="less")).to_have_attribute("aria-expanded", "true")
        assert text.evaluate("one => one.scrollHeight <= one.clientHeight + 1")
        short = page.get_by_role("article", name="bidviz-metric-gradnorm")
        expect(short.get_by_role("button", name="more")).to_have_count(0)
    finally:
        wheel.unlink()


def test_a_registry_that_is_down_is_said_and_what_is_installed_is_shown(
    open_page: Open, finder: Training, registry: Registry
) -> None:
    registry.close()
    page = discover(open_page, finder.run)
    expect(page.locator(".bv-problems")).to_contain_text("lab")
    expect(page.get_by_role("article", name="bidviz-metric-gradnorm")).to_contain_text("loaded")


def test_details_are_reached_by_their_address_and_closed_with_escape(open_page: Open, finder: Training) -> None:
    page = open_page(f"/run/{finder.run}/discover/bidviz-metric-gradnorm")
    detail = page.get_by_role("region", name="Details of bidviz-metric-gradnorm")
    expect(detail).to_contain_text("installed in the training's environment")
    page.keyboard.press("Escape")
    expect(detail).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/discover$"))


def test_who_may_only_look_is_told_so(open_page: Open, finder: Training) -> None:
    page = open_page(f"/run/{finder.run}/discover", right="view")
    expect(page.locator(".bv-empty")).to_contain_text("Your link allows looking only")


def test_without_a_run_one_is_chosen(open_page: Open, finder: Training) -> None:
    page = open_page("/")
    page.get_by_role("button", name="Discover").click()
    expect(page).to_have_url(re.compile(r"/discover$"))
    page.get_by_role("button", name="finder").click()
    expect(page).to_have_url(re.compile(rf"/run/{finder.run}/discover$"))
    expect(page.get_by_role("article", name="bidviz-metric-gradnorm")).to_be_visible()


def test_it_fits_a_telephone(open_page: Open, finder: Training) -> None:
    page = discover(open_page, finder.run, viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Details of bidviz-metric-gradnorm").click()
    expect(page.get_by_role("region", name="Details of bidviz-metric-gradnorm")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_run_that_is_over_says_why_nothing_can_be_installed(open_page: Open, finder: Training) -> None:
    finder.end()
    page = open_page(f"/run/{finder.run}/discover")
    expect(page.locator(".bv-empty")).to_contain_text("The training is not there any more")
    ran = page.get_by_role("region", name="Whose code ran in this run")
    expect(ran).to_contain_text(re.compile(r"bidviz-metric-attended 0\.1\.0\s*after step [\d\s]+ until step"))
    expect(ran).to_contain_text("from lab")
