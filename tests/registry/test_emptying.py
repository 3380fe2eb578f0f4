"""The cache of wheels is bounded, and what is in use stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
import pytest
import torch

import bidviz_core as bidviz
from bidviz_core.plugins.pins import Pin, PinFile
from bidviz_registry import known
from bidviz_registry.choosing import Wanted
from bidviz_registry.emptying import empty
from bidviz_registry.fetching import fetch

from .conftest import make_wheel, metric_code

DAY = 86_400.0
NOW = time.time()


def put(cache: Path, name: str, days: float, size: int = 100) -> Path:
    """A wheel that was used so many days ago."""
    folder = cache / name
    folder.mkdir(parents=True)
    (folder / "a.whl").write_bytes(b"x" * size)
    os.utime(folder, (NOW - days * DAY, NOW - days * DAY))
    return folder


def left(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir())


def test_what_nobody_used_for_a_month_goes(tmp_path: Path) -> None:
    for days in (1, 29, 31, 400):
        put(tmp_path, f"used{days}", days)
    assert empty(tmp_path, now=NOW) == ["used400", "used31"]
    assert left(tmp_path) == ["used1", "used29"]
    assert empty(tmp_path / "there is none", now=NOW) == []


def test_where_there_is_too_much_the_least_recently_used_goes_first_but_nothing_in_use(tmp_path: Path) -> None:
    for days in (0.0, 0.01, 1.0, 2.0, 3.0):
        put(tmp_path, f"used{days}", days)
    assert empty(tmp_path, most_bytes=350, now=NOW) == ["used3.0", "used2.0"]
    assert empty(tmp_path, most_bytes=0, now=NOW) == ["used1.0"]
    assert left(tmp_path) == ["used0.0", "used0.01"]


def test_what_a_run_pins_stays_until_the_run_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    cache = tmp_path / "cache"
    put(cache, "pinned", 50)
    put(cache, "other", 40)
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with bidviz.watch(model, optimizer, dashboard=None, plugins=(), run_dir=tmp_path / "runs") as session:
        model(torch.ones(4, 2)).sum().backward()
        optimizer.step()
        pin = Pin(name="bidviz-metric-x", version="1", hash="pinned", code="", folder="", source="lab")
        file = Path(session.run_dir) / "bundles.json"
        file.write_bytes(msgspec.json.encode(PinFile(pins={"bidviz-metric-x": [pin]})))
        assert empty(cache, now=NOW) == ["other"]
    assert empty(cache, now=NOW) == ["pinned"]


def test_fetching_empties_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    put(known.wheel_cache(), "old", 31)
    name = "bidviz-metric-live"
    wheel = make_wheel(tmp_path, name, "1", {"bidviz_metric_live/__init__.py": metric_code(1.0)})
    fetched = fetch(Wanted(str(wheel), "wheel"), None, False, "", lambda text: None)
    assert left(known.wheel_cache()) == [fetched.wheel.hash]
