"""The commands that steer a run: hyperparameters, policies, run control, checkpoints, the model, the console."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from bidviz_core.messages.contents import RunContent
from bidviz_core.messages.method import Method


class LeaseContent(Struct, frozen=True):
    """A change that goes back by itself unless it is kept: after `steps`, or when the smoothed loss is `loss_rise`
    above its mean of the 50 steps before."""

    steps: int | None = None
    loss_rise: float | None = None


class SetHyperparameterContent(Struct, frozen=True):
    name: str
    value: Any
    mode: Literal["override", "scale"] = "override"
    group: int | None = None
    at: int | None = None  # the step at whose boundary it takes hold; now, if none
    lease: LeaseContent | None = None
    reason: str = ""
    run: str = ""


class SetHyperparameter(Method, frozen=True, tag="setHyperparameter"):
    """Sets a hyperparameter, now or at a step, for good or on a lease; answers with what was read back."""

    content: SetHyperparameterContent


class NameContent(Struct, frozen=True):
    name: str
    run: str = ""


class ReleaseHyperparameter(Method, frozen=True, tag="releaseHyperparameter"):
    """Gives a hyperparameter back to the script and its scheduler."""

    content: NameContent


class KeepChange(Method, frozen=True, tag="keepChange"):
    """Keeps a change that was on a lease."""

    content: NameContent


class PolicyContent(Struct, frozen=True):
    target: str
    formula: str = ""
    policy: str = ""  # a named policy, in place of a formula
    parameters: dict[str, Any] = {}
    mode: Literal["override", "scale"] = "override"
    low: float | None = None
    high: float | None = None
    steps: int = 1000  # how far a preview looks ahead
    run: str = ""
    release: bool = False  # of `armPolicy`: what was set by hand is given up; otherwise the policy waits


class ArmPolicy(Method, frozen=True, tag="armPolicy"):
    """Puts a hyperparameter under a formula or a named policy; replaces the one before."""

    content: PolicyContent


class PreviewPolicy(Method, frozen=True, tag="previewPolicy"):
    """The curve of a policy over the coming steps, as columns `step` and `value`; nothing is armed."""

    content: PolicyContent


class DryRunPolicy(Method, frozen=True, tag="dryRunPolicy"):
    """What a formula would have given over the run's recorded history, as columns `step` and `value`."""

    content: PolicyContent


class DisarmPolicy(Method, frozen=True, tag="disarmPolicy"):
    """Takes a policy away; the hyperparameter is released."""

    content: NameContent


class RunStepsContent(Struct, frozen=True):
    steps: int | None = None
    until: str = ""
    call_off: bool = False
    run: str = ""


class RunSteps(Method, frozen=True, tag="runSteps"):
    """Goes on for so many steps, or until a condition holds, and pauses then; `call_off` calls that off."""

    content: RunStepsContent


class StopTraining(Method, frozen=True, tag="stopTraining"):
    """Ends the training at its next step boundary."""

    content: RunContent


class RestartTraining(Method, frozen=True, tag="restartTraining"):
    """Goes back to the state before the first step; needs `session.batches` or `session.loop`."""

    content: RunContent


class BadGradientsContent(Struct, frozen=True):
    pause: bool
    run: str = ""


class PauseOnBadGradients(Method, frozen=True, tag="pauseOnBadGradients"):
    """Pauses before an update whose gradients are not all finite: it is not made meanwhile."""

    content: BadGradientsContent


class SkipUpdate(Method, frozen=True, tag="skipUpdate"):
    """Leaves the update out that waits because of its gradients, and goes on."""

    content: RunContent


class SaveCheckpointContent(Struct, frozen=True):
    label: str = ""
    run: str = ""


class SaveCheckpoint(Method, frozen=True, tag="saveCheckpoint"):
    """Keeps the whole state of the training at this step."""

    content: SaveCheckpointContent


class AutoCheckpointContent(Struct, frozen=True):
    every: int | None = None  # steps; none for never
    when: str = ""  # a condition, checked at each step
    limit_bytes: int | None = None  # of the ring; the oldest go first
    run: str = ""


class AutoCheckpoint(Method, frozen=True, tag="autoCheckpoint"):
    """Saves checkpoints every so many steps or when a condition comes to hold, in a ring of a size in bytes."""

    content: AutoCheckpointContent


class CheckpointContent(Struct, frozen=True):
    id: str
    name: str = ""  # of the branch
    values: dict[str, Any] = {}  # hyperparameters of the branch
    run: str = ""


class RestoreCheckpoint(Method, frozen=True, tag="restoreCheckpoint"):
    """Goes back to a checkpoint."""

    content: CheckpointContent


class BranchCheckpoint(Method, frozen=True, tag="branchCheckpoint"):
    """Goes on from a checkpoint as a run of another name, with other values if wanted."""

    content: CheckpointContent


class DeleteCheckpoint(Method, frozen=True, tag="deleteCheckpoint"):
    """Deletes a checkpoint's file."""

    content: CheckpointContent


class ListCheckpoints(Method, frozen=True, tag="listCheckpoints"):
    """The checkpoints of a run, oldest first."""

    content: RunContent


class WhatIfContent(Struct, frozen=True):
    name: str
    value: Any = None
    steps: int = 50
    low: float | None = None  # of a range test: the value rises from here …
    high: float | None = None  # … to here, geometrically
    run: str = ""


class WhatIf(Method, frozen=True, tag="whatIf"):
    """Trains some steps with the present value and with another on the same batches, and puts everything back."""

    content: WhatIfContent


class ChangeModelContent(Struct, frozen=True):
    action: Literal["freeze", "unfreeze", "initialize", "scale", "clip", "reset_state"]
    pattern: str  # of parameters' qualified names
    value: float | None = None
    seed: int | None = None
    run: str = ""


class ChangeModel(Method, frozen=True, tag="changeModel"):
    """Freezes, unfreezes, initialises anew, scales or clips parameters, or resets their optimizer's state."""

    content: ChangeModelContent


class UndoContent(Struct, frozen=True):
    number: int  # of the journal's entry
    run: str = ""


class UndoModelChange(Method, frozen=True, tag="undoModelChange"):
    """Puts back what a change of the model replaced, from the copy that was kept."""

    content: UndoContent


class CompleteConsoleContent(Struct, frozen=True):
    code: str
    position: int
    run: str = ""


class CompleteConsole(Method, frozen=True, tag="completeConsole"):
    """Completions for a console line at a position."""

    content: CompleteConsoleContent


class ConsoleHistoryContent(Struct, frozen=True):
    count: int = 500
    run: str = ""


class ConsoleHistory(Method, frozen=True, tag="consoleHistory"):
    """The last lines that this user typed into a console, over all runs."""

    content: ConsoleHistoryContent


class ExportJournalContent(Struct, frozen=True):
    form: Literal["replay", "python"] = "replay"
    run: str = ""


class ExportJournal(Method, frozen=True, tag="exportJournal"):
    """The journal as the text of a file that replays, or as a Python snippet of schedules."""

    content: ExportJournalContent


class ListParameters(Method, frozen=True, tag="listParameters"):
    """The model's parameters: qualified name, shape, whether it is trained."""

    content: RunContent
