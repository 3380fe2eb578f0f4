"""What is in a wheel, read without unpacking, importing or running anything of it."""

from __future__ import annotations

import configparser
import email.parser
import hashlib
import importlib.machinery
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path, PurePosixPath

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from bidviz_core.description import FILE
from bidviz_core.errors import PluginError
from bidviz_core.hookspecs import PROJECT

#: A bundle is code and text; what unpacks to more than this is something else.
MOST_BYTES = 2**30
MOST_FILES = 50_000
#: Files that Python runs or loads as code.
_CODE = (".py", ".pyc", *importlib.machinery.EXTENSION_SUFFIXES, ".so", ".pyd", ".dll", ".dylib")
#: Modules that the interpreter imports by itself when it starts.
_AT_START = frozenset({"sitecustomize", "usercustomize"})


@dataclass(frozen=True)
class Wheel:
    """A wheel, as its file says.

    Args:
        path: the file.
        name: the distribution's normalized name.
        version: its version.
        hash: SHA-256 of the file.
        code: SHA-256 of its code, as a session computes it when it loads the bundle.
        metadata: its METADATA.
        entry_points: by name, those of the group `bidviz`.
        commands: names of the commands that it would put on the path.
        files: the size in bytes of each file by its path, without metadata.
        faults: what makes it unfit to be installed into a run, in sentences.
    """

    path: Path
    name: str
    version: str
    hash: str
    code: str
    metadata: Message
    entry_points: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    files: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """What it says of itself, in a sentence."""
        return str(self.metadata.get("Summary", ""))

    @property
    def requires(self) -> list[str]:
        """What it says that it needs."""
        return [str(text) for text in self.metadata.get_all("Requires-Dist", [])]

    @property
    def requires_python(self) -> str:
        """Which Python it says that it needs; empty for any."""
        return str(self.metadata.get("Requires-Python", ""))

    @property
    def extras(self) -> list[str]:
        """The extras that it knows."""
        return [str(text) for text in self.metadata.get_all("Provides-Extra", [])]

    @property
    def code_files(self) -> list[str]:
        """The files that Python runs or loads."""
        return [path for path in self.files if path.endswith(_CODE)]

    @property
    def modules(self) -> dict[str, bool]:
        """The top-level import names, each with whether it is a package or module of its own (not a namespace)."""
        found: dict[str, bool] = {}
        for path in self.code_files:
            parts = PurePosixPath(path).parts
            own = len(parts) == 1 or (len(parts) == 2 and parts[1].startswith("__init__."))
            name = parts[0].partition(".")[0] if len(parts) == 1 else parts[0]
            found[name] = found.get(name, False) or own
        return found


def read_wheel(path: Path) -> Wheel:
    """Reads a wheel.

    Raises:
        PluginError: it is none, or what it says of itself cannot be read.
    """
    try:
        parsed_name, parsed_version, _, tags = parse_wheel_filename(path.name)
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
                raise PluginError(
                    f"{path.name} unpacks to {sum(entry.file_size for entry in entries):,} bytes in {len(entries):,} "
                    f"files; at most {MOST_BYTES:,} bytes in {MOST_FILES:,} files are installed into a run."
                )
            info = _info_folder(path, archive)
            metadata = email.parser.BytesParser().parsebytes(archive.read(f"{info}/METADATA"))
            points = _entry_points(path, archive, f"{info}/entry_points.txt")
            own = {entry.filename: entry for entry in entries if not entry.filename.startswith(f"{info}/")}
            digests = {
                name: hashlib.sha256(archive.read(entry)).digest()
                for name, entry in own.items()
                if PurePosixPath(name).name != FILE  # it holds the hash of all the others
            }
    except InvalidWheelFilename as error:
        raise PluginError(f"pip could not install it: {path.name} is no name of a wheel: {error}.") from error
    except (OSError, zipfile.BadZipFile, KeyError, RuntimeError, UnicodeDecodeError, NotImplementedError) as error:
        raise PluginError(f"pip could not install it: {path.name} is no wheel that can be read: {error}.") from error
    name, version = canonicalize_name(str(metadata.get("Name", ""))), str(metadata.get("Version", ""))
    wheel = Wheel(
        path=path,
        name=name,
        version=version,
        hash=hashlib.sha256(path.read_bytes()).hexdigest(),
        code=_code_hash(digests),
        metadata=metadata,
        entry_points=points.get(PROJECT, {}),
        commands=tuple(sorted({*points.get("console_scripts", {}), *points.get("gui_scripts", {})})),
        files={name: entry.file_size for name, entry in sorted(own.items())},
    )
    faults = [*_misnamed(wheel, str(parsed_name), parsed_version), *_unfit(wheel, tags), *_outside(wheel)]
    return Wheel(**{**vars(wheel), "faults": tuple(faults)})


