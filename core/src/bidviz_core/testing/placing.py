"""Puts a bundle, a folder or a wheel, into a private folder from which it can be imported; nothing is installed."""

from __future__ import annotations

import shutil
import tomllib
import zipfile
from collections.abc import Mapping
from email.message import Message
from importlib.metadata import Distribution
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from bidviz_core.errors import PluginError
from bidviz_core.hookspecs import PROJECT
from bidviz_core.plugins.installed import Bundle, Scanner, normalise


class Placed(NamedTuple):
    """A bundle that can be imported.

    Args:
        site: the folder that goes on `sys.path`.
        name: the distribution's name, normalised.
        version: its version.
        metadata: its core metadata.
        entry_points: names and objects of its entry points in the group `bidviz`.
        files: its files, relative to `site`, metadata left out.
        source: where its own files come from: the folder that holds its import package; none for a wheel.
        package: the name of its import package; empty if there is none.
    """

    site: Path
    name: str
    version: str
    metadata: Message
    entry_points: Mapping[str, str]
    files: tuple[str, ...]
    source: Path | None
    package: str

    def bundle(self) -> Bundle:
        """It as a session finds it.

        Raises:
            PluginError: it has no entry point in the group `bidviz`.
        """
        import sys

        former = list(sys.path)
        sys.path[:] = [str(self.site)]
        try:
            found = Scanner().scan()
        finally:
            sys.path[:] = former
        if self.name not in found:
            raise PluginError(f"{self.name} has no entry point in the group {PROJECT!r}.")
        return found[self.name]


def place(path: Path, site: Path) -> Placed:
    """Makes a bundle importable.

    Args:
        path: a wheel, or the folder with its `pyproject.toml`.
        site: an empty folder.

    Raises:
        PluginError: it is neither, or cannot be read; with what to do.
    """
    if path.is_dir():
        return _place_folder(path, site)
    if path.suffix == ".whl" and path.is_file():
        return _place_wheel(path, site)
    raise PluginError(f"{path} is neither a wheel nor a folder with a pyproject.toml.")


def _place_wheel(path: Path, site: Path) -> Placed:
    try:
        with zipfile.ZipFile(path) as wheel:
            for name in wheel.namelist():
                inside = PurePosixPath(name)
                if inside.is_absolute() or ".." in inside.parts:
                    raise PluginError(
                        f"{path.name} holds a file outside of its own folder ({name}): it is no good wheel."
                    )
            wheel.extractall(site)
    except (OSError, zipfile.BadZipFile, RuntimeError) as error:
        raise PluginError(f"{path.name} is no wheel that can be read: {error}.") from None
    infos = list(site.glob("*.dist-info"))
    if len(infos) != 1 or not (infos[0] / "METADATA").is_file():
        raise PluginError(f"{path.name} has no metadata: build it again with `bidviz bundle build`.")
    return _placed(site, infos[0], None)


def _place_folder(path: Path, site: Path) -> Placed:
    project = read_project(path)
    if "version" in project.get("dynamic", ()) or "version" not in project:
        raise PluginError(
            f"{path.name}/pyproject.toml gives no version that can be read without building: "
            'write version = "0.1.0" into [project], or check the wheel.'
        )
    name, version = str(project["name"]), str(project["version"])
    points: dict[str, str] = dict(project.get("entry-points", {}).get(PROJECT, {}))
    sources = {top: found for top in _tops(name, points) if (found := _find_package(path, top)) is not None}
    for found in sources.values():
        if found.is_dir():
            shutil.copytree(found, site / found.name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            shutil.copy(found, site / found.name)
    files = sorted(one.relative_to(site).as_posix() for one in site.rglob("*") if one.is_file())
    info = site / f"{normalise(name).replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(_metadata_text(path, project), "utf-8")
    lines = [f"[{PROJECT}]", *(f"{key} = {value}" for key, value in points.items())] if points else []
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")
    (info / "RECORD").write_text("".join(f"{one},,\n" for one in files), "utf-8")
    first = next(iter(sources.values()), None)
    return _placed(site, info, first.parent if first is not None else None)


def _placed(site: Path, info: Path, source: Path | None) -> Placed:
    distribution = Distribution.at(info)
    points = {point.name: point.value for point in distribution.entry_points.select(group=PROJECT)}
    files = tuple(
        sorted(
            one.relative_to(site).as_posix()
            for one in site.rglob("*")
            if one.is_file() and not one.is_relative_to(info) and "__pycache__" not in one.parts
        )
    )
    name = normalise(distribution.metadata["Name"] or "")
    tops = {value.partition(":")[0].partition(".")[0] for value in points.values()}
    package = next((top for top in sorted(tops) if (site / top).is_dir()), "")
    return Placed(site, name, distribution.version, distribution.metadata, points, files, source, package)  # type: ignore[arg-type]


def read_project(path: Path) -> dict[str, Any]:
    """The table `[project]` of a folder's `pyproject.toml`.

    Raises:
        PluginError: there is no such file or table, or it cannot be read.
    """
    file = path / "pyproject.toml"
    try:
        project = tomllib.loads(file.read_text("utf-8")).get("project")
    except FileNotFoundError:
        raise PluginError(
            f"{path} has no pyproject.toml: a bundle is a Python project; `bidviz bundle new` begins one."
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PluginError(f"{path.name}/pyproject.toml cannot be read: {error}.") from None
    if not isinstance(project, dict) or not isinstance(project.get("name"), str):
        raise PluginError(f"{path.name}/pyproject.toml has no [project] with a name: `bidviz bundle new` writes one.")
    return project


def _tops(name: str, points: Mapping[str, str]) -> list[str]:
    tops = [value.partition(":")[0].partition(".")[0].strip() for value in points.values()]
    return list(dict.fromkeys([*tops, normalise(name).replace("-", "_")]))


def _find_package(path: Path, top: str) -> Path | None:
    for folder in (path / "src", path):
        for candidate in (folder / top, folder / f"{top}.py"):
            if candidate.is_file() or (candidate / "__init__.py").is_file():
                return candidate
    return None


def _metadata_text(path: Path, project: Mapping[str, Any]) -> str:
    """Core metadata (version 2.4) of what `[project]` says, as a build backend would write it."""
    fields = [("Metadata-Version", "2.4"), ("Name", project["name"]), ("Version", project["version"])]
    licence = project.get("license")
    if isinstance(licence, str):
        fields.append(("License-Expression", licence))
    elif isinstance(licence, dict):
        fields.append(("License", str(licence.get("text") or licence.get("file") or "").splitlines()[0]))
    if project.get("description"):
        fields.append(("Summary", str(project["description"])))
    if project.get("requires-python"):
        fields.append(("Requires-Python", str(project["requires-python"])))
    fields += [("Requires-Dist", str(one)) for one in project.get("dependencies", ())]
    fields += [("Classifier", str(one)) for one in project.get("classifiers", ())]
    readme = project.get("readme")
    readme = readme.get("file") if isinstance(readme, dict) else readme
    body = ""
    if isinstance(readme, str) and (path / readme).is_file():
        fields.append(("Description-Content-Type", "text/markdown"))
        body = (path / readme).read_text("utf-8")
    return "".join(f"{key}: {str(value).replace(chr(10), ' ')}\n" for key, value in fields) + "\n" + body
