"""Changes that are not over yet, as part of a checkpoint: leases that run, and values that are to come at a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from bidviz_core.control.change import Change, stands
from bidviz_core.control.leases import Lease
from bidviz_core.hyperparameters.holds import Request
from bidviz_core.messages.steering import LeaseContent, SetHyperparameterContent

if TYPE_CHECKING:
    from bidviz_core.session import Session


def changes_state(session: Session) -> dict[str, Any]:
    """The leases that run and the changes that are to come, as plain data."""
    changes = session.changes
    return {
        "leases": [
            {
                "name": change.name,
                "entry": change.entry,
                "applied": change.applied,
                "former": [None if former is None else tuple(former) for former in change.former],
                "content": msgspec.to_builtins(change.lease.content),
                "since": change.lease.since,
                "level": change.lease.level,
                "smooth": change.lease.smooth,
            }
            for change in changes.leased
            if change.lease is not None and stands(change)
        ],
        "to_come": [(msgspec.to_builtins(content), author) for content, author in changes.to_come],
    }


def put_back_changes(session: Session, kept: dict[str, Any]) -> None:
    """Takes up leases and changes to come; to be called when what was held is held again."""
    leased = [change for one in kept["leases"] if (change := _leased(session, one)) is not None]
    to_come = [(msgspec.convert(content, SetHyperparameterContent), author) for content, author in kept["to_come"]]
    session.changes.take_up(leased, to_come)


def _leased(session: Session, kept: dict[str, Any]) -> Change | None:
    name = kept["name"]
    helds = session.hyperparameters.helds(name) if name in session.hyperparameters else []
    if not helds or len(helds) != len(kept["former"]):
        return None  # a group that is not there any more
    request = helds[0].request
    for held in helds:
        held.request = request  # one change is one request, by which it is known
    change = Change(name, request.mode, request.value, request.author, session.step, request=request)
    change.helds = helds
    change.former = [None if former is None else Request(*former) for former in kept["former"]]
    lease = Lease(msgspec.convert(kept["content"], LeaseContent), kept["since"], kept["level"])
    lease.smooth = kept["smooth"]
    change.lease = lease
    change.applied, change.entry, change.proven = kept["applied"], kept["entry"], True
    for held in helds:
        held.lease = lease.sentence
    return change
