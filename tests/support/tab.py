"""One tab of the browser, which tests use one after the other, each of them as if it were new.

A tab that is opened for a test reads, compiles and lays out megabytes of script that the tab before has just read: a
second of processor time. In a tab that stays, the browser has them at hand. What tests have left in it is taken away,
it is looked at whether that was so, and a tab in which something is left is not used again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import Error as BrowserError

SIZE = {"width": 1440, "height": 900}
#: Milliseconds for a tab to become as new: a page that hangs is closed with its tab.
PATIENCE = 20_000
_MODIFIERS = ("Alt", "Control", "Meta", "Shift")
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
})"""


class Tab:
    """A tab that is lent to one test at a time.

    Args:
        browser: it is opened there when it is first asked for.
        blank: the path of a page that does nothing, at every address that is visited.
    """

    def __init__(self, browser: Browser, blank: str) -> None:
        self._browser = browser
        self._blank = blank
        self._context: BrowserContext | None = None
        self._page: Page | None = None
        self._new: dict[str, Any] = {}
        self._listeners: list[tuple[str, Callable[..., Any]]] = []
        self.lent = False

    def lend(self, address: str) -> Page:
        """Gives the tab to a test.

        Args:
            address: of the site that the test visits, without a slash at its end.

        Returns:
            The page: as new, of 1440 by 900 pixels.
        """
        assert not self.lent, "the tab is lent to one at a time"
        if self._page is None:
            self._context = self._browser.new_context(viewport=SIZE)  # type: ignore[arg-type]
            self._page = self._context.new_page()
            self._page.goto(f"{address}{self._blank}", timeout=PATIENCE)
            self._new = self._page.evaluate(_LOOK)
        self.lent = True
        page, listen = self._page, type(self._page).on

        def on(event: Any, listener: Callable[..., Any]) -> None:
            self._listeners.append((event, listener))
            listen(page, event, listener)

        page.on = on  # type: ignore[method-assign,assignment]
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
        except BrowserError:  # closed, hung, or its site is gone
            as_new = False
        if not as_new:
            self.close()

    def close(self) -> None:
        """Closes the tab, with all that it has kept; the next test gets another one."""
        if self._context is not None:
            with contextlib.suppress(BrowserError):
                self._context.close()
        self._context = self._page = None
        self._listeners.clear()

    def _clean(self, address: str) -> bool:
        context, page = self._context, self._page
        assert context is not None
        assert page is not None
        for event, listener in self._listeners:
            page.remove_listener(event, listener)
        self._listeners.clear()
        for other in context.pages:
            if other is not page:
                other.close()
        page.unroute_all()
        context.unroute_all()
        for key in _MODIFIERS:
            page.keyboard.up(key)
        page.mouse.up()
        page.mouse.move(-10, -10)  # where nothing is under it
        page.goto(f"{address}{self._blank}", timeout=PATIENCE)
        context.clear_cookies()
        context.clear_permissions()
        page.evaluate(_FORGET)
        return bool(page.evaluate(_LOOK) == self._new)
