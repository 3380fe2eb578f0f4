"""Everything a session or the dashboard tells: one closed union, told apart by `msgType`.

On the wire the server sends arrays of these, several to a text frame. Batches of records and history travel beside
them as binary frames (`bidviz_core.frames`), whose header's `"type"` is `"batch"` or `"history"`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from bidviz_core.messages.bundles import RanBundle
from bidviz_core.messages.health import HealthContent, HealthRule, RunHealth
from bidviz_core.messages.offered import Argument, OfferedPage
from bidviz_core.messages.status import State as State
from bidviz_core.messages.status import Status as Status
from bidviz_core.messages.steered import (
    Abilities,
    CheckpointInfo,
    ConsoleContent,
    HyperparameterInfo,
    HyperparametersContent,
    PolicyInfo,
)


class Notification(Struct, tag_field="msgType", frozen=True):
    """What every notification has in common: `content`, typed by the heir."""


# --- version 1 -----------------------------------------------------------------------------------------------------


class CallbackContent(Struct, frozen=True):
    """The answer to a request: `data` is the result, or the message on failure; `step` is when it took hold."""

    id: Any
    success: bool
    data: Any = ""
    step: int | None = None


class Callback(Notification, frozen=True, tag="callback"):
    """The reply to the request with that id."""

    content: CallbackContent


class DataPointContent(Struct, frozen=True):
    name: str
    ipass: int
    shape: list[int]
    data: list[Any]
    type: str = ""


class DataPoint(Notification, frozen=True, tag="data_point"):
    """One record, for clients of version 1; numbers JSON has no word for are `"NaN"`, `"Infinity"`, `"-Infinity"`."""

    content: DataPointContent


class Parameters(Notification, frozen=True, tag="parameters"):
    """Every hyperparameter as text."""

    content: dict[str, str]


class ErrorContent(Struct, frozen=True):
    msg: str


class ErrorMessage(Notification, frozen=True, tag="error_message"):
    """A metric failed while training runs, or a message was not understood."""

    content: ErrorContent


# --- beyond version 1 ----------------------------------------------------------------------------------------------


class RunInfo(Struct, frozen=True, kw_only=True):
    """What never changes of a run.

    Args:
        id: the run's id.
        name: its name.
        folder: the absolute path of the run's own folder.
        started: seconds since the epoch.
        pid: the training's process.
        host: the machine's name.
        program: the script's name.
        allow_code: whether the session takes code.
        config: what the script gave as `config`, as JSON.
        versions: versions of bidviz-core, Python and torch.
    """

    id: str
    name: str
    folder: str
    started: float
    pid: int
    host: str
    program: str = ""
    allow_code: bool = True
    config: dict[str, Any] = {}
    versions: dict[str, str] = {}


class FailureContent(Struct, frozen=True, kw_only=True):
    """A metric or a plugin was set aside.

    Args:
        source: `"metric"`, `"plugin"`, `"store"`, `"link"` or `"worker"`.
        name: which.
        step: at which step.
        message: one sentence with the way to mend it.
        line: the line of the metric's source, from 1.
        column: where in that line what failed begins, from 1.
        end_column: the column behind its last character.
        traceback: the traceback as text.
        time: seconds since the epoch.
    """

    source: str
    name: str
    message: str
    step: int = 0
    line: int | None = None
    column: int | None = None
    end_column: int | None = None
    traceback: str = ""
    time: float = 0.0


class MetricInfo(Struct, frozen=True, kw_only=True):
    """A metric as the page shows it.

    Args:
        name: its name.
        code: its source, as it was given.
        every: the cadence asked for, in steps.
        effective_every: the cadence after back-off.
        enabled: whether it runs.
        origin: `"built-in"`, `"script"`, `"person"` or a bundle's name with its version.
        where: `"training"` or `"worker"`.
        charts: its chart specs as JSON objects; empty means by the value.
        type: the word for a chart that a version-1 client gave.
        help: its docstring.
        series: the names of the series it has given so far.
        kind: the kind of its last value (`"scalar"`, `"histogram"`, …), empty before the first.
        cost: its mean cost in seconds each time it runs.
        share: its share of the step time, 0 to 1, at its present cadence.
        memory: bytes it allocated at most, where known.
        failure: why it was set aside, or none.
        note: a sentence about it (backed off, needs a recompilation, comes with the next step).
    """

    name: str
    code: str = ""
    every: int = 1
    effective_every: int = 1
    enabled: bool = True
    origin: str = "script"
    where: str = "training"
    charts: list[dict[str, Any]] = []
    type: str = ""
    help: str = ""
    series: list[str] = []
    kind: str = ""
    cost: float = 0.0
    share: float = 0.0
    memory: int = 0
    failure: FailureContent | None = None
    note: str = ""


class MetricCost(Struct, frozen=True):
    """What a metric takes by now.

    Args:
        cost: its mean cost in seconds each time it runs.
        share: its share of the step time, 0 to 1, at its present cadence.
    """

    cost: float
    share: float


class CostsContent(Struct, frozen=True):
    run: str
    costs: dict[str, MetricCost]


class Catalogue(Struct, frozen=True, kw_only=True):
    """All the page needs to draw a run, sent first and whenever it changes.

    Args:
        run: what never changes.
        metrics: the metrics.
        series: the kind of each series that has records.
        hyperparameters: the hyperparameters.
        arguments: the names in scope of metric code.
        offered: bundles that are installed and not loaded, and were not: what was unloaded is not offered again.
        charts: charts that bundles give beside their metrics'.
        retired: series of metrics that were removed; their history stays, but they need no panel.
        policies: those that are armed or were disarmed by an error, and the named ones that are offered.
        checkpoints: the run's checkpoints, oldest first.
        abilities: what its loop allows.
        chart_origins: the bundle of each of `charts`, in the same order.
        pages: pages of panels that loaded bundles bring.
        health: what rules have found, those that stand first.
        rules: the rules that bundles bring for a run's health, and which of them watch it.
        ran: every bundle whose code ran in the run, and when.
        checkout: the folder with the bundles that come with BIDViz, where the training runs from a checkout; an empty
            text where pip finds them by their names.
    """

    run: RunInfo
    metrics: list[MetricInfo] = []
    series: dict[str, str] = {}
    hyperparameters: list[HyperparameterInfo] = []
    arguments: list[Argument] = []
    offered: list[str] = []
    charts: list[dict[str, Any]] = []
    retired: list[str] = []
    policies: list[PolicyInfo] = []
    checkpoints: list[CheckpointInfo] = []
    abilities: Abilities = Abilities()
    chart_origins: list[str] = []
    pages: list[OfferedPage] = []
    health: list[HealthContent] = []
    rules: list[HealthRule] = []
    ran: list[RanBundle] = []
    checkout: str = ""


class CatalogueMessage(Notification, frozen=True, tag="catalogue"):
    """The run's metrics, charts and names in scope; `content.series` maps each series to its value's kind."""

    content: Catalogue


class StatusContent(Struct, frozen=True):
    run: str
    status: Status


class StatusMessage(Notification, frozen=True, tag="status"):
    """The run's state."""

    content: StatusContent


