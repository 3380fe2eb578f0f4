"""What a rule does when it fires, if a person wants that: at the step boundary, after all metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bidviz_core.errors import BidvizError
from bidviz_core.notices import notice

if TYPE_CHECKING:
    from bidviz_core.session import Session

AUTHOR = "health"


def act(session: Session, action: str, rule: str, text: str, since: int) -> str:
    """Does it.

    Args:
        session: the session; on its training thread.
        action: one of `settings.ACTIONS`.
        rule: the rule's name.
        text: what it found.
        since: the step since which that stands.

    Returns:
        What was done, or why it could not be, as a sentence.
    """
    try:
        match action:
            case "notify":
                notice(f"{rule} at step {session.step:,} of {session.name}: {text}")
                return "Told at the terminal."
            case "pause":
                return _pause(session)
            case "checkpoint":
                session.checkpoints.save_here("condition", rule)
                return "A checkpoint is taken."
            case "roll back":
                return _roll_back(session, since)
    except BidvizError as error:
        return f"Could not {action}: {error}"
    return ""


def _pause(session: Session) -> str:
    if session.dispatcher.no_steering:
        return f"Could not pause: {session.dispatcher.no_steering}"
    session.pause(author=AUTHOR)
    return "Paused."


def _roll_back(session: Session, since: int) -> str:
    """Goes back to the last checkpoint from before the finding, and pauses there: the same batches would only give the
    same again, unless a person changes something.
    """
    paused = _pause(session)
    if reason := session.abilities().restore:
        return f"Could not roll back: {reason} {paused}"
    earlier = [one for one in session.checkpoints.infos() if one.step < since and one.state != "failed"]
    if not earlier:
        return f"Could not roll back: there is no checkpoint from before step {since:,}. {paused}"
    last = max(earlier, key=lambda one: one.step)
    session.checkpoints.restore(last.id)
    return f"Rolled back to the checkpoint of step {last.step:,}. {paused}"
