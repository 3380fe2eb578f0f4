"""What a registry, an index or a folder has: the files of one name, and what its search finds.

Whatever comes over the network is somebody else's: its size and time are bounded, and what cannot be understood is a
sentence.
"""

from __future__ import annotations

import base64
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, unquote, urlencode, urlsplit

import msgspec
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from bidviz_core.errors import PluginError
from bidviz_registry.sources import Source, without_credentials

#: A place that has not answered by then is said to be slow.
SECONDS = 5.0
MOST_BYTES = 32 * 2**20
_JSON = "application/vnd.pypi.simple.v1+json"
_T = TypeVar("_T")


class ListedFile(NamedTuple):
    """A file that a place has of a bundle.

    Args:
        filename: its name.
        version: its version.
        sha256: its hash, where the place says it.
        requires_python: which Python it needs, where the place says it.
    """

    filename: str
    version: str
    sha256: str = ""
    requires_python: str = ""

    @property
    def is_wheel(self) -> bool:
        """Whether it can be installed without building anything."""
        return self.filename.endswith(".whl")


class SearchedBundle(msgspec.Struct, frozen=True):
    """A bundle that a registry's search found."""

    name: str
    version: str
    versions: tuple[str, ...] = ()
    summary: str = ""
    sha256: str = ""
    description: dict[str, Any] | None = None


class _Searched(msgspec.Struct, frozen=True):
    bundles: tuple[SearchedBundle, ...]


def files_of(source: Source, name: str, seconds: float = SECONDS) -> list[ListedFile]:
    """The files that a place has of a bundle, newest version first; none where it does not know the name.

    Raises:
        PluginError: it is down, slow, or answers what is no index.
    """
    if source.kind == "folder":
        return _sorted(_in_folder(Path(source.address), name))
    kind, data = _get(source, f"{source.simple}{quote(name)}/", f"{_JSON}, text/html;q=0.5", seconds)
    if data is None:
        return []
    if "json" in kind:
        return _sorted(_from_json(source, data))
    if "html" not in kind:
        raise PluginError(f"{source.name} ({source.shown}) answered {kind or 'something'} where an index answers HTML.")
    reader = _Links()
    reader.feed(data.decode("utf-8", "replace"))
    return _sorted(reader.files)


def search(
    source: Source, query: str, limit: int = 100, seconds: float = SECONDS, samples: bool = True
) -> list[SearchedBundle]:
    """What a registry's search finds.

    Args:
        source: the registry.
        query: words.
        limit: the most bundles.
        seconds: the longest to wait.
        samples: whether descriptions come with their samples and code.

    Raises:
        PluginError: it is down, slow, or answers what no registry answers.
    """
    asked = urlencode({"q": query, "limit": limit, "samples": int(samples)})
    _, data = _get(source, f"{source.address.rstrip('/')}/api/search?{asked}", "application/json", seconds)
    if data is None:
        raise PluginError(
            f"{source.name} ({source.shown}) has no search: it is no registry of BIDViz. Where it is a package index, "
            "give the address that ends with /simple/."
        )
    try:
        return list(msgspec.json.decode(data, type=_Searched).bundles)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PluginError(
            f"{source.name} ({source.shown}) answered what no registry of BIDViz answers: {error}."
        ) from error


def wheels_in(source: Source) -> dict[str, list[ListedFile]]:
    """The wheels of a folder by the normalized name of their distribution, newest version first.

    Raises:
        PluginError: the folder is not there or cannot be read.
    """
    folder = Path(source.address)
    try:
        paths = sorted(folder.glob("*.whl"))
        if not folder.is_dir():
            raise NotADirectoryError(f"there is no folder {folder}")
    except OSError as error:
        raise PluginError(f"The folder {source.name} cannot be read: {error}.") from error
    found: dict[str, list[ListedFile]] = {}
    for path in paths:
        listed = _listed(path.name)
        if listed is not None:
            found.setdefault(_name_of(path.name), []).append(listed)
    return {name: _sorted(files) for name, files in found.items()}


