"""The hooks of this distribution: finding, inspecting and installing bundles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import bidviz_core as bidviz
from bidviz_core.errors import PluginError
from bidviz_core.plugins.pins import Pin
from bidviz_registry.finding import FoundBundle, find
from bidviz_registry.inspecting import Inspection, inspect
from bidviz_registry.installing import Installation, install


@bidviz.hookimpl
def install_bundle(
    requirement: str,
    progress: Callable[[str], None],
    into: Path | None,
    pins: Mapping[str, Pin],
    source: str,
    hash: str,  # noqa: A002 - the hook's own word
    with_dependencies: bool,
    build: bool,
) -> Installation:
    """Installs with pip, in processes of its own, into the run's folder and nowhere else."""
    if into is None:
        raise PluginError("This session has no run folder, so no bundle can be installed into it.")
    return install(
        requirement,
        progress,
        into,
        pins=pins,
        source=source,
        wheel_hash=hash,
        with_dependencies=with_dependencies,
        build=build,
    )


@bidviz.hookimpl
def inspect_bundle(
    requirement: str, progress: Callable[[str], None], pins: Mapping[str, Pin], source: str
) -> Inspection:
    """Fetches the wheel alone and reads it."""
    return inspect(requirement, progress, source=source, pins=pins)


@bidviz.hookimpl
def find_bundles(query: str, pins: Mapping[str, Pin]) -> list[FoundBundle]:
    """Finds bundles that are installed here or by the run, and those of the places that are configured."""
    return find(query, pins=pins)
