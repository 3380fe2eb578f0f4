"""What the bundles of the dashboard's own environment give to it: renderers and pages.

A bundle is imported only if the module of one of its entry points speaks of such a hook: most have metrics alone, and
what those import is none of the dashboard's business. One that fails, or does not come to an end, is said and left out.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import logging
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import msgspec

from bidviz_core.errors import BidvizError, PluginError
from bidviz_core.extensions import Page, Renderer
from bidviz_core.plugins.contents import contents_of, drop_bytecode
from bidviz_core.plugins.dispatch import Hooks
from bidviz_core.plugins.installed import Bundle, Scanner

log = logging.getLogger("bidviz_dashboard")

HOOKS = {"register_renderers": Renderer, "register_pages": Page}
#: Where their files are served.
ADDRESS = "/bidviz/extensions"
#: Seconds that a bundle may take to be imported.
PATIENCE = 20.0


class Listed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A renderer or a page, as the browser is told of it.

    Args:
        origin: the bundle and its version.
        script: the script's address.
        kind: a renderer's kind.
        style: a renderer's style sheet's address.
        path: a page's path.
        title: a page's title.
    """

    origin: str
    script: str
    kind: str = ""
    style: str = ""
    path: str = ""
    title: str = ""


class Problem(msgspec.Struct, frozen=True):
    """Why something of a bundle is left out.

    Args:
        origin: the bundle and its version.
        message: the reason, as sentences.
    """

    origin: str
    message: str


class Listing(msgspec.Struct, frozen=True):
    """All that the bundles give.

    Args:
        renderers: by kinds, each once.
        pages: by paths, each once.
        problems: what is left out.
    """

    renderers: tuple[Listed, ...]
    pages: tuple[Listed, ...]
    problems: tuple[Problem, ...]


@dataclass
class _Loaded:
    """What one bundle gave; `stamp` says which of its installations it was."""

    stamp: int
    given: list[Renderer | Page] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class Extensions:
    """Knows what there is, and looks again whenever it is asked: installing a bundle needs no restart.

    Args:
        scanner: finds the bundles of this environment.
        patience: seconds that a bundle may take to be imported.
    """

    def __init__(self, scanner: Scanner | None = None, patience: float = PATIENCE) -> None:
        self._scanner = scanner or Scanner()
        self._patience = patience
        self._lock = threading.Lock()
        self._loaded: dict[str, _Loaded] = {}
        self._files: dict[str, tuple[Path, str]] = {}

    def listing(self) -> Listing:
        """All that there is now; imports what is new, on a thread of its own."""
        with self._lock:
            bundles = self._scanner.scan()
            for name in self._loaded.keys() - bundles.keys():
                del self._loaded[name]
            for name, bundle in bundles.items():
                known = self._loaded.get(name)
                if known is None or known.stamp != bundle.stamp:
                    self._loaded[name] = self._load(bundle, again=known is not None)
            return self._list(bundles)

    def file(self, name: str) -> Path | None:
        """The file that is served under a name, if any: one that a bundle registered, and no other.

        Args:
            name: what follows `ADDRESS` in an address of the listing.
        """
        path, digest = self._files.get(name, (None, ""))
        # What was listed is what is served: a file that has changed since is listed anew first.
        return path if path is not None and path.is_file() and _digest(path) == digest else None

    def _list(self, bundles: dict[str, Bundle]) -> Listing:
        found: dict[str, dict[str, Listed]] = {"kind": {}, "path": {}}
        files: dict[str, tuple[Path, str]] = {}
        problems = []

        def address(name: str, path: Path | None) -> str:
            if path is None:
                return ""
            digest = _digest(path)
            served = f"{name}/{digest}/{path.name}"
            files[served] = (path, digest)
            return f"{ADDRESS}/{served}"

        for name, loaded in self._loaded.items():
            origin = bundles[name].origin
            problems += loaded.problems
            for one in loaded.given:
                key = "kind" if isinstance(one, Renderer) else "path"
                word = getattr(one, key)
                if word in found[key]:
                    other = found[key][word].origin
                    problems.append(Problem(origin, f"The {key} {word!r} is {other}'s already; this one is left out."))
                    continue
                try:
                    more = (
                        {"kind": one.kind, "style": address(name, one.style)}
                        if isinstance(one, Renderer)
                        else {"path": one.path, "title": one.title}
                    )
                    found[key][word] = Listed(origin, address(name, one.script), **more)
                except OSError as error:
                    problems.append(Problem(origin, f"The {key} {word!r} cannot be read: {error}."))
        self._files = files
        return Listing(tuple(found["kind"].values()), tuple(found["path"].values()), tuple(problems))

    def _load(self, bundle: Bundle, again: bool) -> _Loaded:
        loaded = _Loaded(bundle.stamp)

        def fail(message: str) -> None:
            log.warning("%s could not be used by the dashboard: %s", bundle.origin, message)
            loaded.problems.append(Problem(bundle.origin, message))

        try:
            points = [point for point in bundle.points() if _speaks_of_hooks(point)]
        except Exception as error:  # noqa: BLE001 (metadata is somebody else's)
            fail(f"Its metadata cannot be read: {type(error).__name__}: {error}.")
            return loaded
        if not points:
            return loaded
        answers: list[Renderer | Page] = []
        errors: list[str] = []
        thread = threading.Thread(
            target=_ask, args=(bundle, points, again, answers, errors), name=f"bidviz-load-{bundle.name}", daemon=True
        )
        thread.start()
        thread.join(self._patience)
        if thread.is_alive():
            fail(f"It did not load within {self._patience:g} s.")
            return loaded
        for message in errors:
            fail(message)
        loaded.given = list(answers)
        return loaded


