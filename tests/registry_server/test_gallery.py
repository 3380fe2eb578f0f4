"""The gallery in a real browser: it draws, it is searched, it asks nobody else, and a stranger's text stays text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import ConsoleMessage, Error, Page, Request, expect
from support.registries import Registry, describe, make_sdist, make_wheel
from support.tabs import Tabs

from bidviz_core.description import DescribedMetric, DescribedPolicy, Description, PageFile, Sample
from bidviz_core.specs import HistogramChart, Line, PlotlyFigure, VegaLite
from bidviz_registry.server.withdrawing import withdraw

PATIENCE = 60_000
NAME = "bidviz-metric-weights"
EVIL = '<img src=x onerror="window.caught=1"><script>window.caught=2</script>"\'`${x}{{7*7}}'


@pytest.fixture(scope="session")
def base_url() -> None:
    """In place of pytest-base-url's own, which pytest 9 warns about."""


def evil() -> Description:
    """A description in which every text is an attack."""
    chart = Line(title=EVIL, help=EVIL, unit=EVIL[:20])
    metric = DescribedMetric(
        name=EVIL, help=EVIL, arguments=(EVIL,), charts=(chart,), learners=(EVIL,), cost_on=EVIL, code=EVIL
    )
    return Description(
        1,
        "bidviz-metric-evil",
        "0.1.0",
        summary=EVIL,
        metrics=(metric,),
        policies=(DescribedPolicy(name=EVIL, target=EVIL, help=EVIL),),
        pages=(PageFile(1, EVIL, EVIL, (EVIL,)),),
        renderers=(EVIL,),
        samples={EVIL: Sample("scalar", (0, 1, 2), (1.0, "nan", 2.0))},
        hash=EVIL,
    )


def _numbers(data: list[Any]) -> dict[str, Any]:
    return {"dtype": "<f8", "shape": [len(data)], "data": data}


def histograms() -> Description:
    """A description of a histogram that moves, with a curve that has a spike."""
    edges = [-3 + 0.3 * number for number in range(21)]
    values = []
    for step in range(5):
        counts = [round(900 * math.exp(-((edge - 0.2 * step) ** 2))) for edge in edges[:-1]]
        values.append({"kind": "histogram", "buffers": [_numbers(counts), _numbers(edges)]})
    steps = tuple(range(0, 400, 4))
    curve = tuple(2.0 / (1 + step / 80) + (6 if step == 200 else 0) for step in steps)
    return Description(
        1,
        "bidviz-metric-spread",
        "1.2.0",
        metrics=(
            DescribedMetric(
                name="spread",
                help="How far the weights of a layer lie apart.",
                arguments=("params",),
                every=20,
                charts=(Line(title="Spread", y_scale="log", help="Healthy: falls. Sick: one spike after another."),),
                learners=("mlp",),
            ),
            DescribedMetric(
                name="weights", help="The weights.", charts=(HistogramChart(title="Weights"),), arguments=("params",)
            ),
        ),
        samples={
            "spread": Sample("scalar", steps, curve),
            "weights": Sample("histogram", (0, 100, 200, 300, 400), tuple(values)),
        },
    )


