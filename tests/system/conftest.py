"""Worlds, for a test or for a module's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from system.worlds import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A state folder of its own, in which the test starts processes."""
    world = World(tmp_path)
    yield world
    world.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for a module's tests."""
    world = World(tmp_path_factory.mktemp("world"))
    yield world
    world.close()


@pytest.fixture(scope="session")
def base_url() -> None:
    """In place of pytest-base-url's own, which pytest 9 warns about."""