def _ask(
    bundle: Bundle, points: Iterable[EntryPoint], again: bool, answers: list[Renderer | Page], errors: list[str]
) -> None:
    """Imports a bundle's modules and calls their hooks; whatever they do, this returns."""
    try:
        drop_bytecode(contents_of(bundle).files.values())
    except Exception as error:  # noqa: BLE001 (metadata is somebody else's)
        errors.append(f"Its files cannot be listed: {type(error).__name__}: {error}.")
        return
    for point in points:
        try:
            if again:
                _forget(point.module.split(".")[0])
            importlib.invalidate_caches()
            answers.extend(_given(bundle, point.load(), point.name, errors.append))
        except BidvizError as error:
            errors.append(str(error))
        except BaseException as error:  # noqa: BLE001 (SystemExit too: an import must not end the dashboard)
            errors.append(f"{point.value} could not be imported: {type(error).__name__}: {error}")


def _given(bundle: Bundle, plugin: object, name: str, fail: Callable[[str], None]) -> list[Renderer | Page]:
    failed: list[str] = []

    def on_failure(_: str, hook: str, __: dict[str, Any], error: BaseException) -> None:
        failed.append(f"{hook} raised {type(error).__name__}: {error}")

    hooks = Hooks(on_failure)
    hooks.register(plugin, name)
    given: list[Renderer | Page] = []
    for hook, kind in HOOKS.items():
        for answer in hooks.ask(hook):
            try:
                things = list(answer)
            except TypeError:
                things = [answer]
            wrong = [thing for thing in things if not isinstance(thing, kind)]
            if wrong:
                raise PluginError(f"{hook} gave {wrong[0]!r}; expected bidviz.{kind.__name__}(…).")
            given += things
    for message in failed:
        fail(message)
    return given


def _speaks_of_hooks(point: EntryPoint) -> bool:
    """Whether the source of an entry point's module names one of the hooks; nothing is imported for it."""
    source = _source_of(point.module)
    return source is not None and any(hook in source for hook in HOOKS)


def _source_of(module: str) -> str | None:
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin)
    if rest:
        inner = Path(spec.origin).parent.joinpath(*rest)
        file = inner / "__init__.py" if inner.is_dir() else inner.with_suffix(".py")
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _forget(top: str) -> None:
    for name in [name for name in sys.modules if name == top or name.startswith(f"{top}.")]:
        del sys.modules[name]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
