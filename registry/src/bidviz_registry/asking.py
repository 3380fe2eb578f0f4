"""Asks a registry what it has."""

from __future__ import annotations

import base64
import urllib.error
import urllib.parse
import urllib.request

import msgspec

from bidviz_core.description import Description, decode_description
from bidviz_core.errors import PluginError, SpecError

#: A search is answered within this, or the registry is said to be slow.
SECONDS = 10.0
#: The most bytes that are read of an answer.
_MOST_BYTES = 64 * 2**20
_NULL = msgspec.Raw(b"null")


class Offered(msgspec.Struct, frozen=True):
    """A bundle that a registry has.

    Args:
        name: its normalized name.
        version: the version that the rest is of.
        versions: every version, newest first.
        summary: what it is, in a sentence.
        requires_python: which Python it needs.
        requires_dist: what else it needs.
        filename: the file's name.
        url: where the file is.
        sha256: the file's hash.
        size: its bytes.
        uploaded: when it was published, as `2026-11-26T12:00:00.000000Z`.
        license: its licence.
        yanked: why it was withdrawn; none if it was not.
        description: what it holds, as JSON; `describe` reads it.
    """

    name: str
    version: str
    versions: tuple[str, ...] = ()
    summary: str = ""
    requires_python: str = ""
    requires_dist: tuple[str, ...] = ()
    filename: str = ""
    url: str = ""
    sha256: str = ""
    size: int = 0
    uploaded: str = ""
    license: str = ""
    yanked: str | None = None
    description: msgspec.Raw = _NULL

    def describe(self) -> Description | None:
        """What it holds.

        Returns:
            None where it does not say, or says it in a format that cannot be read here.
        """
        try:
            return None if self.description == _NULL else decode_description(bytes(self.description))
        except SpecError:
            return None


class Answer(msgspec.Struct, frozen=True):
    """What a search found.

    Args:
        bundles: the best, in their order.
        total: how many there are.
    """

    bundles: tuple[Offered, ...]
    total: int


def ask(registry: str, query: str, limit: int = 20, samples: bool = False, seconds: float = SECONDS) -> Answer:
    """Searches a registry.

    Args:
        registry: its address, with `__token__:TOKEN@` before the host where reading needs a token.
        query: words.
        limit: the most bundles.
        samples: whether descriptions come with their samples and code.
        seconds: the longest that it may take to say something.

    Raises:
        PluginError: it cannot be reached, refuses, or answers something else.
    """
    asked = urllib.parse.urlencode({"q": query, "limit": limit, "samples": int(samples)})
    return _decode(_get(registry, f"api/search?{asked}", seconds), registry)


def list_found(registry: str, query: str, limit: int) -> str:
    """What a search finds, for a terminal: name, version and summary, then what it holds."""
    answer = ask(registry, query, limit)
    if not answer.bundles:
        return f"No bundle has {query!r} in its name, summary, metrics or help." if query else "It has no bundles yet."
    lines = []
    for one in answer.bundles:
        lines.append(f"{_plain(one.name)} {_plain(one.version)}  {_plain(one.summary)}")
        description = one.describe()
        if description is not None and description.metrics:
            lines.append(f"    metrics  {', '.join(_plain(metric.name) for metric in description.metrics)}")
        lines.append(f"    sha256   {_plain(one.sha256)}")
    if answer.total > len(answer.bundles):
        lines.append(f"{answer.total - len(answer.bundles):,} more; ask for them with --limit, or add a word.")
    return "\n".join(lines)


def _decode(data: bytes, registry: str) -> Answer:
    """Reads an answer; what does not look like one is refused in a sentence."""
    try:
        return msgspec.json.decode(data, type=Answer)
    except msgspec.MsgspecError as error:
        raise PluginError(f"{_shown(registry)} answered what no registry of BIDViz answers: {error}.") from error


def _get(registry: str, path: str, seconds: float) -> bytes:
    parts = urllib.parse.urlsplit(registry if "://" in registry else f"http://{registry}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PluginError(f"{registry!r} is no address of a registry: expected http(s)://host/.")
    place = parts.path.rstrip("/").removesuffix("/simple")
    host = parts.netloc.rpartition("@")[2]
    request = urllib.request.Request(f"{parts.scheme}://{host}{place}/{path}", headers={"Accept": "application/json"})
    if parts.username:
        pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        request.add_header("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            data = bytes(answer.read(_MOST_BYTES + 1))
    except urllib.error.HTTPError as error:
        said = error.read(500).decode("utf-8", "replace").strip() if error.code in (401, 403) else error.reason
        error.close()
        raise PluginError(f"The registry {_shown(registry)} refused: {error.code} {_plain(str(said))}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise PluginError(f"The registry {_shown(registry)} cannot be reached: {reason}. Is it running?") from error
    if len(data) > _MOST_BYTES:
        raise PluginError(f"The registry {_shown(registry)} answered more than {_MOST_BYTES / 2**20:.0f} MiB.")
    return data


def _shown(registry: str) -> str:
    """The address without its token."""
    return registry.rpartition("@")[2] if "@" in registry else registry


def _plain(text: str) -> str:
    """A stranger's text without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
