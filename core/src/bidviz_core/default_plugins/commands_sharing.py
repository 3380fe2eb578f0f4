"""Sharing from the browser: metrics, policies and a page become a bundle on the training's disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bidviz_core.control.reply import Reply
from bidviz_core.errors import BidvizError
from bidviz_core.hookspecs import hookimpl
from bidviz_core.messages.commands import Method, Order, ShareBundle
from bidviz_core.messages.notifications import Progress, ProgressContent
from bidviz_core.sharing.sharing import distribution_of, share

if TYPE_CHECKING:
    from bidviz_core.session import Session


def share_bundle(session: Session, order: Order) -> Reply:
    """Writes and checks a bundle; runs on the service thread, the training goes on."""
    assert isinstance(order.command, ShareBundle)
    content = order.command.content

    def progress(text: str) -> None:
        session.tell(Progress(ProgressContent(order.id, text, session.id)))

    what = {"metrics": content.metrics, "policies": content.policies}
    try:
        shared = share(
            session,
            content.name,
            **what,
            page=content.page,
            folder=content.folder,
            author=content.author,
            licence=content.license,
            replace=content.replace,
            progress=progress,
        )
    except Exception as error:
        # A page that was opened anew meanwhile waits for no answer: it learns of a failure here alone.
        why = str(error) if isinstance(error, BidvizError) else f"{type(error).__name__}: {error}"
        asked = {"name": distribution_of(content.name, content.metrics, content.policies, content.page), **what}
        session.journal.add(session.step, order.author, "shareBundle", why, asked, success=False)
        raise
    name = shared.folder.name
    outcome = {"folder": str(shared.folder), "files": shared.files, "check": shared.check}
    if shared.aside is not None:
        outcome["aside"] = str(shared.aside)
    # The outcome is in the journal as well, for pages that were opened anew meanwhile.
    about = {"name": name, **what, **outcome}
    session.journal.add(session.step, order.author, "shareBundle", f"{name} written to {shared.folder}", about)
    return Reply(True, outcome, session.step)


@hookimpl
def register_commands() -> dict[type[Method], Any]:
    """The handler of this module."""
    return {ShareBundle: share_bundle}
