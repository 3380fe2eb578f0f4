"""Whether what a bundle needs is installed here: asked before its code is imported."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

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
        try:
            there = version(requirement.name)
        except PackageNotFoundError:
            raise PluginError(
                f"{bundle.origin} needs {wanted}, which is not installed: pip install '{wanted}', then load it again."
            ) from None
        if not requirement.specifier.contains(there, prereleases=True):
            raise PluginError(
                f"{bundle.origin} needs {wanted}, but {requirement.name} {there} is installed: upgrade it "
                f"before the next run, or install a version of {bundle.name} that works with {there}."
            )
