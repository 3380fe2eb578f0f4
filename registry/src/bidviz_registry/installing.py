"""Installs a bundle into a folder of the run's own, beside a running training and nothing that it stands on.

The wheel is fetched, judged, tried by pip (`--dry-run --report`) and unpacked by pip into a folder with another name;
then it is compared with the wheel, written through to the disk and given its name. Whoever is killed before that has
changed nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from bidviz_core.description import FILE
from bidviz_core.errors import PluginError
from bidviz_core.plugins.contents import content_hash, contents_of
from bidviz_core.plugins.installed import Scanner
from bidviz_core.plugins.pins import Pin
from bidviz_registry import known, pip
from bidviz_registry.choosing import Choice, Elsewhere, choose, understand
from bidviz_registry.dependencies import along, gather
from bidviz_registry.fetching import Fetched, fetch
from bidviz_registry.judging import refusals, warnings
from bidviz_registry.needs import installed_version, judge
from bidviz_registry.sources import without_credentials
from bidviz_registry.wheels import Wheel

_PART = ".part"


@dataclass(frozen=True)
class Installation:
    """What an installation did.

    Args:
        name: the bundle's name.
        installed: name and version of everything that is new in the run's folder, the bundle first.
        pin: the bundle's new version and its folder; none where it was installed already.
        needed: the same of bundles that came along because it needs them: each is one of the run's own.
        warnings: what a person should know, in sentences.
    """

    name: str
    installed: tuple[tuple[str, str], ...] = ()
    pin: Pin | None = None
    needed: tuple[Pin, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def bundles(self) -> tuple[str, ...]:
        """The names of what can be loaded."""
        return (self.name,) if self.installed else ()

    def __str__(self) -> str:
        if not self.installed:
            return " ".join(["It is installed already and nothing newer fits; nothing has changed.", *self.warnings])
        text = "Installed " + ", ".join(f"{name} {version}" for name, version in self.installed) + "."
        return " ".join([text, *self.warnings])


def install(
    requirement: str,
    progress: Callable[[str], None],
    into: Path,
    *,
    pins: Mapping[str, Pin] | None = None,
    source: str = "",
    wheel_hash: str = "",
    with_dependencies: bool = False,
    build: bool = False,
) -> Installation:
    """Installs a bundle into a run's folder.

    Args:
        requirement: a name (`bidviz-metric-gradnorm>=0.1`), a folder with a `pyproject.toml`, a wheel, or an address.
        progress: is given a line of text now and then.
        into: the run's folder of bundles.
        pins: what the run has installed, by name.
        source: the registry's name or the folder, where there is a choice.
        wheel_hash: SHA-256 of the wheel that is expected; empty for any.
        with_dependencies: whether what it needs and is missing comes along.
        build: whether code may be built.

    Raises:
        PluginError: it is no requirement, cannot be had, is refused, or the installation was broken off; nothing is
            changed.
    """
    pins = pins or {}
    wanted = understand(requirement)
    progress(f"Looking for {requirement}…")
    choice = choose(wanted.name, source, pins) if wanted.kind == "name" else None
    elsewhere = Elsewhere(wanted.name, choice.source) if choice is not None else None
    fetched = fetch(wanted, choice.source if choice is not None else None, build, wheel_hash, progress)
    wheel = fetched.wheel
    progress(f"{wheel.path.name}: SHA-256 {wheel.hash}")
    extras = wanted.requirement.extras if wanted.requirement is not None else ()
    _refuse(refusals(fetched, judge(wheel, extras, pins), pins, with_dependencies))
    told = [*warnings(wheel)[1], *_notes(choice, elsewhere, wheel)]
    if _is_there(wheel, pins):
        return Installation(wheel.name, warnings=tuple(told))
    with tempfile.TemporaryDirectory(prefix="bidviz-needs-") as place:
        more = gather(wheel, extras, fetched.source, Path(place), pins, progress) if with_dependencies else []
        bundles = [one for one in more if one.wheel.entry_points]
        for one in bundles:
            _refuse(refusals(one, (), pins, with_dependencies=True))
        plan = pip.plan(wheel.path, Path(place), progress, _beside(wheel, pins, Path(place, "beside")))
        _refuse(_changes(wheel, [one.wheel for one in more], plan))
        *needed, pin = _put([*bundles, fetched], more, into, requirement, wanted.text, progress)
    for one in (*bundles, fetched):
        if not one.built:
            known.remember(one.wheel.name, one.wheel.version, one.wheel.hash, one.source)
    fresh = (wheel, *(one.wheel for one in more))
    new = tuple((one.name, one.version) for one in fresh)
    done = Installation(wheel.name, new, pin, tuple(needed), tuple(told))
    progress(str(done))
    return done


def _refuse(told: Sequence[str]) -> None:
    if told:
        raise PluginError(" ".join(dict.fromkeys(told)))


def _notes(choice: Choice | None, elsewhere: Elsewhere | None, wheel: Wheel) -> list[str]:
    return [*(choice.notes if choice is not None else ()), *(elsewhere.notes(wheel.version) if elsewhere else ())]


def _is_there(wheel: Wheel, pins: Mapping[str, Pin]) -> bool:
    """Whether this very code is what the run, or the environment, has."""
    pin = pins.get(wheel.name)
    if pin is not None:
        return pin.version == wheel.version and pin.code == wheel.code and Path(pin.folder).is_dir()
    bundle = Scanner().scan().get(wheel.name)
    return (
        bundle is not None and bundle.version == wheel.version and content_hash(contents_of(bundle).files) == wheel.code
    )


def _changes(wheel: Wheel, more: Collection[Wheel], plan: Sequence[dict[str, object]]) -> list[str]:
    """What pip would do beyond what was judged: there should be nothing."""
    expected = {wheel.name, *(one.name for one in more)}
    told = []
    for item in plan:
        name = canonicalize_name(str(item["name"]))
        there = installed_version(name)
        if name not in expected or (there and name != wheel.name):
            what = f"{name} {there} by {item['version']}" if there else f"{name} {item['version']}, which is new,"
            told.append(
                f"Installing {wheel.name} would {'replace' if there else 'bring'} {what} in the environment of the "
                "running training, so nothing was installed. Choose a version that fits, or install it when no "
                "training runs."
            )
    return told


def _beside(wheel: Wheel, pins: Mapping[str, Pin], folder: Path) -> Path:
    """Shows pip which bundles the run has installed itself: by their metadata alone, so that no code of theirs runs."""
    for pin in pins.values():
        for info in Path(pin.folder).glob("*.dist-info"):
            name = canonicalize_name(info.name.removesuffix(".dist-info").rpartition("-")[0])
            if name == pin.name != wheel.name:
                shutil.copytree(info, folder / info.name)
    return folder


def _put(
    bundles: Sequence[Fetched],
    more: Collection[Fetched],
    into: Path,
    requirement: str,
    place: str,
    progress: Callable[[str], None],
) -> list[Pin]:
    """Puts each bundle into a folder of its own, with what it needs and is none; all of them, or none."""
    pins: list[Pin] = []
    try:
        for one in bundles:
            wheel = one.wheel
            target = into / wheel.name / f"{wheel.version}-{wheel.hash[:8]}"
            its = along(wheel, more)
            _unpack([wheel, *its], target, progress)
            asked = (requirement, place) if one is bundles[-1] else (f"{wheel.name}=={wheel.version}", wheel.name)
            pins.append(_pin(*asked, one, its, target))
    except PluginError:
        for pin in pins:
            shutil.rmtree(pin.folder, ignore_errors=True)
        raise
    return pins


def _unpack(wheels: Sequence[Wheel], target: Path, progress: Callable[[str], None]) -> None:
    """Puts wheels into a folder that has its name only once it is whole."""
    bundle = wheels[0]
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f"*{_PART}"):  # one at a time installs into a run: it was broken off
        shutil.rmtree(left, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=f"{bundle.version}-", suffix=_PART, dir=target.parent))
    try:
        progress(f"Unpacking {bundle.path.name}…")
        limits = ("--no-deps", "--no-index", "--only-binary", ":all:", "--no-warn-conflicts", "--target", str(draft))
        pip.run("install", *limits, *(str(one.path) for one in wheels), progress=progress)
        shutil.rmtree(draft / "bin", ignore_errors=True)  # the commands of what came along, which is on no path
        _check_code(bundle, draft)
        _write_through(draft)
        if target.exists():  # an older one of the same hash that is not current, and may have been changed
            shutil.rmtree(target)
        draft.rename(target)
        _write_through_folder(target.parent)
    except OSError as error:
        raise PluginError(f"{bundle.name} {bundle.version} could not be put into the run's folder: {error}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _check_code(wheel: Wheel, folder: Path) -> None:
    files = {path: folder / path for path in wheel.files if (folder / path).is_file() and not path.endswith(f"/{FILE}")}
    if content_hash(files) != wheel.code:
        raise PluginError(f"What was unpacked of {wheel.path.name} is not what is in it, so nothing was installed.")


def _write_through(folder: Path) -> None:
    for place, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(place, name), "rb") as file:
                os.fsync(file.fileno())
        _write_through_folder(Path(place))


def _write_through_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _pin(requirement: str, place: str, fetched: Fetched, more: Sequence[Wheel], target: Path) -> Pin:
    wheel = fetched.wheel
    return Pin(
        name=wheel.name,
        version=wheel.version,
        hash=wheel.hash,
        code=wheel.code,
        folder=str(target),
        source=fetched.source.name if fetched.source is not None else without_credentials(place),
        address=fetched.source.shown if fetched.source is not None else "",
        requirement=without_credentials(requirement),
        dependencies={one.name: one.version for one in more},
    )
