"""Calls hooks so that a plugin which fails is set aside and the training and the other plugins go on.

pluggy finds and validates the implementations, but stops at the first one that raises; so the calling is done here.
"""

from __future__ import annotations

import inspect
import os
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cache
from types import FunctionType, ModuleType
from typing import Any, ClassVar, NamedTuple, TypeAlias, cast

import pluggy

from bidviz_core import hookspecs
from bidviz_core.errors import PluginError, TrainingStopped

TRACE_VARIABLE = "BIDVIZ_TRACE_PLUGINS"

#: The built-in plugins are part of this package: none changes while it is there, and each session takes them all in.
_OWN = "bidviz_core.default_plugins."

#: By what attribute a hookimpl is known.
_MARK = f"{hookspecs.PROJECT}_impl"

#: What an isolated call lets through: a person's own wish to end. Everything else, `SystemExit` too, ends here.
PASSED_ON = (KeyboardInterrupt, TrainingStopped)


#: Told of the plugin, the hook, the arguments of the call and the error.
OnFailure: TypeAlias = Callable[[str, str, dict[str, Any], BaseException], None]


class Call(NamedTuple):
    """One implementation of one hook.

    Args:
        plugin: the name its plugin is registered by.
        function: what is called.
        arguments: the names it takes.
    """

    plugin: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]