def ask_together(
    asked: Iterable[tuple[Source, Callable[[], _T]]], seconds: float = SECONDS
) -> tuple[list[tuple[Source, _T]], list[tuple[Source, str]]]:
    """Asks several places at once, and waits for none of them longer than so many seconds.

    Args:
        asked: the places, each with what asks it.
        seconds: the longest to wait for all; whoever has not answered then goes on in a thread that nobody waits for.

    Returns:
        The answers, and a sentence for each place that gave none.
    """
    answers: dict[int, tuple[Source, Any]] = {}
    problems: dict[int, tuple[Source, str]] = {}
    threads: list[tuple[int, Source, threading.Thread]] = []

    def work(number: int, source: Source, ask: Callable[[], Any]) -> None:
        try:
            answers[number] = (source, ask())
        except PluginError as error:
            problems[number] = (source, str(error))
        except Exception as error:  # noqa: BLE001 - what a stranger answers must not end the search of the others
            problems[number] = (source, f"{source.name} ({source.shown}) could not be asked: {error}.")

    for number, (source, ask) in enumerate(asked):
        thread = threading.Thread(target=work, args=(number, source, ask), name="bidviz-asking", daemon=True)
        threads.append((number, source, thread))
        thread.start()
    deadline = time.monotonic() + seconds
    for number, source, thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            problems[number] = (source, f"{source.name} ({source.shown}) did not answer within {seconds:.0f} seconds.")
    told = [one for number, one in sorted(answers.items()) if number not in problems]
    return told, [one for _, one in sorted(problems.items())]


def newest_first(versions: Iterable[str]) -> list[str]:
    """Versions without repetition, newest first; pre-releases after all others, as pip takes them."""
    parsed = {text: Version(text) for text in versions}
    return sorted(parsed, key=lambda text: (not parsed[text].is_prerelease, parsed[text]), reverse=True)


def _get(source: Source, address: str, accept: str, seconds: float) -> tuple[str, bytes | None]:
    """The content type and the body of an answer; no body where there is nothing of that name."""
    parts = urlsplit(address)
    where = f"{source.name} ({source.shown})"
    until = time.monotonic() + seconds
    try:
        request = urllib.request.Request(without_credentials(address), headers={"Accept": accept})
        if parts.username:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            request.add_header("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            data = bytearray()
            while chunk := answer.read1(1 << 16):
                data += chunk
                if len(data) > MOST_BYTES:
                    raise PluginError(f"{where} answered more than {MOST_BYTES >> 20} MB, which is not read.")
                if time.monotonic() > until:
                    raise TimeoutError
            return str(answer.headers.get("Content-Type", "")).lower(), bytes(data)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 404:
            return "", None
        raise PluginError(f"{where} refused: {error.code} {error.reason}.") from None
    except TimeoutError:
        raise PluginError(f"{where} did not answer within {seconds:.0f} seconds.") from None
    except (OSError, ValueError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise PluginError(f"{where} did not answer within {seconds:.0f} seconds.") from None
        raise PluginError(f"{where} cannot be reached: {reason}.") from None


def _from_json(source: Source, data: bytes) -> list[ListedFile]:
    try:
        files = msgspec.json.decode(data)["files"]
        found = [
            (str(one["filename"]), one.get("hashes") or {}, str(one.get("requires-python") or ""))
            for one in files
            if not one.get("yanked")
        ]
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError) as error:
        raise PluginError(f"{source.name} ({source.shown}) answered what no package index answers: {error}.") from None
    listed = [(_listed(name), str(hashes.get("sha256", "")), python) for name, hashes, python in found]
    return [one._replace(sha256=sha, requires_python=python) for one, sha, python in listed if one is not None]


class _Links(HTMLParser):
    """The files that the page of an index links to (PEP 503)."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[ListedFile] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        href = given.get("href")
        if tag != "a" or not href or "data-yanked" in given:
            return
        parts = urlsplit(href)
        listed = _listed(unquote(parts.path.rpartition("/")[2]))
        if listed is not None:
            sha = re.search(r"sha256=([0-9a-f]{64})", parts.fragment)
            python = given.get("data-requires-python") or ""
            self.files.append(listed._replace(sha256=sha[1] if sha else "", requires_python=python))


def _in_folder(folder: Path, name: str) -> list[ListedFile]:
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return [one for one in map(_listed, names) if one is not None and _name_of(one.filename) == name]


def _listed(filename: str) -> ListedFile | None:
    try:
        if filename.endswith(".whl"):
            return ListedFile(filename, str(parse_wheel_filename(filename)[1]))
        return ListedFile(filename, str(parse_sdist_filename(filename)[1]))
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None


def _name_of(filename: str) -> str:
    parse = parse_wheel_filename if filename.endswith(".whl") else parse_sdist_filename
    return str(parse(filename)[0])


def _sorted(files: Iterable[ListedFile]) -> list[ListedFile]:
    return sorted(files, key=lambda one: (Version(one.version), one.is_wheel), reverse=True)
