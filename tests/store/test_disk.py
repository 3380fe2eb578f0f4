"""Disks that fill, files that go, folders that cannot be written: told in words, bounded in memory, gone on with."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bidviz_core.errors import StoreError
from bidviz_core.messages.notifications import Status
from bidviz_core.store import StoreReader, StoreWriter
from bidviz_core.store.pending import MOST_BYTES

from .conftest import SmallDisk
from .runs import MakeWriter, about, batch

RANDOM = np.random.default_rng(0)


def fill(writer: StoreWriter, first: int, count: int) -> list[str]:
    """Appends batches of 10,000 records and commits each; the errors' texts."""
    told = []
    for sequence in range(first, first + count):
        steps = np.arange(sequence * 5000, sequence * 5000 + 5000)
        writer.append(batch(sequence, steps, a=RANDOM.normal(size=5000), b=steps + 0.5))
        try:
            writer.commit(Status(step=sequence))
        except StoreError as error:
            told.append(str(error))
    return told


def test_a_full_disk_is_told_and_what_waits_is_written_when_there_is_space(small_disk: SmallDisk) -> None:
    folder = small_disk.folder / "run"
    writer = StoreWriter(folder, about(folder))
    told = fill(writer, 1, 30)
    assert told
    assert told[-1].startswith(f"The disk of {folder} is full (")
    assert told[-1].endswith("free some space there.")
    assert writer.dropped == 0
    reader = StoreReader(folder)
    assert 0 < reader.sequence() == writer.sequence < 30
    assert (np.diff(reader.history("b").step) == 1).all()
    small_disk.mount("size=64m")
    assert fill(writer, 31, 1) == []
    writer.close(Status(state="ended"))
    history = reader.history("b")
    assert history.step.tolist() == list(range(5000, 160_000))
    assert np.array_equal(history.value, history.step + 0.5)
    assert reader.sequence() == 31


def test_a_disk_that_stays_full_costs_bounded_memory_and_is_counted(small_disk: SmallDisk) -> None:
    folder = small_disk.folder / "run"
    writer = StoreWriter(folder, about(folder))
    fill(writer, 1, 170)
    assert writer._pending._size <= MOST_BYTES
    assert writer.dropped > 0
    small_disk.mount("size=64m")
    writer.close(Status(state="ended"))
    reader = StoreReader(folder)
    assert reader.history("a").total + reader.history("b").total + writer.dropped == 170 * 10_000
    assert reader.sequence() == 170


def test_a_run_that_ends_on_a_full_disk_keeps_what_was_committed(small_disk: SmallDisk) -> None:
    folder = small_disk.folder / "run"
    writer = StoreWriter(folder, about(folder))
    fill(writer, 1, 30)
    with pytest.raises(StoreError, match="is full"):
        writer.close(Status(state="ended"))
    reader = StoreReader(folder)
    assert reader.history("b").total == writer.sequence * 5000
    assert not (folder / "run.lock").exists()


def test_a_run_cannot_begin_on_a_full_disk(small_disk: SmallDisk) -> None:
    (small_disk.folder / "rest").write_bytes(b"." * (1 << 20))
    folder = small_disk.folder / "run"
    with pytest.raises(StoreError, match=r"The disk of .* is full"):
        StoreWriter(folder, about(folder))
    (small_disk.folder / "rest").unlink()
    StoreWriter(folder, about(folder)).close(Status(state="ended"))


def test_a_limit_on_the_size_of_files_is_a_full_disk(tmp_path: Path) -> None:
    """The same without root: the process itself may not write files of more than a megabyte, for a while."""
    script = """
import resource, sys
from pathlib import Path
from bidviz_core.errors import StoreError
from bidviz_core.messages.notifications import RunInfo, Status
from bidviz_core.records import Batch, ScalarBlock
from bidviz_core.store import StoreWriter
import numpy as np

folder = Path(sys.argv[1])
writer = StoreWriter(folder, RunInfo(id="a", name="a", folder=str(folder), started=0.0, pid=0, host=""))
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
told = set()
for sequence in range(1, 21):
    steps = np.arange(sequence * 5000, sequence * 5000 + 5000)
    writer.append(Batch(sequence, [ScalarBlock(("a",), steps, steps * 1.0, steps[None] * 0.1)]))
    try:
        writer.commit()
    except StoreError as error:
        told.add(str(error))
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
writer.close(Status(state="ended"))
print("\\n".join(told))
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "run")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"The disk of {tmp_path / 'run'} " in done.stdout
    assert "full" in done.stdout
    assert StoreReader(tmp_path / "run").history("a").total == 100_000


def test_a_folder_that_cannot_be_written_is_told(small_disk: SmallDisk) -> None:
    small_disk.mount("ro")
    folder = small_disk.folder / "run"
    with pytest.raises(StoreError, match=r"cannot be written .*; allow it, or give another run_dir"):
        StoreWriter(folder, about(folder))


def test_a_run_in_a_folder_that_cannot_be_written_is_read(small_disk: SmallDisk) -> None:
    folder = small_disk.folder / "run"
    writer = StoreWriter(folder, about(folder))
    fill(writer, 1, 2)
    writer.close(Status(state="ended"))
    small_disk.mount("ro")
    assert StoreReader(folder).history("a").total == 10_000
    assert StoreReader(folder).state() == "ended"


def test_an_unfinished_run_in_a_folder_that_cannot_be_written(small_disk: SmallDisk, make_writer: MakeWriter) -> None:
    """A copy without its log is read as far as it goes; one with a log says what to do."""
    writer = make_writer()
    fill(writer, 1, 2)
    writer._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    for name in ("bare", "logged"):
        (small_disk.folder / name).mkdir()
    shutil.copy(writer.file, small_disk.folder / "bare")
    fill(writer, 3, 1)
    for path in writer.file.parent.glob("run.sqlite*"):
        if not path.name.endswith("shm"):
            shutil.copy(path, small_disk.folder / "logged")
    small_disk.mount("ro")
    assert StoreReader(small_disk.folder / "bare").history("a").total == 10_000
    with pytest.raises(StoreError, match=r"was not closed.*Copy the folder to a place that can be written"):
        StoreReader(small_disk.folder / "logged")


def test_a_deleted_file_is_told_and_gone_on_with_when_it_is_back(make_writer: MakeWriter, tmp_path: Path) -> None:
    writer = make_writer()
    assert fill(writer, 1, 1) == []
    away = tmp_path / "away.sqlite"
    writer.file.rename(away)
    (told,) = fill(writer, 2, 1)
    assert told.startswith(f"{writer.file} was deleted or moved while the run writes it; put it back.")
    away.rename(writer.file)
    assert fill(writer, 3, 1) == []
    assert StoreReader(writer.file).history("a").total == 15_000


def test_a_deleted_folder_does_not_come_back(make_writer: MakeWriter) -> None:
    writer = make_writer()
    shutil.rmtree(writer.file.parent)
    with pytest.raises(StoreError, match="was deleted or moved"):
        writer.commit(Status())
    with pytest.raises(StoreError, match="was deleted or moved"):
        writer.close(Status(state="ended"))
    assert not writer.file.parent.exists()


def test_a_run_dir_under_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"The run's folder .* cannot be made .*; give another run_dir"):
        StoreWriter(tmp_path / "file" / "run", about(tmp_path / "file" / "run"))
