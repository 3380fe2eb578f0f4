"""Bundles from the browser: list, install, load, unload, upgrade."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bidviz_core.control.reply import Reply
from bidviz_core.hookspecs import hookimpl
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

if TYPE_CHECKING:
    from bidviz_core.session import Session


def list_bundles(session: Session, order: Order) -> Reply:
    """What is installed: loaded, offered, failed."""
    return Reply(True, [_form(info) for info in session.plugins.scan() if info.distribution])


def install_bundle(session: Session, order: Order) -> Reply:
    """Installs a requirement, a path or a wheel; runs on the service thread, the training goes on."""
    assert isinstance(order.command, InstallBundle)
    requirement = order.command.content.requirement

    def progress(text: str) -> None:
        session.tell(Progress(ProgressContent(order.id, text, session.id)))

    answer = session.plugins.install(requirement, progress)
    session.journal.add(
        session.step, order.author, "installBundle", f"installed {requirement}", {"requirement": requirement}
    )
    offered = [info.name for info in session.plugins.scan() if info.state == "offered"]
    session.renew_catalogue()
    return Reply(True, {"offered": offered, "text": str(answer or f"{requirement} is installed.")})


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


def _form(info: Any) -> dict[str, Any]:
    keys = (
        "name",
        "distribution",
        "version",
        "state",
        "hash",
        "error",
        "installed",
        "outdated",
        "metrics",
        "old_version",
    )
    return {key: getattr(info, key, "") for key in keys}


@hookimpl
def register_commands() -> dict[type[Method], Any]:
    """The handlers of this module."""
    return {
        ListBundles: list_bundles,
        InstallBundle: install_bundle,
        LoadBundle: load_bundle,
        UnloadBundle: unload_bundle,
        ReloadBundle: reload_bundle,
    }
