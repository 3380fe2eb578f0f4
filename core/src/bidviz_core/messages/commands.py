"""Everything a browser or a program can ask: one closed union, told apart by `methodName`.

A request on the wire is `{"id": …, "content": {"methodName": …, "content": …}}`. Each class here is the inner object;
its field `content` is what the method takes. `RIGHTS` says which right each needs, `DASHBOARD` which of them the
dashboard answers itself; all others are carried to the session and take hold at a step boundary, unless `OUT_OF_BAND`
says that the pump may serve them at once.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from bidviz_core.messages.bundles import BUNDLE_RIGHTS, BundleCommand
from bidviz_core.messages.editing import (
    AddMetric,
    ChangeMetric,
    Complete,
    InstallBundle,
    InterruptMetric,
    ListBundles,
    LoadBundle,
    ReloadBundle,
    RemoveMetric,
    ReplaceMetric,
    ShareBundle,
    TryMetric,
    UnloadBundle,
)
from bidviz_core.messages.method import Method, method_name
from bidviz_core.messages.steering import (
    ArmPolicy,
    AutoCheckpoint,
    BranchCheckpoint,
    ChangeModel,
    CompleteConsole,
    ConsoleHistory,
    DeleteCheckpoint,
    DisarmPolicy,
    DryRunPolicy,
    ExportJournal,
    KeepChange,
    ListCheckpoints,
    ListParameters,
    PauseOnBadGradients,
    PreviewPolicy,
    ReleaseHyperparameter,
    RestartTraining,
    RestoreCheckpoint,
    RunSteps,
    SaveCheckpoint,
    SetHyperparameter,
    SkipUpdate,
    StopTraining,
    UndoModelChange,
    WhatIf,
)
from bidviz_core.messages.version1 import (
    AddFunction,
    EvaluateCommand,
    GetCode,
    GetModelGraph,
    LoadMetrics,
    ModifyParam,
    PauseTraining,
    RequestParam,
    SaveMetrics,
)
from bidviz_core.messages.viewing import (
    ArrayHistory,
    GetJournal,
    GetLayout,
    GetStacks,
    Hello,
    History,
    ListSavedMetrics,
    SaveLayout,
    Subscribe,
    SubscribeRuns,
    Unsubscribe,
)

__all__ = [
    "DASHBOARD",
    "OUT_OF_BAND",
    "RIGHTS",
    "AddFunction",
    "AddMetric",
    "ArmPolicy",
    "ArrayHistory",
    "AutoCheckpoint",
    "BranchCheckpoint",
    "ChangeMetric",
    "ChangeModel",
    "Command",
    "Complete",
    "CompleteConsole",
    "ConsoleHistory",
    "DeleteCheckpoint",
    "DisarmPolicy",
    "DryRunPolicy",
    "EvaluateCommand",
    "ExportJournal",
    "GetCode",
    "GetJournal",
    "GetLayout",
    "GetModelGraph",
    "GetStacks",
    "Hello",
    "History",
    "InstallBundle",
    "InterruptMetric",
    "KeepChange",
    "ListBundles",
    "ListCheckpoints",
    "ListParameters",
    "ListSavedMetrics",
    "LoadBundle",
    "LoadMetrics",
    "Method",
    "ModifyParam",
    "Order",
    "PauseOnBadGradients",
    "PauseTraining",
    "PreviewPolicy",
    "ReleaseHyperparameter",
    "ReloadBundle",
    "RemoveMetric",
    "ReplaceMetric",
    "Request",
    "RequestParam",
    "RestartTraining",
    "RestoreCheckpoint",
    "Right",
    "RunSteps",
    "SaveCheckpoint",
    "SaveLayout",
    "SaveMetrics",
    "SetHyperparameter",
    "ShareBundle",
    "SkipUpdate",
    "StopTraining",
    "Subscribe",
    "SubscribeRuns",
    "TryMetric",
    "UndoModelChange",
    "UnloadBundle",
    "Unsubscribe",
    "WhatIf",
    "decode_order",
    "decode_request",
    "encode",
    "method_name",
]

Right: TypeAlias = Literal["view", "tune", "code"]


Command: TypeAlias = (
    AddFunction
    | PauseTraining
    | ModifyParam
    | RequestParam
    | EvaluateCommand
    | GetCode
    | SaveMetrics
    | LoadMetrics
    | GetModelGraph
    | Hello
    | Subscribe
    | Unsubscribe
    | SubscribeRuns
    | History
    | ArrayHistory
    | GetJournal
    | SaveLayout
    | GetLayout
    | GetStacks
    | ListSavedMetrics
    | TryMetric
    | AddMetric
    | ReplaceMetric
    | RemoveMetric
    | ChangeMetric
    | InterruptMetric
    | Complete
    | ListBundles
    | LoadBundle
    | UnloadBundle
    | ReloadBundle
    | InstallBundle
    | BundleCommand
    | ShareBundle
    | SetHyperparameter
    | ReleaseHyperparameter
    | KeepChange
    | ArmPolicy
    | PreviewPolicy
    | DryRunPolicy
    | DisarmPolicy
    | RunSteps
    | StopTraining
    | RestartTraining
    | PauseOnBadGradients
    | SkipUpdate
    | SaveCheckpoint
    | AutoCheckpoint
    | RestoreCheckpoint
    | BranchCheckpoint
    | DeleteCheckpoint
    | ListCheckpoints
    | WhatIf
    | ChangeModel
    | UndoModelChange
    | ListParameters
    | CompleteConsole
    | ConsoleHistory
    | ExportJournal
)

RIGHTS: dict[type[Method], Right] = {
    Hello: "view",
    Subscribe: "view",
    Unsubscribe: "view",
    SubscribeRuns: "view",
    History: "view",
    ArrayHistory: "view",
    GetJournal: "view",
    GetLayout: "view",
    GetStacks: "view",
    ListSavedMetrics: "view",
    RequestParam: "view",
    GetCode: "view",
    GetModelGraph: "view",
    ListBundles: "view",
    PauseTraining: "tune",
    ModifyParam: "tune",
    SaveLayout: "tune",
    ChangeMetric: "tune",
    InterruptMetric: "tune",
    RemoveMetric: "code",
    AddFunction: "code",
    EvaluateCommand: "code",
    SaveMetrics: "code",
    LoadMetrics: "code",
    TryMetric: "code",
    AddMetric: "code",
    ReplaceMetric: "code",
    Complete: "code",
    LoadBundle: "code",
    UnloadBundle: "code",
    ReloadBundle: "code",
    InstallBundle: "code",
    **BUNDLE_RIGHTS,
    ShareBundle: "code",
    SetHyperparameter: "tune",
    ReleaseHyperparameter: "tune",
    KeepChange: "tune",
    ArmPolicy: "tune",
    PreviewPolicy: "view",
    DryRunPolicy: "view",
    DisarmPolicy: "tune",
    RunSteps: "tune",
    StopTraining: "tune",
    RestartTraining: "tune",
    PauseOnBadGradients: "tune",
    SkipUpdate: "tune",
    SaveCheckpoint: "tune",
    AutoCheckpoint: "tune",
    RestoreCheckpoint: "code",
    BranchCheckpoint: "code",
    DeleteCheckpoint: "tune",
    ListCheckpoints: "view",
    WhatIf: "tune",
    ChangeModel: "code",
    UndoModelChange: "code",
    ListParameters: "view",
    CompleteConsole: "code",
    ConsoleHistory: "code",
    ExportJournal: "view",
}

#: Answered by the dashboard's process itself, from its own state or the run's file.
DASHBOARD: frozenset[type[Method]] = frozenset(
    {
        Hello,
        Subscribe,
        Unsubscribe,
        SubscribeRuns,
        History,
        ArrayHistory,
        GetJournal,
        SaveLayout,
        GetLayout,
        GetStacks,
        ListSavedMetrics,
        DryRunPolicy,
        ExportJournal,
        ListCheckpoints,
    }
)

#: Served by the pump or a thread of its own as soon as they come, because they must work while a step is stuck.
OUT_OF_BAND: frozenset[type[Method]] = frozenset(
    {
        InterruptMetric,
        Complete,
        CompleteConsole,
        ConsoleHistory,
        ListBundles,
        InstallBundle,
        ShareBundle,
        *BUNDLE_RIGHTS,
        # Their files are read first, which is nothing that the training has to wait for.
        RestoreCheckpoint,
        BranchCheckpoint,
        RestartTraining,
    }
)


class Request(Struct, frozen=True):
    """A command with the client's id.

    Args:
        id: the client's; comes back unchanged in the reply.
        content: the command.
    """

    content: Command
    id: Any = None


class Order(Struct, frozen=True):
    """A request as the dashboard passes it to a session.

    Args:
        id: the dashboard's own number for it.
        author: who asked (`"person"`, or a client's name).
        right: the right the client holds.
        command: the command.
    """

    id: int
    author: str
    right: Right
    command: Command


decode_request = msgspec.json.Decoder(Request).decode
decode_order = msgspec.json.Decoder(Order).decode
encode = msgspec.json.Encoder().encode
