"""Sharing from the browser: metrics, policies and a page become a bundle on the training's disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bidviz_core.control.reply import Reply
from bidviz_core.hookspecs import hookimpl
from bidviz_core.messages.commands import Method, Order, ShareBundle
from bidviz_core.messages.notifications import Progress, ProgressContent
from bidviz_core.sharing.sharing import share

if TYPE_CHECKING:
    from bidviz_core.session import Session


def share_bundle(session: Session, order: Order) -> Reply:
    """Writes and checks a bundle; runs on the service thread, the training goes on."""
    assert isinstance(order.command, ShareBundle)
    content = order.command.content

    def progress(text: str) -> None:
        session.tell(Progress(ProgressContent(order.id, text, session.id)))

    shared = share(
        session,
        content.name,
        metrics=content.metrics,
        policies=content.policies,
        page=content.page,
        folder=content.folder,
        author=content.author,
        licence=content.license,
        replace=content.replace,
        progress=progress,
    )
    name = shared.folder.name
    outcome = {"folder": str(shared.folder), "files": shared.files, "check": shared.check}
    if shared.aside is not None:
        outcome["aside"] = str(shared.aside)
    # The outcome is in the journal as well, for pages that were opened anew meanwhile.
    about = {"name": name, "metrics": content.metrics, "policies": content.policies, **outcome}
    session.journal.add(session.step, order.author, "shareBundle", f"{name} written to {shared.folder}", about)
    return Reply(True, outcome, session.step)


@hookimpl
def register_commands() -> dict[type[Method], Any]:
    """The handler of this module."""
    return {ShareBundle: share_bundle}
