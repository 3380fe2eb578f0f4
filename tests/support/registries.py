"""Wheels and sdists made on the spot, and a real registry in a process of its own that serves them."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from bidviz_core.description import FILE, DescribedMetric, Description, Sample, encode_description
from bidviz_core.specs import Line

TOKEN = "a-token-of-the-tests-0123456789"


def describe(name: str, version: str, **more: Any) -> Description:
    """A description with one metric, its chart, help, cost and samples."""
    metric = DescribedMetric(
        name="weight_norm",
        help="Global L2 norm of the weights (in the unit of the weights).",
        arguments=("params",),
        every=10,
        charts=(Line(title="Weight norm", help="Healthy: levels out. Sick: grows without end."),),
        learners=("mlp", "cnn"),
        cost=12.3,
        share=0.004,
        cost_on="mlp",
        code="def weight_norm(params):\n    return params.norm()\n",
    )
    steps = tuple(range(0, 200, 10))
    samples = {"weight_norm": Sample("scalar", steps, tuple(3 + step / 100 for step in steps))}
    given = {"summary": "How large the weights are.", "metrics": (metric,), "samples": samples, **more}
    return Description(1, name, version, **given)


def make_wheel(
    folder: Path,
    name: str = "bidviz-metric-weights",
    version: str = "0.1.0",
    *,
    description: Description | bytes | None = None,
    entry_points: str = "[bidviz]\nweights = {package}\n",
    metadata: str = "",
    files: Mapping[str, str | bytes] | None = None,
    summary: str = "How large the weights are, for BIDViz.",
    filename: str = "",
) -> Path:
    """Writes a wheel as a build tool would.

    Args:
        folder: where.
        name: the distribution's name.
        version: its version.
        description: its description, or the bytes in place of one.
        entry_points: the text of its `entry_points.txt`; empty leaves it out.
        metadata: more lines of its `METADATA`.
        files: more files by path.
        summary: what it is.
        filename: its file's name, where it is not what it should be.
    """
    stem = re.sub(r"[-_.]+", "_", name).lower()
    info = f"{stem}-{version}.dist-info"
    content: dict[str, str | bytes] = {f"{stem}/__init__.py": '"""A bundle of the tests."""\n'}
    if description is not None:
        is_raw = isinstance(description, bytes)
        content[f"{stem}/{FILE}"] = description if is_raw else encode_description(description)  # type: ignore[assignment,arg-type]
    content |= files or {}
    about = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nSummary: {summary}\n"
    content[f"{info}/METADATA"] = f"{about}License-Expression: Apache-2.0\nRequires-Python: >=3.11\n{metadata}"
    content[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if entry_points:
        content[f"{info}/entry_points.txt"] = entry_points.format(package=stem)
    path = folder / (filename or f"{stem}-{version}-py3-none-any.whl")
    folder.mkdir(parents=True, exist_ok=True)
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for place, given in content.items():
            data = given.encode() if isinstance(given, str) else given
            wheel.writestr(zipfile.ZipInfo(place, (2026, 1, 1, 0, 0, 0)), data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            writer.writerow([place, f"sha256={digest}", len(data)])
        writer.writerow([f"{info}/RECORD", "", ""])
        wheel.writestr(zipfile.ZipInfo(f"{info}/RECORD", (2026, 1, 1, 0, 0, 0)), rows.getvalue())
    return path


def make_sdist(folder: Path, name: str = "bidviz-metric-weights", version: str = "0.1.0", bundle: bool = True) -> Path:
    """Writes an sdist as a build tool would."""
    stem = re.sub(r"[-_.]+", "_", name).lower()
    top = f"{stem}-{version}"
    points = '[project.entry-points.bidviz]\nweights = "x"\n' if bundle else ""
    content = {
        "PKG-INFO": f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nSummary: From source.\n",
        "pyproject.toml": f'[project]\nname = "{name}"\nversion = "{version}"\n{points}',
    }
    path = folder / f"{top}.tar.gz"
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.GzipFile(path, "wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for place, text in content.items():
            member = tarfile.TarInfo(f"{top}/{place}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


class Registry:
    """A registry as a person runs it, in a process of its own.

    Args:
        folder: where its folder and its token lie.
        arguments: more of the command line.
        before: Python that runs in its process before it.
    """

    def __init__(self, folder: Path, *arguments: str, before: str = "") -> None:
        self.folder = folder / "shelf"
        self.token_file = folder / "token"
        if not self.token_file.exists():
            self.token_file.write_text(f"# of the tests\n{TOKEN}\n")
            self.token_file.chmod(0o600)
        code = f"{before}\nfrom bidviz_core.cli import main\nmain()"
        command = [sys.executable, "-c", code, "registry", "serve", str(self.folder), "--port", "0"]
        command += ["--token-file", str(self.token_file), *arguments]
        environment = {**os.environ, "BIDVIZ_STATE_DIR": str(folder / "state"), "PYTHONUNBUFFERED": "1"}
        self.log = folder / "registry.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        self.said: list[str] = []
        assert self.process.stdout is not None
        while not (self.said and self.said[-1].startswith("  token")):
            line = self.process.stdout.readline()
            assert line, f"it ended: {self.log.read_text()}"
            self.said.append(line.rstrip())
        [self.url] = [line.split(": ", 1)[1] for line in self.said if line.startswith("BIDViz registry: ")]

    @property
    def index(self) -> str:
        """The index's address."""
        return f"{self.url}simple/"

    def close(self) -> str:
        """Ends it as a service manager does; gives what it said since."""
        if self.process.poll() is None:
            self.process.terminate()  # not Ctrl-C: a job in the background ignores it, and so do its children
        rest, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, self.log.read_text()
        return rest

    def twine(self, *paths: Path, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
        """Uploads files with twine."""
        command = [sys.executable, "-m", "twine", "upload", "--non-interactive", "--disable-progress-bar"]
        command += ["--repository-url", f"{self.url}legacy/", "-u", "__token__", "-p", token, *map(str, paths)]
        environment = {**os.environ, "PYTHONWARNINGS": "ignore", "COLUMNS": "1000"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=150)


def pip(*arguments: str, python: str | Path = sys.executable) -> subprocess.CompletedProcess[str]:
    """Runs pip as a person does, without the machine's own settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1", "PYTHONWARNINGS": "ignore"}
    line = [str(python), "-m", "pip", "--no-input", "--disable-pip-version-check", *arguments]
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=150)


def decode(data: bytes) -> Any:
    """Reads JSON."""
    return msgspec.json.decode(data)
