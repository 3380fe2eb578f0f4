"""Runs a registry until it is told to end."""

from __future__ import annotations

import ipaddress
import logging
import re
import signal
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from cheroot.wsgi import Server

from bidviz_core.identity import state_folder
from bidviz_registry.pages.words import count
from bidviz_registry.server.app import create_app
from bidviz_registry.server.refusals import RegistryError
from bidviz_registry.server.settings import Settings
from bidviz_registry.server.shelf import Shelf
from bidviz_registry.server.tokens import TokenFile
from bidviz_registry.server.uploading import sweep
from bidviz_registry.sources import FILE, config_folder

PORT = 10002
_THREADS = 8
_DAY = 24 * 3600


def serve(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    token_file: Path | None = None,
    private: bool = False,
    read_token_file: Path | None = None,
    most_megabytes: int = 100,
    any_package: bool = False,
    url: str = "",
) -> None:
    """Serves the wheels and sdists of a folder.

    Args:
        folder: where they lie and where uploads are put; made where it is not there.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        token_file: holds the tokens for uploads; made where it is not there.
        private: whether reading needs a token too.
        read_token_file: holds tokens that can read and not upload, if it is private.
        most_megabytes: the most MiB of an upload.
        any_package: whether packages that are no bundles are taken too.
        url: the address under which people reach it, where a proxy stands before it.

    Raises:
        RegistryError: the folder, the address or a token file cannot be used.
    """
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(message)s", level=logging.INFO)
    folder = folder.expanduser().absolute()
    tokens = TokenFile(token_file or state_folder() / "registry-token")
    tokens.prepare()
    readers = TokenFile(read_token_file or state_folder() / "registry-read-token") if private else None
    if readers is not None:
        readers.prepare()
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise RegistryError(f"{url!r} is no address: expected http(s)://host/ as people type it.")
    shelf = Shelf(folder, print)
    sweep(folder, time.time() - _DAY)
    settings = Settings(folder, tokens, readers, most_megabytes * 2**20, any_package, url)
    settings = replace(settings, hosts=_hosts(host, url))
    server = Server((host, port), create_app(shelf, settings), numthreads=_THREADS, request_queue_size=64)
    server.server_name = "bidviz-registry"
    try:
        server.prepare()
    except OSError as error:
        raise RegistryError(
            f"Cannot listen on {host}:{port}: {error.strerror or error}. Choose another with --host or --port."
        ) from error
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what a service manager sends ends it as Ctrl-C does
    try:
        print(_greeting(shelf, settings, host, server.bind_addr[1]), flush=True)
        server.serve()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
        shelf.close()


def _greeting(shelf: Shelf, settings: Settings, host: str, port: int) -> str:
    snapshot = shelf.snapshot()
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host
    url = (settings.url or f"http://{shown}:{port}").rstrip("/")
    bundles, files = count(len(snapshot.bundles), "bundle"), count(len(snapshot.files), "file")
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", settings.folder.absolute().name).strip("-") or "registry"
    lines = [
        f"BIDViz registry: {url}/",
        f"  holds    {bundles} in {files} of {settings.folder}",
        f"  install  pip install --index-url {url}/simple/ --no-deps NAME",
        f"  upload   twine upload --repository-url {url}/legacy/ FILES",
        f'  discover {name} = "{url}"  under [registries] in {config_folder() / FILE}, where a training runs',
        f"  token    user name __token__; the password stands in {settings.tokens.path}",
    ]
    if settings.readers is not None:
        lines.append(f"  private  reading needs a token too, of {settings.readers.path} or one for uploads")
    elif not _is_loopback(host):
        lines.append(
            "  open     whoever reaches this address can read everything here; --private asks them for a token"
        )
    if not _is_loopback(host) and not settings.url.startswith("https:"):
        lines.append("  plain    tokens travel unencrypted: put a proxy with TLS before it (docs: registry.md)")
    return "\n".join(lines)


def _hosts(host: str, url: str) -> tuple[str, ...]:
    """On the loopback address nobody else's name is answered: a page of a stranger's could be made to point there."""
    if not _is_loopback(host):
        return ()
    named = urlsplit(url).hostname or "" if url else ""
    return tuple(dict.fromkeys(filter(None, ("localhost", "127.0.0.1", "[::1]", host, named))))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return bool(host) and all(ipaddress.ip_address(str(one[4][0]).split("%")[0]).is_loopback for one in found)
