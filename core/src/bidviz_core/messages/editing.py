"""The commands that edit what a run shows: its metrics, and the bundles that bring some."""

from __future__ import annotations

from msgspec import Struct

from bidviz_core.messages.contents import (
    BundleContent,
    ChangeMetricContent,
    CompleteContent,
    InstallBundleContent,
    MetricContent,
    MetricNameContent,
    RunContent,
    ShareBundleContent,
)
from bidviz_core.messages.method import Method


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


class InterruptContent(Struct, frozen=True):
    run: str
    cell: str = ""  # the client's name for a console line: that one alone, also where it has not begun


class InterruptMetric(Method, frozen=True, tag="interruptMetric"):
    """Interrupts the metric or the console line that is running and does not return."""

    content: InterruptContent


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


class ShareBundle(Method, frozen=True, tag="shareBundle"):
    """Writes metrics, policies and a page as a bundle on the disk of the training, and checks it."""

    content: ShareBundleContent
