"""Sessions with the bundle of sparse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bundles import Watched, watching

import bidviz_metric_sparse


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    yield from watching(bidviz_metric_sparse, tmp_path)
