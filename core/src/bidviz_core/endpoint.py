"""Where a dashboard is, and the tokens that open it.

Each address has one file in the user's state folder, readable by its owner alone. Its tokens stay the same when the
dashboard at that address is started again, so that a printed URL and an open page go on working; remove the file to
make them void.
"""

from __future__ import annotations

import ipaddress
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec

from bidviz_core.errors import LinkError
from bidviz_core.identity import create_private, read_private, replace_private, state_folder
from bidviz_core.messages.commands import Right

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 10001


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What the state folder keeps of the dashboard at one address.

    Args:
        host: the address it listens on.
        port: the port.
        tokens: the token of each right.
        cookie_key: what its cookies are signed with.
        pid: its process while it runs or is being started, else 0.
        started: when that process was started, seconds since the epoch.
        version: the version of its distribution.
    """

    host: str
    port: int
    tokens: dict[Right, str]
    cookie_key: str
    pid: int = 0
    started: float = 0.0
    version: str = ""


class Endpoint(msgspec.Struct, frozen=True):
    """A dashboard that this user's processes may speak to.

    Args:
        host: its address.
        port: its port.
        tokens: the token of each right; empty for a dashboard whose tokens this machine does not hold.
    """

    host: str
    port: int
    tokens: dict[Right, str] = {}

    @property
    def url(self) -> str:
        """The base URL, without a token."""
        return f"http://{_bracketed(self.host)}:{self.port}"

    def page_url(self, run: str = "", right: Right = "code") -> str:
        """The URL that opens a run's page (or the list of runs), with the token of a right.

        Args:
            run: the run's id; empty for the list of runs.
            right: what the page may do; the owner's `"code"` by default.

        Returns:
            The URL; it is a secret.
        """
        token = self.tokens.get(right, "")
        query = "&".join([*([f"token={token}"] if token else []), *([f"run={quote(run, safe='')}"] if run else [])])
        return f"{self.url}/?{query}" if query else f"{self.url}/"


def parse_url(url: str) -> tuple[str, int]:
    """The host and the port of a dashboard's URL.

    Raises:
        LinkError: it is no `http://host:port`.
    """
    text = url if "//" in url else f"http://{url}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, None
    if parts is None or parts.scheme != "http" or not host:
        raise LinkError(f"A dashboard's address is http://host:port, got {url!r}.")
    return DEFAULT_HOST if host == "localhost" else host, port or DEFAULT_PORT


def is_loopback(host: str) -> bool:
    """Whether a host is this machine's own loopback."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load_record(host: str, port: int) -> Record:
    """The record of an address, with new tokens where there is none.

    Raises:
        LinkError: others can read the file, or it is damaged.
        OSError: it cannot be read or made.
    """
    path = _path(host, port)

    def make() -> bytes:
        tokens: dict[Right, str] = {
            "view": secrets.token_urlsafe(24),
            "tune": secrets.token_urlsafe(24),
            "code": secrets.token_urlsafe(24),
        }
        return msgspec.json.encode(Record(host=host, port=port, tokens=tokens, cookie_key=secrets.token_urlsafe(32)))

    data = read_private(path)
    return _decode(path, data if data is not None else create_private(path, make))


def tokens_of(host: str, port: int) -> dict[Right, str]:
    """The tokens of the dashboard that answers at an address; empty where this machine does not hold them."""
    for name in (host, "0.0.0.0", "::"):
        data = read_private(_path(name, port))
        if data is not None:
            return _decode(_path(name, port), data).tokens
    return {}


def record_process(host: str, port: int, pid: int, version: str = "") -> Record:
    """Notes which process is the dashboard at an address; 0 for none any more."""
    known = load_record(host, port)
    started = time.time() if pid else 0.0
    new = msgspec.structs.replace(known, pid=pid, started=started, version=version)
    replace_private(_path(host, port), msgspec.json.encode(new))
    return new


def recorded() -> Iterator[Record]:
    """Every address that has a record, whether or not a dashboard runs there."""
    for path in sorted((state_folder() / "dashboards").glob("*.json")):
        data = read_private(path)
        if data is not None:
            yield _decode(path, data)


def endpoint_of(record: Record) -> Endpoint:
    """The endpoint of a record; one that listens on every address is reached over loopback."""
    host = {"0.0.0.0": DEFAULT_HOST, "::": "::1"}.get(record.host, record.host)
    return Endpoint(host, record.port, record.tokens)


def _path(host: str, port: int) -> Path:
    return state_folder() / "dashboards" / f"{quote(host, safe='')}-{port}.json"


def _decode(path: Path, data: bytes) -> Record:
    try:
        return msgspec.json.decode(data, type=Record)
    except msgspec.MsgspecError as error:
        raise LinkError(f"{path} is damaged ({error}): remove it, and a new one is made.") from None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
