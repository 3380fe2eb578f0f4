"""One browser (or program) at `/ws`: what it asks is read, checked, answered or passed on."""

from __future__ import annotations

import contextlib
import logging
import uuid
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from bidviz_core.errors import BidvizError
from bidviz_core.messages.commands import DASHBOARD, RIGHTS, Command, Method, Right, decode_request, method_name
from bidviz_core.messages.notifications import (
    Callback,
    CallbackContent,
    ErrorContent,
    ErrorMessage,
    Notification,
    encode,
)
from bidviz_dashboard.answers import ANSWERS
from bidviz_dashboard.auth import RANK
from bidviz_dashboard.mailbox import Mailbox
from bidviz_dashboard.sockets import PatientSocket, WireFrame, goodbye_frame
from bidviz_dashboard.version1 import points

if TYPE_CHECKING:
    from bidviz_dashboard.hub import Hub

log = logging.getLogger("bidviz_dashboard")

_METHODS = sorted(str(kind.__struct_config__.tag) for kind in get_args(Command))


class Browser:
    """A client. Everything but `mailbox` is used by its own thread alone.

    Args:
        hub: the hub.
        connection: its socket.
        right: what it may do.
        run: the run named in its address; empty for none.
    """

    def __init__(self, hub: Hub, connection: PatientSocket, right: Right, run: str) -> None:
        self.version = 1
        self.right = right
        self.author = "person"
        self._hub = hub
        self._connection = connection
        self._named = run
        self._following = ""
        #: Runs to follow when their sessions come, with the arrays wanted; `""` is any run.
        self._waiting: dict[str, frozenset[str] | None] = {}
        self.mailbox = Mailbox(uuid.uuid4().hex[:4], connection, connection.break_off, self._to_points)

    @property
    def run(self) -> str:
        """The run that commands without a run's id are for."""
        return self._named or self._following or self._hub.newest()

    def begin(self) -> None:
        """Version 1 streams at once: the run of the address, or the newest; with none, the first that comes."""
        run = self._named or self._hub.newest()
        try:
            if run and self._hub.follow(self, run):
                return
        except BidvizError:
            pass  # its file may be in the making, as a branch's is for a moment; it is shown when its session comes
        self._waiting[self._named] = None
        if self._named:
            self.tell(ErrorMessage(ErrorContent(self._hub.unknown(self._named))))

    def follows_now(self, run: str) -> None:
        """The hub has made it a follower of a run."""
        self._following = run
        self._waiting.pop(run, None)

    def follows_later(self, run: str, series: frozenset[str] | None) -> None:
        """It is shown a run whose session is not here, and will follow it when that comes (back)."""
        self._following = run
        self._waiting[run] = series

    def follows_no_more(self, run: str) -> None:
        """It is not to follow a run any longer."""
        self._waiting.pop(run, None)

    def waits_for(self, run: str) -> bool:
        """Whether it is to follow a run that has just come."""
        return run in self._waiting or "" in self._waiting

    def run_came(self, run: str) -> None:
        """A run that it waited for is here."""
        series = self._waiting.pop(run, None)
        self._waiting.pop("", None)
        self._hub.follow(self, run, series=series)

    def speak(self, versions: list[int], name: str) -> int:
        """The client has said which versions it knows."""
        newest = max((version for version in versions if version in (1, 2)), default=1)
        if name and name != "page":
            self.author = name[:60]
        if newest > 1 and self.version == 1:
            self.version = newest
            if self._following:
                self._hub.unfollow(self, self._following)
            self._waiting.clear()
            self.mailbox.convert = None
            self.mailbox.forget_live()
        return self.version

    def take(self, message: str | bytes) -> None:
        """Reads a request and sees that it is answered."""
        try:
            request = decode_request(message)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self._misunderstood(message, error)
            return
        why = self._why_not(request.content)
        if why:
            self.reply(request.id, False, why)
            return
        if type(request.content) in DASHBOARD:
            try:
                ANSWERS[type(request.content)](self._hub, self, request)
            except (BidvizError, OSError) as error:
                self.reply(request.id, False, str(error))
            return
        named = getattr(getattr(request.content, "content", None), "run", "")
        why = self._hub.order(self, request.id, named or self.run, request.content)
        if why:
            self.reply(request.id, False, why)

    def reply(self, request_id: Any, success: bool, data: Any = "", step: int | None = None) -> None:
        """Answers a request."""
        self.tell(Callback(CallbackContent(request_id, success, data, step)))

    def tell(self, notification: Notification) -> None:
        """Sends a notification."""
        self.mailbox.put_notice(encode(notification))

    def say_goodbye(self, why: str) -> None:
        """Ends the connection with a reason; its own thread then leaves."""
        self.mailbox.close(0.1)
        with contextlib.suppress(OSError):
            self._connection.send_frame(goodbye_frame(why))
        self._connection.break_off()

    def _why_not(self, command: Method) -> str:
        needed = RIGHTS[type(command)]
        if RANK[self.right] < RANK[needed]:
            return (
                f"{method_name(command)} needs the right {needed!r}, and this link gives {self.right!r}: "
                "open the owner's URL, the one that the training printed."
            )
        if needed == "code" and not self._hub.allow_code:
            return "This dashboard was started with --no-code: it passes on no code to a training."
        return ""

    def _misunderstood(self, message: str | bytes, error: Exception) -> None:
        request_id, method = _salvage(message)
        if isinstance(method, str) and method not in _METHODS:
            why = f"The method {method!r} is not known; expected one of {', '.join(_METHODS)}."
        else:
            expected = 'Expected {"id": …, "content": {"methodName": …, "content": …}}'
            about = f" with what {method} takes" if isinstance(method, str) else ""
            why = f"The message was not understood: {str(error)[:300]}. {expected}{about}."
        if request_id is None:
            self.tell(ErrorMessage(ErrorContent(why)))
        else:
            self.reply(request_id, False, why)

    def _to_points(self, frame: WireFrame) -> bytes:
        try:
            return points(frame, lambda series: self._hub.type_of(self._following, series))
        except Exception as error:  # noqa: BLE001 - what is in a frame is the session's; a bad one must not end the writer
            log.warning("a frame could not be turned into data points: %s", type(error).__name__)
            return encode(ErrorMessage(ErrorContent("A record came that could not be read; it was left out.")))


def _salvage(message: str | bytes) -> tuple[Any, Any]:
    """The id and the method of a message that does not fit the schema, as far as it has them."""
    try:
        found = msgspec.json.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None, None
    if not isinstance(found, dict):
        return None, None
    content = found.get("content")
    return found.get("id"), content.get("methodName") if isinstance(content, dict) else None
