"""What the store's tests share: runs to write, and small disks that can be filled."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bidviz_core.messages.notifications import Status
from bidviz_core.store import StoreWriter

from .runs import MakeWriter, about


@pytest.fixture
def make_writer(tmp_path: Path) -> Iterator[MakeWriter]:
    """Makes writers, and closes those that the test leaves open."""
    made: list[StoreWriter] = []

    def make(folder: Path | None = None, **given: Any) -> StoreWriter:
        folder = folder or tmp_path / f"run{len(made)}"
        writer = StoreWriter(folder, about(folder), **given)
        made.append(writer)
        return writer

    yield make
    for writer in made:
        if writer.file.exists():
            writer.close(Status(state="ended"))


class SmallDisk:
    """A disk of its own, of a given size."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mount(self, options: str) -> None:
        """Mounts it again with other options."""
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of one megabyte; where none can be mounted, the test that limits a process's files stands for it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.decode().strip()}")
    yield SmallDisk(folder)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
