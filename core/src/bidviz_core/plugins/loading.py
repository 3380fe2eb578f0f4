"""Imports a bundle and collects what it registers: all of it, or an error and no trace. The session is not touched."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bidviz_core.errors import BidvizError, PluginError
from bidviz_core.plugins.contents import (
    Contents,
    check_pinned,
    content_hash,
    contents_of,
    drop_bytecode,
    make_importable,
    send_whole,
    take_modules,
)
from bidviz_core.plugins.dispatch import PASSED_ON, Hooks, where_raised
from bidviz_core.plugins.installed import Bundle
from bidviz_core.plugins.pages import BundlePage, pages_of
from bidviz_core.plugins.pins import run_folders
from bidviz_core.plugins.requirements import check_requirements
from bidviz_core.specs import Chart

if TYPE_CHECKING:
    from bidviz_core.metrics.definition import Metric

#: Hooks that are asked once when a plugin is loaded, and whose answers are mappings.
_MAPPINGS = ("register_learners", "register_commands")

#: The hash of each bundle's code as it was imported last. It belongs to the process, as `sys.modules` does.
_imported: dict[str, str] = {}
_began = time.time()


@dataclass
class Given:
    """What one plugin registered.

    Args:
        origin: how it is named beside what it brings (`"bidviz-metric-gradnorm 0.1.0"`).
        plugins: its modules or objects with hooks, by the name each is registered by.
        metrics: its metrics, with that origin.
        charts: its charts.
        policies: its named policies.
        learners: its adapters by class name.
        commands: its handlers by command type.
        pages: its pages of panels.
    """

    origin: str
    plugins: Mapping[str, object]
    metrics: list[Metric] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    policies: list[Any] = field(default_factory=list)
    learners: dict[str, Any] = field(default_factory=dict)
    commands: dict[Any, Any] = field(default_factory=dict)
    pages: list[BundlePage] = field(default_factory=list)

    @property
    def packages(self) -> set[str]:
        """The top-level packages of its modules; none of an object that the program registers."""
        return {one.__name__.partition(".")[0] for one in self.plugins.values() if isinstance(one, ModuleType)}


@dataclass
class LoadedBundle:
    """A bundle whose code is in the interpreter.

    Args:
        bundle: what was on disk when it was loaded.
        contents: its files.
        hash: their hash, the same before and after the import.
        given: what it registered.
        added: folders that were put on `sys.path` for it.
        replaced: the modules of an older version, until the new one is known to work.
        hidden: folders of the older version that were taken off `sys.path` meanwhile.
    """

    bundle: Bundle
    contents: Contents
    hash: str
    given: Given
    added: list[str]
    replaced: dict[str, ModuleType]
    hidden: list[str] = field(default_factory=list)


def import_bundle(bundle: Bundle, hooks: Hooks, old: LoadedBundle | None = None) -> LoadedBundle:
    """Imports a bundle and asks it what it gives.

    Runs the bundle's code: on the training thread, at a step boundary.

    Args:
        bundle: the bundle on disk.
        hooks: what its hooks are checked against; nothing is registered yet.
        old: the version that is loaded now; its modules are put aside and come back if this one fails.

    Raises:
        PluginError: it needs something else, cannot be imported, has a hook that does not exist, or registers
            something that is none; its cause carries the traceback.
    """
    check_requirements(bundle)
    found = contents_of(bundle)
    code_hash = content_hash(found.files)
    check_pinned(bundle, code_hash)
    # Or the older version would be found before the environment's.
    hidden = list(old.added) if old is not None and old.bundle.pin is not None and bundle != old.bundle else []
    forget_folders(hidden)
    contents, added = make_importable(bundle, found)
    if contents is not found:
        code_hash = content_hash(contents.files)
    replaced = take_modules(old.contents) if old is not None else {}
    former = take_modules(contents)
    if old is None and _is_current(bundle, contents, code_hash):
        # The script imported it itself, or a former session did: one copy of a module is enough.
        sys.modules.update(former)
    elif bundle.pin is None and (former or replaced or _imported.get(bundle.name, code_hash) != code_hash):
        drop_bytecode(contents.files.values())  # a run's folder holds one version for ever
    try:
        given = collect(bundle.origin, _load_points(bundle), hooks)
        if content_hash(contents.files) != code_hash:
            raise PluginError(f"{bundle.origin} changed on disk while it was loaded: load it again.")
    except BaseException:
        take_modules(contents)
        sys.modules.update(former | replaced)
        forget_folders(added)
        show_folders(hidden)
        raise
    _imported[bundle.name] = code_hash
    if bundle.pin is not None:
        send_whole(contents)
    return LoadedBundle(bundle, contents, code_hash, given, added, replaced, hidden)


def restore_modules(failed: LoadedBundle) -> None:
    """Undoes an import: the modules that it replaced are there again."""
    forget_bundle(failed)
    sys.modules.update(failed.replaced)
    show_folders(failed.hidden)


def _is_current(bundle: Bundle, contents: Contents, code_hash: str) -> bool:
    """Whether modules that are in the interpreter can only be of the code that is on disk."""
    if bundle.name in _imported:
        return _imported[bundle.name] == code_hash
    if bundle.pin is not None:
        return False  # the script imported the environment's
    return all(path.stat().st_mtime < _began for path in contents.files.values())


def forget_bundle(loaded: LoadedBundle) -> None:
    """Takes a bundle's modules and search folders out of the interpreter."""
    if loaded.bundle.pin is not None:
        send_whole(loaded.contents, False)
    take_modules(loaded.contents)
    forget_folders(loaded.added)


