"""What the page says and does when something goes wrong: the connection, the dashboard, the training, the right."""

from __future__ import annotations

import math
import re
import signal
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

import bidviz_core as bidviz

from .conftest import PATIENCE, Training, World
from .steps import step_of, text_of_step, wait_until_kept

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]


def test_who_may_look_only_sees_why_the_rest_is_grey(open_page: Open, training: Training) -> None:
    page = open_page(f"/run/{training.run}", right="view")
    expect(page.locator(".bv-tile-frame").first).to_be_visible()
    for name in ("Pause", "+ Metric", "Install…", "Console"):
        button = page.get_by_role("button", name=re.compile(f"^{re.escape(name)}(?! before)"))
        expect(button).to_have_attribute("aria-disabled", "true")
        expect(button).to_have_attribute("title", re.compile("Your link allows"))
    page.keyboard.press(" ")
    expect(page.locator(".bv-header .bv-words")).to_contain_text("Your link allows looking only")
    page.get_by_role("button", name="Menu of Loss").click()
    expect(page.get_by_role("menuitem", name="Remove metric")).to_have_attribute("aria-disabled", "true")


def test_who_may_tune_pauses_but_writes_no_code(open_page: Open, training: Training) -> None:
    page = open_page(f"/run/{training.run}", right="tune")
    expect(page.locator(".bv-tile-frame").first).to_be_visible()
    expect(page.get_by_role("button", name="Pause", exact=True)).not_to_have_attribute("aria-disabled", "true")
    expect(page.get_by_role("button", name="+ Metric")).to_have_attribute("aria-disabled", "true")


def test_a_lost_connection_greys_the_page_and_catches_up_without_a_reload(
    open_page: Open, world: World, training: Training
) -> None:
    page = open_page(f"/run/{training.run}", lenient=True)
    expect(page.locator(".bv-tile-frame canvas").first).to_be_visible()
    page.evaluate("window.notReloaded = true")
    world.stop_dashboard()
    expect(page.locator(".bv-page")).to_have_class(re.compile("bv-stale"))
    expect(page.locator(".bv-strip")).to_contain_text(re.compile(r"lost at \d\d:\d\d:\d\d"))
    expect(page.get_by_role("button", name="Pause", exact=True)).to_have_attribute("aria-disabled", "true")
    before = text_of_step(page)
    world.start_dashboard()
    expect(page.locator(".bv-page")).not_to_have_class(re.compile("bv-stale"), timeout=3 * PATIENCE)
    expect(page.locator(".bv-state")).to_have_text("running", timeout=3 * PATIENCE)
    expect(page.locator(".bv-fact-step")).not_to_have_text(before)
    expect(page.get_by_role("button", name="Pause", exact=True)).not_to_have_attribute("aria-disabled", "true")
    assert page.evaluate("window.notReloaded")


def test_a_metric_that_does_not_return_can_be_interrupted(open_page: Open, training: Training) -> None:
    page = open_page(f"/run/{training.run}")
    expect(page.locator(".bv-tile-frame").first).to_be_visible()
    page.keyboard.press("m")
    page.locator(".cm-content").click()
    page.keyboard.insert_text("while True:\n    pass\nreturn 1")
    page.get_by_role("textbox", name="Name").fill("endless")
    page.get_by_role("button", name="Add", exact=True).click()
    interrupt = page.get_by_role("button", name="Interrupt it")
    expect(interrupt).to_be_visible()
    expect(page.locator(".bv-strip")).to_contain_text("endless has been running")
    step = text_of_step(page)
    interrupt.click()
    expect(interrupt).not_to_be_visible()
    expect(page.locator(".bv-fact-step")).not_to_have_text(step)
    endless = page.locator(".bv-tile-frame", has=page.get_by_role("heading", name="endless", exact=True))
    expect(endless).to_contain_text("Set aside at step")


