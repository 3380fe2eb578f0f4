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

from bidviz_core.messages.contents import (
    AddFunctionContent,
    ArrayHistoryContent,
    BundleContent,
    ChangeMetricContent,
    CompleteContent,
    EvaluateCommandContent,
    FileContent,
    GetCodeContent,
    HelloContent,
    HistoryContent,
    InstallBundleContent,
    JournalContent,
    KeyValue,
    LayoutContent,
    MetricContent,
    MetricNameContent,
    RunContent,
    SubscribeContent,
)

Right: TypeAlias = Literal["view", "tune", "code"]


class Method(Struct, tag_field="methodName", frozen=True):
    """What every method has in common: `content`, typed by the heir."""


# --- version 1: the report's ---------------------------------------------------------------------------------------


class AddFunction(Method, frozen=True, tag="addFunction"):
    """Adds or replaces a metric; compiled before it is accepted."""

    content: AddFunctionContent


class PauseTraining(Method, frozen=True, tag="pauseTraining"):
    """Pauses (`true`) or resumes (`false`)."""

    content: bool


class ModifyParam(Method, frozen=True, tag="modifyParam"):
    """Sets hyperparameters: all or none."""

    content: list[KeyValue] | dict[str, Any]


class RequestParam(Method, frozen=True, tag="requestParam"):
    """Asks for every hyperparameter as text."""

    content: Any = None


class EvaluateCommand(Method, frozen=True, tag="evaluateCommand"):
    """Runs code in the console."""

    content: EvaluateCommandContent


class GetCode(Method, frozen=True, tag="getCode"):
    """The source of one metric, or of all."""

    content: GetCodeContent | None = None


class SaveMetrics(Method, frozen=True, tag="saveMetrics"):
    """Saves all metrics with their charts to a file inside the run's folder."""

    content: str | FileContent


class LoadMetrics(Method, frozen=True, tag="loadMetrics"):
    """Loads metrics from a file inside the run's folder."""

    content: str | FileContent


class GetModelGraph(Method, frozen=True, tag="getModelGraph"):
    """The modules of the model with their dimensions."""

    content: Any = None


# --- beyond version 1: what the page needs -------------------------------------------------------------------------


class Hello(Method, frozen=True, tag="hello"):
    """Says which versions the client knows; without it a client gets version 1."""

    content: HelloContent = HelloContent()


class Subscribe(Method, frozen=True, tag="subscribe"):
    """Follows a run: its catalogue now, then all it sends after batch `since`; `series` limits the arrays sent."""

    content: SubscribeContent


class Unsubscribe(Method, frozen=True, tag="unsubscribe"):
    """Stops following a run."""

    content: RunContent


class SubscribeRuns(Method, frozen=True, tag="subscribeRuns"):
    """Follows the list of runs."""

    content: Any = None


class History(Method, frozen=True, tag="history"):
    """Columns of series between two steps at a resolution; answered with one binary frame per series, then a reply."""

    content: HistoryContent


class ArrayHistory(Method, frozen=True, tag="arrayHistory"):
    """The last `count` array records of a series between two steps; binary frames, then a reply."""

    content: ArrayHistoryContent


class GetJournal(Method, frozen=True, tag="getJournal"):
    """The journal's entries after number `since`."""

    content: JournalContent


class SaveLayout(Method, frozen=True, tag="saveLayout"):
    """Keeps the arrangement of panels for runs of this run's name."""

    content: LayoutContent


class GetLayout(Method, frozen=True, tag="getLayout"):
    """The arrangement kept for runs of this run's name."""

    content: RunContent


class GetStacks(Method, frozen=True, tag="getStacks"):
    """The stacks of the training's threads, also when it is stuck."""

    content: RunContent


class TryMetric(Method, frozen=True, tag="tryMetric"):
    """Runs a metric once at the next step and shows value, shape and cost, or the error."""

    content: MetricContent


class AddMetric(Method, frozen=True, tag="addMetric"):
    """Adds a metric; a name that is taken is refused."""

    content: MetricContent


class ReplaceMetric(Method, frozen=True, tag="replaceMetric"):
    """Replaces the code, cadence and chart of a metric."""

    content: MetricContent


class RemoveMetric(Method, frozen=True, tag="removeMetric"):
    """Removes a metric; its history stays."""

    content: MetricNameContent


class ChangeMetric(Method, frozen=True, tag="changeMetric"):
    """Enables, disables or retries a metric, or changes its cadence."""

    content: ChangeMetricContent


class InterruptMetric(Method, frozen=True, tag="interruptMetric"):
    """Interrupts the metric that is running and does not return."""

    content: RunContent


class Complete(Method, frozen=True, tag="complete"):
    """Completions for metric code at a position."""

    content: CompleteContent


class ListBundles(Method, frozen=True, tag="listBundles"):
    """The bundles of the training's environment: loaded, offered, failed."""

    content: RunContent


class LoadBundle(Method, frozen=True, tag="loadBundle"):
    """Loads an installed bundle."""

    content: BundleContent


class UnloadBundle(Method, frozen=True, tag="unloadBundle"):
    """Unloads a bundle: its metrics and charts go."""

    content: BundleContent


class ReloadBundle(Method, frozen=True, tag="reloadBundle"):
    """Loads a bundle's newest installed code in place of the old."""

    content: BundleContent


class InstallBundle(Method, frozen=True, tag="installBundle"):
    """Installs a requirement, a path or a wheel into the training's environment, then offers it."""

    content: InstallBundleContent


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
}

#: Answered by the dashboard's process itself, from its own state or the run's file.
DASHBOARD: frozenset[type[Method]] = frozenset(
    {Hello, Subscribe, Unsubscribe, SubscribeRuns, History, ArrayHistory, GetJournal, SaveLayout, GetLayout, GetStacks}
)

#: Served by the pump or a thread of its own as soon as they come, because they must work while a step is stuck.
OUT_OF_BAND: frozenset[type[Method]] = frozenset({InterruptMetric, Complete, ListBundles, InstallBundle})


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


def method_name(command: Method) -> str:
    """The `methodName` of a command."""
    return str(type(command).__struct_config__.tag)
