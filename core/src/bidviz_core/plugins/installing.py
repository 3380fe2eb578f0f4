"""Asks the plugins that can find, inspect and install bundles to do so, in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bidviz_core.errors import BidvizError, PluginError
from bidviz_core.messages.bundles import Found
from bidviz_core.plugins.dispatch import Hooks
from bidviz_core.plugins.pins import Pin


def ask_first(hooks: Hooks, hook: str, doing: str, arguments: Mapping[str, Any]) -> Any:
    """Asks one implementation after the other until one answers.

    A refusal is an answer, no fault of the plugin that gives it, so nothing is set aside here.

    Args:
        hooks: the session's.
        hook: `"install_bundle"` or `"inspect_bundle"`.
        doing: what is done, at the beginning of a sentence (`"Installing 'bidviz-metric-x'"`).
        arguments: all that an implementation may take.

    Raises:
        PluginError: nothing here can do it, or it was refused or failed.
    """
    requirement = arguments["requirement"]
    if not hooks.wanted(hook):
        raise PluginError(
            "Nothing here can install bundles: pip install bidviz-registry in the training's environment, or install "
            f"{requirement!r} in a terminal; it is offered as soon as it is there."
        )
    for call in hooks.implementations(hook):
        try:
            outcome = call.function(**{name: arguments[name] for name in call.arguments})
        except BidvizError:
            raise
        except Exception as error:
            raise PluginError(f"{doing} failed: {type(error).__name__}: {error}.") from error
        if outcome is not None:
            return outcome
    raise PluginError(f"Nothing here knows how to install {requirement!r}.")


def find_all(hooks: Hooks, query: str, pins: Mapping[str, Pin]) -> list[Found]:
    """Asks every implementation of `find_bundles`; one that fails is a row that says so.

    Args:
        hooks: the session's.
        query: a part of a name or summary, or a whole name.
        pins: what the run has installed, by name.
    """
    asked = {"query": query, "pins": pins}
    found: list[Found] = []
    for call in hooks.implementations("find_bundles"):
        try:
            given = call.function(**{name: asked[name] for name in call.arguments})
            found += [one for one in given or () if isinstance(one, Found)]
        except Exception as error:  # noqa: BLE001 - the answers of the others are still answers
            found.append(Found(source=call.plugin, problem=f"{call.plugin} could not look: {error}"))
    return found


def ignore(line: str) -> None:
    """Takes a line of progress that nobody wants."""


#: Told of progress, a line of text at a time.
Progress = Callable[[str], None]
