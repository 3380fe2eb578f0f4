"""The files of a bundle: their hash, the modules they make, and taking those modules out of the interpreter again."""

from __future__ import annotations

import hashlib
import importlib
import importlib.machinery
import importlib.util
import linecache
import site
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import ModuleType

from bidviz_core.description import FILE
from bidviz_core.errors import PluginError
from bidviz_core.plugins.installed import Bundle
from bidviz_core.plugins.pins import run_folders

_METADATA = (".dist-info", ".egg-info", ".data")


@dataclass(frozen=True)
class Contents:
    """What a bundle consists of on disk.

    Args:
        files: every file but metadata, description and bytecode, by its path relative to where packages lie.
        names: the top-level import names it owns.
        shared: those of `names` that are namespace packages, which other distributions may use as well.
        search: folders that an editable install wants on `sys.path`.
        finders: `.pth` files of an editable install that run code to make the packages importable.
    """

    files: Mapping[str, Path] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()
    search: tuple[str, ...] = ()
    finders: tuple[Path, ...] = ()


def contents_of(bundle: Bundle) -> Contents:
    """Lists a bundle's files: those in its RECORD, or the package folders of an editable install."""
    importlib.invalidate_caches()
    distribution = bundle.distribution()
    files: dict[str, Path] = {}
    search: list[str] = []
    finders: list[Path] = []
    for path in distribution.files or ():
        located = Path(str(distribution.locate_file(path)))
        if path.suffix == ".pth":
            folders, runs_code = _read_pth(located)
            search += folders
            finders += [located] if runs_code else []
        elif _is_code(PurePosixPath(path)) and located.is_file():
            files[PurePosixPath(path).as_posix()] = located
    if not files:
        for top in {point.module.partition(".")[0] for point in bundle.points()}:
            files |= _package_files(top, search)
    names = frozenset(_top_level(files))
    shared = names - frozenset(name for name in names if _is_regular(name, files))
    if bundle.pin is not None:
        # Whatever else lies in the folder came along with it and goes with it.
        search.append(bundle.pin.folder)
        names |= frozenset(top_level_in(Path(bundle.pin.folder)))
    return Contents(files, names, shared, tuple(search), tuple(finders))


def check_pinned(bundle: Bundle, code_hash: str) -> None:
    """Refuses code that is not what the run installed.

    Raises:
        PluginError: somebody changed it since.
    """
    if bundle.pin is not None and bundle.pin.code != code_hash:
        raise PluginError(
            f"{bundle.origin} is not what this run installed: its code has the hash {code_hash[:12]}, expected "
            f"{bundle.pin.code[:12]}. Somebody changed {bundle.pin.folder}: remove the bundle and install it again."
        )


def content_hash(files: Mapping[str, Path]) -> str:
    """SHA-256 over the sorted relative paths and the SHA-256 of each file.

    The same for a wheel, for what pip installed of it, and for an editable install of the same files.
    """
    digest = hashlib.sha256()
    for relative in sorted(files):
        if PurePosixPath(relative).name == FILE:  # it holds the hash of all the others
            continue
        digest.update(relative.encode() + b"\0" + hashlib.sha256(files[relative].read_bytes()).digest())
    return digest.hexdigest()


def make_importable(bundle: Bundle, contents: Contents) -> tuple[Contents, list[str]]:
    """Does for an editable install what the interpreter would do at its next start.

    Returns:
        The contents, which may only now be found, and the folders that were added to `sys.path`.
    """
    added = [folder for folder in contents.search if folder not in sys.path and Path(folder).is_dir()]
    if bundle.pin is not None:
        # Before the environment, which may hold another version. What the folder holds hides nothing else: an
        # installer refuses a wheel with a package that is there already.
        run_folders.update(added)
        sys.path[:0] = added
        return contents, added
    sys.path.extend(added)
    if contents.finders and not contents.files:
        for pth in contents.finders:
            site.addpackage(str(pth.parent), pth.name, set(sys.path))
        contents = contents_of(bundle)
    return contents, added