def test_a_training_that_is_ended_by_sigterm_says_so(open_page: Open, world: World) -> None:
    ended = world.train("terminated")
    page = open_page(f"/run/{ended.run}")
    expect(page.locator(".bv-tile-frame canvas").first).to_be_visible()
    ended.process.terminate()
    expect(page.locator(".bv-state")).to_have_text("stopped")  # by somebody, and not by what went wrong in it
    expect(page.locator(".bv-strip")).to_contain_text("Ended by SIGTERM after step")
    page.get_by_role("button", name="Show traceback").click()
    expect(page.locator(".bv-drawer")).to_contain_text("training.py")


def test_a_training_that_is_killed_is_called_lost_and_its_history_stays(open_page: Open, world: World) -> None:
    doomed = world.train("doomed")
    page = open_page(f"/run/{doomed.run}")
    expect(page.locator(".bv-tile-frame canvas").first).to_be_visible()
    wait_until_kept(page)
    doomed.kill()
    expect(page.locator(".bv-state")).to_have_text("lost")
    strip = page.locator(".bv-strip")
    expect(strip).to_contain_text(re.compile(r"Gone without a word at step [\d\s]+: last seen \d\d:\d\d:\d\d"))
    expect(strip).to_contain_text("no metric had failed")
    expect(strip).not_to_contain_text("no metric failed")
    cost = page.locator(".bv-cost")
    expect(cost).to_have_text(re.compile(r"^watching cost (< )?[\d.]+ %$"))
    expect(cost).to_have_attribute("title", re.compile("last 30 seconds of its training"))
    expect(page.get_by_role("button", name="Pause", exact=True)).to_have_attribute(
        "title", re.compile("not there any more")
    )
    expect(page.locator(".bv-strip")).to_contain_text("there is no training any more to change")
    expect(page.locator(".bv-notice", has_text="can be loaded")).to_have_count(0)
    page.get_by_role("button", name="Bundles").click()
    for name in ("Install…", "Look again"):
        button = page.locator(".bv-drawer").get_by_role("button", name=name)
        expect(button).to_have_attribute("aria-disabled", "true")
        expect(button).to_have_attribute("title", re.compile("not there any more"))
    expect(page.locator(".bv-drawer .bv-words")).to_contain_text("not there any more (lost)")
    again = open_page(f"/run/{doomed.run}")
    expect(again.locator(".bv-state")).to_have_text("lost")
    loss = again.locator(".bv-tile-frame", has=again.get_by_role("heading", name="Loss", exact=True))
    expect(loss.locator("canvas").first).to_be_visible()
    again.get_by_role("tab", name="Journal").click()
    journal = again.get_by_role("complementary", name="Journal")
    expect(journal.get_by_role("status").get_by_text("Nothing was done to this run.", exact=True)).to_be_visible()
    expect(loss).to_contain_text(re.compile(r"\d"))


def test_a_run_that_is_not_there_is_said_to_be_unknown(open_page: Open) -> None:
    page = open_page("/run/nosuchrun")
    expect(page.locator(".bv-notice")).to_contain_text("nosuchrun")


def grey(page: Page, name: str, place: str = "body") -> None:
    """Sees that a button cannot be pressed, and says why to the pointer and to a screen reader."""
    button = page.locator(place).get_by_role("button", name=name, exact=True)
    expect(button).to_have_attribute("aria-disabled", "true")
    for attribute in ("title", "aria-description"):
        expect(button).to_have_attribute(attribute, re.compile(r"The training is not there any more \(lost\)"))


