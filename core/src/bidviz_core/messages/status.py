"""How a run is at the moment, as its session and the dashboard tell it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

State: TypeAlias = Literal["running", "paused", "quiet", "stuck", "stopped", "ended", "failed", "lost"]


class Status(Struct, frozen=True, kw_only=True):
    """A session's heartbeat, and the run's state as the dashboard judges it from the beats.

    Args:
        state: the state.
        step: the last completed step.
        epoch: the epoch, or none where nothing counts them.
        speed: steps a second over the last seconds; 0 while paused.
        step_time: the usual seconds a step takes.
        since_step: seconds since the last step boundary.
        elapsed: seconds since the run started.
        cost: the share of the last half minute of training, pauses left out, that our work between steps took on the
            training thread (metrics, recording, policies, answers), 0 to 1.
        loss: the last loss.
        dropped: records dropped so far because queues were full.
        paused_by: who paused it.
        since: when the present state began, seconds since the epoch.
        running_metric: the metric that has been running for over a second, if any.
        detail: a sentence about the state (the error of a failed run, why it is stuck).
        goal: where the run is going to pause by itself (`"at step 1,300"`, `"when loss < 0.1"`); empty if nowhere.
        reached: why it is paused, where it has paused by itself (`"loss < 0.1 holds"`); empty otherwise.
        skipped: in a pause before a bad update, how many updates in a row were left out just before it.
        ruined: there: what of the model is not finite itself, so that skipping is of no use (`"fc1.weight"`).
        back_to: there: the step of the newest checkpoint that may be from before, if there is one.
        sequence: the last batch sent.
    """

    state: State = "running"
    step: int = 0
    epoch: int | None = None
    speed: float = 0.0
    step_time: float = 0.0
    since_step: float = 0.0
    elapsed: float = 0.0
    cost: float = 0.0
    loss: float | None = None
    dropped: int = 0
    paused_by: str = ""
    since: float = 0.0
    running_metric: str = ""
    detail: str = ""
    goal: str = ""
    reached: str = ""
    skipped: int = 0
    ruined: str = ""
    back_to: int | None = None
    sequence: int = 0
