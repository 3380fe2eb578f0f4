"""Bundles made on the spot: packages with real metadata in a folder on `sys.path`, as pip leaves them."""

from __future__ import annotations

import base64
import hashlib
import importlib
import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bidviz_core.errors import MetricError
from bidviz_core.messages.notifications import FailureContent
from bidviz_core.plugins import Plugins


class Site:
    """A folder on `sys.path` into which distributions are put and from which they are removed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(
        self,
        name: str,
        version: str,
        files: dict[str, str],
        *,
        requires: tuple[str, ...] = (),
        entry_point: str | None = None,
        records: bool = True,
    ) -> Path:
        """Installs a distribution; an older version of it is removed first, as pip does."""
        self.remove(name)
        package = name.replace("-", "_")
        files = {path: textwrap.dedent(text) for path, text in files.items()}
        info = f"{package}-{version}.dist-info"
        files[f"{info}/METADATA"] = "\n".join(
            [
                "Metadata-Version: 2.1",
                f"Name: {name}",
                f"Version: {version}",
                *(f"Requires-Dist: {r}" for r in requires),
                "",
            ]
        )
        point = entry_point if entry_point is not None else f"{name.rpartition('-')[2]} = {package}"
        files[f"{info}/entry_points.txt"] = f"[bidviz]\n{point}\n"
        rows = []
        for path, text in files.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{path},sha256={digest},{len(text.encode())}")
        if records:
            (self.folder / info / "RECORD").write_text("\n".join([*rows, f"{info}/RECORD,,", ""]))
        return self.folder / package

    def remove(self, name: str) -> None:
        """Removes a distribution with all its files."""
        package = name.replace("-", "_")
        for info in self.folder.glob(f"{package}-*.dist-info"):
            for row in (info / "RECORD").read_text().splitlines():
                (self.folder / row.split(",")[0]).unlink(missing_ok=True)
            shutil.rmtree(info, ignore_errors=True)
        if (self.folder / package).is_dir() and not any((self.folder / package).rglob("*.py")):
            shutil.rmtree(self.folder / package)


class Host:
    """A session's side of plugins, which keeps what it is given."""

    def __init__(self) -> None:
        self.session: Any = object()
        self.metrics: dict[str, Any] = {}
        self.charts: dict[str, list[Any]] = {}
        self.failures: list[FailureContent] = []
        self.unavailable: frozenset[str] = frozenset()

    def at_boundary(self, function: Any) -> Any:
        return function()

    def add_metric(self, metric: Any) -> None:
        if metric.name in self.metrics:
            raise MetricError(f"There is a metric {metric.name!r} already.")
        if not self.unavailable.isdisjoint(metric.arguments):
            raise MetricError(f"{metric.name} cannot have what it asks for.")
        self.metrics[metric.name] = metric

    def remove_metrics(self, origin: str) -> None:
        self.metrics = {name: metric for name, metric in self.metrics.items() if metric.origin != origin}

    def metrics_left(self) -> list[str]:
        return []  # nobody writes metrics here

    def forget_findings(self, packages: set[str], origin: str) -> None:
        """No rules tell anything here."""

    def add_charts(self, origin: str, charts: Any) -> None:
        self.charts.setdefault(origin, []).extend(charts)

    def remove_charts(self, origin: str) -> None:
        self.charts.pop(origin, None)

    def policies_left(self) -> None:
        """Nothing is armed here."""

    def series_names(self) -> set[str]:
        return set(self.metrics)

    def report(self, failure: FailureContent) -> None:
        self.failures.append(failure)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    known = set(sys.modules)
    yield Site(folder)
    for name in set(sys.modules) - known:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def plugins(host: Host) -> Iterator[Plugins]:
    made = Plugins(host)
    yield made
    made.close()
