"""Bundles from the browser: list, find, inspect, install, load, unload, upgrade, roll back, remove."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from bidviz_core.control.reply import Reply
from bidviz_core.errors import PluginError
from bidviz_core.hookspecs import hookimpl
from bidviz_core.messages.bundles import FindBundles, InspectBundle, RemoveBundle, RollbackBundle
from bidviz_core.messages.commands import (
    InstallBundle,
    ListBundles,
    LoadBundle,
    Method,
    Order,
    ReloadBundle,
    UnloadBundle,
)
from bidviz_core.messages.contents import BundleContent
from bidviz_core.messages.notifications import Progress, ProgressContent
from bidviz_core.metrics.standing_aside import OWN

if TYPE_CHECKING:
    from bidviz_core.session import Session


def list_bundles(session: Session, order: Order) -> Reply:
    """What is installed: loaded, offered, failed."""
    return Reply(True, [_form(info) for info in session.plugins.scan() if info.distribution])


def find_bundles(session: Session, order: Order) -> Reply:
    """What fits a query, in the environment and at the places that are configured."""
    assert isinstance(order.command, FindBundles)
    return Reply(True, msgspec.to_builtins(session.plugins.find(order.command.content.query)))


def inspect_bundle(session: Session, order: Order) -> Reply:
    """What a bundle holds and needs, before anything of it is installed or run."""
    assert isinstance(order.command, InspectBundle)
    asked = order.command.content
    requirement = asked.requirement or (f"{asked.name}=={asked.version}" if asked.version else asked.name)
    if not requirement.strip():
        raise PluginError("There is nothing to inspect: expected a requirement, or a name and a version.")
    said = session.plugins.inspect(requirement, source=asked.source, progress=_progress(session, order))
    about = msgspec.to_builtins(said)
    about["warnings"] = [*about.get("warnings", ()), *_taken(session, about)]
    return Reply(True, about)


def install_bundle(session: Session, order: Order) -> Reply:
    """Installs a bundle for this run; on a thread and in processes of their own, the training goes on."""
    assert isinstance(order.command, InstallBundle)
    asked = order.command.content
    answer = session.plugins.install(
        asked.requirement,
        _progress(session, order),
        source=asked.source,
        hash=asked.hash,
        with_dependencies=asked.with_dependencies,
        build=asked.build,
        load=asked.load,
        author=order.author,
    )
    infos = session.plugins.scan()
    session.renew_catalogue()
    name = getattr(answer, "name", "")
    info = next((info for info in infos if info.name == name), None)
    about = {
        "offered": [info.name for info in infos if info.state == "offered"],
        "text": str(answer or f"{asked.requirement} is installed."),
        "warnings": [*getattr(answer, "warnings", ())],
        **(_form(info) if info is not None else {}),
    }
    loaded = asked.load and info is not None and info.state == "loaded"
    return Reply(True, about, session.step if loaded else None)


def rollback_bundle(session: Session, order: Order) -> Reply:
    """Goes back to the version that the run had before."""
    content = order.command.content
    assert isinstance(content, BundleContent)
    return Reply(True, _form(session.plugins.rollback(content.name, author=order.author)), session.step)


def remove_bundle(session: Session, order: Order) -> Reply:
    """Unloads a bundle and removes what the run installed of it."""
    content = order.command.content
    assert isinstance(content, BundleContent)
    return Reply(True, _form(session.plugins.remove(content.name, author=order.author)), session.step)


def load_bundle(session: Session, order: Order) -> Reply:
    """Loads an installed bundle."""
    return _change(session, order, "load", "loaded")


def unload_bundle(session: Session, order: Order) -> Reply:
    """Unloads a bundle with its metrics and charts."""
    return _change(session, order, "unload", "unloaded")


def reload_bundle(session: Session, order: Order) -> Reply:
    """Takes the newest installed code of a bundle in place of the old."""
    return _change(session, order, "reload", "reloaded")


def _change(session: Session, order: Order, method: str, done: str) -> Reply:
    content = order.command.content
    assert isinstance(content, BundleContent)
    own = next((info for info in session.plugins if info.name == content.name and not info.distribution), None)
    if own is not None:
        return Reply(False, f"{content.name} belongs to the session itself: it is no bundle, and stays.")
    info = getattr(session.plugins, method)(content.name)
    about = _form(info) if info is not None else {"name": content.name}
    summary = f"bundle {content.name} {done}"
    session.journal.add(session.step, order.author, f"{method}Bundle", summary, about)
    session.renew_catalogue()
    return Reply(True, about, session.step)


def _progress(session: Session, order: Order) -> Callable[[str], None]:
    return lambda text: session.tell(Progress(ProgressContent(order.id, text, session.id)))


def _taken(session: Session, about: dict[str, Any]) -> list[str]:
    """Says which of a bundle's metrics have the name of somebody else's."""
    described = (about.get("description") or {}).get("metrics", ())
    owners = {metric.name: metric.origin for metric in session.metrics}
    own = f"{about.get('name', '')} "
    return [
        f"The metric {one['name']!r} has the name of one that was written for this run: where that is the same code, "
        "it goes on by the bundle's; where not, the bundle's is left out as long as that one is there."
        if owners[one["name"]] in OWN
        else f"The metric {one['name']!r} has the name of one that is there (from {owners[one['name']]}): it would be "
        "left out as long as that one is there."
        for one in described
        if one["name"] in owners and not owners[one["name"]].startswith(own)
    ]


def _form(info: Any) -> dict[str, Any]:
    keys = (
        "name",
        "distribution",
        "version",
        "state",
        "hash",
        "error",
        "installed",
        "installed_source",
        "outdated",
        "metrics",
        "serves",
        "old_version",
        "wheel",
        "source",
    )
    return {key: getattr(info, key, "") for key in keys}


@hookimpl
def register_commands() -> dict[type[Method], Any]:
    """The handlers of this module."""
    return {
        ListBundles: list_bundles,
        FindBundles: find_bundles,
        InspectBundle: inspect_bundle,
        InstallBundle: install_bundle,
        RollbackBundle: rollback_bundle,
        RemoveBundle: remove_bundle,
        LoadBundle: load_bundle,
        UnloadBundle: unload_bundle,
        ReloadBundle: reload_bundle,
    }
