"""Changes of hyperparameters: written on the training thread, read back, put into the journal, told to plugins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bidviz_core.errors import BidvizError
from bidviz_core.messages.notifications import FailureContent

if TYPE_CHECKING:
    from bidviz_core.session import Session


class Changes:
    """Writes hyperparameters of a session.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def write(self, checked: Iterable[tuple[str, Any]], author: str, action: str) -> None:
        """Writes values that were checked, and tells of each with the value read back.

        Args:
            checked: names and values, as `Hyperparameters.check` gave them.
            author: who changes them.
            action: what the journal calls it.
        """
        session = self._session
        changes = []
        for name, value in checked:
            old = session.hyperparameters[name]
            now = session.hyperparameters.write(name, value)
            changes.append({"name": name, "old": old, "value": now, "step": session.step, "author": author})
            session.journal.add(session.step, author, action, f"{name}: {old} → {now}", changes[-1])
        if changes:
            session.renew_catalogue()
            session.plugins.tell("hyperparameters_changed", session=session, step=session.step, changes=changes)

    def take_proposals(self, step: int) -> None:
        """Asks plugins for values, and writes those that differ from the present ones."""
        session = self._session
        held = session.hyperparameters
        for proposal in session.plugins.ask(
            "propose_hyperparameters", session=session, step=step, hyperparameters=held
        ):
            try:
                wanted = [(name, held.check(name, value)) for name, value in proposal.items() if held[name] != value]
            except (BidvizError, KeyError, AttributeError) as error:
                message = f"A plugin proposed what cannot be set: {error}"
                session.fail_once(FailureContent(source="plugin", name="propose_hyperparameters", message=message))
                continue
            self.write(wanted, "policy", "proposeHyperparameters")
