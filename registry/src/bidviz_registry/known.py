"""What this user has installed before: a name stays with the registry it came from, a version with its hash.

Whoever can publish to one registry must not be able to replace what comes from another by offering a newer version of
the same name there; and a version that was looked at once must not become something else. Both are remembered for the
user, not for one run.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from bidviz_core.errors import PluginError
from bidviz_core.identity import replace_private, state_folder
from bidviz_registry.sources import Source


class Known(Struct, frozen=True, kw_only=True):
    """What is remembered of a bundle.

    Args:
        name: its distribution's name.
        source: what the registry or folder it came from was called.
        address: that one's address, without credentials; empty where it never came from one.
        hashes: SHA-256 of the wheel by version.
    """

    name: str
    source: str = ""
    address: str = ""
    hashes: dict[str, str] = {}


def recall(name: str) -> Known:
    """What is remembered of a bundle.

    Raises:
        PluginError: it cannot be read.
    """
    path = _path(name)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Known)
    except FileNotFoundError:
        return Known(name=name)
    except (OSError, msgspec.MsgspecError) as error:
        raise PluginError(f"{path} cannot be read: {error}. Mend it, or take it away to begin anew.") from error


def check_hash(name: str, version: str, wheel_hash: str, where: str) -> None:
    """Refuses a version that was something else before.

    Raises:
        PluginError: it has another hash.
    """
    before = recall(name).hashes.get(version, wheel_hash)
    if before != wheel_hash:
        raise PluginError(
            f"{name} {version} from {where} has the hash {wheel_hash[:12]}…, but it had {before[:12]}… when it was "
            "installed before: the same version must stay the same file. Ask who published it. If you know why it "
            f"changed, take {_path(name)} away."
        )


def check_source(name: str, source: Source) -> None:
    """Refuses a name that belongs to another registry.

    Raises:
        PluginError: it came from elsewhere.
    """
    bound = recall(name)
    if bound.address and bound.address != source.shown:
        raise PluginError(
            f"{name} belongs to {bound.source} ({bound.address}), from where it was installed before; {source.name} "
            f"({source.shown}) offers the same name, which is left alone. If it has moved for good, take "
            f"{_path(name)} away."
        )


def remember(name: str, version: str, wheel_hash: str, source: Source | None) -> None:
    """Remembers what was installed.

    Args:
        name: the bundle's name.
        version: its version.
        wheel_hash: SHA-256 of its wheel.
        source: the registry or folder it came from; none where a person gave a file or an address.
    """
    before = recall(name)
    bound = before if source is None or before.address else Known(name=name, source=source.name, address=source.shown)
    known = Known(name=name, source=bound.source, address=bound.address, hashes={**before.hashes, version: wheel_hash})
    if known != before:
        replace_private(_path(name), msgspec.json.format(msgspec.json.encode(known), indent=1) + b"\n")


def wheel_cache() -> Path:
    """Where fetched wheels are kept, each in a folder of its hash."""
    return state_folder() / "bundles" / "wheels"


def _path(name: str) -> Path:
    return state_folder() / "bundles" / "known" / f"{name}.json"
