"""Wheels built on the spot, an index that serves them, and an environment of its own to install into."""

from __future__ import annotations

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

import pytest


class Index:
    """A package index (PEP 503) of the wheels in a folder.

    Args:
        folder: where the wheels and pages lie; served from its top.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "simple").mkdir(parents=True)
        handler = partial(_Quiet, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="index", daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple/"

    def close(self) -> None:
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
        info = f"{name}-{version}.dist-info"
        path = self.folder / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(
                f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            wheel.writestr(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
        return self.serve(path)

    def serve(self, wheel: Path) -> Path:
        """Lists a wheel of the folder on its project's page."""
        project = wheel.name.split("-")[0].replace("_", "-")
        page = self.folder / "simple" / project / "index.html"
        page.parent.mkdir(exist_ok=True)
        with page.open("a") as file:
            file.write(f'<a href="/{wheel.name}">{wheel.name}</a><br>\n')
        return wheel


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *about: object) -> None:
        """The terminal is the tests'."""


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
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "environment")