def drop_bytecode(files: Iterable[Path]) -> None:
    """Deletes the cached bytecode of files.

    Python takes bytecode for current when size and whole second of the source agree, which an upgrade can meet.
    """
    for path in files:
        if path.suffix == ".py":
            try:
                Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
            except OSError:  # a folder we may not write to: nothing can have changed in it either
                continue


def take_modules(contents: Contents) -> dict[str, ModuleType]:
    """Takes a bundle's modules, and no others, out of the interpreter.

    Returns:
        The modules by name: `sys.modules.update` puts them back.
    """
    paths = {str(path) for path in contents.files.values()}
    taken: dict[str, ModuleType] = {}
    for name, module in list(sys.modules.items()):
        top = name.partition(".")[0]
        if top not in contents.names:
            continue
        file = getattr(module, "__file__", None)
        if top in contents.shared and (file is None or file not in paths):
            continue
        taken[name] = module
        del sys.modules[name]
        if file is not None:
            linecache.cache.pop(file, None)
    for path in paths:
        linecache.cache.pop(path, None)
    importlib.invalidate_caches()
    return taken


def _is_code(path: PurePosixPath) -> bool:
    if path.is_absolute() or ".." in path.parts or "__pycache__" in path.parts or path.suffix == ".pyc":
        return False
    if path.name == FILE:
        return False  # it holds the hash of all the others
    # setuptools' editable installs put a finder beside the packages; it is no part of them.
    return not path.parts[0].endswith(_METADATA) and not path.parts[0].startswith("__editable__")


def _read_pth(pth: Path) -> tuple[list[str], bool]:
    """The folders a `.pth` file names, and whether it has lines of code."""
    try:
        lines = pth.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return [], False
    code = [line for line in lines if line.startswith(("import ", "import\t"))]
    plain = [line.strip() for line in lines if line.strip() and not line.startswith("#") and line not in code]
    return [str((pth.parent / line).resolve()) for line in plain], bool(code)


def send_whole(contents: Contents, whole: bool = True) -> None:
    """Has functions of a bundle travel to the worker with their code, instead of by the name of their module.

    The worker's process may have begun before the bundle was there, or have imported an older version of it.

    Args:
        contents: the bundle's.
        whole: whether they do from now on, or no longer.
    """
    import cloudpickle

    for name in contents.names & sys.modules.keys():
        try:
            (cloudpickle.register_pickle_by_value if whole else cloudpickle.unregister_pickle_by_value)(
                sys.modules[name]
            )
        except ValueError:  # an older version of the same name has taken it back already
            continue


def top_level_in(folder: Path) -> set[str]:
    """The top-level import names in a folder of the run's."""
    entries = [path for path in folder.iterdir() if not path.name.endswith(_METADATA) and path.name != "__pycache__"]
    packages = {path.name for path in entries if path.is_dir()}
    return packages | _top_level(path.name for path in entries if path.is_file())


def _package_files(top: str, search: list[str]) -> dict[str, Path]:
    spec = importlib.machinery.PathFinder.find_spec(top, search) if search else None
    if spec is None:
        try:
            spec = importlib.util.find_spec(top)
        except (ImportError, ValueError):
            spec = None
    if spec is None:
        return {}
    if not spec.submodule_search_locations:
        return {Path(spec.origin).name: Path(spec.origin)} if spec.origin else {}
    files = {}
    for location in spec.submodule_search_locations:
        root = Path(location)
        for path in root.rglob("*"):
            relative = PurePosixPath(top, *path.relative_to(root).parts)
            if path.is_file() and _is_code(relative):
                files[relative.as_posix()] = path
    return files


def _top_level(files: Iterable[str]) -> set[str]:
    tops = set()
    for relative in files:
        path = PurePosixPath(relative)
        if len(path.parts) > 1:
            tops.add(path.parts[0])
        elif path.suffix in (".py", *importlib.machinery.EXTENSION_SUFFIXES) or ".so" in path.suffixes:
            tops.add(path.name.partition(".")[0])
    return tops


def _is_regular(name: str, files: Mapping[str, Path]) -> bool:
    return any(path.startswith((f"{name}/__init__.", f"{name}.")) for path in files)
