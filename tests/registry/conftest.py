"""Wheels built on the spot, an index that serves them, and an environment of its own to install into."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import textwrap
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest


class Index:
    """A package index (PEP 503) of the wheels in a folder, with the search of a registry beside it.

    Args:
        folder: where the wheels and pages lie; served from its top.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "simple").mkdir(parents=True)
        self._server = _Server(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
        self._server.index = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="index", daemon=True)
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self.url = f"{self.address}/simple/"
        #: What it answers instead of everything else, and what it waits for half-way through a wheel.
        self.rubbish: bytes | None = None
        self.searches = True
        self.silent = threading.Event()
        self.let_go = threading.Event()
        self.let_go.set()
        self.asked: list[str] = []
        self.half_way = threading.Event()

    def close(self) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def build(self, source: Path) -> Path:
        """Builds the wheel of a folder with hatchling and serves it."""
        line = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(self.folder)]
        subprocess.run(line, cwd=source, check=True, capture_output=True)
        return self.serve(max(self.folder.glob("*.whl"), key=lambda path: path.stat().st_mtime_ns))

    def stub(self, name: str, version: str) -> Path:
        """Makes and serves a wheel without any code."""
        return self.serve(make_wheel(self.folder, name, version, {}, entry_points=""))

    def serve(self, path: Path, about: str = "", fragment: str = "") -> Path:
        """Lists a file of the folder on its project's page.

        Args:
            path: the file.
            about: attributes of its link.
            fragment: what follows its address.
        """
        project = path.name.split("-")[0].replace("_", "-") if path.suffix == ".whl" else path.name.rpartition("-")[0]
        page = self.folder / "simple" / project / "index.html"
        page.parent.mkdir(exist_ok=True)
        with page.open("a") as file:
            file.write(f'<a href="/{path.name}{fragment}" {about}>{path.name}</a><br>\n')
        return path

    def found(self, query: str) -> dict[str, object]:
        """What the search of a registry answers."""
        bundles: dict[str, dict[str, object]] = {}
        for path in sorted(self.folder.glob("*.whl")):
            name, version = path.name.split("-")[:2]
            name = name.replace("_", "-")
            if query in name:
                versions = [version, *bundles.get(name, {"versions": []})["versions"]]  # type: ignore[misc]
                bundles[name] = {
                    "name": name,
                    "version": version,
                    "versions": versions,
                    "summary": f"What {name} is",
                    "sha256": sha256(path),
                    "description": None,
                }
        return {"bundles": list(bundles.values()), "total": len(bundles)}


class _Server(ThreadingHTTPServer):
    index: Index
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever was killed half-way has hung up."""


class _Quiet(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        index = self.server.index
        index.asked.append(self.path)
        if index.silent.is_set():
            index.let_go.wait()
        if index.rubbish is not None:
            self._send(index.rubbish, "application/json")
        elif self.path.startswith("/api/search?") and index.searches:
            query = parse_qs(urlsplit(self.path).query).get("q", [""])[0]
            self._send(json.dumps(index.found(query)).encode(), "application/json")
        elif self.path.endswith(".whl") and not index.let_go.is_set():
            data = (index.folder / self.path.lstrip("/")).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            index.half_way.set()
            index.let_go.wait()
        else:
            super().do_GET()

    def _send(self, data: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *about: object) -> None:
        """The terminal is the tests'."""


