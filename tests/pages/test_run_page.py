"""The page of one run: state, panels, arrangement, theme, keys."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import PATIENCE, Training, World
from .steps import text_of_step
from .test_editor import add

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]


def run_page(open_page: Open, training: Training, **options: object) -> Page:
    """The run's page, with its panels on it."""
    page = open_page(f"/run/{training.run}", **options)
    expect(page.locator(".bv-tile-frame").first).to_be_visible()
    return page


def test_the_header_says_state_step_and_cost(open_page: Open, training: Training) -> None:
    page = run_page(open_page, training)
    header = page.locator(".bv-header")
    expect(header).to_contain_text("running")
    expect(header.locator("h1")).to_have_text("blobs")
    step = header.locator(".bv-fact-step")
    before = text_of_step(page)
    expect(step).not_to_have_text(before)
    expect(page.locator(".bv-cost")).to_have_text(re.compile(r"watching costs (< )?[\d.]+ %"))


def test_loss_and_what_the_script_logs_are_drawn(open_page: Open, training: Training) -> None:
    page = run_page(open_page, training)
    for name in ("Loss", "weight norm"):
        body = page.locator(".bv-tile-frame", has=page.get_by_role("heading", name=name, exact=True))
        expect(body.locator("canvas").first).to_be_visible()
        expect(body).to_have_text(re.compile(r"\d"))


def test_space_pauses_and_resumes_and_the_page_says_who(open_page: Open, training: Training) -> None:
    page = run_page(open_page, training)
    expect(page.locator(".bv-state")).to_have_text("running")
    page.keyboard.press(" ")
    expect(page.locator(".bv-state")).to_have_text("paused")
    expect(page.locator(".bv-strip")).to_contain_text("Paused by a person on a page")
    step = text_of_step(page)
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".bv-state")).to_have_text("running")
    expect(page.locator(".bv-fact-step")).not_to_have_text(step)


def test_a_dragged_panel_is_where_it_was_left_when_the_page_opens_again(open_page: Open, training: Training) -> None:
    page = run_page(open_page, training)
    loss = page.locator("[data-panel='metric:loss']")
    expect(loss).to_have_attribute("gs-x", "0")
    head = loss.locator(".bv-tile-title")
    head.hover()
    page.mouse.down()
    box = page.locator(".bv-grid").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 40, steps=8)
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 40, steps=8)
    page.mouse.up()
    expect(loss).not_to_have_attribute("gs-x", "0")
    left = loss.get_attribute("gs-x")
    page.get_by_role("button", name="Menu of Loss").click()
    page.get_by_role("menuitemradio", name="log", exact=True).click()
    page.keyboard.press("Escape")
    saved = page.evaluate(SAVED, [training.run, "views", "metric:loss"])
    assert saved["views"]["metric:loss"]["yScale"] == "log"
    again = run_page(open_page, training)
    expect(again.locator("[data-panel='metric:loss']")).to_have_attribute("gs-x", str(left))


#: Asks the dashboard, over a connection of its own, until the arrangement it keeps has something of a panel's.
SAVED = """
([run, what, panel]) => new Promise((resolve, reject) => {
  const socket = new WebSocket(`ws://${location.host}/ws?run=${run}`);
  const ask = (id, content) => socket.send(JSON.stringify({id, content}));
  socket.onopen = () => { ask("h", {methodName: "hello", content: {versions: [2]}}); };
  socket.onmessage = (event) => {
    if (typeof event.data !== "string") return;
    for (const {msgType, content} of JSON.parse(event.data)) {
      if (msgType !== "callback") continue;
      if (content.id === "l" && content.data?.[what]?.[panel]) { socket.close(); resolve(content.data); return; }
      setTimeout(() => ask("l", {methodName: "getLayout", content: {run}}), 100);
    }
  };
  setTimeout(() => reject(new Error("the arrangement was never kept")), 15000);
})
"""


def test_a_panel_that_came_live_stands_where_it_stood_when_the_page_opens_again(open_page: Open, world: World) -> None:
    training = world.train("placed")
    page = run_page(open_page, training)
    viewer = run_page(open_page, training, right="view")
    expect(page.locator("[data-panel='series:weight norm']")).to_be_visible()
    for name in ("late", "later"):
        add(page, name, f"loss * {len(name)}")
        page.keyboard.press("Escape")
        expect(page.locator(f"[data-panel='metric:{name}']")).to_be_visible()
        page.evaluate(SAVED, [training.run, "places", f"metric:{name}"])
    places = page.evaluate(PLACES)
    page.reload()
    for name in ("late", "later"):
        expect(page.locator(f"[data-panel='metric:{name}']")).to_be_visible()
        expect(viewer.locator(f"[data-panel='metric:{name}']")).to_be_visible()
    assert len(places) >= 4
    page.evaluate(STAND, places)
    expect(viewer.locator(".bv-notice", has_text="arrangement")).to_have_count(0)
    training.end()