def figures() -> Description:
    """A description of charts that others' libraries draw."""
    place = {"$series": "loss"}
    curve = {"type": "scatter", "x": {"$series": "loss", "field": "step"}, "y": place, "name": "loss"}
    vega = {
        "data": {"values": place},
        "mark": "point",
        "encoding": {"x": {"field": "step", "type": "quantitative"}, "y": {"field": "value", "type": "quantitative"}},
    }
    charts = (
        PlotlyFigure(title="Plotly's", series=("loss",), figure={"data": [curve]}),
        VegaLite(title="Vega-Lite's", series=("loss",), spec=vega),
    )
    samples = {"loss": Sample("scalar", tuple(range(9)), tuple(1 / (1 + step) for step in range(9)))}
    return Description(1, "bidviz-metric-figures", "0.1.0", charts=charts, samples=samples)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with bundles of every sort."""
    folder = tmp_path_factory.mktemp("gallery")
    shelf = folder / "shelf"
    code = {"bidviz_metric_weights/metrics.py": "def weight_norm(params):\n    return params.norm()  # <b>bold</b>\n"}
    make_wheel(shelf, description=describe(NAME, "0.1.0"))
    make_wheel(
        shelf,
        version="0.2.0",
        description=describe(NAME, "0.2.0", hash="0f" * 32),
        files=code,
        metadata="Requires-Dist: bidviz-core<0.2,>=0.1\nProject-URL: Docs, javascript:alert(1)\n"
        "Project-URL: Source, https://example.org/source\n",
    )
    make_sdist(shelf, version="0.2.0")
    make_wheel(
        shelf,
        "bidviz-metric-spread",
        "1.2.0",
        description=histograms(),
        summary="Distributions of the weights as histograms that move.",
        metadata="Requires-Dist: torch>=2\n",
    )
    files = {f"bidviz_metric_evil/{index}.py": EVIL for index in range(2)}
    make_wheel(
        shelf,
        "bidviz-metric-evil",
        description=evil(),
        summary=EVIL,
        files=files,
        metadata=f"Author: {EVIL}\nLicense: {EVIL}\nRequires-Dist: {EVIL}\nProject-URL: {EVIL}, https://x/{EVIL}\n",
    )
    make_wheel(shelf, "bidviz-metric-figures", description=figures(), summary="Figures.")
    make_wheel(shelf, "bidviz-metric-plain", summary="Carries no description.")
    make_wheel(shelf, "bidviz-metric-damaged", description=b"{", summary="Its description is damaged.")
    make_wheel(shelf, "bidviz-metric-gone", summary="Withdrawn.")
    withdraw(shelf, "bidviz-metric-gone", "0.1.0", "it <b>counts</b> twice")
    made = Registry(folder)
    yield made
    made.close()


@pytest.fixture
def open_page(tabs: Tabs, gallery: Registry) -> Iterator[Callable[..., Page]]:
    """Opens a page; fails the test when it reports an error, breaks its policy, or asks anybody else."""
    said: list[str] = []
    strangers: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith((gallery.url, "data:", "blob:")):
            strangers.append(request.url)

    def failed(error: Error) -> None:
        said.append(str(error))

    def heard(line: ConsoleMessage) -> None:
        if line.type in ("error", "warning"):
            said.append(line.text)

    def opened(path: str = "", **options: Any) -> Page:
        page = lend(listeners=(("request", asked), ("pageerror", failed), ("console", heard)), **options)
        page.set_default_timeout(PATIENCE)
        page.goto(f"{gallery.url}{path}")
        return page

    with tabs.lent() as lend:
        yield opened
    assert said == []
    assert strangers == []


def wait_until_drawn(page: Page, number: int) -> None:
    drawn = page.locator('[data-drawn][data-state="drawn"]:not([aria-busy])')
    expect(drawn).to_have_count(number, timeout=PATIENCE)


def ink(page: Page, selector: str) -> int:
    """How many pixels of the canvases below an element are drawn on."""
    return int(
        page.evaluate(
            """selector => [...document.querySelectorAll(`${selector} canvas`)].map(canvas => {
              const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
              let drawn = 0;
              for (let i = 3; i < data.length; i += 4) drawn += data[i] > 0;
              return drawn;
            }).reduce((sum, one) => sum + one, 0)""",
            selector,
        )
    )


@pytest.mark.browser
def test_cards_say_what_each_bundle_is_and_draw_it(open_page: Callable[..., Page]) -> None:
    page = open_page()
    expect(page.locator("#found")).to_have_text("7 bundles")
    page.locator(".card").last.scroll_into_view_if_needed()
    wait_until_drawn(page, 4)
    card = page.locator(".card", has_text=NAME)
    expect(card).to_contain_text("0.2.0")
    expect(card).to_contain_text("1 metric, 1 chart")
    expect(card).to_contain_text("0.04 % of a step (mlp)")
    expect(card).to_contain_text("bidviz-core")
    expect(card).to_contain_text("Apache-2.0")
    expect(card).to_contain_text("2 versions")
    assert ink(page, f"[aria-labelledby=of-{NAME}]") > 500
    damaged = page.locator(".card", has_text="bidviz-metric-damaged")
    expect(damaged.locator(".problem")).to_contain_text("cannot be read")


@pytest.mark.browser
def test_it_is_searched_while_one_types_and_with_the_keyboard_alone(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("histograms MOVE")
    expect(page.locator("#found")).to_have_text("1 bundle for “histograms MOVE”")
    wait_until_drawn(page, 1)
    assert page.url.endswith("?q=histograms+MOVE")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="bidviz-metric-spread")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("bidviz-metric-spread 1.2.0")
    page.go_back()
    expect(page.locator("#found")).to_have_text("1 bundle for “histograms MOVE”")
    page.locator("#q").fill("nothing of the kind")
    expect(page.locator("#found")).to_contain_text("No bundle has “nothing of the kind”")
    expect(page.locator(".card")).to_have_count(0)


@pytest.mark.browser
def test_a_bundles_page_shows_all_of_it(open_page: Callable[..., Page], gallery: Registry) -> None:
    page = open_page(f"bundles/{NAME}/")
    wait_until_drawn(page, 1)
    assert ink(page, ".drawn") > 500
    main = page.locator("main")
    for text in (
        f"{NAME}==0.2.0",
        f"--index-url {gallery.index}",
        "Global L2 norm of the weights",
        "Healthy: levels out. Sick: grows without end.",
        "12.3 µs (0.4 % of a step)",
        "every",
        "10 steps",
        "mlp, cnn",
        ">=3.11",
        "0f" * 32,
        "return params.norm()  # <b>bold</b>",
        "https://example.org/source",
    ):
        expect(main).to_contain_text(text)
    import hashlib

    wheel = gallery.folder / "bidviz_metric_weights-0.2.0-py3-none-any.whl"
    expect(main).to_contain_text(hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert page.locator("a[href^='javascript']").count() == 0
    page.get_by_role("link", name="0.1.0", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{NAME} 0.1.0")
    with page.expect_download() as download:
        page.get_by_role("link", name="bidviz_metric_weights-0.1.0-py3-none-any.whl").first.click()
    got = Path(download.value.path()).read_bytes()
    assert got == (gallery.folder / "bidviz_metric_weights-0.1.0-py3-none-any.whl").read_bytes()


@pytest.mark.browser
def test_figures_of_other_grammars_are_drawn_under_the_policy(open_page: Callable[..., Page]) -> None:
    page = open_page("bundles/bidviz-metric-figures/")
    wait_until_drawn(page, 1)
    expect(page.locator('[data-panel="chart:Plotly\'s"] .main-svg').first).to_be_visible()
    vega = page.locator('[data-panel="chart:Vega-Lite\'s"]')
    expect(vega.locator("svg, canvas").first).to_be_visible()


@pytest.mark.browser
def test_a_strangers_text_stays_text(open_page: Callable[..., Page]) -> None:
    for path in ("", "bundles/bidviz-metric-evil/", f"?q={EVIL}", "bundles/bidviz-metric-gone/"):
        page = open_page(path)
        if "evil" in path:
            wait_until_drawn(page, 1)
            expect(page.locator("main")).to_contain_text(EVIL)
        assert page.evaluate("window.caught") is None
        assert page.locator("img").count() == 0
        assert page.locator("main script, main b").count() == 0
    page = open_page()
    page.locator("#q").fill(EVIL[:60])
    expect(page.locator("#found")).to_contain_text("onerror")
    assert page.evaluate("window.caught") is None


@pytest.mark.browser
def test_what_carries_no_description_says_what_its_metadata_say(open_page: Callable[..., Page]) -> None:
    page = open_page("bundles/bidviz-metric-plain/")
    expect(page.locator("main")).to_contain_text("It says no more of itself than its metadata")
    expect(page.locator("main")).to_contain_text('"""A bundle of the tests."""')
    gone = open_page("bundles/bidviz-metric-gone/")
    expect(gone.locator("main")).to_contain_text("Withdrawn: it <b>counts</b> twice")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_are_legible(open_page: Callable[..., Page], scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    for path in ("", f"bundles/{NAME}/"):
        if path:
            page.get_by_role("link", name=NAME).click()
            expect(page.get_by_role("heading", level=1)).to_contain_text(NAME)
        wrong = page.evaluate(CONTRAST)
        assert wrong == []
    page.get_by_role("button", name="Switch between light and dark").click()
    other = {"light": "dark", "dark": "light"}[scheme]
    assert page.evaluate("document.documentElement.dataset.theme") == other
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == other
    assert page.evaluate(CONTRAST) == []


@pytest.mark.browser
def test_a_telephone_shows_one_column_without_a_scroll_to_the_side(open_page: Callable[..., Page]) -> None:
    for path in ("", f"bundles/{NAME}/", "bundles/bidviz-metric-evil/"):
        page = open_page(path, viewport={"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


@pytest.mark.browser
def test_every_control_has_a_name_and_headings_go_down_by_one(open_page: Callable[..., Page]) -> None:
    for path in ("", f"bundles/{NAME}/"):
        page = open_page(path)
        levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(one => Number(one.tagName[1]))")
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels)), levels
        nameless = page.evaluate(
            """[...document.querySelectorAll("a, button, input, summary")]
              .filter(one => !(one.textContent.trim() || one.ariaLabel || one.labels?.length))
              .map(one => one.outerHTML)"""
        )
        assert nameless == []
        assert page.locator("html[lang]").count() == 1
        assert page.locator("main").count() == 1


def test_without_scripts_the_search_works_as_well(client: FlaskClient, folder: Path) -> None:
    for number in range(30):
        make_wheel(folder, f"bidviz-metric-n{number:02}", summary=f"Number {number}.")
    text = client.get("/?q=number").text
    assert "30 bundles for “number”, page 1 of 2" in text
    assert text.count('<article class="card"') == 24
    assert 'href="/?q=number&amp;page=2"' in text
    for page in ("2", "99"):
        assert client.get(f"/?q=number&page={page}").text.count('<article class="card"') == 6
    for page in ("0", "-1", "x", "9" * 40):
        assert client.get(f"/?page={page}").status_code == 200
    assert client.get("/bundles/bidviz-metric-n03/?version=9").status_code == 404
    assert client.get("/bundles/BIDViz_Metric.N03/").status_code == 301


#: Texts whose contrast with what is behind them is below 4.5 to 1.
CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => {
    const bend = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map((v) => bend(v / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const wrong = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.closest("[data-drawn], .unseen, .skip") || !element.getClientRects().length) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) wrong.push(`${element.outerHTML.slice(0, 80)} ${ratio.toFixed(2)}`);
  }
  return wrong;
}"""
