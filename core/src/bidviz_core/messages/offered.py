"""What a run's catalogue tells of bundles: whose code is loaded, and the pages of panels that it brings."""

from __future__ import annotations

from msgspec import Struct

from bidviz_core.description import PageFile


class BundleMark(Struct, frozen=True, kw_only=True):
    """A bundle whose code is loaded.

    Args:
        origin: how it is named beside what it brings (`"bidviz-metric-gradnorm 0.1.0"`).
        name: its distribution's name.
        version: the version that is loaded.
        hash: SHA-256 of the code that is loaded.
        state: `"loaded"`, or `"failed"` where it was set aside.
    """

    origin: str
    name: str
    version: str
    hash: str
    state: str = "loaded"


class OfferedPage(Struct, frozen=True, kw_only=True):
    """A page of panels that a loaded bundle brings.

    Args:
        origin: the bundle, as in `BundleMark`.
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
