"""Whether a fetched wheel may be installed into a run: all that speaks against it, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from bidviz_core.description import Description, description_of_wheel
from bidviz_core.errors import PluginError, SpecError
from bidviz_core.hookspecs import PROJECT
from bidviz_core.plugins.charts import unknown_series
from bidviz_core.plugins.pins import Pin
from bidviz_registry import known
from bidviz_registry.fetching import Fetched
from bidviz_registry.needs import Need, hidden_modules, installed_version, said
from bidviz_registry.wheels import Wheel


def refusals(
    fetched: Fetched, needs: Collection[Need], pins: Mapping[str, Pin], with_dependencies: bool = False
) -> list[str]:
    """All that speaks against installing a wheel; nothing is installed where there is anything.

    Args:
        fetched: the wheel and where it came from.
        needs: what it needs, judged.
        pins: what the run has installed, by name.
        with_dependencies: whether what is missing comes along.
    """
    wheel = fetched.wheel
    where = fetched.source.name if fetched.source is not None else wheel.path.name
    told = [*_no_bundle(wheel), *wheel.faults]
    told += said(needs, "refused", "conflict")
    missing = said(needs, "missing")
    if missing and not with_dependencies:
        told += missing
        told.append(
            "Nothing comes along unasked. Ask for it with what it needs (with_dependencies): that goes into the same "
            f"folder of this run, and goes with {wheel.name}; a bundle becomes one of this run's own. Or pip install "
            "it in a terminal."
        )
    told += hidden_modules(wheel, pins)
    if not fetched.built:
        told += _sentence(lambda: known.check_hash(wheel.name, wheel.version, wheel.hash, where))
    if fetched.source is not None:
        source = fetched.source
        told += _sentence(lambda: known.check_source(wheel.name, source))
    return told


def warnings(wheel: Wheel) -> tuple[Description | None, list[str]]:
    """What a wheel says that it holds, and what is wrong with that without being a reason to refuse it."""
    told = []
    try:
        description = description_of_wheel(wheel.path)
    except SpecError as error:
        return None, [f"What {wheel.name} {wheel.version} says of itself cannot be read: {error}"]
    unread = [path for path in wheel.code_files if not path.endswith(".py")]
    if unread:
        told.append(f"It has compiled code, which nobody can read here: {', '.join(unread[:5])}.")
    if wheel.commands:
        told.append(f"Its commands ({', '.join(wheel.commands)}) are not installed: a run's folder is on no path.")
    if description is not None:
        names = {*description.samples, *(metric.name for metric in description.metrics)}
        drawn = [*description.charts, *(chart for metric in description.metrics for chart in metric.charts)]
        told += unknown_series(drawn, names)
        if description.hash and description.hash != wheel.code:
            told.append(
                f"Its description was made for other code (hash {description.hash[:12]}…, the wheel's code has "
                f"{wheel.code[:12]}…): figures and charts in it may be another version's."
            )
    return description, told


def _no_bundle(wheel: Wheel) -> list[str]:
    there = installed_version(wheel.name)
    if wheel.entry_points:
        return []
    if there:
        return [
            f"Installing {wheel.name} would replace {wheel.name} {there} by {wheel.version} in the environment of the "
            "running training, so nothing was installed. Install it when no training runs, or choose a version that "
            "fits."
        ]
    return [
        f"{wheel.name} {wheel.version} has no entry point in the group {PROJECT!r}, so it is no bundle and there would "
        "be nothing to load. If it is something else that you want, pip install it in a terminal."
    ]


def _sentence(check: Callable[[], None]) -> list[str]:
    try:
        check()
    except PluginError as error:
        return [str(error)]
    return []
