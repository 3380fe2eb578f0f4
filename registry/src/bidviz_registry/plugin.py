"""The hooks of this distribution: installing and finding bundles."""

from __future__ import annotations

from collections.abc import Callable

import bidviz_core as bidviz
from bidviz_registry.finding import FoundBundle, find
from bidviz_registry.installing import Installation, install


@bidviz.hookimpl
def install_bundle(requirement: str, progress: Callable[[str], None]) -> Installation:
    """Installs with pip, in a process of its own, after it is known that nothing else would change."""
    return install(requirement, progress)


@bidviz.hookimpl
def find_bundles(query: str) -> list[FoundBundle]:
    """Finds bundles that are installed here, and one of that very name on the package index."""
    return find(query)