def test_what_needs_a_training_is_grey_once_it_is_gone(open_page: Open, world: World) -> None:
    doomed = world.train("steered", "steered_training.py")
    page = open_page(f"/run/{doomed.run}")
    page.get_by_role("button", name="2.p", exact=True).click()
    change = page.get_by_role("form", name="Change 2.p")
    change.get_by_role("textbox", name="Value").fill("0.25")
    change.get_by_role("button", name="Apply").click()
    expect(change.get_by_role("button", name="Undo")).to_be_visible()
    page.get_by_role("tab", name="Policies").click()
    for target, formula in (("mix.share", "0.25"), ("momentum", "0.5")):
        page.get_by_role("button", name="New policy").click()
        editor = page.get_by_role("region", name="Policy", exact=True)
        editor.get_by_label("Target").select_option(target)
        page.locator(".bv-formula .cm-content").click()
        page.keyboard.insert_text(formula)
        editor.get_by_role("button", name="Arm", exact=True).click()
        expect(editor).to_contain_text("Armed since")
        # The answer is quicker than the beat that lists the policy: a training that dies between has not told of it.
        expect(editor.get_by_role("button", name="Arm in its place", exact=True)).to_be_visible()
    page.locator(".bv-policy[data-target='mix.share']").get_by_role("button", name="Disarm").click()
    expect(page.locator(".bv-policy[data-target='mix.share']")).to_contain_text("Disarmed at step")
    doomed.kill()
    expect(page.locator(".bv-state")).to_have_text("lost")
    for name in ("New policy", "What if"):
        grey(page, name)
    page.keyboard.press("m")
    expect(page.get_by_role("region", name="Notices")).to_contain_text("The training is not there any more (lost).")
    expect(page.locator(".bv-drawer .cm-content")).to_have_count(0)
    for name in ("Arm in its place", "Disarm"):
        grey(page, name, ".bv-policy-editor")
    for name in ("Edit", "Disarm", "Share…"):
        grey(page, name, ".bv-policy[data-target='momentum']")
    grey(page, "Undo", ".bv-policy[data-target='mix.share']")
    page.get_by_role("tab", name="Hyperparameters").click()
    page.get_by_role("button", name="2.p", exact=True).click()
    for name in ("Apply", "Release", "Policy…"):
        grey(page, name, ".bv-hyper-form")
    page.get_by_role("button", name="Save / load").click()
    for item in page.get_by_role("menuitem").all():
        expect(item).to_have_attribute("aria-disabled", "true")
        expect(item).to_have_attribute("aria-description", re.compile("not there any more"))


def test_a_rate_of_a_killed_training_is_the_last_one_recorded(open_page: Open, world: World) -> None:
    doomed = world.train("rates", "steered_training.py")
    page = open_page(f"/run/{doomed.run}")
    expect(page.locator(".bv-tile-frame canvas").first).to_be_visible()
    value = page.locator(".bv-hyper[data-name='lr'] .bv-hyper-value")
    expect(value).to_have_attribute("title", re.compile("used by the last update: 0"))
    wait_until_kept(page)
    doomed.kill()
    expect(page.locator(".bv-state")).to_have_text("lost")
    for _ in range(2):
        expect(value).to_have_attribute("title", re.compile("^as it was at step"))
        title = value.get_attribute("title") or ""
        step = int(re.sub(r"\D", "", title.splitlines()[0]))
        assert step == step_of(page)
        used = [float(rate) for rate in title.splitlines()[1].partition(":")[2].split(",")]
        course = (1 + math.cos(math.pi * ((step - 1) % 400) / 400)) / 2  # as the script's scheduler has it
        assert used == pytest.approx([0.05 * course, 0.02 * course])
        page.reload()


def test_a_killed_training_has_one_last_state_wherever_it_is_told(open_page: Open, world: World) -> None:
    doomed, other = world.train("last", "steered_training.py"), world.train("beside", "steered_training.py")
    page = open_page(f"/run/{doomed.run}")
    tile = page.locator(".bv-tile-frame", has=page.get_by_role("heading", name="Loss", exact=True))
    expect(tile.locator("canvas").first).to_be_visible()
    wait_until_kept(page)
    doomed.kill()
    expect(page.locator(".bv-state")).to_have_text("lost")
    stored = bidviz.open_run(next(world.runs.glob(f"*-{doomed.run}")))
    end = stored.history("loss").step[-1]
    assert step_of(page) == stored.step == end
    compare = open_page(f"/compare/{doomed.run},{other.run}")
    fact = compare.locator(".bv-compare-run", has_text="lost").locator(".bv-number")
    expect(fact).to_have_text(re.compile(rf"^step {end} · loss [\d.]+$"))
    loss = fact.inner_text().rpartition(" ")[2]
    assert float(loss) == pytest.approx(stored.history("loss").value[-1], rel=1e-3)
    expect(tile).to_contain_text(loss)
    rates = compare.get_by_role("row", name="lr (now, or last)").get_by_role("cell").first
    course = [str(stored.history(f"lr/{group}").value[-1])[:6] for group in range(2)]
    expect(rates).to_have_text(re.compile(rf"^\[{course[0]}\d*,{course[1]}\d*\]$"))
    row = open_page("/").locator(f".ag-row[row-id='{doomed.run}']")
    expect(row.locator("[col-id=step]")).to_have_text(str(end))
    expect(row.locator("[col-id=loss]")).to_have_text(loss)


