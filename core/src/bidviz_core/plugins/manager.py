"""The plugins of one session: loading, unloading and upgrading bundles while the training runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from bidviz_core.errors import BidvizError, MetricError, PluginError
from bidviz_core.guards import RandomGuard
from bidviz_core.plugins.charts import unknown_series
from bidviz_core.plugins.contents import content_hash, contents_of
from bidviz_core.plugins.dispatch import Hooks, where_raised
from bidviz_core.plugins.host import NothingFits, PluginHost, plugin_failure
from bidviz_core.plugins.information import SERVING, PluginInfo, Reloaded
from bidviz_core.plugins.installed import Bundle, find, normalise
from bidviz_core.plugins.loading import (
    Given,
    LoadedBundle,
    collect,
    forget_bundle,
    forget_folders,
    import_bundle,
    restore_modules,
)
from bidviz_core.plugins.pages import BundlePage
from bidviz_core.plugins.run_bundles import RunBundles


class Plugins(RunBundles):
    """The plugins of one session; iterating gives a `PluginInfo` for each.

    Loading, reloading and unloading run the plugins' code on the training thread, at a step boundary, from whatever
    thread they are asked for. `scan`, `install` and iterating stay on the thread that calls them.

    Args:
        host: the session, as plugins see it.
    """

    def __init__(self, host: PluginHost) -> None:
        super().__init__(host, Hooks(self._set_aside))
        self._lock = threading.RLock()
        self._loaded: dict[str, LoadedBundle] = {}
        self._registered: dict[str, Given] = {}
        self._failed: dict[str, str] = {}
        self._notes: dict[str, str] = {}
        self._tried: dict[str, int] = {}  # the installation of which a note says that it has nothing for this run
        self._disk_hash: tuple[str, int, str] = ("", 0, "")
        #: Called when a plugin came, went or was set aside; on the thread on which that happened.
        self.on_change: Callable[[], None] = lambda: None

    # --- calling hooks ------------------------------------------------------------------------------------------------

    def tell(self, hook: str, **arguments: Any) -> None:
        """Calls every implementation of a hook; one that raises is set aside and reported, the others go on."""
        self._hooks.tell(hook, **arguments)

    def ask(self, hook: str, **arguments: Any) -> list[Any]:
        """Calls every implementation and gives their answers, without `None`; failures as in `tell`."""
        return self._hooks.ask(hook, **arguments)

    def first(self, hook: str, **arguments: Any) -> Any:
        """Calls one implementation after the other until one answers; failures as in `tell`."""
        return self._hooks.first(hook, **arguments)

    def wanted(self, hook: str) -> bool:
        """Whether anybody implements a hook."""
        return self._hooks.wanted(hook)

    # --- what plugins gave --------------------------------------------------------------------------------------------

    @property
    def learners(self) -> Mapping[str, Any]:
        """Adapters by the qualified name of the class they can watch."""
        return {name: adapter for given in self._all_given() for name, adapter in given.learners.items()}

    @property
    def commands(self) -> Mapping[Any, Any]:
        """Handlers by command type; a later plugin's takes the place of an earlier one's."""
        return {kind: handler for given in self._all_given() for kind, handler in given.commands.items()}

    @property
    def policies(self) -> list[Any]:
        """Named policies."""
        return [policy for given in self._all_given() for policy in given.policies]

    @property
    def pages(self) -> list[tuple[str, BundlePage]]:
        """Pages of panels, each with the origin of the bundle that brings it."""
        return [(given.origin, page) for given in self._all_given() for page in given.pages]

    # --- loading ------------------------------------------------------------------------------------------------------

    def load_installed(self, names: Iterable[str] | str | None = "installed") -> list[PluginInfo]:
        """Loads bundles at the start of a run; one that fails is reported and left out.

        Args:
            names: `"installed"` for every bundle of this environment, or the names of some; empty for none.
        """
        bundles = self._scanner.scan()
        chosen = list(bundles) if names == "installed" else [names] if isinstance(names, str) else list(names or ())
        for name in chosen:
            try:
                bundle = find(bundles, name)
                name = bundle.name
                self._load(bundle, None)
            except NothingFits:
                continue  # an installed bundle that has nothing for this learner is no news to anybody
            except PluginError as error:
                self._report(normalise(name), error)
        return list(self)

    def load(self, name: str) -> PluginInfo:
        """Loads an installed bundle: its metrics, charts and hooks are there from the next step on.

        Args:
            name: its distribution's name, or the name of its entry point.

        Raises:
            PluginError: it is not installed, is loaded already, or cannot be loaded; the training is as it was.
        """
        bundle = find(self._rescan(), name)
        if bundle.name in self._loaded:
            origin = self._loaded[bundle.name].bundle.origin
            raise PluginError(f"{origin} is loaded already: reload it to get other code.")
        try:
            self._host.at_boundary(lambda: self._load_with_needed(bundle, None))
        except NothingFits:
            raise  # an answer to who asked; the bundle is as good as before
        except PluginError as error:
            self._report(bundle.name, error)
            raise
        return self._info(bundle.name)

    def unload(self, name: str) -> PluginInfo:
        """Unloads a bundle or a registered plugin: metrics, charts, hooks and modules go; what was recorded stays.

        Returns:
            What is left of it: offered where it is still installed.

        Raises:
            PluginError: nothing of that name is loaded.
        """
        key = self._loaded_name(name)
        self._host.at_boundary(lambda: self._unload(key))
        return self._info(key)

    def reload(self, name: str) -> Reloaded:
        """Puts the code that is installed now in place of the loaded one, or loads it where none is.

        Raises:
            PluginError: the new code cannot be loaded; the old goes on.
        """
        bundle = find(self._rescan(), name)
        old = self._loaded.get(bundle.name)
        try:
            self._host.at_boundary(lambda: self._load_with_needed(bundle, old))
        except PluginError as error:
            if old is None:
                self._report(bundle.name, error)
                raise
            told = PluginError(f"{error} {old.bundle.origin} goes on.")
            self._host.report(plugin_failure(bundle.name, str(told), error.__cause__, 0))
            raise told from error.__cause__
        new = self._loaded[bundle.name]
        return Reloaded(
            name=bundle.name,
            old_version=old.bundle.version if old else "",
            version=bundle.version,
            old_hash=old.hash if old else "",
            hash=new.hash,
        )

    def register(self, plugin: object, name: str, origin: str | None = None) -> None:
        """Takes in a plugin that the program itself brings: a module or an object with hook implementations.

        Args:
            plugin: what has the implementations.
            name: the name it goes by.
            origin: how it is named beside its metrics; its name by default.

        Raises:
            PluginError: a hook does not exist, the name is taken, or a metric of it is refused.
        """
        self.register_all({name: plugin}, origin or name)

    def register_all(self, plugins: Mapping[str, object], origin: str) -> None:
        """Takes in several plugins of one origin, by their names, as `register` does; those before an error stay."""
        with RandomGuard():
            for name, plugin in plugins.items():
                given = collect(origin, {name: plugin}, self._hooks)
                try:
                    self._adopt(name, given)
                finally:
                    self._host.metrics_left()
                with self._lock:
                    self._registered[name] = given
                    self._failed.pop(name, None)
        self.on_change()

    def scan(self) -> list[PluginInfo]:
        """Looks for bundles that have been installed, upgraded or removed; cheap when nothing has changed."""
        return list(self)

    def run_ended(self, error: BaseException | None) -> None:
        """Tells plugins that the run is over, and takes its folders off `sys.path`; modules stay, as of any import."""
        self.tell("run_ended", session=self._host.session, error=error)
        with self._lock:
            folders = [folder for one in self._loaded.values() if one.bundle.pin is not None for folder in one.added]
        forget_folders(folders)

    def close(self) -> None:
        """Lets every plugin go; modules stay, as those of any import do."""
        self.on_change = lambda: None
        with self._lock:
            given = self._all_given()
            self._loaded.clear()
            self._registered.clear()
        for one in given:
            for name in one.plugins:
                self._hooks.unregister(name)

    def __iter__(self) -> Iterator[PluginInfo]:
        bundles = self._scanner.scan()
        with self._lock:
            names = {*bundles, *self._loaded, *self._failed, *self._registered}
        return iter([self._info(name, bundles) for name in sorted(names)])

    # --- inside -------------------------------------------------------------------------------------------------------

    def _loaded_bundle(self, name: str) -> Bundle | None:
        with self._lock:
            loaded = self._loaded.get(name)
        return loaded.bundle if loaded is not None else None

    def _forget(self, name: str) -> None:
        with self._lock:
            self._failed.pop(name, None)
            if name not in self._loaded:
                self._notes.pop(name, None)

    def _load(self, bundle: Bundle, old: LoadedBundle | None) -> None:
        if old is None and bundle.name in self._loaded:
            return
        try:
            # What a bundle draws or seeds while it is imported and asked is none of the training's randomness.
            with RandomGuard():
                new = import_bundle(bundle, self._hooks, old)
                self._swap(new, old)
        except NothingFits as error:
            self._notes[bundle.name], self._tried[bundle.name] = str(error), bundle.stamp
            raise
        except PluginError as error:
            if old is None:
                self._failed[bundle.name] = str(error)
            self.on_change()
            raise
        with self._lock:
            self._loaded[bundle.name] = new
            self._failed.pop(bundle.name, None)
        self._note_ran(bundle, new.hash)
        self.on_change()

    def _swap(self, new: LoadedBundle, old: LoadedBundle | None) -> None:
        if old is not None:
            self._withdraw(old.given)
        try:
            self._adopt(new.bundle.name, new.given)
        except PluginError:
            restore_modules(new)
            if old is not None:
                self._adopt(old.bundle.name, old.given)
            raise
        finally:
            self._host.metrics_left()
        new.replaced = {}
        if old is not None:
            kept = [folder for folder in old.added if folder in new.contents.search]
            new.added += kept
            forget_folders([folder for folder in old.added if folder not in kept])

    def _unload(self, key: str) -> None:
        with self._lock:
            loaded = self._loaded.pop(key, None)
            given = loaded.given if loaded is not None else self._registered.pop(key)
            self._failed.pop(key, None)
            self._notes.pop(key, None)
        self._withdraw(given)
        self._host.forget_findings(given.packages, given.origin)
        if back := self._host.metrics_left():
            self._notes[key] = f"By the code written for this run, as before: {', '.join(back)}."
        if loaded is not None:
            forget_bundle(loaded)
            self.pins.ended(key, self._step())
        self.on_change()

    def _adopt(self, name: str, given: Given) -> None:
        """Registers hooks, metrics and charts: all, or none and an error."""
        refused: list[str] = []
        took_over: list[str] = []
        registered: list[str] = []
        try:
            for plugin_name, plugin in given.plugins.items():
                self._hooks.register(plugin, plugin_name)
                registered.append(plugin_name)
            for metric in given.metrics:
                try:
                    took_over += [said] if (said := self._host.add_metric(metric)) else []
                except MetricError as error:
                    refused.append(str(error))
            if given.metrics and len(refused) == len(given.metrics):
                raise NothingFits(f"{given.origin} has no metric for this run: {refused[0]}")
            if given.charts:
                self._host.add_charts(given.origin, given.charts)
        except BidvizError as error:
            if registered:  # the name may be another plugin's, whose metrics must stay
                self._withdraw(given)
            if isinstance(error, PluginError):
                raise
            raise PluginError(f"{given.origin} cannot be loaded: {error}") from error
        notes = [*took_over, *([f"Left out: {' '.join(refused)}"] if refused else [])]
        if names := self._host.series_names():
            drawn = [*given.charts, *(chart for metric in given.metrics for chart in metric.charts)]
            notes += unknown_series(drawn, names)
        self._notes[name] = " ".join(notes)
        for call in self._hooks.implementations("register_hyperparameters"):
            if call.plugin in given.plugins:
                self._hooks.call(call, "register_hyperparameters", {"session": self._host.session})

    def _withdraw(self, given: Given) -> None:
        for plugin_name in given.plugins:
            self._hooks.unregister(plugin_name)
        self._host.remove_metrics(given.origin)
        self._host.remove_charts(given.origin)
        if given.policies:
            self._host.policies_left()

    def _set_aside(self, plugin: str, hook: str, arguments: dict[str, Any], error: BaseException) -> None:
        name = plugin.partition(":")[0]
        message = f"The plugin {name!r} was set aside: {where_raised(error, hook)}. Mend it, then reload it."
        with self._lock:
            self._failed[name] = message
        self._host.report(plugin_failure(name, message, error, int(arguments.get("step") or 0)))
        self.on_change()

    def _report(self, name: str, error: PluginError) -> None:
        self._failed[name] = str(error)
        self._host.report(plugin_failure(name, str(error), error.__cause__, 0))

    def _all_given(self) -> list[Given]:
        with self._lock:
            return [*self._registered.values(), *(loaded.given for loaded in self._loaded.values())]

    def _loaded_name(self, name: str) -> str:
        if name in self._registered:
            return name
        key = normalise(name)
        for loaded in self._loaded.values():
            if key == loaded.bundle.name or key in map(normalise, loaded.bundle.entry_points):
                return loaded.bundle.name
        there = ", ".join(sorted([*self._loaded, *self._registered])) or "nothing"
        raise PluginError(f"No plugin {name!r} is loaded; loaded are: {there}.")

    def _info(self, name: str, bundles: Mapping[str, Bundle] | None = None) -> PluginInfo:
        disk = (self._scanner.scan() if bundles is None else bundles).get(name)
        with self._lock:
            loaded = self._loaded.get(name)
            given = loaded.given if loaded is not None else self._registered.get(name)
            error, note = self._failed.get(name, ""), self._notes.get(name, "")
        bundle = loaded.bundle if loaded is not None else disk
        if given is None and disk is not None and self._tried.get(name, disk.stamp) != disk.stamp:
            note = ""
        return PluginInfo(
            name=name,
            distribution=bundle.name if bundle else "",
            version=bundle.version if bundle else "",
            state="failed" if error else "offered" if given is None else "loaded",
            entry_points=bundle.entry_points if bundle else (),
            hash=loaded.hash if loaded else "",
            wheel=bundle.pin.hash if bundle and bundle.pin else "",
            source=bundle.source if bundle else "",
            error=error or note,
            installed=disk.version if disk else "",
            installed_source=disk.source if disk else "",
            outdated=loaded is not None and disk is not None and self._differs(loaded, disk),
            metrics=tuple(metric.name for metric in given.metrics) if given else (),
            serves=bool(given and (hooks := self._hooks.those_of(given.plugins)) and hooks <= SERVING),
        )

    def _differs(self, loaded: LoadedBundle, disk: Bundle) -> bool:
        if disk.stamp == loaded.bundle.stamp and disk.folder == loaded.bundle.folder:
            return False
        if disk.pin is not None:
            came_along = loaded.bundle.pin.dependencies if loaded.bundle.pin is not None else {}
            return disk.pin.code != loaded.hash or disk.pin.dependencies != came_along
        name, stamp, known = self._disk_hash
        if (name, stamp) != (disk.name, disk.stamp):  # files are read once for each installation
            known = content_hash(contents_of(disk).files)
            self._disk_hash = (disk.name, disk.stamp, known)
        return known != loaded.hash
