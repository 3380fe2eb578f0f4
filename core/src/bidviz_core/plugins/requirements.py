"""Whether what a bundle needs is installed here: asked before its code is imported."""

from __future__ import annotations

import sys
from importlib.metadata import distributions

from bidviz_core.errors import PluginError
from bidviz_core.plugins.installed import Bundle


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


def _version(name: str, first: list[str]) -> str | None:
    """The installed version of a distribution; none where there is none."""
    found = next(iter(distributions(name=name, path=[*first, *sys.path])), None)
    return found.version if found is not None else None
