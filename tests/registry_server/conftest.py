"""The application in this process for what is answered, and a real registry for who asks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from support.registries import TOKEN, Registry

from bidviz_registry.server.app import create_app
from bidviz_registry.server.settings import Settings
from bidviz_registry.server.shelf import Shelf
from bidviz_registry.server.tokens import TokenFile


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "shelf"
    made.mkdir()
    return made


@pytest.fixture
def settings(tmp_path: Path, folder: Path) -> Settings:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    return Settings(folder, TokenFile(path), most_bytes=2**20)


@pytest.fixture
def shelf(folder: Path) -> Iterator[Shelf]:
    made = Shelf(folder)
    yield made
    made.close()


@pytest.fixture
def client(shelf: Shelf, settings: Settings) -> FlaskClient:
    return create_app(shelf, settings).test_client()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    made = Registry(tmp_path)
    yield made
    made.close()