class _Manager(pluggy.PluginManager):
    """Passes by what can be no hook: a module is mostly imports."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        if type(plugin) is _Shown:
            return plugin.marks[name]
        if type(plugin) is ModuleType:
            if name.startswith("__"):
                return None
            found = vars(plugin).get(name)
            if isinstance(found, (type, ModuleType)) or not callable(found):
                return None
            if isinstance(found, FunctionType):
                marked: pluggy.HookimplOpts | None = vars(found).get(_MARK)
                return marked  # what pluggy finds too, after a longer search
        return super().parse_hookimpl_opts(plugin, name)


class _Shown:
    """A plugin as pluggy is shown it, by its hooks alone: it looks at each name that a module has, and is asked often.

    Args:
        plugin: a module or an object.
        manager: knows which of its names are hooks.
    """

    def __init__(self, plugin: object, manager: _Manager) -> None:
        self.plugin = plugin
        found = ((name, manager.parse_hookimpl_opts(plugin, name)) for name in dir(plugin))
        self.marks = {name: marks for name, marks in found if marks is not None}
        #: The hooks, by the names they are called by.
        self.hooks = frozenset(marks.get("specname") or name for name, marks in self.marks.items())
        vars(self).update({name: getattr(plugin, name) for name in self.marks})

    def __dir__(self) -> list[str]:
        return list(self.marks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shown) and self.plugin is other.plugin

    def __hash__(self) -> int:
        return id(self.plugin)


#: The built-in plugins that were found to be in order.
_own: dict[object, _Shown] = {}


@cache
def _specs() -> dict[str, Callable[..., Any]]:
    """Every hook there is, by name, in the order of `hookspecs`."""
    parse = pluggy.PluginManager(hookspecs.PROJECT).parse_hookspec_opts
    return {name: spec for name, spec in vars(hookspecs).items() if parse(hookspecs, name)}


@cache
def _bare_specs() -> type:
    """The same as pluggy takes them, without the rest of their module."""
    return type("Specs", (), {name: staticmethod(spec) for name, spec in _specs().items()})


class Hooks:
    """The hooks of one session and who implements them.

    Calls may come from any thread; registering and unregistering are serialised by a lock that calls never take.

    Args:
        on_failure: called with the plugin's name, the hook's name, the arguments of the call and the error, when an
            implementation has raised and its plugin has been set aside.
    """

    #: What plugins are tried in, of all sessions: each is empty while nobody uses it.
    _spare: ClassVar[list[Hooks]] = []

    def __init__(self, on_failure: OnFailure) -> None:
        self._manager = _Manager(hookspecs.PROJECT)
        self._names = tuple(_specs())
        self._manager.add_hookspecs(_bare_specs())
        self._on_failure = on_failure
        self._lock = threading.RLock()
        self._trace = os.environ.get(TRACE_VARIABLE, "") not in ("", "0")
        self._calls: dict[str, tuple[Call, ...]] = dict.fromkeys(self._names, ())

    @property
    def names(self) -> tuple[str, ...]:
        """Every hook there is, in the order of `hookspecs`."""
        return self._names

    def register(self, plugin: object, name: str) -> None:
        """Takes a plugin's implementations in.

        Args:
            plugin: a module or an object with functions marked by `bidviz.hookimpl`.
            name: the name it goes by, unique in this session.

        Raises:
            PluginError: a hook that does not exist, an argument that it does not have, no hook at all, a name taken.
        """
        shown = self._checked(plugin, name)
        with self._lock:
            if self._manager.has_plugin(name):
                raise PluginError(f"A plugin named {name!r} is there already: unload it first, or give another name.")
            try:
                self._manager.register(shown, name)
            except pluggy.PluginValidationError as error:
                raise PluginError(f"The plugin {name!r} does not fit its hooks: {_one_line(str(error))}") from None
            except ValueError:
                raise PluginError(f"The plugin {name!r} is registered already, by another name.") from None
            self._renew(shown.hooks)

    @contextmanager
    def on_trial(self, on_failure: OnFailure) -> Iterator[Hooks]:
        """Other hooks, in which plugins can be asked what they give before they are registered here.

        They are empty again afterwards and are kept for the next time: to make them takes longer than most plugins do.

        Args:
            on_failure: as for any hooks.
        """
        try:
            trial = self._spare.pop()  # in one step: then no other thread has it
            trial._on_failure, trial._trace = on_failure, self._trace
        except IndexError:
            trial = Hooks(on_failure)
        yield trial
        for name, _ in trial._manager.list_name_plugin():
            trial.unregister(name)
        self._spare.append(trial)

    def unregister(self, name: str) -> bool:
        """Takes a plugin's implementations away; false when there were none of that name."""
        with self._lock:
            if not self._manager.has_plugin(name):
                return False
            self._renew(cast(_Shown, self._manager.unregister(name=name)).hooks)
            return True

    def check(self, plugin: object, name: str) -> None:
        """Refuses what would never be called.

        Raises:
            PluginError: naming the hook and the ones with a similar name.
        """
        self._checked(plugin, name)

    def _checked(self, plugin: object, name: str) -> _Shown:
        own = type(plugin) is ModuleType and plugin.__name__.startswith(_OWN)
        if own and (known := _own.get(plugin)) is not None:
            return known
        shown = _Shown(plugin, self._manager)
        self._check(shown, name)
        if own:
            _own[plugin] = shown
        return shown

    def _check(self, shown: _Shown, name: str) -> None:
        for attribute, options in shown.marks.items():
            hook = options.get("specname") or attribute
            if hook not in self._calls and not options.get("optionalhook"):
                near = get_close_matches(hook, self._names, 3, 0.5)
                hint = f"did you mean {' or '.join(near)}?" if near else f"the hooks are {', '.join(self._names)}."
                raise PluginError(
                    f"The plugin {name!r} implements {hook!r}, which is no hook of BIDViz: {hint} "
                    "(A hook of another package is marked with hookimpl(optionalhook=True).)"
                )
            if options.get("wrapper") or options.get("hookwrapper"):
                raise PluginError(
                    f"The plugin {name!r} implements {hook!r} as a wrapper, which BIDViz does not call: "
                    "write a plain one."
                )
            if hook in self._calls:
                self._check_arguments(getattr(shown, attribute), hook, name)
        if not shown.marks:
            raise PluginError(
                f"The plugin {name!r} implements no hook: mark its functions with @bidviz.hookimpl "
                f"({', '.join(self._names[:2])}, …)."
            )

    def _check_arguments(self, function: Callable[..., Any], hook: str, name: str) -> None:
        given = tuple(inspect.signature(getattr(hookspecs, hook)).parameters)
        for parameter in inspect.signature(function).parameters.values():
            if parameter.default is parameter.empty and parameter.name not in given:
                near = get_close_matches(parameter.name, given, 1)
                hint = f"did you mean {near[0]}?" if near else f"there {'is' if given else 'are'} {_listed(given)}."
                raise PluginError(
                    f"The plugin {name!r} wants {parameter.name!r} in {hook}, which does not give it: {hint}"
                )

    def wanted(self, hook: str) -> bool:
        """Whether anybody implements a hook; one dictionary look-up."""
        return bool(self._calls[hook])

    def tell(self, hook: str, **arguments: Any) -> None:
        """Calls every implementation and ignores what it returns."""
        for call in self._calls[hook]:
            self.call(call, hook, arguments)

    def ask(self, hook: str, **arguments: Any) -> list[Any]:
        """Calls every implementation and gives what they returned, without `None` and without those that failed."""
        results = [self.call(call, hook, arguments) for call in self._calls[hook]]
        return [result for result in results if result is not None]

    def first(self, hook: str, **arguments: Any) -> Any:
        """Calls one implementation after the other until one gives something else than `None`."""
        for call in self._calls[hook]:
            result = self.call(call, hook, arguments)
            if result is not None:
                return result
        return None

    def implementations(self, hook: str) -> tuple[Call, ...]:
        """Who implements a hook, in the order in which they are called."""
        return self._calls[hook]

    def those_of(self, plugins: Collection[str]) -> set[str]:
        """The hooks that some plugins implement, by the names they are registered by."""
        return {hook for hook, calls in self._calls.items() if any(call.plugin in plugins for call in calls)}

    def call(self, call: Call, hook: str, arguments: dict[str, Any]) -> Any:
        """Calls one implementation with the arguments it takes; `None` when it raised and was set aside."""
        if self._trace:
            _print_call(call, hook, arguments)
        try:
            return call.function(**{name: arguments[name] for name in call.arguments})
        except PASSED_ON:
            raise
        # SystemExit and its like too: a plugin must not be able to end a training.
        except BaseException as error:  # noqa: BLE001
            # Two threads may meet the same fault; it is told once.
            if self.unregister(call.plugin):
                self._on_failure(call.plugin, hook, arguments, error)
            return None

    def _renew(self, hooks: Collection[str]) -> None:
        # pluggy lists implementations in reverse: the one to be called first stands last.
        # One new dictionary, so that a thread in the middle of a call keeps the list it began with.
        calls = dict(self._calls)
        for hook in hooks & calls.keys():
            implementations = reversed(getattr(self._manager.hook, hook).get_hookimpls())
            calls[hook] = tuple(Call(one.plugin_name, one.function, tuple(one.argnames)) for one in implementations)
        self._calls = calls


def where_raised(error: BaseException, hook: str) -> str:
    """A sentence about an error that a hook raised."""
    return f"{hook} raised {type(error).__name__}{f': {error}' if str(error) else ''}"


def _print_call(call: Call, hook: str, arguments: dict[str, Any]) -> None:
    given = ", ".join(f"{name}={_short(arguments[name])}" for name in call.arguments)
    print(f"bidviz: {call.plugin}.{hook}({given})", file=sys.stderr, flush=True)


def _short(value: Any) -> str:
    if isinstance(value, (int, float, str, type(None))):
        return repr(value)[:60]
    return f"<{type(value).__name__}>" if not inspect.isclass(value) else value.__name__


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "no arguments"


def _one_line(text: str) -> str:
    return " ".join(text.split())