class RunSummary(Struct, frozen=True, kw_only=True):
    """A row of the runs table."""

    run: RunInfo
    status: Status
    live: bool = True


class RunsMessage(Notification, frozen=True, tag="runs"):
    """All runs the dashboard knows, newest first."""

    content: list[RunSummary]


class RunFailure(Struct, frozen=True):
    run: str
    failure: FailureContent


class FailureMessage(Notification, frozen=True, tag="failure"):
    """Something of a run was set aside."""

    content: RunFailure


class Entry(Struct, frozen=True, kw_only=True):
    """An entry of the journal.

    Args:
        number: from 1, in the run.
        step: the step at which it took hold.
        time: seconds since the epoch.
        author: who.
        action: the command's `methodName`, or what happened.
        summary: one line of text.
        detail: what was given, as JSON (code included).
        success: whether it took hold.
    """

    number: int
    step: int
    time: float
    author: str
    action: str
    summary: str
    detail: dict[str, Any] = {}
    success: bool = True


class RunEntry(Struct, frozen=True):
    run: str
    entry: Entry


class JournalMessage(Notification, frozen=True, tag="journal"):
    """Something was done to the run."""

    content: RunEntry


class GapContent(Struct, frozen=True):
    run: str
    sequence: int
    dropped: int = 0


class Gap(Notification, frozen=True, tag="gap"):
    """Frames before batch `sequence` were not sent: fetch them from history."""

    content: GapContent


class ProgressContent(Struct, frozen=True):
    id: Any
    text: str
    run: str = ""


class Progress(Notification, frozen=True, tag="progress"):
    """A line about a request that takes long."""

    content: ProgressContent


class ConsoleMessage(Notification, frozen=True, tag="console"):
    """Output of a console line, sent to the person who typed it."""

    content: ConsoleContent


class HyperparametersMessage(Notification, frozen=True, tag="hyperparameters"):
    """Values of hyperparameters and policies have changed; with the heartbeat, at most twice a second."""

    content: HyperparametersContent


class HealthMessage(Notification, frozen=True, tag="health"):
    """What rules have found has changed; with the heartbeat, at most twice a second."""

    content: RunHealth


class CostsMessage(Notification, frozen=True, tag="costs"):
    """What each metric takes by now; every two seconds, where it has changed."""

    content: CostsContent


NotificationMessage: TypeAlias = (
    Callback
    | DataPoint
    | Parameters
    | ErrorMessage
    | CatalogueMessage
    | StatusMessage
    | RunsMessage
    | FailureMessage
    | JournalMessage
    | Gap
    | Progress
    | ConsoleMessage
    | HyperparametersMessage
    | HealthMessage
    | CostsMessage
)

decode_notifications = msgspec.json.Decoder(list[NotificationMessage]).decode
encode = msgspec.json.Encoder().encode
