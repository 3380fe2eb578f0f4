"""Brings along what a bundle needs and is not there: pure additions, wheels alone, into the bundle's own folder.

pip's resolver is not let loose on an index here: what a stranger's wheel needs may name an address, which pip would
fetch and build. So each wheel is fetched by name and read before what it needs is looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bidviz_core.errors import PluginError
from bidviz_core.plugins.pins import Pin
from bidviz_registry import sources
from bidviz_registry.fetching import Fetched, download
from bidviz_registry.needs import hidden_modules, judge, requirement_of, said
from bidviz_registry.sources import Source
from bidviz_registry.wheels import Wheel, read_wheel

#: A bundle that needs more than this is no small thing to add to a running training.
MOST = 30


def gather(
    wheel: Wheel,
    extras: Collection[str],
    source: Source | None,
    folder: Path,
    pins: Mapping[str, Pin],
    progress: Callable[[str], None],
) -> list[Fetched]:
    """Fetches the wheels that a bundle needs and that are not installed.

    Args:
        wheel: the bundle's wheel.
        extras: the extras of it that were asked for.
        source: where the bundle comes from: its needs are looked for on pip's index first, then there.
        folder: where the wheels are put.
        pins: what the run has installed, by name.
        progress: is given a line of text now and then.

    Raises:
        PluginError: one cannot be had, does not fit what is installed, or does not fit another.
    """
    places = [place for place in sources.pips_own() if place.kind == "index"][:1]
    places += [source] if source is not None and source not in places else []
    found: dict[str, Fetched] = {}
    wanted = [(wheel, extras)]
    while wanted:
        one, its_extras = wanted.pop()
        needs = judge(one, its_extras, pins)
        _refuse(said(needs, "refused", "conflict"))
        for need in needs:
            if need.state != "missing":
                continue
            requirement = Requirement(need.requirement)
            if need.name in found:
                _check_fits(one, requirement, found[need.name].wheel)
                continue
            if len(found) >= MOST:
                raise PluginError(
                    f"{wheel.name} {wheel.version} needs more than {MOST} other packages: none is installed."
                )
            fetched = _fetch(requirement, places, folder, progress)
            brought = fetched.wheel
            _refuse([*brought.faults, *hidden_modules(brought, pins), *_otherwise(brought, wheel, pins)])
            found[need.name] = fetched
            wanted.append((brought, requirement.extras))
    return list(found.values())


def along(wheel: Wheel, more: Collection[Fetched]) -> list[Wheel]:
    """What goes into a bundle's own folder of all that was fetched: all it needs, but for other bundles.

    Args:
        wheel: the bundle's wheel.
        more: what `gather` fetched.
    """
    by_name = {one.wheel.name: one.wheel for one in more if not one.wheel.entry_points}
    chosen: dict[str, Wheel] = {}
    wanted = [wheel]
    while wanted:
        needs = filter(None, map(requirement_of, wanted.pop().requires))
        for name in map(canonicalize_name, (need.name for need in needs)):
            if name in by_name and name not in chosen:
                chosen[name] = by_name[name]
                wanted.append(by_name[name])
    return list(chosen.values())


def _fetch(
    requirement: Requirement, places: Collection[Source], folder: Path, progress: Callable[[str], None]
) -> Fetched:
    told = []
    asked = f"{requirement.name}{requirement.specifier}"
    for place in places:
        try:
            download(asked, place, folder, progress)
        except PluginError as error:
            told.append(f"{place.name}: {error}")
            continue
        name = canonicalize_name(requirement.name)
        for path in folder.glob("*.whl"):
            wheel = read_wheel(path)
            if wheel.name == name:
                return Fetched(wheel, place, built=False)
    raise PluginError(f"{asked}, which it needs, cannot be had: {' '.join(told)}")


def _check_fits(wheel: Wheel, requirement: Requirement, there: Wheel) -> None:
    if not requirement.specifier.contains(there.version, prereleases=True):
        raise PluginError(
            f"{wheel.name} {wheel.version} needs {requirement.name}{requirement.specifier}, but {there.version} was "
            "chosen for something else that the bundle needs: they do not go together."
        )


def _otherwise(fetched: Wheel, bundle: Wheel, pins: Mapping[str, Pin]) -> list[str]:
    """One interpreter has one version of a package: another bundle of the run may have brought another."""
    return [
        f"{bundle.name} would bring {fetched.name} {fetched.version}, but {pin.name} brought version "
        f"{pin.dependencies[fetched.name]} into this run: remove {pin.name} first."
        for pin in pins.values()
        if pin.name != bundle.name and pin.dependencies.get(fetched.name, fetched.version) != fetched.version
    ]


def _refuse(told: Collection[str]) -> None:
    if told:
        raise PluginError(" ".join(dict.fromkeys(told)))
