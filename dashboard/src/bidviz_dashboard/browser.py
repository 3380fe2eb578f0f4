"""One browser (or program) at `/ws`: what it asks is read, checked, answered or passed on."""

from __future__ import annotations

import threading
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
from bidviz_dashboard.sockets import PatientSocket, WireFrame
from bidviz_dashboard.version1 import points

if TYPE_CHECKING:
    from bidviz_dashboard.hub import Hub

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
        self._waiting_for_any = False
        self._lock = threading.Lock()
        self.mailbox = Mailbox(uuid.uuid4().hex[:4], connection, connection.break_off, self._to_points)

    @property
    def run(self) -> str:
        """The run that commands without a run's id are for."""
        return self._named or self._following or self._hub.newest()

    def begin(self) -> None:
        """Version 1 streams at once: the run of the address, or the newest; with none, the first that comes."""
        if self._named:
            if not self._hub.follow(self, self._named):
                self.tell(ErrorMessage(ErrorContent(self._hub.unknown(self._named))))
                self._waiting_for_any = True
            return
        newest = self._hub.newest()
        self._waiting_for_any = not newest
        if newest:
            self._hub.follow(self, newest)

    def waits_for(self, run: str) -> bool:
        """Whether a version-1 client has nothing to follow yet, and would follow this run."""
        return self.version == 1 and self._waiting_for_any and self._named in ("", run)

    def run_came(self, run: str) -> None:
        """The run that it waited for is here."""
        self._waiting_for_any = False
        self._hub.follow(self, run)

    def follows_now(self, run: str) -> None:
        """The hub has made it a follower of a run."""
        self._following = run

    def speak(self, versions: list[int], name: str) -> int:
        """The client has said which versions it knows."""
        newest = max((version for version in versions if version in (1, 2)), default=1)
        if name and name != "page":
            self.author = name[:60]
        if newest > 1 and self.version == 1:
            self.version = newest
            if self._following:
                self._hub.unfollow(self, self._following)
            self.mailbox.convert = None
            self.mailbox.forget_live()
        return self.version

    def take(self, message: str | bytes) -> None:
        """Reads a request and sees that it is answered."""
        try:
            request = decode_request(message)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
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

    def break_off(self, why: str = "") -> None:
        """Ends the connection; its own thread then leaves."""
        if why:
            self.tell(ErrorMessage(ErrorContent(why)))
            self.mailbox.close(0.5)
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
        return points(frame, lambda series: self._hub.type_of(self._following, series))


def _salvage(message: str | bytes) -> tuple[Any, Any]:
    """The id and the method of a message that does not fit the schema, as far as it has them."""
    try:
        found = msgspec.json.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None, None
    if not isinstance(found, dict):
        return None, None
    content = found.get("content")
    return found.get("id"), content.get("methodName") if isinstance(content, dict) else None