def sha256(path: Path) -> str:
    """The hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    files: dict[str, str],
    *,
    requires: tuple[str, ...] = (),
    requires_python: str = "",
    entry_points: str | None = None,
    tag: str = "py3-none-any",
    metadata: str = "",
) -> Path:
    """Makes a wheel by hand, with things in it that no build tool would put there.

    Args:
        folder: where it is put.
        name: its distribution's name.
        version: its version.
        files: text by path.
        requires: what it needs.
        requires_python: which Python it needs.
        entry_points: those of the group `bidviz`; by default its package.
        tag: for which Python and platform it is.
        metadata: further lines of its metadata.
    """
    package = name.replace("-", "_")
    info = f"{package}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *metadata.splitlines()]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    lines += [f"Requires-Dist: {one}" for one in requires]
    points = f"{name.rpartition('-')[2]} = {package}" if entry_points is None else entry_points
    content = {path: textwrap.dedent(text) for path, text in files.items()}
    content[f"{info}/METADATA"] = "\n".join([*lines, "", f"# {name}"])
    content[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n"
    if points:
        content[f"{info}/entry_points.txt"] = f"[bidviz]\n{points}\n"
    rows = [f"{path},," for path in (*content, f"{info}/RECORD")]
    content[f"{info}/RECORD"] = "\n".join([*rows, ""])
    path = folder / f"{package}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name_in, text in content.items():
            wheel.writestr(name_in, text)
    return path


def metric_code(value: float, metric: str = "live_value", chart: str = 'bidviz.Line(title="Live")') -> str:
    """The code of a bundle whose one metric gives a value."""
    return (
        "import bidviz_core as bidviz\n\n\n"
        f"@bidviz.metric(chart={chart})\ndef {metric}(step):\n"
        f"    return {value!r}\n\n\n"
        f"@bidviz.hookimpl\ndef register_metrics():\n    return [{metric}]\n"
    )


class Environment:
    """An environment that sees this one's packages and into which pip installs."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.python = folder / "bin" / "python"
        self.site = next((folder / "lib").glob("python*")) / "site-packages"
        outer = sysconfig.get_path("purelib")
        (self.site / "outer.pth").write_text(f"import site; site.addsitedir({outer!r})\n")

    def pip(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs pip as a person would in another terminal."""
        line = [str(self.python), "-m", "pip", "--no-input", "--disable-pip-version-check", *arguments]
        return subprocess.run(line, check=True, capture_output=True, text=True)


def write_bundle(folder: Path, version: str, value: float, requires: tuple[str, ...] = ()) -> Path:
    """Writes the source of a bundle whose one metric gives `value`."""
    package = folder / "src" / "bidviz_metric_live"
    package.mkdir(parents=True, exist_ok=True)
    needs = ", ".join(repr(requirement) for requirement in ("bidviz-core>=0.1", *requires))
    (folder / "pyproject.toml").write_text(
        textwrap.dedent(f"""
            [build-system]
            requires = ["hatchling"]
            build-backend = "hatchling.build"

            [project]
            name = "bidviz-metric-live"
            version = "{version}"
            dependencies = [{needs}]

            [project.entry-points.bidviz]
            live = "bidviz_metric_live"

            [tool.hatch.build.targets.wheel]
            packages = ["src/bidviz_metric_live"]
        """)
    )
    (package / "__init__.py").write_text(
        "import bidviz_core as bidviz\n"
        "from bidviz_metric_live.metrics import live_value\n\n\n"
        "@bidviz.hookimpl\ndef register_metrics():\n    return [live_value]\n"
    )
    (package / "metrics.py").write_text(
        "import bidviz_core as bidviz\n\n\n"
        '@bidviz.metric(chart=bidviz.Line(title="Live"))\n'
        f"def live_value(step):\n    return {value!r}\n"
    )
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    made = Index(tmp_path / "index")
    yield made
    made.close()


@pytest.fixture
def other_index(tmp_path: Path) -> Iterator[Index]:
    made = Index(tmp_path / "other-index")
    yield made
    made.close()


def settings_of(index: Index, folder: Path) -> dict[str, str]:
    """An environment in which pip knows that index alone, and nobody's own files are read."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return {
        **kept,
        "BIDVIZ_STATE_DIR": str(folder / "state"),
        "BIDVIZ_CONFIG_DIR": str(folder / "config"),
        "PIP_INDEX_URL": index.url,
        "PIP_CONFIG_FILE": os.devnull,
    }


@pytest.fixture
def only_our_index(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    for name, value in settings_of(index, tmp_path).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "environment")
