"""What methods take: the typed `content` of each command."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from bidviz_core.description import PageFile


class AddFunctionContent(Struct, frozen=True):
    name: str
    code: str
    type: str = ""


class KeyValue(Struct, frozen=True):
    key: str
    value: Any


class EvaluateCommandContent(Struct, frozen=True):
    code: str
    where: Literal["boundary", "service"] = "boundary"  # the training thread, or a thread of its own
    cell: str = ""  # the client's name for this line; output comes as `console` messages that carry it


class GetCodeContent(Struct, frozen=True):
    name: str | None = None


class FileContent(Struct, frozen=True):
    file: str = ""
    name: str = ""


class LoadContent(FileContent, frozen=True):
    of: str = ""  # the id of another run, whose folder it lies in


class HelloContent(Struct, frozen=True):
    versions: list[int] = []
    client: str = ""


class RunContent(Struct, frozen=True):
    run: str


class SubscribeContent(Struct, frozen=True):
    run: str
    since: int | None = None
    series: list[str] | None = None


class HistoryContent(Struct, frozen=True):
    run: str
    series: list[str]
    start: int | None = None
    stop: int | None = None
    points: int | None = 1000


class ArrayHistoryContent(Struct, frozen=True):
    run: str
    series: str
    start: int | None = None
    stop: int | None = None
    count: int = 1
    spread: bool = False


class JournalContent(Struct, frozen=True):
    run: str
    since: int = 0


class LayoutContent(Struct, frozen=True):
    run: str
    layout: dict[str, Any] | None = None


class MetricContent(Struct, frozen=True):
    name: str
    code: str
    every: int = 1
    chart: dict[str, Any] | str | None = None
    where: Literal["training", "worker"] = "training"
    run: str = ""


class MetricNameContent(Struct, frozen=True):
    name: str
    run: str = ""


class ChangeMetricContent(Struct, frozen=True):
    name: str
    enabled: bool | UnsetType = UNSET
    every: int | UnsetType = UNSET
    run: str = ""


class CompleteContent(Struct, frozen=True):
    code: str
    position: int
    run: str = ""


class BundleContent(Struct, frozen=True):
    name: str
    run: str = ""


class ShareBundleContent(Struct, frozen=True):
    run: str
    name: str  # whole, or its own part
    metrics: list[str] = []
    policies: list[str] = []  # targets
    page: PageFile | None = None
    folder: str = ""  # where the bundle's own folder is made; the run's folder if empty
    author: str = ""
    license: str = ""  # SPDX's name; Apache-2.0 if empty
    replace: bool = False  # whether a bundle of that name that is in its folder is put aside, under another name


class InstallBundleContent(Struct, frozen=True):
    requirement: str
    source: str = ""  # the registry's name, or a folder; where there is a choice
    hash: str = ""  # SHA-256 of the wheel that was looked at: another is refused
    with_dependencies: bool = False  # whether what it needs and is missing comes along, into its folder
    build: bool = False  # whether code may be built, which runs it
    load: bool = False  # whether it is loaded, or put in place of the loaded version, as soon as it is there
    run: str = ""
