"""The whole way once, as a newcomer goes it: a script with one line of ours, the URL that it prints, a browser."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from pages.steps import text_of_step
from playwright.sync_api import Locator, Page, expect
from support.ports import free_port
from system.worlds import Training, World, do, is_state, until

import bidviz_core as bidviz

pytestmark = pytest.mark.browser
#: Milliseconds that a page may wait for something on a machine that is busy with other things.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)


@pytest.fixture
def training(world: World) -> Training:
    """A training that has started its own dashboard."""
    given = {"run_dir": str(world.runs), "plugins": [], "name": "first"}
    return world.start("net", json.dumps(given), BIDVIZ_DASHBOARD=f"http://127.0.0.1:{free_port()}").begun()


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the page says to nobody but a developer."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
    page.set_default_timeout(PATIENCE)
    page.set_viewport_size({"width": 1440, "height": 900})
    return found


def tile(page: Page, title: str) -> Locator:
    return page.locator(".bv-tile-frame", has=page.get_by_role("heading", name=title, exact=True))


def write(page: Page, code: str) -> None:
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(code)


def choose(page: Page, title: str, item: str) -> None:
    page.get_by_role("button", name=f"Menu of {title}").click()
    page.get_by_role("menuitem", name=item).click()


def downloaded(page: Page, title: str, series: str) -> dict[int, float]:
    """What the page has of a series, by the file that it lets a person download."""
    with page.expect_download() as download:
        choose(page, title, "Download CSV")
    with Path(download.value.path()).open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {int(float(row["step"])): float(row[series]) for row in rows}


def number(text: str) -> int:
    """The number in a text, whatever stands between its thousands."""
    return int(re.sub(r"\D", "", text))


def kept(training: Training, series: str, step: int) -> dict[int, float]:
    """What the run's file has of a series up to a step, once that is in it."""
    run = bidviz.open_run(training.folder)
    until(lambda: run.step >= step, f"step {step} in the file")
    history = run.history(series, stop=step + 1)
    return dict(zip(history.step.astype(int).tolist(), history.value.tolist(), strict=True))


def test_the_whole_way(page: Page, complaints: list[str], world: World, training: Training) -> None:
    page.goto(training.url)
    assert "token" not in page.url
    state = page.locator(".bv-state")
    expect(state).to_have_text("running")
    for title in ("Loss", "Learning rate", "Accuracy"):
        expect(tile(page, title).locator("canvas").first).to_be_visible()
    # It moves.
    step = page.locator(".bv-fact-step")
    before, shown = text_of_step(page), tile(page, "Loss").inner_text()
    expect(step).not_to_have_text(before)
    expect(tile(page, "Loss")).not_to_have_text(shown)

    # An error is marked on its line; the training knows nothing of it.
    page.get_by_role("button", name=re.compile(r"\+ Metric")).click()
    write(page, "a = grads.norm()\nreturn a / nothing")
    page.get_by_role("button", name="Try", exact=True).click()
    trial = page.get_by_role("region", name="Result of the trial")
    expect(trial).to_contain_text("Line 2")
    expect(trial).to_contain_text("nothing")
    expect(page.locator(".cm-line").nth(1).locator(".cm-lintRange-error")).not_to_have_count(0)

    # Mended and tried, it shows its value and cost; added, it streams.
    write(page, "grads.norm()")
    page.get_by_role("textbox", name="Name").fill("norm")
    page.get_by_role("button", name="Try", exact=True).click()
    expect(trial).to_contain_text(re.compile(r"norm\s*[\d.]+"))
    expect(trial).to_contain_text("of a step")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(tile(page, "norm").locator("canvas").first).to_be_visible()
    page.get_by_role("button", name="Close").click()

    # Paused, it serves edits; resumed, it goes on.
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(state).to_have_text("paused")
    held = step.inner_text()
    choose(page, "norm", "Edit metric…")
    write(page, "grads.norm() * 0 + 42")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(tile(page, "norm")).to_contain_text("42")
    assert step.inner_text() == held
    page.get_by_role("button", name="Close").click()
    # All of it that the page has is all that there is.
    for title, series in (("Loss", "loss"), ("Accuracy", "accuracy"), ("norm", "norm")):
        values = downloaded(page, title, series)
        # A second record of the step at which the run waits comes into the file with the next commit.
        until(lambda: values == kept(training, series, max(values)), f"{series} in the file as on the page")  # noqa: B023
    assert list(downloaded(page, "Loss", "loss")) == list(range(1, number(held) + 1))
    page.get_by_role("button", name=re.compile("Resume")).click()
    expect(state).to_have_text("running")
    expect(step).not_to_have_text(held)

    # Disabled and enabled, removed.
    choose(page, "norm", "Disable metric")
    expect(tile(page, "norm")).to_contain_text("disabled")
    choose(page, "norm", "Enable metric")
    expect(tile(page, "norm")).not_to_contain_text("disabled")
    choose(page, "norm", "Remove metric")
    expect(page.locator("[data-panel='metric:norm']")).to_have_count(0)

    # The browser goes and comes back with what its cookie gives it, and has lost nothing.
    address = page.url
    page.goto("about:blank")
    seen = bidviz.open_run(training.folder).step
    training_goes_on(world, training, seen + 100)
    page.goto(address)
    expect(state).to_have_text("running")
    expect(tile(page, "Loss").locator("canvas").first).to_be_visible()
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(state).to_have_text("paused")
    values = downloaded(page, "Loss", "loss")
    assert list(values) == list(range(1, number(step.inner_text()) + 1))
    assert max(values) >= seen + 100
    assert values == kept(training, "loss", max(values))

    # Killed, it is lost, and its history stays.
    training.kill()
    expect(state).to_have_text("lost", timeout=5_000)
    expect(page.get_by_role("button", name=re.compile("^(Pause|Resume)$"))).to_have_attribute("aria-disabled", "true")
    assert downloaded(page, "Loss", "loss") == values
    assert complaints == []


def training_goes_on(world: World, training: Training, step: int) -> None:
    """Waits until the training has made a step."""
    dashboard = world.joined(training)
    with dashboard.browser(training.run, "view") as browser:
        browser.wait_for(lambda one: is_state("running")(one) and one["content"]["status"]["step"] >= step)


def test_two_trainings_and_an_ended_one_are_on_one_page(
    page: Page, complaints: list[str], world: World, training: Training
) -> None:
    dashboard = world.joined(training)
    second = world.train("steps", dashboard, name="second")
    ended = world.train("steps", dashboard, name="third")
    ended.wait_for("^step 20 ")
    assert ended.finish() == 0
    page.goto(training.url.split("&run=")[0])
    table = page.get_by_role("treegrid").or_(page.get_by_role("grid")).first
    for name, state in (("first", "running"), ("second", "running"), ("third", "ended")):
        row = table.get_by_role("row").filter(has_text=name)
        expect(row).to_contain_text(state)
    table.get_by_role("row").filter(has_text="second").get_by_text("second").first.click()
    expect(page.locator(".bv-run-name")).to_have_text("second")
    expect(tile(page, "Loss").locator("canvas").first).to_be_visible()
    with dashboard.browser(second.run) as browser:
        do(browser, "pauseTraining", True)
        expect(page.locator(".bv-state")).to_have_text("paused")
        do(browser, "pauseTraining", False)
    expect(page.locator(".bv-state")).to_have_text("running")
    assert complaints == []
