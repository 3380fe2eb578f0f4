"""Where bundles may come from: the registries and folders that are configured, and pip's own indexes.

A person names them in `registries.toml` in their configuration folder, or in the environment:

    [registries]
    lab = "https://bundles.lab.example"

    [folders]
    shared = "/data/bundles"

`BIDVIZ_REGISTRIES="lab=https://bundles.lab.example"` and `BIDVIZ_BUNDLE_FOLDERS=/data/bundles` say the same.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import urlsplit

import platformdirs

from bidviz_core.errors import PluginError
from bidviz_registry import pip

FILE = "registries.toml"
REGISTRIES_VARIABLE = "BIDVIZ_REGISTRIES"
FOLDERS_VARIABLE = "BIDVIZ_BUNDLE_FOLDERS"
#: Where pip looks when nobody says otherwise.
PYPI = "https://pypi.org/simple"

Kind: TypeAlias = Literal["registry", "index", "folder"]


class Source(NamedTuple):
    """A place where bundles may come from.

    Args:
        name: what a person calls it.
        kind: `"registry"`: has a search beside its index; `"index"`: a package index that knows exact names alone;
            `"folder"`: a folder with wheels in it.
        address: its address or path, with credentials where the person gave some.
    """

    name: str
    kind: Kind
    address: str

    @property
    def shown(self) -> str:
        """The address without credentials: what may be told and kept."""
        return without_credentials(self.address)

    @property
    def simple(self) -> str:
        """The address of its package index (PEP 503), with a slash at the end; empty for a folder."""
        if self.kind == "folder":
            return ""
        address = self.address.rstrip("/")
        return f"{address}/simple/" if self.kind == "registry" else f"{address}/"

    def pip_options(self) -> tuple[str, ...]:
        """How pip is told to look there and nowhere else."""
        if self.kind == "folder":
            return ("--no-index", "--find-links", self.address)
        parts = urlsplit(self.address)
        # pip refuses an index without TLS unless it is told; the person named this one.
        trusted = ("--trusted-host", parts.netloc.rpartition("@")[2]) if parts.scheme == "http" else ()
        return ("--index-url", self.simple, *trusted)


def without_credentials(address: str) -> str:
    """An address without the user and password that may stand in it."""
    return re.sub(r"(?<=://)[^/\s]*@", "", address)


def config_folder() -> Path:
    """The person's configuration folder: `BIDVIZ_CONFIG_DIR`, or the platform's usual place."""
    given = os.environ.get("BIDVIZ_CONFIG_DIR")
    return Path(given).expanduser() if given else Path(platformdirs.user_config_dir("bidviz", appauthor=False))


def configured() -> list[Source]:
    """The registries and folders that the person configured, those of the environment first.

    Raises:
        PluginError: the file or a variable cannot be read, or two places have one name.
    """
    sources = [*_from_environment(), *_from_file(config_folder() / FILE)]
    named: dict[str, Source] = {}
    for source in sources:
        if named.setdefault(source.name, source).address != source.address:
            raise PluginError(
                f"Two places are called {source.name!r}: {named[source.name].shown} and {source.shown}. Give one of "
                f"them another name, in {config_folder() / FILE} or {REGISTRIES_VARIABLE}."
            )
    return list(named.values())


def how_to_configure() -> str:
    """Where a person names a registry or a folder, for one who has named none."""
    return (
        f"No registry or folder of bundles is configured where this training runs: name one in "
        f"{config_folder() / FILE}, which is read at every search, or in {REGISTRIES_VARIABLE} before the training "
        "starts."
    )


def pips_own() -> list[Source]:
    """The indexes that pip itself is configured for: `pip`, and `pip:HOST` for each extra one.

    Raises:
        PluginError: there is no pip.
    """
    settings = pip.settings()
    indexes = [settings.get("index-url", PYPI), *settings.get("extra-index-url", "").split()]
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        indexes = []
    sources: list[Source] = []
    for address in dict.fromkeys(indexes):
        host = urlsplit(address).netloc.rpartition("@")[2]
        sources.append(Source("pip" if not sources else f"pip:{host}", "index", address))
    links = [link for link in settings.get("find-links", "").split() if Path(link).is_dir()]
    return [*sources, *(Source(f"pip:{link}", "folder", link) for link in links)]


def everywhere() -> list[Source]:
    """All places: the person's, then pip's own."""
    return [*configured(), *pips_own()]


def one(name: str, sources: list[Source]) -> Source:
    """The place of that name, address or path.

    Raises:
        PluginError: it is none that is configured.
    """
    wanted = name.strip().rstrip("/")
    for source in sources:
        if wanted in (source.name, source.address.rstrip("/"), source.shown.rstrip("/")):
            return source
    folder = Path(wanted).expanduser()
    if folder.is_dir():
        return Source(str(folder.resolve()), "folder", str(folder.resolve()))
    known = ", ".join(source.name for source in sources) or "none"
    raise PluginError(
        f"No registry or folder {name!r} is configured; there are: {known}. Add it to {config_folder() / FILE} or to "
        f"{REGISTRIES_VARIABLE}."
    )


def _from_environment() -> Iterator[Source]:
    for text in filter(None, os.environ.get(REGISTRIES_VARIABLE, "").replace(",", " ").split()):
        name, given, address = text.partition("=")
        if not given or "://" in name:
            name, address = urlsplit(text).netloc.rpartition("@")[2], text
        yield _registry(name, address, REGISTRIES_VARIABLE)
    for folder in filter(None, os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep)):
        path = str(Path(folder).expanduser().absolute())
        yield Source(path, "folder", path)


def _from_file(path: Path) -> Iterator[Source]:
    try:
        read = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise PluginError(f"{path} cannot be read: {error}. Mend it, or take it away.") from error
    for section in ("registries", "folders"):
        places = read.get(section, {})
        if not isinstance(places, dict) or not all(isinstance(place, str) for place in places.values()):
            raise PluginError(f'{path}: [{section}] should hold lines such as lab = "https://…".')
        for name, place in places.items():
            if section == "registries":
                yield _registry(name, place, str(path))
            else:
                yield Source(name, "folder", str(Path(place).expanduser().absolute()))


def _registry(name: str, address: str, where: str) -> Source:
    parts = urlsplit(address.strip())
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise PluginError(
            f"{where} names the registry {name!r} as {without_credentials(address)!r}; expected an address such as "
            "https://bundles.lab.example."
        )
    is_index = parts.path.rstrip("/").endswith("/simple")
    return Source(name, "index" if is_index else "registry", address.strip())
