"""Judges what state a run is in from its beats, its connection and its process: never "running" for what is dead."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from bidviz_core.messages.notifications import State, Status

#: A session beats twice a second; seconds without a beat after which a process that lives counts as stuck.
NO_BEAT = 4.0
#: Seconds without a step after which a run is at the least quiet, and at the most stuck.
QUIET_AFTER = 10.0
STUCK_AFTER = 180.0
#: How many of its usual steps a run may be silent for before it is quiet, and before it is stuck.
QUIET_STEPS = 20
STUCK_STEPS = 200
#: Seconds that a session whose process lives may take to come back after its connection broke.
COMING_BACK = 4.0

FINAL: frozenset[State] = frozenset({"stopped", "ended", "failed"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a run at a moment.

    Args:
        reported: what the session said last.
        since_beat: seconds since it said so.
        linked: whether its connection stands.
        since_link: seconds since the connection was made or lost.
        alive: whether its process lives; none where that cannot be told (it runs on another machine).
    """

    reported: Status
    since_beat: float
    linked: bool
    since_link: float
    alive: bool | None


def judge(evidence: Evidence) -> tuple[State, str]:
    """The state of a run, and a sentence about it.

    Args:
        evidence: what is known.

    Returns:
        The state, and why it is so; an empty text leaves the session's own sentence in place.
    """
    reported = evidence.reported
    if reported.state in FINAL:
        return reported.state, ""
    beats = evidence.linked and evidence.since_beat <= NO_BEAT
    # What beats lives, even where its process cannot be seen from here (a container has numbers of its own).
    if evidence.alive is False and not beats:
        return "lost", f"The training's process is gone without a word; its last step was {reported.step}."
    if not evidence.linked:
        return _unlinked(evidence)
    if not beats:
        return "stuck", f"No sign of life for {_seconds(evidence.since_beat)}; {_lives(evidence.alive)}."
    if reported.state == "paused":
        return "paused", ""
    # Between beats the time since the last step goes on.
    silent = reported.since_step + evidence.since_beat
    if silent > max(STUCK_AFTER, STUCK_STEPS * reported.step_time):
        return "stuck", f"No step for {_seconds(silent)}, although its process beats."
    if silent > max(QUIET_AFTER, QUIET_STEPS * reported.step_time):
        return "quiet", f"No step for {_seconds(silent)}; a step usually takes {reported.step_time:.3g} s."
    return "running", ""


def judged(evidence: Evidence) -> Status:
    """The reported status with the judged state in it."""
    state, detail = judge(evidence)
    if state == evidence.reported.state and not detail:
        return evidence.reported
    speed = evidence.reported.speed if state == "running" else 0.0
    return msgspec.structs.replace(
        evidence.reported, state=state, detail=detail or evidence.reported.detail, speed=speed
    )


def _unlinked(evidence: Evidence) -> tuple[State, str]:
    if evidence.since_link < COMING_BACK:
        return evidence.reported.state, "The connection to the training broke just now; it is expected back."
    if evidence.alive is None:
        return "lost", f"Not heard of for {_seconds(evidence.since_link)}; its last step was {evidence.reported.step}."
    return (
        "stuck",
        f"Its process lives, but has not been connected for {_seconds(evidence.since_link)}.",
    )


def _lives(alive: bool | None) -> str:
    return "its process lives" if alive else "its process is on another machine"


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
