"""Browser tabs that tests use one after another: a new one reads and compiles the page's scripts anew, which is a third
of what opening a page costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Error, Page

#: The size of every page that asks for no other.
VIEWPORT = {"width": 1440, "height": 900}
#: What listens to one kind of event of a page: `("console", heard)`.
Listener = tuple[str, Callable[[Any], None]]


class Tabs:
    """Lends tabs that are as new ones: an empty page, nothing stored, no cookies, no listeners, the usual size.

    Args:
        browser: whose tabs they are.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: list[Page] = []

    @contextmanager
    def lent(self) -> Iterator[Callable[..., Page]]:
        """Lends tabs as long as a test takes.

        Yields:
            What lends one more, with these `listeners`. One of another size (`viewport`) may have been others' before;
            one with any other option of a browser context, or a `fresh` one, is new and is closed at the end. A test
            takes a fresh one when it adds what cannot be taken off again: a clock, an emulation, listeners or routes.
        """
        lent: list[tuple[Page, Sequence[Listener], bool]] = []

        def lend(listeners: Sequence[Listener] = (), fresh: bool = False, **options: Any) -> Page:
            chosen = {"viewport": VIEWPORT, **options}
            kept = not fresh and set(chosen) == {"viewport"}
            page = self._free.pop() if kept and self._free else self._browser.new_context(**chosen).new_page()
            lent.append((page, listeners, kept))
            if kept:
                page.set_viewport_size(chosen["viewport"])  # type: ignore[arg-type]
            for event, heard in listeners:
                page.on(event, heard)  # type: ignore[call-overload]
            return page

        try:
            yield lend
        finally:
            for page, listeners, kept in lent:
                for event, heard in listeners:
                    page.remove_listener(event, heard)
                if kept and _made_as_new(page):
                    self._free.append(page)
                else:
                    page.context.close()

    def close(self) -> None:
        """Closes those that are kept."""
        while self._free:
            self._free.pop().context.close()


def _made_as_new(page: Page) -> bool:
    """Whether a tab could be made as a new one is."""
    try:
        for other in page.context.pages:
            if other != page:
                other.close()
        there = urlsplit(page.url)
        stored = {"origin": f"{there.scheme}://{there.netloc}", "storageTypes": "all"}
        page.mouse.move(0, 0)
        page.goto("about:blank")
        page.context.clear_cookies()
        page.context.clear_permissions()
        session = page.context.new_cdp_session(page)
        session.send("Storage.clearDataForOrigin", stored)
        session.detach()
    except Error:  # it was closed, or has crashed
        return False
    return True