def sources_of(wheel: Wheel, most_bytes: int) -> dict[str, str | None]:
    """The text of the files with code, as far as so many bytes go; none for what is no text or too much."""
    found: dict[str, str | None] = {}
    left = most_bytes
    with zipfile.ZipFile(wheel.path) as archive:
        for path in wheel.code_files:
            size = wheel.files[path]
            found[path] = None
            if path.endswith(".py") and size <= left:
                left -= size
                found[path] = archive.read(path).decode("utf-8", "replace")
    return found


def _info_folder(path: Path, archive: zipfile.ZipFile) -> str:
    found = {name.partition("/")[0] for name in archive.namelist() if ".dist-info/" in name}
    found = {name for name in found if name.endswith(".dist-info")}
    if len(found) != 1:
        raise PluginError(f"pip could not install it: {path.name} has {len(found)} metadata folders; a wheel has one.")
    return found.pop()


def _entry_points(path: Path, archive: zipfile.ZipFile, name: str) -> dict[str, dict[str, str]]:
    if name not in archive.namelist():
        return {}
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(archive.read(name).decode("utf-8"))
    except configparser.Error as error:
        raise PluginError(f"The entry points of {path.name} cannot be read: {error}.") from error
    return {section: dict(parser.items(section)) for section in parser.sections()}


def _code_hash(digests: Mapping[str, bytes]) -> str:
    """The same as `bidviz_core.plugins.contents.content_hash` of what is unpacked."""
    digest = hashlib.sha256()
    for name in sorted(digests):
        parts = PurePosixPath(name).parts
        if "__pycache__" in parts or name.endswith((".pyc", ".pth")) or parts[0].endswith(".data"):
            continue
        if parts[-1] == FILE:  # it holds the hash of all the others
            continue
        digest.update(name.encode() + b"\0" + digests[name])
    return digest.hexdigest()


def _misnamed(wheel: Wheel, name: str, version: Version) -> list[str]:
    try:
        same = wheel.name == name and Version(wheel.version) == version
    except InvalidVersion:
        same = False
    return [] if same else [f"{wheel.path.name} holds {wheel.name} {wheel.version}: its name says something else."]


def _unfit(wheel: Wheel, tags: frozenset[object]) -> list[str]:
    faults = []
    python = ".".join(map(str, sys.version_info[:3]))
    try:
        fits = SpecifierSet(wheel.requires_python).contains(python, prereleases=True)
    except InvalidSpecifier:
        fits = False
    if not fits:
        faults.append(f"{wheel.name} {wheel.version} needs Python {wheel.requires_python}; this is Python {python}.")
    if not tags & set(sys_tags()):
        kinds = ", ".join(sorted(map(str, tags))[:4])
        faults.append(f"{wheel.path.name} is for another Python or platform ({kinds}); this is Python {python}.")
    return faults


def _outside(wheel: Wheel) -> list[str]:
    """What would reach beyond the bundle's own packages."""
    faults = []
    unsafe = [name for name in wheel.files if name.startswith("/") or "\\" in name or ".." in PurePosixPath(name).parts]
    if unsafe:
        faults.append(f"{wheel.path.name} has files that lie outside its folder: {_listed(unsafe)}.")
    pth = [name for name in wheel.files if name.endswith(".pth")]
    if pth:
        faults.append(
            f"{wheel.path.name} has {_listed(pth)}: a .pth file is run at each start of Python, whoever imports what. "
            "A bundle needs none."
        )
    compiled = [name for name in wheel.files if name.endswith((".pyc", ".pyo"))]
    if compiled:
        faults.append(
            f"{wheel.path.name} has bytecode ({_listed(compiled)}), which need not be what its source says. Ask its "
            "author for a wheel without it."
        )
    data = [name for name in wheel.files if PurePosixPath(name).parts[0].endswith(".data") and name not in pth]
    if data:
        faults.append(
            f"{wheel.path.name} would put files or scripts outside its packages ({_listed(data)}): a bundle that is "
            "installed into a run may not."
        )
    hidden = sorted(name for name in wheel.modules if name in sys.stdlib_module_names or name in _AT_START)
    if hidden:
        faults.append(f"{wheel.path.name} brings {_listed(hidden)}, which would hide what belongs to Python itself.")
    return faults


def _listed(names: list[str]) -> str:
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + rest
