"""The tab in which one test after the other opens its pages: each finds it as new."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from playwright.sync_api import Browser, Page
from support.tab import SIZE, Tab

from .conftest import World

pytestmark = pytest.mark.browser
BLANK = "/bidviz/healthy"

KEPT = """() => {
    localStorage.setItem("bidviz-theme", "dark");
    sessionStorage.setItem("writing", "a package");
    document.cookie = "seen=yes";
    window.name = "mine";
    window.hacked = true;
    document.body.append("a word");
}"""
SEEN = """() => [localStorage.length, sessionStorage.length, document.cookie, window.name, window.hacked ?? null,
    document.body.innerText.trim()]"""


@pytest.fixture
def kept(browser: Browser) -> Iterator[Tab]:
    """A tab of the test's own."""
    made = Tab(browser)
    yield made
    made.close()


@pytest.fixture
def used(kept: Tab, world: World) -> Callable[[Callable[[Page], object]], Page]:
    """What the next test is lent after one that did something."""

    def use(action: Callable[[Page], object]) -> Page:
        page = kept.lend(world.address)
        page.goto(world.address + BLANK)
        action(page)
        kept.take_back(world.address)
        again = kept.lend(world.address)
        again.goto(world.address + BLANK)
        return again

    return use


def test_what_a_page_has_kept_is_gone_and_the_tab_is_the_same(kept: Tab, world: World) -> None:
    page = kept.lend(world.address)
    page.goto(f"{world.address}/?token={world.token('code')}")
    assert page.context.cookies()
    page.evaluate(KEPT)
    kept.take_back(world.address)
    again = kept.lend(world.address)
    assert again is page
    assert not again.context.cookies()
    again.goto(world.address + BLANK)
    assert again.evaluate(SEEN) == [0, 0, "", "", None, "yes"]


class _Site(BaseHTTPRequestHandler):
    """Wants a cookie for all but its first page, and keeps what was asked of it without one."""

    #: A page that never stops to ask for something, and has no icon, which the browser asks for when it likes.
    PAGE = b"""<!doctype html><title>Busy</title><script>
        for (let i = 0; i < 4; i++) (async () => { for (;;) await fetch("/more"); })();
    </script>"""
    refused: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        known = self.path == "/" or "known=yes" in self.headers.get("Cookie", "")
        if not known:
            self.refused.append(self.path)
        self.send_response(200 if known else 403)
        self.send_header("Content-Type", "text/html")
        if self.path == "/":
            self.send_header("Set-Cookie", "known=yes; Path=/")
        self.end_headers()
        with contextlib.suppress(OSError):  # the page has been left
            self.wfile.write(self.PAGE)

    def log_message(self, *about: object) -> None:
        """The terminal is the tests'."""


@pytest.fixture
def busy_site() -> Iterator[str]:
    """The address of such a site."""
    _Site.refused.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever, name="busy-site", daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_page_asks_for_nothing_once_its_cookies_are_gone(kept: Tab, busy_site: str) -> None:
    heard: list[str] = []
    lent: set[Page] = set()
    for _ in range(8):
        page = kept.lend(busy_site)
        lent.add(page)
        page.on("console", lambda said: heard.append(f"{said.text} ({said.location.get('url')})"))
        page.goto(f"{busy_site}/")
        kept.take_back(busy_site)
    assert _Site.refused == []
    assert heard == []
    assert len(lent) == 1


def test_a_page_without_a_server_is_cleaned_all_the_same(kept: Tab, world: World) -> None:
    page = kept.lend(world.address)
    page.goto(f"{world.address}/?token={world.token('code')}")
    page.evaluate("localStorage.setItem('bidviz-theme', 'dark')")
    world.stop_dashboard()
    kept.take_back(world.address)
    world.start_dashboard()
    again = kept.lend(world.address)
    again.goto(f"{world.address}/?token={world.token('code')}")
    assert again is page
    assert again.evaluate("localStorage.getItem('bidviz-theme')") is None


def test_what_a_test_listened_to_and_put_in_the_way_is_gone(
    kept: Tab, used: Callable[[Callable[[Page], object]], Page], world: World
) -> None:
    heard: list[str] = []

    def action(page: Page) -> None:
        page.on("request", lambda request: heard.append(request.url))
        page.route("**/healthy", lambda route: route.abort())
        page.context.route("**/healthy", lambda route: route.abort())
        page.context.grant_permissions(["clipboard-read"])
        page.context.new_page()
        page.context.set_offline(True)
        page.set_viewport_size({"width": 390, "height": 844})
        page.keyboard.down("Shift")

    page = used(action)
    assert heard == []
    assert page.inner_text("body") == "yes\n"
    assert page.context.pages == [page]
    assert page.evaluate("[innerWidth, navigator.onLine]") == [SIZE["width"], True]
    assert page.evaluate("async () => (await navigator.permissions.query({name: 'clipboard-read'})).state") == "prompt"
    page.evaluate("addEventListener('keydown', (event) => { window.typed = event.shiftKey; })")
    page.keyboard.press("a")
    assert page.evaluate("typed") is False


@pytest.mark.parametrize(
    "action",
    [
        lambda page: page.emulate_media(color_scheme="dark"),
        lambda page: page.clock.install(),
        lambda page: page.add_init_script("window.mine = 1"),
        lambda page: page.expose_function("ours", lambda: None),
        lambda page: page.evaluate("() => new Promise((done) => { indexedDB.open('mine').onsuccess = done; })"),
        lambda page: page.close(),
        lambda page: page.context.close(),
    ],
    ids=["theme", "clock", "script", "function", "database", "closed", "context"],
)
def test_a_tab_that_is_not_as_new_is_used_no_more(
    action: Callable[[Page], object], used: Callable[[Callable[[Page], object]], Page]
) -> None:
    before: list[Page] = []
    page = used(lambda page: (before.append(page), action(page)))
    assert page is not before[0]
    assert page.viewport_size == SIZE
    assert page.evaluate("[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, window.mine ?? null]") == [
        SIZE["width"],
        False,
        None,
    ]
    assert "native code" in page.evaluate("String(Date)")
