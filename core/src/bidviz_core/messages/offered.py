"""What a run's catalogue offers to whoever looks: names for metric code, and pages of panels that bundles bring."""

from __future__ import annotations

from msgspec import Struct

from bidviz_core.description import PageFile


class Argument(Struct, frozen=True):
    """A name in scope of metric code, with a word about it; `available` is empty or the reason why it is not."""

    name: str
    help: str
    available: str = ""


class OfferedPage(Struct, frozen=True, kw_only=True):
    """A page of panels that a loaded bundle brings.

    Args:
        origin: the bundle, as it is named beside its metrics (`"bidviz-metric-gradnorm 0.1.0"`).
        file: the file's name in the bundle.
        page: the page; none where it cannot be read.
        fits: whether it is meant for this model: it says so of one of its classes, or is for every model.
        because: the classes of this model for which it is meant.
        error: why it cannot be read.
    """

    origin: str
    file: str
    page: PageFile | None = None
    fits: bool = False
    because: list[str] = []
    error: str = ""


class SavedMetrics(Struct, frozen=True, kw_only=True):
    """A set of metrics that was saved in a run's folder.

    Args:
        of: the run's id.
        name: the run's name.
        file: the file's name in its folder.
        time: when it was saved, in seconds since the epoch.
        metrics: the names of those that can be loaded elsewhere.
    """

    of: str
    name: str
    file: str
    time: float
    metrics: list[str] = []
