"""Commands on their way to sessions, and the way of each reply back to who asked."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from bidviz_core.messages.commands import Method, Order, RequestParam
from bidviz_core.messages.notifications import (
    CallbackContent,
    ConsoleMessage,
    Parameters,
    Progress,
    ProgressContent,
)
from bidviz_core.messages.steered import ConsoleContent

if TYPE_CHECKING:
    from bidviz_dashboard.browser import Browser
    from bidviz_dashboard.session_socket import SessionPeer

#: Commands of one client that may wait for their replies.
MOST = 200
_GONE = "The training went away before it answered; look whether it took hold."


class Pending(NamedTuple):
    """An order that has not been answered.

    Args:
        browser: who asked.
        id: the client's own id of the request.
        run: the run it went to.
        command: what was asked.
    """

    browser: Browser
    id: Any
    run: str
    command: Method


class Orders:
    """Numbers the orders and remembers whose they are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: dict[int, Pending] = {}
        self._number = 0

    def give(self, peer: SessionPeer, browser: Browser, request_id: Any, run: str, command: Method) -> str:
        """Sends a command to a session.

        Returns:
            Why not, as a sentence; empty if it is on its way.
        """
        with self._lock:
            if sum(pending.browser is browser for pending in self._pending.values()) >= MOST:
                return f"{MOST} commands are waiting for their replies already; wait for some of them."
            self._number += 1
            number = self._number
            self._pending[number] = Pending(browser, request_id, run, command)
        peer.send(Order(number, browser.author, browser.right, command))  # type: ignore[arg-type]
        return ""

    def reply_came(self, content: CallbackContent) -> Method | None:
        """Passes a session's reply on.

        Returns:
            The command that was carried out, where it was.
        """
        pending = self._take(content.id)
        if pending is None:
            return None  # whoever asked has gone
        data = content.data
        if isinstance(pending.command, RequestParam) and content.success and isinstance(data, dict):
            # Version 1 has the answer and the values apart.
            pending.browser.reply(pending.id, True, "", content.step)
            pending.browser.tell(Parameters({name: str(value) for name, value in data.items()}))
            return pending.command
        if pending.browser.version == 1:
            data = as_text(data)
        pending.browser.reply(pending.id, content.success, data, content.step)
        return pending.command if content.success else None

    def progress_came(self, content: ProgressContent) -> None:
        """Passes on a line about a request that takes long."""
        with self._lock:
            pending = self._pending.get(content.id) if isinstance(content.id, int) else None
        if pending is not None and pending.browser.version > 1:
            pending.browser.tell(Progress(ProgressContent(pending.id, content.text, pending.run)))

    def console_came(self, content: ConsoleContent) -> None:
        """Passes on what a console line gives, to the client that sent it and to nobody else."""
        with self._lock:
            pending = self._pending.get(content.id) if isinstance(content.id, int) else None
        if pending is not None and pending.run == content.run and pending.browser.version > 1:
            pending.browser.tell(ConsoleMessage(msgspec.structs.replace(content, id=pending.id)))

    def run_went(self, run: str) -> None:
        """Answers what a session has left unanswered."""
        with self._lock:
            orphans = [number for number, pending in self._pending.items() if pending.run == run]
            lost = [self._pending.pop(number) for number in orphans]
        for pending in lost:
            pending.browser.reply(pending.id, False, _GONE)

    def browser_went(self, browser: Browser) -> None:
        """Forgets what a client was waiting for."""
        with self._lock:
            for number in [number for number, pending in self._pending.items() if pending.browser is browser]:
                del self._pending[number]

    def _take(self, number: Any) -> Pending | None:
        with self._lock:
            return self._pending.pop(number, None) if isinstance(number, int) else None


def as_text(data: Any) -> str:
    """A reply's data as version 1 has it: text, and JSON text of whatever is none."""
    if isinstance(data, str):
        return data
    if isinstance(data, dict) and isinstance(data.get("message"), str):
        return str(data["message"])
    return "" if data is None else msgspec.json.encode(data).decode()
