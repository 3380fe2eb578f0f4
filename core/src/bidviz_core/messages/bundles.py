"""Finding, inspecting and installing bundles: what is asked, what was found, and what a run says of the code it ran."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct

from bidviz_core.messages.contents import BundleContent
from bidviz_core.messages.method import Method


class Found(Struct, frozen=True, kw_only=True):
    """A bundle that fits a query, from one place; or what was wrong with a place that was asked.

    Args:
        name: its distribution's name; empty where `problem` or `note` says why a place gave nothing.
        version: the newest version there.
        versions: all that are there, newest first.
        summary: what it says of itself, in a sentence.
        installed: the version that is installed here, or an empty text.
        loaded: the version that is loaded in this run, or an empty text.
        source: the registry's name, the folder, or `"installed"`.
        hash: SHA-256 of the newest version's wheel; empty where it is not known before it is fetched.
        description: what it holds (`bidviz-bundle.json`), if it says so.
        problem: a sentence: the place is down, slow, or answered what cannot be read.
        note: a sentence that is no problem: that no registry or folder is configured, and where one is named.
    """

    name: str = ""
    version: str = ""
    versions: tuple[str, ...] = ()
    summary: str = ""
    installed: str = ""
    loaded: str = ""
    source: str = ""
    hash: str = ""
    description: dict[str, Any] | None = None
    problem: str = ""
    note: str = ""


class RanBundle(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A bundle whose code ran in a run.

    Args:
        name: its distribution's name.
        version: its version.
        hash: SHA-256 of its code.
        wheel: SHA-256 of the wheel it came in; empty where it was installed by other means.
        source: the registry, folder or address it came from; `"environment"` where it was installed by other means.
        since: the step after which it was there.
        until: the last step at which it was; none if it still is, or was to the end.
    """

    name: str
    version: str
    hash: str
    wheel: str = ""
    source: str = "environment"
    since: int = 0
    until: int | None = None


class FindContent(Struct, frozen=True):
    query: str = ""
    run: str = ""


class InspectContent(Struct, frozen=True):
    requirement: str = ""
    name: str = ""
    version: str = ""
    source: str = ""
    run: str = ""


class FindBundles(Method, frozen=True, tag="findBundles"):
    """Finds bundles: installed ones, and those of the registries and folders that are configured."""

    content: FindContent = FindContent()


class InspectBundle(Method, frozen=True, tag="inspectBundle"):
    """Fetches a bundle's wheel, runs nothing of it, and says what is in it and whether it may be installed."""

    content: InspectContent


class RollbackBundle(Method, frozen=True, tag="rollbackBundle"):
    """Goes back to the version of a bundle that this run had before."""

    content: BundleContent


class RemoveBundle(Method, frozen=True, tag="removeBundle"):
    """Unloads a bundle and removes what this run installed of it."""

    content: BundleContent


class PackContent(Struct, frozen=True):
    folder: str
    run: str = ""


class PackBundle(Method, frozen=True, tag="packBundle"):
    """Gives the folder of a bundle that was shared as one file."""

    content: PackContent


BundleCommand: TypeAlias = FindBundles | InspectBundle | RollbackBundle | RemoveBundle | PackBundle

#: To find makes requests to registries; to inspect fetches a file. All are served beside the training.
BUNDLE_RIGHTS: dict[type[Method], Literal["view", "tune", "code"]] = {
    FindBundles: "tune",
    InspectBundle: "code",
    RollbackBundle: "code",
    RemoveBundle: "code",
    PackBundle: "code",
}
