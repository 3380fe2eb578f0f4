"""What is told about plugins: the rows of `session.plugins`, and the answer to a reload."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

#: The hooks of what finds, looks at and installs bundles. Who has no others brings a run nothing of its own.
SERVING = frozenset({"find_bundles", "inspect_bundle", "install_bundle"})

PluginState: TypeAlias = Literal["loaded", "offered", "failed"]


class PluginInfo(Struct, frozen=True, kw_only=True):
    """A plugin as `session.plugins` and the page show it.

    Args:
        name: the distribution's name, or the name an object was registered by.
        distribution: the distribution's name; empty for an object that the program registered itself.
        version: the version that is loaded, or that would be.
        state: `"loaded"`; `"offered"`: installed, not loaded; `"failed"`: could not be loaded, or was set aside.
        entry_points: the names it has in the entry-point group `bidviz`.
        hash: SHA-256 of the loaded code; empty where nothing is loaded.
        wheel: SHA-256 of the wheel it came in, where this run installed it.
        source: where it came from: `"environment"`, or the registry, folder or address that this run installed it from.
        error: why it failed, or what of it was left out; a sentence.
        installed: the version on disk now; empty when it has been removed since.
        installed_source: where the version on disk came from, in the words of `source`; empty when there is none.
        outdated: whether the code on disk is another than the loaded one, so that a reload would change something.
        metrics: the names of its metrics.
        serves: whether all it does is find, look at or install bundles: lists of bundles leave it out.
    """

    name: str
    distribution: str = ""
    version: str = ""
    state: PluginState = "offered"
    entry_points: tuple[str, ...] = ()
    hash: str = ""
    wheel: str = ""
    source: str = ""
    error: str = ""
    installed: str = ""
    installed_source: str = ""
    outdated: bool = False
    metrics: tuple[str, ...] = ()
    serves: bool = False


class Reloaded(Struct, frozen=True, kw_only=True):
    """What a reload did.

    Args:
        name: the distribution's name.
        old_version: the version that was loaded; empty if none was.
        version: the version that is loaded now.
        old_hash: SHA-256 of the code that was loaded; empty if none was.
        hash: SHA-256 of the code that is loaded now.
    """

    name: str
    old_version: str
    version: str
    old_hash: str
    hash: str
