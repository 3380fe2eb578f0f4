"""A bundle outside our code adds a kind of chart and a page: built, installed beside a running dashboard, drawn."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from bidviz_core.description import DescribedMetric, Description
from bidviz_core.samples import sample_of
from bidviz_dashboard.pictures import draw_bundle

from .conftest import PATIENCE, Training, World

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)
Open = Callable[..., Page]
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "bidviz-metric-rose"
BROKEN = """import bidviz_core as bidviz

@bidviz.hookimpl
def register_renderers():
    return [bidviz.Renderer("broken.Chart", "nowhere.js")]
"""


class RoseWorld(World):
    """A world in which bundles can be installed."""

    @property
    def site(self) -> Path:
        """Where to: a folder on the path of every process."""
        return self.folder / "site"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process in it."""
        path = os.pathsep.join(filter(None, [str(self.site), os.environ.get("PYTHONPATH", "")]))
        return {**super().environment, "PYTHONPATH": path}

    def install(self) -> None:
        """Builds the example's wheel, and installs it."""
        source = self.folder / "source"
        shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__"))
        wheels = self.folder / "wheels"
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
        subprocess.run(build, cwd=source, check=True, capture_output=True)
        [wheel] = wheels.glob("*.whl")
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--no-deps",
            "--no-index",
            "--target",
            str(self.site),
            str(wheel),
        ]
        subprocess.run(pip, check=True, capture_output=True)

    def break_one(self) -> None:
        """Puts a bundle there whose renderer's script is missing."""
        info = self.site / "bidviz_metric_broken-1.dist-info"
        info.mkdir()
        (self.site / "bidviz_metric_broken.py").write_text(BROKEN)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bidviz-metric-broken\nVersion: 1\n")
        (info / "entry_points.txt").write_text("[bidviz]\nbroken = bidviz_metric_broken\n")
        (info / "RECORD").write_text("")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoseWorld]:
    """A dashboard that runs before there is any such bundle."""
    world = RoseWorld(tmp_path_factory.mktemp("roses"))
    (world.folder / "state").mkdir(mode=0o700)
    world.site.mkdir()
    try:
        world.start_dashboard()
        world.install()
        world.break_one()
        yield world
    finally:
        world.close()


@pytest.fixture(scope="module")
def training(world: RoseWorld) -> Training:
    """A training with the bundle's metric."""
    return world.train("roses", "rose_training.py")


def tile(page: Page, title: str) -> Locator:
    return page.locator(".bv-tile-frame", has=page.get_by_role("heading", name=title, exact=True))


def test_a_bundles_own_chart_is_drawn_live_and_enlarged(open_page: Open, training: Training) -> None:
    page = open_page(f"/run/{training.run}")
    rose = tile(page, "Where the gradient goes").locator("svg.rose")
    petals = rose.locator("path")
    expect(petals).to_have_count(4)
    sum_of = "paths => paths.reduce((sum, path) => sum + Number(path.dataset.value), 0)"
    assert petals.evaluate_all(sum_of) == pytest.approx(1, abs=1e-5)
    before = petals.first.get_attribute("data-value")
    expect(petals.first).not_to_have_attribute("data-value", str(before))
    expect(petals.first, "the style sheet is there").to_have_css("stroke-width", "1px")  # waits: frames replace petals
    page.get_by_role("button", name="Enlarge Where the gradient goes").click()
    large = page.locator(".bv-focus svg.rose")
    expect(large.locator("path")).to_have_count(4)
    box = large.bounding_box()
    assert box is not None
    assert box["height"] > 300


def test_figures_of_other_grammars_are_drawn_live_under_the_dashboards_policy(
    open_page: Open, training: Training
) -> None:
    """No eval and nothing from elsewhere: `open_page` fails where the page complains of it."""
    page = open_page(f"/run/{training.run}")
    vega = tile(page, "In Vega-Lite")
    vega.scroll_into_view_if_needed()
    expect(vega.locator(".vega-embed canvas")).to_be_visible()
    place = vega.locator(".bvc-vega")
    before = place.get_attribute("data-rows")
    expect(place).not_to_have_attribute("data-rows", str(before))
    plotly = tile(page, "In Plotly")
    plotly.scroll_into_view_if_needed()
    expect(plotly.locator(".js-plotly-plot .trace.boxes")).to_be_attached()


