"""What a bundle gives to the dashboard: renderers for kinds of charts of its own, and pages.

The scripts lie in the bundle and are installed where the dashboard runs; none ever comes from a session.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bidviz_core.errors import PluginError
from bidviz_core.grammars import OWN_KIND

_PATH = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True)
class Renderer:
    """Draws a kind of chart on the page.

    Args:
        kind: how specs call it: the bundle's word, a dot, the chart's (`"sunburst.Sunburst"`).
        script: an ES module in one file, whose default export is `{light, create(host, panel, tools)}`.
        style: a style sheet that goes with it.

    Raises:
        PluginError: the kind is not named so, or a file is not there.
    """

    kind: str
    script: Path
    style: Path | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or not OWN_KIND.fullmatch(self.kind):
            raise PluginError(
                f"A renderer's kind is called like 'sunburst.Sunburst' (bundle, dot, kind), got {self.kind!r}."
            )
        what = f"The renderer of {self.kind!r}"
        object.__setattr__(self, "script", _file(self.script, what, (".js", ".mjs")))
        if self.style is not None:
            object.__setattr__(self, "style", _file(self.style, what, (".css",)))


@dataclass(frozen=True)
class Page:
    """A page of the dashboard.

    Args:
        path: its last part: `"rose"` is at `/page/rose`.
        title: its name, as links to it say it.
        script: an ES module in one file, whose default export is a function `(element, dashboard)`.

    Raises:
        PluginError: the path is no plain word, the title is empty, or the file is not there.
    """

    path: str
    title: str
    script: Path

    def __post_init__(self) -> None:
        if not isinstance(self.path, str) or not _PATH.fullmatch(self.path.strip("/")):
            raise PluginError(f"A page's path is a plain word (letters, digits, - and _), got {self.path!r}.")
        if not isinstance(self.title, str) or not self.title.strip():
            raise PluginError(f"The page {self.path!r} has no title: it is what links to it say.")
        object.__setattr__(self, "path", self.path.strip("/"))
        object.__setattr__(self, "script", _file(self.script, f"The page {self.path!r}", (".js", ".mjs")))


def _file(path: Path, what: str, endings: tuple[str, ...]) -> Path:
    try:
        found = Path(path)
    except TypeError:
        raise PluginError(f"{what} names {path!r}; expected the path of a file: Path(__file__).with_name(…).") from None
    if found.suffix not in endings:
        raise PluginError(f"{what} names {found.name!r}; expected a file that ends with {' or '.join(endings)}.")
    if not found.is_file():
        raise PluginError(f"{what} names {found.name!r}, which is not there: is it part of the wheel?")
    return found.resolve()
