"""Pages of panels that bundles bring: `pages/*.json` in their import packages, read when the bundle is loaded."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import msgspec

from bidviz_core.description import PageFile
from bidviz_core.errors import SpecError
from bidviz_core.specs import chart_from_dict

#: The most bytes of one file: it travels with every catalogue.
MOST_BYTES = 64 * 2**10
#: The most pages of one bundle.
MOST_PAGES = 20
#: The columns of the grid that panels are placed in.
COLUMNS = 12
_FOLDER = "pages"
_OWN = "bidviz_core"


class BundlePage(NamedTuple):
    """A page file of a bundle.

    Args:
        file: its name.
        page: what it holds; none where it cannot be read.
        error: why it cannot be read, as a sentence.
    """

    file: str
    page: PageFile | None
    error: str = ""


def pages_of(plugins: Iterable[object]) -> list[BundlePage]:
    """Reads the page files beside the code of some plugins.

    A file that cannot be read is no reason to refuse a bundle's code: it comes back with the reason.

    Args:
        plugins: modules with hooks; anything else has no folder, and so no pages.
    """
    tops = {plugin.__name__.partition(".")[0]: None for plugin in plugins if isinstance(plugin, ModuleType)}
    found: list[BundlePage] = []
    for top in tops:
        for place in getattr(sys.modules.get(top), "__path__", ()) if top != _OWN else ():
            found += [_read(path) for path in sorted(Path(place, _FOLDER).glob("*.json"))]
    return found[:MOST_PAGES]


def decode_page(data: bytes, name: str) -> PageFile:
    """Reads and validates a page file's bytes.

    Args:
        data: the file.
        name: how it is called in the sentence that says what is wrong.

    Raises:
        SpecError: it is no page, of a newer format, or a chart or a place in it is not valid.
    """
    if len(data) > MOST_BYTES:
        raise SpecError(f"The page {name} has {len(data):,} bytes; at most {MOST_BYTES:,} are read.")
    try:
        page = msgspec.json.decode(data, type=PageFile)
    except msgspec.MsgspecError as error:
        raise SpecError(f"The page {name} cannot be read: {error}. Save the page anew from a run.") from error
    for number, panel in enumerate(page.panels, 1):
        try:
            chart_from_dict(panel.get("chart"))
            _check_place(panel)
        except SpecError as error:
            raise SpecError(f"Panel {number} of the page {name}: {error}") from error
    return page


def fitting(page: PageFile, classes: Iterable[str]) -> list[str]:
    """The classes for which a page is meant.

    Args:
        page: the page.
        classes: qualified names of the model's module classes.

    Returns:
        Those that fit one of its patterns, sorted; empty where none does or where it is for every model.
    """
    return sorted(one for one in set(classes) if any(fnmatchcase(one, pattern) for pattern in page.when))


def class_names(model: Any) -> frozenset[str]:
    """Qualified names of the classes of a model and its modules, those they inherit from included.

    Looks at every module: for the training thread, once.

    Args:
        model: a torch module, or any other learner.
    """
    parts = model.modules() if hasattr(model, "modules") and callable(model.modules) else [model]
    kinds = {kind for part in parts for kind in type(part).__mro__}
    return frozenset(f"{kind.__module__}.{kind.__qualname__}" for kind in kinds if kind is not object)


def _read(path: Path) -> BundlePage:
    try:
        with path.open("rb") as file:
            return BundlePage(path.name, decode_page(file.read(MOST_BYTES + 1), path.name))
    except (OSError, SpecError) as error:
        return BundlePage(path.name, None, str(error))


def _check_place(panel: dict[str, Any]) -> None:
    place = [panel.get(key, least) for key, least in (("x", 0), ("y", 0), ("w", 1), ("h", 1))]
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in place)
    if not whole or min(place[:2]) < 0 or min(place[2:]) < 1 or place[0] + place[2] > COLUMNS:
        got = ", ".join(f"{key}={value!r}" for key, value in zip("xywh", place, strict=True))
        raise SpecError(f"a place is x, y, w and h in whole cells of {COLUMNS} columns, got {got}.")