def forget_folders(folders: list[str]) -> None:
    """Takes folders off `sys.path` that were put there for a bundle."""
    for folder in folders:
        if folder in sys.path:
            sys.path.remove(folder)
        sys.path_importer_cache.pop(folder, None)
        run_folders.discard(folder)


def show_folders(folders: list[str]) -> None:
    """Puts folders of a run back on `sys.path` that were taken off for another version, which then failed."""
    sys.path[:0] = folders
    run_folders.update(folders)


def collect(origin: str, plugins: Mapping[str, object], hooks: Hooks) -> Given:
    """Asks a plugin, which is not registered yet, for all that it gives.

    Raises:
        PluginError: a hook does not exist or raised, or gave something that it should not.
    """
    given = Given(origin, plugins)
    with hooks.on_trial(_raise_failure) as trial:
        for name, plugin in plugins.items():
            trial.register(plugin, name)
        _ask(given, trial)
    given.pages = pages_of(plugins.values())
    return given


def _ask(given: Given, trial: Hooks) -> None:
    from bidviz_core.metrics.definition import Metric
    from bidviz_core.policies.definition import Policy

    origin = given.origin
    for call in trial.implementations("register_metrics"):
        for one in _items(trial.call(call, "register_metrics", {}), "register_metrics", origin):
            if not isinstance(one, Metric):
                raise PluginError(
                    f"{origin}: register_metrics gave {_what(one)}; expected metrics: "
                    "mark the functions with @bidviz.metric."
                )
            given.metrics.append(one.with_(origin=origin))
    for call in trial.implementations("register_charts"):
        for one in _items(trial.call(call, "register_charts", {}), "register_charts", origin):
            if not isinstance(one, Chart):
                raise PluginError(
                    f"{origin}: register_charts gave {_what(one)}; expected charts such as bidviz.Line(…)."
                )
            given.charts.append(one)
    for call in trial.implementations("register_policies"):
        for one in _items(trial.call(call, "register_policies", {}), "register_policies", origin):
            if not isinstance(one, Policy):
                raise PluginError(
                    f"{origin}: register_policies gave {_what(one)}; expected policies: "
                    "mark the functions with @bidviz.policy."
                )
            given.policies.append(one.with_(origin=origin))
    for hook, target in zip(_MAPPINGS, (given.learners, given.commands), strict=True):
        for call in trial.implementations(hook):
            answer = trial.call(call, hook, {})
            if answer is not None and not isinstance(answer, Mapping):
                raise PluginError(f"{origin}: {hook} gave {_what(answer)}; expected a mapping.")
            target.update(answer or {})


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Turns whatever a bundle's code raises into a `PluginError` with that cause."""
    try:
        yield
    except (BidvizError, *PASSED_ON):
        raise
    # SystemExit too: an import must not be able to end a training.
    except BaseException as error:
        text = f": {error}" if str(error) else ""
        raise PluginError(f"{what}: {type(error).__name__}{text}{_line_of(error)}.") from error


def _load_points(bundle: Bundle) -> dict[str, object]:
    plugins: dict[str, object] = {}
    for point in bundle.points():
        with _explained(f"{bundle.origin} could not be imported ({point.value})"):
            plugin = point.load()
        if plugin not in plugins.values():
            plugins[bundle.name if not plugins else f"{bundle.name}:{point.name}"] = plugin
    return plugins


def _items(answer: Any, hook: str, origin: str) -> list[Any]:
    # A generator runs the plugin's code only here, so its errors are met here too.
    with _explained(f"{origin}: {hook} failed"):
        return [] if answer is None else list(answer)


def _raise_failure(plugin: str, hook: str, arguments: dict[str, Any], error: BaseException) -> None:
    raise PluginError(f"{plugin}: {where_raised(error, hook)}{_line_of(error)}.") from error


def _line_of(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return ""  # its own text says where
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    return f" ({frames[-1].filename.rpartition('/')[2]}, line {frames[-1].lineno})" if frames else ""


def _what(value: Any) -> str:
    return f"{type(value).__name__} {str(value)[:60]!r}"
