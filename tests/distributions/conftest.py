"""Sessions with the bundle of distributions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bundles import Watched, watching

import bidviz_metric_distributions


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    yield from watching(bidviz_metric_distributions, tmp_path)
