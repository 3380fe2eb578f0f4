"""One tab of the browser, which tests use one after the other, each of them as if it were new.

A tab that is opened for a test reads, compiles and lays out megabytes of script that the tab before has just read: a
second of processor time. In a tab that stays, the browser has them at hand: for each address, so that sites that come
one after the other do best at the same port. What tests have left in it is taken away, it is looked at whether that was
so, and a tab in which something is left is not used again.

Nothing of one test is heard by the next. Its page is left first, which ends what that page asks for, and only then are
the cookies taken away. Between two tests an empty page stands there that comes from no server and has an icon: for a
page without one a browser asks `/favicon.ico` in its own time, which a site that wants a cookie would refuse by then.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, ViewportSize
from playwright.sync_api import Error as BrowserError

SIZE: ViewportSize = {"width": 1440, "height": 900}
#: Milliseconds for a tab to become as new: a page that hangs is closed with its tab.
PATIENCE = 20_000
_MODIFIERS = ("Alt", "Control", "Meta", "Shift")
#: At every address that is visited; a page of the site itself would begin to work there.
_EMPTY = "/as-new"
_EMPTY_PAGE = '<!doctype html><html lang="en"><title>Empty</title><link rel="icon" href="data:,"></html>'
_FORGET = "() => { localStorage.clear(); sessionStorage.clear(); window.name = ''; }"
#: What a page can tell of all that a test may have left behind for it.
_LOOK = """async () => ({
    size: [innerWidth, innerHeight, devicePixelRatio, navigator.maxTouchPoints],
    media: ["(prefers-color-scheme: dark)", "(prefers-reduced-motion: reduce)", "(forced-colors: active)", "print"]
        .map((query) => matchMedia(query).matches),
    clock: [Date, setTimeout, setInterval, requestAnimationFrame, performance.now].map(String),
    kept: [localStorage.length, sessionStorage.length, document.cookie, window.name],
    databases: (await indexedDB.databases()).length,
    caches: window.caches ? (await caches.keys()).length : 0,
    allowed: await Promise.all(["clipboard-read", "notifications", "geolocation"].map(
        async (name) => (await navigator.permissions.query({name})).state)),
    online: navigator.onLine,
    globals: Object.getOwnPropertyNames(window).sort().join(),
    behind: history.length,
})"""


class Tab:
    """A tab that is lent to one test at a time.

    Args:
        browser: it is opened there when it is first asked for.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._context: BrowserContext | None = None
        self._page: Page | None = None
        self._session: CDPSession | None = None
        self._new: dict[str, Any] = {}
        self._listeners: list[tuple[str, Callable[..., Any]]] = []
        self.lent = False

    def lend(self, address: str, size: ViewportSize = SIZE) -> Page:
        """Gives the tab to a test.

        Args:
            address: of the site that the test visits, without a slash at its end.
            size: of the page.

        Returns:
            The page: as new.
        """
        assert not self.lent, "the tab is lent to one at a time"
        if self._page is None:
            self._context = self._browser.new_context(viewport=SIZE)
            self._page = self._context.new_page()
            self._session = self._context.new_cdp_session(self._page)
            self._leave(address)
            self._new = self._look()
        self.lent = True
        page, listen = self._page, type(self._page).on

        def on(event: Any, listener: Callable[..., Any]) -> None:
            self._listeners.append((event, listener))
            listen(page, event, listener)

        page.on = on  # type: ignore[method-assign,assignment]
        if size != SIZE:
            page.set_viewport_size(size)
        return page

    def take_back(self, address: str) -> None:
        """Takes the tab from a test, and from the tab what the test has left in it.

        Args:
            address: that `lend` was given.
        """
        if not self.lent:
            return
        self.lent = False
        try:
            as_new = self._clean(address)
        except BrowserError:  # closed, or hung
            as_new = False
        if not as_new:
            self.close()

    def close(self) -> None:
        """Closes the tab, with all that it has kept; the next test gets another one."""
        if self._context is not None:
            with contextlib.suppress(BrowserError):
                self._context.close()
        self._context = self._page = self._session = None
        self._listeners.clear()

    def _clean(self, address: str) -> bool:
        context, page = self._context, self._page
        assert context is not None
        assert page is not None
        for other in context.pages:
            if other is not page:
                other.close()
        page.unroute_all()
        context.unroute_all()
        # What the page has said so far is heard by its test; how it takes its leave is nobody's.
        for event, listener in self._listeners:
            page.remove_listener(event, listener)
        self._listeners.clear()
        self._leave(address)
        for key in _MODIFIERS:
            page.keyboard.up(key)
        page.mouse.up()
        page.mouse.move(-10, -10)  # where nothing is under it
        if page.viewport_size != SIZE:
            page.set_viewport_size(SIZE)
        context.set_offline(False)
        context.clear_cookies()
        context.clear_permissions()
        return self._look() == self._new and not context.cookies()

    def _leave(self, address: str) -> None:
        """Goes to the empty page."""
        page = self._page
        assert page is not None
        page.route(address + _EMPTY, lambda route: route.fulfill(body=_EMPTY_PAGE, content_type="text/html"))
        page.goto(address + _EMPTY, timeout=PATIENCE)
        page.unroute_all()

    def _look(self) -> dict[str, Any]:
        """Empties the storage, and tells what there is to see."""
        page, session = self._page, self._session
        assert page is not None
        assert session is not None
        page.evaluate(_FORGET)
        session.send("Page.resetNavigationHistory")
        seen: dict[str, Any] = page.evaluate(_LOOK)
        return seen
