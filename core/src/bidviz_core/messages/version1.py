"""The commands of version 1: the report's."""

from __future__ import annotations

from typing import Any

from bidviz_core.messages.contents import (
    AddFunctionContent,
    EvaluateCommandContent,
    FileContent,
    GetCodeContent,
    KeyValue,
    LoadContent,
)
from bidviz_core.messages.method import Method


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
    """Loads metrics from a file inside the run's folder, or inside that of the run `of`."""

    content: str | LoadContent


class GetModelGraph(Method, frozen=True, tag="getModelGraph"):
    """The modules of the model with their dimensions."""

    content: Any = None