def test_a_kind_that_no_bundle_here_draws_is_said_and_its_script_is_not_asked_for(
    open_page: Open, training: Training
) -> None:
    asked: list[str] = []
    page = open_page(f"/run/{training.run}", fresh=True)
    page.on("request", lambda request: asked.append(request.url))
    expect(tile(page, "Nobody's")).to_contain_text(
        "A chart of kind “nobody.Here” cannot be drawn here: install the bundle"
    )
    assert not [url for url in asked if "page.js" in url]


def test_a_bundles_page_shows_what_it_draws(open_page: Open, training: Training) -> None:
    page = open_page("/")
    page.get_by_role("link", name="Roses", exact=True).click()
    expect(page).to_have_url(re.compile("/page/rose$"))
    expect(page.locator("#bidviz-extension-page h1")).to_have_text("Roses")
    expect(page.locator(f"[data-run='{training.run}'] svg.rose path")).to_have_count(4)
    page.go_back()
    expect(page.locator(".bv-runs-table")).to_be_visible()


def test_a_bundle_that_fails_is_said_and_left_out(open_page: Open) -> None:
    page = open_page("/")
    expect(page.locator(".bv-extension-problems")).to_contain_text(
        "bidviz-metric-broken 1 is left out of this dashboard: register_renderers raised PluginError: "
        "The renderer of 'broken.Chart' names 'nowhere.js', which is not there"
    )


def test_a_page_that_is_not_there_is_said(open_page: Open) -> None:
    page = open_page("/page/nothing")
    expect(page.locator(".bv-extension")).to_have_text("No bundle here gives a page “nothing”.")


def test_only_what_a_bundle_gave_is_served(open_page: Open, world: RoseWorld) -> None:
    page = open_page("/", lenient=True)
    listing = page.evaluate("async () => (await fetch('/bidviz/extensions.json')).json()")
    [rose] = listing["renderers"]
    assert (rose["kind"], rose["origin"]) == ("rose.Rose", "bidviz-metric-rose 0.1.0")
    served = ask(world, rose["script"])
    assert served == (200, (EXAMPLE / "src" / "bidviz_metric_rose" / "rose.js").read_bytes())
    folder = rose["script"].rsplit("/", 1)[0]
    for path in (f"{folder}/__init__.py", f"{folder}/../../../auth.py", f"{folder}/%2e%2e/dashboard.py", folder):
        status, body = ask(world, path)
        assert status in (404, 403) or b"hookimpl" not in body, path
        assert b"def " not in body, path


def ask(world: RoseWorld, path: str) -> tuple[int, bytes]:
    """Asks for a path as it stands, which a browser would tidy first."""
    connection = http.client.HTTPConnection("127.0.0.1", world.port, timeout=30)
    connection.request("GET", path, headers={"Authorization": f"Bearer {world.token('view')}"})
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_picture_of_a_bundles_own_kind(world: RoseWorld, tmp_path: Path) -> None:
    """What `bundle check` does, with the renderer that the bundle itself gives."""
    import bidviz_core as bidviz

    package = world.site / "bidviz_metric_rose"
    renderer = bidviz.Renderer("rose.Rose", package / "rose.js", package / "rose.css")
    shares = {"head": 0.7, "body": 0.3}
    description = Description(
        1,
        "bidviz-metric-rose",
        "0.1.0",
        metrics=(DescribedMetric("gradient_rose", charts=(bidviz.OwnChart(of="rose.Rose"),)),),
        samples={f"gradient_rose/{name}": sample_of([5], [share]) for name, share in shares.items()},
    )
    told: dict[str, str] = {}
    [drawn] = draw_bundle(description, tmp_path / "with", renderers=[renderer], told=told.__setitem__)
    assert told == {}
    [empty] = draw_bundle(description, tmp_path / "without", told=told.__setitem__)
    assert "cannot be drawn here" in told["metric:gradient_rose"]
    assert drawn.read_bytes() != empty.read_bytes()
