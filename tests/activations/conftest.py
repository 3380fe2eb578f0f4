"""Sessions with the bundle of activations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bundles import Watched, watching

import bidviz_metric_activations


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    yield from watching(bidviz_metric_activations, tmp_path)
