"""Finds out what a function needs from around it, and brings it along: imports, constants, functions, classes."""

from __future__ import annotations

import ast
import builtins
import inspect
import math
import symtable
import sys
import textwrap
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from types import ModuleType
from typing import Any

from bidviz_core import specs
from bidviz_core.errors import BidvizError
from bidviz_core.metrics.source import unknown_globals

#: What a bundle has through bidviz-core, and need not ask for.
_THERE = frozenset({"bidviz_core", "torch", "numpy"})
#: What code typed in the browser finds in scope, and how a module imports it.
TYPED_SCOPE: Mapping[str, str] = {
    "torch": "import torch",
    "np": "import numpy as np",
    "numpy": "import numpy",
    "math": "import math",
    "bidviz": "import bidviz_core as bidviz",
    "metric": "from bidviz_core import metric",
    **{kind: f"from bidviz_core import {kind}" for kind in specs.KINDS},
}
#: Names that every written module has.
OWN = frozenset({"bidviz", "charts_of"})
_MOST_CHARACTERS = 4000
FUTURE = "from __future__ import annotations\n"


class Surroundings:
    """Gathers what code needs, for one module that is written.

    Args:
        about: what it is for, at the beginning of sentences (`"The metric 'grad_norm'"`).
    """

    def __init__(self, about: str) -> None:
        self.about = about
        self.imports: dict[str, None] = {}
        self.blocks: list[str] = []
        self.requirements: dict[str, None] = {}
        self._known: dict[str, Any] = {}

    def bring(self, source: str, namespace: Mapping[str, Any], *, typed: bool = False) -> None:
        """Brings along what a piece of source reads.

        Args:
            source: of whole statements, dedented.
            namespace: what the names stand for.
            typed: it was typed in the browser, where some names are always in scope.

        Raises:
            BidvizError: something cannot be put in a package; with what to do.
        """
        for name in sorted(free_names(source) - OWN):
            if typed and name in TYPED_SCOPE:
                self.imports[TYPED_SCOPE[name]] = None
            elif name in namespace:
                self._resolve(name, namespace[name])
                if isinstance(namespace[name], ModuleType):
                    self._import_submodules(source, name, namespace[name])
            else:
                raise BidvizError(f"{self.about} uses {name!r}, which is not defined any more: add it anew.")

    def _resolve(self, name: str, value: Any) -> None:
        if name in self._known:
            if self._known[name] is not value:
                raise BidvizError(f"{self.about} means two things by {name!r}: give one of them another name.")
            return
        self._known[name] = value
        if isinstance(value, ModuleType):
            self._import_module(name, value)
        elif inspect.isclass(value) or (callable(value) and inspect.isfunction(inspect.unwrap(value))):
            self._import_or_copy(name, value)
        elif inspect.isbuiltin(value) and _is_installed(module := value.__module__ or ""):
            self._import_from(str(module), str(getattr(value, "__name__", name)), name)
        else:
            self._constant(name, value)

    def _import_module(self, name: str, module: ModuleType) -> None:
        if not _is_installed(module.__name__):
            raise BidvizError(
                f"{self.about} uses the module {module.__name__!r} of the script's own folder: import its functions by "
                f"name (from {module.__name__} import …), then they are copied."
            )
        self._need(module.__name__)
        plain = module.__name__ == name
        self.imports[f"import {name}" if plain else f"import {module.__name__} as {name}"] = None

    def _import_submodules(self, source: str, name: str, module: ModuleType) -> None:
        """`import scipy` alone need not bring `scipy.stats`."""
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
                inner = f"{module.__name__}.{node.attr}"
                if isinstance(sys.modules.get(inner), ModuleType):
                    self.imports[f"import {inner}"] = None

    def _import_or_copy(self, name: str, value: Any) -> None:
        module = getattr(value, "__module__", "") or ""
        if _is_installed(module):
            original = str(value.__name__)
            if getattr(sys.modules[module], original, None) is value:
                self._import_from(module, original, name)
                return
            raise BidvizError(f"{self.about} uses {name!r}, which lies inside another function of {module}: copy it.")
        source = source_of(value)
        if not source:
            raise BidvizError(f"{self.about} uses {name!r}, whose source is not to be found: define it in a file.")
        if value.__name__ != name:
            source += f"\n{name} = {value.__name__}\n"
        inner = inspect.unwrap(value) if callable(value) else value
        namespace = namespace_of(inner) if inspect.isfunction(inner) else vars(sys.modules.get(module, builtins))
        self.bring(source, {**namespace, value.__name__: value})
        self.blocks.append(source.strip("\n"))

    def _import_from(self, module: str, original: str, name: str) -> None:
        self._need(module)
        self.imports[f"from {module} import {original}" + ("" if original == name else f" as {name}")] = None

    def _constant(self, name: str, value: Any) -> None:
        text = literal(value)
        if text is None or len(text) > _MOST_CHARACTERS:
            raise BidvizError(
                f"{self.about} uses {name!r}, {_what(value)} of the script, which cannot be put in a package: ask "
                "for it by an argument (model, batch, state, …), or compute it inside."
            )
        if text.startswith("torch."):
            self.imports["import torch"] = None
        self.blocks.append(f"{name} = {text}")

    def _need(self, module: str) -> None:
        top = module.partition(".")[0]
        if top in _THERE or top in sys.stdlib_module_names:
            return
        for distribution in packages_distributions().get(top, ())[:1]:
            self.requirements[f"{distribution}>={version(distribution)}"] = None


def free_names(source: str) -> set[str]:
    """The global names that source reads and does not define itself."""
    return unknown_globals(symtable.symtable(FUTURE + source, "<shared>", "exec"), {})


def namespace_of(function: Any) -> dict[str, Any]:
    """What a function's free names stand for: its globals, and what it closes over."""
    inner = inspect.unwrap(function)
    cells = zip(inner.__code__.co_freevars, inner.__closure__ or (), strict=True)
    closed = {}
    for name, cell in cells:
        try:
            closed[name] = cell.cell_contents
        except ValueError:  # not filled in yet
            continue
    return {**inner.__globals__, **closed}


def source_of(value: Any) -> str:
    """The dedented source of a function or class; empty where there is none."""
    try:
        return textwrap.dedent(inspect.getsource(value)).strip("\n") + "\n"
    except (OSError, TypeError):
        return ""


def literal(value: Any) -> str | None:
    """How a plain value is written in Python; none for anything else."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return repr(value) if type(value) in (type(None), bool, int, float, str, bytes) else None
    if type(value) in (list, tuple, set, dict):
        text = repr(value)
        try:
            same = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return None
        return text if same == value else None
    text = repr(value)
    return text if text.startswith("torch.") and type(value).__name__ == "dtype" else None


def _is_installed(module: str) -> bool:
    """Whether a module comes with a distribution or with Python: others can import it as well."""
    top = module.partition(".")[0]
    if top in ("__main__", "__mp_main__", "") or module not in sys.modules:
        return False
    if top in sys.stdlib_module_names or top in _THERE or top in packages_distributions():
        return True
    try:  # an editable install lists no files of its packages
        return bool(version(top.replace("_", "-")))
    except PackageNotFoundError:
        return False


def _what(value: Any) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