#: Keeps places of panels, over a connection of its own.
KEEP = """
([run, places]) => new Promise((resolve) => {
  const socket = new WebSocket(`ws://${location.host}/ws?run=${run}`);
  const ask = (id, content) => socket.send(JSON.stringify({id, content}));
  const layout = {version: 1, places, view: {}, views: {}, hidden: [], own: []};
  socket.onopen = () => ask("h", {methodName: "hello", content: {versions: [2]}});
  socket.onmessage = ({data}) => {
    if (typeof data !== "string") return;
    for (const {msgType, content} of JSON.parse(data)) {
      if (msgType !== "callback") continue;
      if (content.id === "s") { socket.close(); resolve(content); return; }
      ask("s", {methodName: "saveLayout", content: {run, layout}});
    }
  };
})
"""


def test_the_hole_of_a_panel_that_is_not_there_is_closed_until_it_comes(open_page: Open, world: World) -> None:
    training = world.train("holed")
    page = run_page(open_page, training)
    expect(page.locator("[data-panel='series:weight norm']")).to_be_visible()
    rows = [row.rsplit(" ", 4) for row in page.evaluate(PLACES)]
    rows.sort(key=lambda row: (int(row[2]), int(row[1])))
    order = ["metric:absent", *(name for name, *_ in rows)]
    kept = {name: {"x": 3 * (i % 4), "y": 5 * (i // 4), "w": 3, "h": 5} for i, name in enumerate(order)}
    page.evaluate(KEEP, [training.run, kept])
    page.reload()
    places = [[name, *(str(place[key]) for key in "xywh")] for name, place in kept.items()]
    closed = [[name, *place] for name, (_, *place) in zip(order[1:], places, strict=False)]
    page.evaluate(STAND, sorted(" ".join(row) for row in closed))
    add(page, "absent", "loss")
    page.keyboard.press("Escape")
    expect(page.locator("[data-panel='metric:absent']")).to_be_visible()
    page.evaluate(STAND, sorted(" ".join(row) for row in places))
    training.end()


#: Where each panel stands.
PLACES = """
() => [...document.querySelectorAll("[data-panel]")].map(({dataset, gridstackNode: {x, y, w, h}}) =>
  [dataset.panel, x, y, w, h].join(" ")).sort()
"""

#: Waits until the panels stand in these places.
STAND = f"""
async (places) => {{
  const give = performance.now() + 30000;
  for (let now = null; now !== JSON.stringify(places); now = JSON.stringify(({PLACES})())) {{
    if (performance.now() > give) throw new Error(`expected ${{JSON.stringify(places)}}, got ${{now}}`);
    await new Promise(requestAnimationFrame);
  }}
}}
"""


def test_epochs_are_no_axis_where_nothing_counts_them(open_page: Open, training: Training) -> None:
    page = open_page(f"/run/{training.run}")
    axis = page.get_by_role("combobox", name="x axis")
    expect(axis).to_have_attribute("title", re.compile(r"call session\.epoch_done\(\)"))
    option = axis.locator("option[value=epoch]")
    expect(option).to_have_text("epoch (nothing counts them)")
    expect(option).to_be_disabled()


def test_a_panel_is_hidden_and_shown_again(open_page: Open, training: Training) -> None:
    page = run_page(open_page, training)
    page.get_by_role("button", name="Menu of weight norm").click()
    page.get_by_role("menuitem", name="Hide panel").click()
    expect(page.locator("[data-panel='series:weight norm']")).to_have_count(0)
    expect(page.locator(".bv-hidden-note")).to_contain_text("1 hidden: weight norm")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-panel='series:weight norm']")).to_be_visible()


def test_a_panel_of_ones_own_shows_chosen_series(open_page: Open, training: Training) -> None:
    page = run_page(open_page, training)
    page.get_by_role("button", name="+ Panel").click()
    drawer = page.get_by_role("complementary", name="New panel")
    drawer.get_by_role("textbox", name="Title").fill("Both")
    for series in ("loss", "weight norm"):
        drawer.get_by_label(series, exact=True).check()
    drawer.get_by_role("button", name="Add panel").click()
    both = page.locator(".bv-tile-frame", has=page.get_by_role("heading", name="Both", exact=True))
    expect(both.locator("canvas").first).to_be_visible()
    page.get_by_role("button", name="Menu of Both").click()
    page.get_by_role("menuitem", name="Remove panel").click()
    expect(both).to_have_count(0)


def test_a_title_beside_a_drawer_takes_two_lines_and_nothing_covers_it(open_page: Open, training: Training) -> None:
    page = open_page(f"/run/{training.run}")
    expect(page.locator(".bv-tile-frame").first).to_be_visible()
    page.get_by_role("button", name="+ Panel").click()
    drawer = page.locator(".bv-drawer")
    drawer.get_by_role("textbox").first.fill("accuracy of the held-out part")
    drawer.get_by_role("checkbox").first.check()
    drawer.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Metrics", exact=True).click()
    expect(page.locator("#bv-drawer-title")).to_have_text("Metrics")
    # Why its sum is another figure than the one below the header: the parts are named, with the figure itself.
    drawer = page.get_by_role("complementary", name="Metrics")
    expect(drawer).to_contain_text(re.compile(r"\d+ metrics, together (< )?[\d.]+ % of the step time"))
    why = r"“watching costs [\d.]+ %” was measured over the last 30 seconds of training: these metrics, "
    expect(drawer).to_contain_text(re.compile(why))
    expect(page.locator(".bv-cost")).to_have_attribute(
        "title", re.compile("recording, policies, and what pages ask for")
    )
    title = page.get_by_role("heading", name="accuracy of the held-out part")
    expect(title).to_be_visible()
    seen = title.evaluate("title => [title.scrollHeight - title.clientHeight, title.clientHeight]")
    assert seen[0] <= 1
    assert seen[1] <= 28


def test_notices_go_by_themselves_and_do_not_pile_up(open_page: Open, training: Training) -> None:
    page = open_page(f"/run/{training.run}", fresh=True)
    page.clock.install()
    page.reload()  # what the page says as it opens goes by this clock as well
    expect(page.locator(".bv-tile-frame").first).to_be_visible()
    notices = page.locator(".bv-notice")
    for _ in range(6):
        page.get_by_role("button", name="Menu of Loss").click()
        page.get_by_role("menuitem", name="Hide panel").click()
        page.get_by_role("button", name="Show them").click()
    assert notices.count() <= 4
    page.mouse.move(5, 5)
    page.clock.fast_forward(40_000)
    expect(notices).to_have_count(0)


def test_the_enlarged_view_opens_and_gives_the_grid_back(open_page: Open, training: Training) -> None:
    page = run_page(open_page, training)
    page.get_by_role("button", name="Enlarge Loss").click()
    view = page.get_by_role("region", name="Enlarged panel")
    expect(view.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    assert "cloud.plotly" not in (view.inner_html())
    page.keyboard.press("Escape")
    expect(view).to_have_count(0)
    expect(page.get_by_role("button", name="Enlarge Loss")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_system_until_it_is_switched(open_page: Open, training: Training, scheme: str) -> None:
    page = run_page(open_page, training, color_scheme=scheme)
    other = {"light": "dark", "dark": "light"}[scheme]
    expect(page.locator("html")).to_have_attribute("data-theme", scheme)
    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", other)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", other)
    page.get_by_role("button", name="Light or dark").click()
    page.emulate_media(color_scheme=other)
    expect(page.locator("html")).to_have_attribute("data-theme", other)


def test_a_telephone_has_one_column_and_control_first(open_page: Open, training: Training) -> None:
    page = run_page(open_page, training, viewport={"width": 390, "height": 844})
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    lefts = page.locator(".grid-stack-item").evaluate_all("all => all.map(one => one.getBoundingClientRect().left)")
    assert len(lefts) >= 2
    assert len(set(lefts)) == 1


def test_every_control_has_a_name_and_the_keys_are_listed(open_page: Open, training: Training) -> None:
    page = run_page(open_page, training)
    nameless = page.locator("button, input, select, textarea").evaluate_all(
        """all => all.filter(one => !one.hidden && one.offsetParent && !one.innerText.trim()
          && !one.getAttribute("aria-label") && !one.closest("label")).map(one => one.outerHTML)"""
    )
    assert nameless == []
    page.keyboard.press("?")
    keys = page.get_by_role("complementary", name="Keys")
    for key in ("space", "m", "`", "/", ".", "?"):
        expect(keys.get_by_role("rowheader", name=key, exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Find a panel")).to_be_focused()
    page.keyboard.type("loss")
    expect(page.locator(".bv-dimmed").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Loss", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Enlarged panel")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("region", name="Enlarged panel")).to_have_count(0)
    expect(page.locator(".bv-dimmed")).to_have_count(0)


def test_tab_leaves_the_editor_when_it_is_told_to(open_page: Open, training: Training) -> None:
    page = open_page(f"/run/{training.run}")
    expect(page.locator(".bv-tile-frame canvas").first).to_be_visible()
    page.keyboard.press("m")
    code = page.get_by_role("textbox", name="Code of the metric")
    expect(code).to_be_focused()
    page.keyboard.press("Tab")
    expect(code).to_be_focused()
    page.keyboard.press("Control+m")
    page.keyboard.press("Tab")
    expect(code).not_to_be_focused()
