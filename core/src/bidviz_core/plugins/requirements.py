"""Whether what a bundle needs is installed here: asked before its code is imported."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.metadata import distributions

from bidviz_core.errors import PluginError
from bidviz_core.plugins.installed import Bundle, normalise


def check_requirements(bundle: Bundle) -> None:
    """Refuses a bundle that needs something which is missing or has another version.

    Raises:
        PluginError: naming what is needed, what is there, and what to do.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    for text in bundle.distribution().requires or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # pip judges what it installs; a line we cannot read refuses nothing
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        wanted = f"{requirement.name}{requirement.specifier}"
        there = _version(requirement.name, [bundle.pin.folder] if bundle.pin is not None else [])
        if there is None:
            raise PluginError(
                f"{bundle.origin} needs {wanted}, which is not installed: pip install '{wanted}', then load it again."
            )
        if not requirement.specifier.contains(there, prereleases=True):
            raise PluginError(
                f"{bundle.origin} needs {wanted}, but {requirement.name} {there} is installed: upgrade it "
                f"before the next run, or install a version of {bundle.name} that works with {there}."
            )


def needed_bundles(bundle: Bundle, bundles: Mapping[str, Bundle]) -> list[Bundle]:
    """The bundles of the run's own that a bundle needs, those that others need first.

    The environment's need not be loaded to be imported; a folder of the run is found only while its bundle is loaded.

    Args:
        bundle: the bundle.
        bundles: all that are installed, by name.
    """
    order: list[Bundle] = []
    seen = {bundle.name}

    def follow(one: Bundle) -> None:
        for name in _names(one):
            needed = bundles.get(name)
            if needed is not None and needed.pin is not None and name not in seen:
                seen.add(name)
                follow(needed)
                order.append(needed)

    follow(bundle)
    return order


def _names(bundle: Bundle) -> list[str]:
    from packaging.requirements import InvalidRequirement, Requirement

    names = []
    for text in bundle.distribution().requires or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            names.append(normalise(requirement.name))
    return names


def _version(name: str, first: list[str]) -> str | None:
    """The installed version of a distribution; none where there is none."""
    found = next(iter(distributions(name=name, path=[*first, *sys.path])), None)
    return found.version if found is not None else None
