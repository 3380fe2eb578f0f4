"""Who may do what: tokens, cookies, and the checks of `Host` and `Origin` that stand before every request."""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Mapping
from typing import Any, get_args
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeTimedSerializer

from bidviz_core.endpoint import Record
from bidviz_core.messages.commands import Right

RANK: Mapping[Right, int] = {"view": 0, "tune": 1, "code": 2}
#: Seconds for which a cookie stands.
COOKIE_AGE = 30 * 24 * 3600


class Auth:
    """Judges requests to the dashboard at one address.

    Args:
        record: the tokens, the key that cookies are signed with, and the address.
    """

    def __init__(self, record: Record) -> None:
        self.port = record.port
        self._tokens = record.tokens
        self._signer = URLSafeTimedSerializer(record.cookie_key, salt="bidviz-cookie")
        # Cookies do not know ports: each dashboard of a machine needs a name of its own.
        self.cookie_name = f"bidviz-{record.port}"
        self._names = {"localhost", record.host.lower()}
        if record.host in ("0.0.0.0", "::"):
            self._names |= {socket.gethostname().lower(), socket.getfqdn().lower()}

    def right_of_token(self, token: str) -> Right | None:
        """The right that a token gives, or none."""
        found: Right | None = None
        for right, known in self._tokens.items():
            # Every one is compared, so that the time taken tells nothing.
            if hmac.compare_digest(known.encode(), token.encode()):
                found = right
        return found

    def cookie(self, right: Right) -> str:
        """The value of the cookie that stands for a right."""
        return str(self._signer.dumps(right))

    def right_of_cookie(self, value: str) -> Right | None:
        """The right that a cookie stands for, or none."""
        try:
            right: Any = self._signer.loads(value, max_age=COOKIE_AGE)
        except BadSignature:
            return None
        return right if right in get_args(Right.__value__ if hasattr(Right, "__value__") else Right) else None

    def right_of(self, token: str | None, authorization: str | None, cookie: str | None) -> Right | None:
        """The most that a request is allowed.

        Args:
            token: what stood in `?token=`.
            authorization: the header.
            cookie: the value of our cookie.
        """
        rights = [self.right_of_token(token)] if token else []
        if authorization:
            scheme, _, given = authorization.partition(" ")
            rights.append(self.right_of_token(given.strip()) if scheme.lower() == "bearer" else None)
        if cookie:
            rights.append(self.right_of_cookie(cookie))
        return max((right for right in rights if right is not None), key=RANK.__getitem__, default=None)

    def why_not_host(self, host: str | None, local: str | None) -> str:
        """Why a `Host` is not the dashboard's; empty where it is.

        A page of a stranger's, whose name was made to point at this machine, would send the stranger's name.

        Args:
            host: the header.
            local: the address at which this connection came in.
        """
        name, port = _split(host or "")
        if port == self.port and (name in self._names or _is_own_address(name, local)):
            return ""
        return f"The host {host!r} is not this dashboard's; expected 127.0.0.1:{self.port} or localhost:{self.port}."

    def why_not_origin(self, origin: str | None, host: str | None) -> str:
        """Why an `Origin` is not the dashboard's own; empty where it is, or where none was sent."""
        if origin is None:
            return ""
        parts = urlsplit(origin)
        if parts.scheme in ("http", "https") and parts.netloc.lower() == (host or "").lower():
            return ""
        return f"A page of {origin} may not speak to this dashboard; only its own pages may."


def _split(host: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{host}")
        return (parts.hostname or "").lower(), parts.port or 80
    except ValueError:
        return "", 0


def _is_own_address(name: str, local: str | None) -> bool:
    """An address, unlike a name, cannot be made to point elsewhere."""
    try:
        given = ipaddress.ip_address(name)
    except ValueError:
        return False
    return given.is_loopback or (local is not None and given == ipaddress.ip_address(local.split("%")[0]))
