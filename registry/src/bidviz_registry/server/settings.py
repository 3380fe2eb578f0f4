"""How a registry is run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bidviz_registry.server.tokens import TokenFile

#: Under this path of the folder uploads grow until they are whole.
UPLOADS = ".uploads"


@dataclass(frozen=True)
class Settings:
    """How a registry is run.

    Args:
        folder: where its files lie.
        tokens: who may upload.
        readers: who may read, beside those who may upload; everybody if there is none.
        most_bytes: the most bytes of an upload.
        any_package: whether packages that are no bundles are taken as uploads too.
        url: the address under which people reach it, where a proxy stands before it; empty is that of the request.
        hosts: names by which it may be asked for; empty is any.
    """

    folder: Path
    tokens: TokenFile
    readers: TokenFile | None = None
    most_bytes: int = 100 * 2**20
    any_package: bool = False
    url: str = ""
    hosts: tuple[str, ...] = ()
