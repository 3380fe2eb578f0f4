"""The bundles that a run installs for itself: found, inspected, installed, rolled back and removed while it trains."""

from __future__ import annotations

import shutil
import threading
import time
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from msgspec import structs

from bidviz_core.errors import PluginError
from bidviz_core.messages.bundles import Found, RanBundle
from bidviz_core.plugins.dispatch import Hooks
from bidviz_core.plugins.host import PluginHost
from bidviz_core.plugins.information import PluginInfo, Reloaded
from bidviz_core.plugins.installed import Bundle, Scanner, find, normalise
from bidviz_core.plugins.installing import Progress, ask_first, find_all, ignore
from bidviz_core.plugins.loading import LoadedBundle
from bidviz_core.plugins.pins import Pin, Pins
from bidviz_core.plugins.requirements import needed_bundles


class RunBundles:
    """What `session.plugins` does with the run's own bundles. None of it is to be called on the training thread: it
    waits for processes and for registries.

    Args:
        host: the session, as plugins see it.
        hooks: its hooks.
    """

    def __init__(self, host: PluginHost, hooks: Hooks) -> None:
        self._host = host
        self._hooks = hooks
        self._one_at_a_time = threading.Lock()
        #: What this run has installed, and which code it has run.
        self.pins = Pins(lambda: getattr(host.session, "run_dir", None))
        self._scanner = Scanner(self.pins.active)

    @abstractmethod
    def load(self, name: str) -> PluginInfo:
        """Loads an installed bundle."""

    @abstractmethod
    def unload(self, name: str) -> PluginInfo:
        """Unloads a bundle."""

    @abstractmethod
    def reload(self, name: str) -> Reloaded:
        """Puts the code that is installed now in place of the loaded one."""

    @abstractmethod
    def _info(self, name: str) -> PluginInfo: ...

    @abstractmethod
    def _forget(self, name: str) -> None: ...

    @abstractmethod
    def _loaded_bundle(self, name: str) -> Bundle | None: ...

    @abstractmethod
    def _load(self, bundle: Bundle, old: LoadedBundle | None) -> None: ...

    def find(self, query: str = "") -> list[Found]:
        """Finds bundles: those that the environment or this run has, and those of the registries and folders that are
        configured.

        Args:
            query: a part of the name or summary; the whole name of a bundle is looked for on pip's index as well.

        Returns:
            A row for each bundle and place; a place that is down, slow or not to be understood is a row with a
            `problem`. Asked for everything, while no registry or folder is configured, a row with a `note` says so.
        """
        rows = find_all(self._hooks, query, self.pins.current())
        here = self._scanner.scan()
        told = []
        for row in rows:
            loaded = self._loaded_bundle(row.name)
            installed = here[row.name].version if row.name in here else row.installed
            told.append(structs.replace(row, installed=installed, loaded=loaded.version if loaded else ""))
        return told

    def inspect(self, requirement: str, *, source: str = "", progress: Progress | None = None) -> Any:
        """Fetches a bundle's wheel, runs nothing of it, and says what is in it and whether it may be installed.

        Args:
            requirement: a name, a name with a version, a wheel, or an address.
            source: the registry's name or the folder, where there is a choice.
            progress: is given a line of text now and then.

        Raises:
            PluginError: nothing here can, or it cannot be had.
        """
        given = {
            "requirement": requirement,
            "source": source,
            "progress": progress or ignore,
            "pins": self.pins.current(),
        }
        return ask_first(self._hooks, "inspect_bundle", f"Inspecting {requirement!r}", given)

    def install(
        self,
        requirement: str,
        progress: Progress | None = None,
        *,
        source: str = "",
        hash: str = "",  # noqa: A002
        with_dependencies: bool = False,
        build: bool = False,
        load: bool = False,
        author: str = "script",
    ) -> Any:
        """Installs a bundle for this run, in processes of their own; the environment stays as it is.

        Args:
            requirement: what to install: a name, a name with a version, a wheel, a folder, or an address.
            progress: is given a line of text now and then.
            source: the registry's name or the folder, where there is a choice.
            hash: SHA-256 of the wheel that was looked at; another is refused.
            with_dependencies: installs what it needs and is missing as well, into the same folder; a bundle among that
                becomes one of the run's own, and is loaded before it.
            build: builds what is no wheel, which runs its code; a local folder is built without being asked.
            load: loads it, or puts it in place of the version that is loaded; if that fails nothing is installed.
            author: who wants it, for the journal.

        Returns:
            What the plugin that installs says was installed.

        Raises:
            PluginError: nothing here can install, or it was refused or failed; all is as it was.
        """
        given = {
            "requirement": requirement,
            "progress": progress or ignore,
            "source": source,
            "hash": hash.strip().lower().removeprefix("sha256:"),
            "with_dependencies": with_dependencies,
            "build": build,
            "into": self.pins.root if getattr(self._host.session, "run_dir", None) is not None else None,
            "pins": self.pins.current(),
        }
        with self._one_at_a_time:
            try:
                outcome = ask_first(self._hooks, "install_bundle", f"Installing {requirement!r}", given)
                pin = getattr(outcome, "pin", None)
                needed = getattr(outcome, "needed", ())
                before = self.pins.versions(pin.name) if isinstance(pin, Pin) else []
                if isinstance(pin, Pin):
                    for one in (*needed, pin):
                        self._keep(structs.replace(one, step=self._step(), time=time.time(), author=author))
                if load:
                    self._bring_in(str(getattr(outcome, "name", "")) or requirement, pin, needed, before, author)
            finally:
                self._scanner.forget()
        return outcome

    def rollback(self, name: str, *, author: str = "script") -> PluginInfo:
        """Goes back to the version of a bundle that this run had before, or to the environment's.

        Args:
            name: its distribution's name, or the name of its entry point.
            author: who wants it, for the journal.

        Raises:
            PluginError: there is none, or it cannot be loaded; all is as it was.
        """
        with self._one_at_a_time:
            name = self._own_name(name)
            gone = self._pins_change(lambda: self.pins.back(name))
            before = self._rescan().get(name)
            try:
                if before is None:
                    raise PluginError(
                        f"There is no version of {name} before {gone.version} in this run, nor one in the environment: "
                        "remove it instead."
                    )
                if self._loaded_bundle(name) not in (None, before):
                    self.reload(name)
            except PluginError:
                self._pins_change(lambda: self.pins.put(gone))
                self._scanner.forget()
                raise
            shutil.rmtree(gone.folder, ignore_errors=True)
            where = before.pin.source if before.pin is not None else "the environment"
            summary = f"{name} went back from {gone.version} to {before.version} (from {where})"
            self._enter(author, "rollbackBundle", summary, {"name": name, "old": gone.version, "new": before.version})
            return self._info(name)

    def remove(self, name: str, *, author: str = "script") -> PluginInfo:
        """Unloads a bundle and removes every version of it that this run installed; what was recorded stays.

        Args:
            name: its distribution's name, or the name of its entry point.
            author: who wants it, for the journal.

        Returns:
            What is left of it: offered where the environment has it too.

        Raises:
            PluginError: this run has not installed it.
        """
        with self._one_at_a_time:
            name = self._own_name(name)
            loaded = self._loaded_bundle(name)
            if loaded is not None and loaded.pin is not None:
                self.unload(name)
            gone = self._pins_change(lambda: self.pins.drop(name))
            self._forget(name)
            self._scanner.forget()
            for pin in gone:
                shutil.rmtree(pin.folder, ignore_errors=True)
            versions = ", ".join(pin.version for pin in gone)
            self._enter(author, "removeBundle", f"removed {name} {versions}", {"name": name})
            return self._info(name)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _rescan(self) -> dict[str, Bundle]:
        self._scanner.forget()
        return self._scanner.scan()

    def _load_with_needed(self, bundle: Bundle, old: LoadedBundle | None) -> None:
        for needed in needed_bundles(bundle, self._scanner.scan()):
            self._load(needed, None)
        self._load(bundle, old)

    def _keep(self, pin: Pin) -> None:
        self._pins_change(lambda: self.pins.put(pin))
        summary = f"installed {pin.name} {pin.version} from {pin.source}"
        self._enter(pin.author, "installBundle", summary, structs.asdict(pin))

    def _bring_in(self, name: str, pin: Pin | None, needed: Sequence[Pin], before: list[Pin], author: str) -> None:
        """Loads what was installed, or takes it away again."""
        try:
            bundle = find(self._rescan(), name)
            loaded = self._loaded_bundle(bundle.name)
            if loaded is None:
                self.load(bundle.name)
            elif loaded != bundle:
                self.reload(bundle.name)
        except PluginError as error:
            if pin is None:
                raise
            self._take_back(pin, before, author)
            for one in reversed(needed):  # there was none of them before
                if self._loaded_bundle(one.name) is not None:
                    self.unload(one.name)
                self._take_back(one, [], author)
            raise PluginError(f"{error} {pin.name} {pin.version} was taken away again; nothing is changed.") from error

    def _take_back(self, pin: Pin, before: list[Pin], author: str) -> None:
        self._pins_change(lambda: self.pins.set(pin.name, before))
        self._forget(pin.name)
        if all(one.folder != pin.folder for one in before):
            shutil.rmtree(pin.folder, ignore_errors=True)
        self._enter(author, "removeBundle", f"removed {pin.name} {pin.version} again", {"name": pin.name})

    def _pins_change(self, change: Any) -> Any:
        try:
            return change()
        except OSError as error:
            raise PluginError(f"The run's folder cannot be written: {error}. Nothing is changed.") from error

    def _own_name(self, name: str) -> str:
        wanted = normalise(name.strip())
        if self.pins.versions(wanted):
            return wanted
        bundle = find(self._rescan(), name)
        if not self.pins.versions(bundle.name):
            raise PluginError(
                f"{bundle.origin} is installed in the environment, not by this run: unload it here, or change it with "
                "pip in a terminal."
            )
        return bundle.name

    def _note_ran(self, bundle: Bundle, code: str) -> None:
        pin = bundle.pin
        ran = RanBundle(name=bundle.name, version=bundle.version, hash=code, since=self._step())
        self.pins.started(structs.replace(ran, wheel=pin.hash, source=pin.source) if pin is not None else ran)

    def _step(self) -> int:
        return int(getattr(self._host.session, "step", 0))

    def _enter(self, author: str, action: str, summary: str, detail: dict[str, Any]) -> None:
        session = self._host.session
        if hasattr(session, "journal"):
            session.journal.add(session.step, author, action, summary, detail)
            session.renew_catalogue()