def test_an_undo_that_is_open_is_grey_once_the_training_is_gone(open_page: Open, world: World) -> None:
    doomed = world.train("steered", "steered_training.py")
    page = open_page(f"/run/{doomed.run}")
    page.get_by_role("button", name="mix.share", exact=True).click()
    change = page.get_by_role("form", name="Change mix.share")
    change.get_by_role("textbox", name="Value").fill("0.25")
    change.get_by_role("button", name="Apply").click()
    expect(change.get_by_role("button", name="Undo")).not_to_have_attribute("aria-disabled", "true")
    page.get_by_role("button", name="Menu of Loss").click()
    page.get_by_role("menuitem", name="Disable metric").click()
    notice = page.locator(".bv-notice", has_text="loss is disabled")
    notice.hover()  # it stays while the pointer is on it
    doomed.kill()
    expect(page.locator(".bv-state")).to_have_text("lost")
    grey(page, "Undo", ".bv-change")
    grey(page, "Undo", ".bv-notice")


def test_a_frozen_dashboard_is_said_to_be_silent_until_it_speaks_again(
    open_page: Open, world: World, training: Training
) -> None:
    page = open_page(f"/run/{training.run}")
    runs = open_page("/")
    expect(page.locator(".bv-tile-frame canvas").first).to_be_visible()
    expect(runs.locator(".ag-row").first).to_be_visible()
    assert world.dashboard is not None
    world.dashboard.send_signal(signal.SIGSTOP)
    try:
        strip, said = (
            page.locator(".bv-strip"),
            re.compile(r"No word from the dashboard for \d+ s: .* from \d\d:\d\d:\d\d"),
        )
        expect(strip).to_contain_text(said)
        expect(page.locator(".bv-page")).to_have_class(re.compile("bv-stale"))
        expect(runs.locator(".bv-header")).to_contain_text(said)
    finally:
        world.dashboard.send_signal(signal.SIGCONT)
    expect(strip).not_to_contain_text("No word")
    expect(page.locator(".bv-page")).not_to_have_class(re.compile("bv-stale"))
    expect(runs.locator(".bv-header")).not_to_contain_text("No word")


#: Keeps in the page whether it ever said that it hears nothing.
LISTEN = """() => {
    const strip = document.querySelector('.bv-strip');
    window.saidSilent = false;
    new MutationObserver(() => { saidSilent ||= strip.textContent.includes('No word'); })
        .observe(strip, {childList: true, characterData: true, subtree: true});
}"""


def test_a_training_that_says_nothing_is_no_silent_dashboard(open_page: Open, world: World) -> None:
    doomed = world.train("over")
    doomed.kill()
    asked: list[str] = []
    page = open_page("/", fresh=True)
    page.on("websocket", lambda socket: socket.on("framesent", lambda sent: asked.append(str(sent))))
    page.goto(f"{world.address}/run/{doomed.run}")
    expect(page.locator(".bv-state")).to_have_text(re.compile("lost|stuck"))
    page.evaluate(LISTEN)
    # Nothing comes by itself from such a run, so the page asks and is answered: for longer than a silence takes.
    for _ in range(100):
        if sum('"hello"' in one for one in asked) >= 5:
            break
        page.wait_for_timeout(200)
    assert sum('"hello"' in one for one in asked) >= 5
    assert not page.evaluate("saidSilent")
