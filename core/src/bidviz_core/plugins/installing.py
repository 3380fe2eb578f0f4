"""Asks the plugin that can install a bundle to do so, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bidviz_core.errors import BidvizError, PluginError
from bidviz_core.plugins.dispatch import Hooks


def install(hooks: Hooks, requirement: str, progress: Callable[[str], None] | None) -> Any:
    """Asks one implementation of `install_bundle` after the other until one answers.

    A refusal is an answer, no fault of the plugin that gives it, so nothing is set aside here.

    Raises:
        PluginError: nothing here can install, or the installation was refused or failed.
    """
    if not hooks.wanted("install_bundle"):
        raise PluginError(
            "Nothing here can install bundles: pip install bidviz-registry in the training's environment, or install "
            f"{requirement!r} in a terminal; it is offered as soon as it is there."
        )
    arguments = {"requirement": requirement, "progress": progress or _ignore}
    for call in hooks.implementations("install_bundle"):
        try:
            outcome = call.function(**{name: arguments[name] for name in call.arguments})
        except BidvizError:
            raise
        except Exception as error:
            raise PluginError(f"Installing {requirement!r} failed: {type(error).__name__}: {error}.") from error
        if outcome is not None:
            return outcome
    raise PluginError(f"Nothing here knows how to install {requirement!r}.")


def _ignore(line: str) -> None:
    """Takes a line of progress that nobody wants."""
