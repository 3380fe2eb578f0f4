"""Several processes at one file: killed writers, forked children, readers beside the writer."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from bidviz_core.messages.notifications import Status
from bidviz_core.store import StoreReader, open_run
from bidviz_core.store.presence import is_present

from .runs import MakeWriter, about, batch

TRAINING = """
import os, socket, sys, time
from pathlib import Path
import numpy as np
from bidviz_core.messages.notifications import RunInfo, Status
from bidviz_core.records import Batch, ScalarBlock
from bidviz_core.store import StoreWriter

folder = Path(sys.argv[1])
host = sys.argv[3] if len(sys.argv) > 3 else socket.gethostname()
info = RunInfo(id="killed", name="killed", folder=str(folder), started=0.0, pid=os.getpid(), host=host)
writer = StoreWriter(folder, info, journal=sys.argv[2])
sequence = 0

def step(commit=True):
    global sequence
    sequence += 1
    steps = np.arange(sequence * 100, sequence * 100 + 100)
    writer.append(Batch(sequence, [ScalarBlock(("a", "b"), steps, steps * 1.0, np.array([steps * 1.0, steps * 0.1]))]))
    if commit:
        writer.commit(Status(step=int(steps[-1])))
"""


@contextmanager
def training(folder: Path, more: str, journal: str = "wal", *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process that writes a run and, having printed a line, waits to be killed."""
    command = [sys.executable, "-c", TRAINING + more, str(folder), journal, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


READY = """
for _ in range(300):
    step()
step(commit=False)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("journal", ["wal", "rollback"])
def test_a_killed_training_loses_only_what_was_not_committed(tmp_path: Path, journal: str) -> None:
    with training(tmp_path / "run", READY, journal) as process:
        assert open_run(tmp_path / "run").state == "running"
        process.kill()
        process.wait()
        run = open_run(tmp_path / "run")
        assert run.state == "lost"
        assert run.step == 30_099
        assert run.history("a").step.tolist() == list(range(100, 30_100))
        assert run.history("a", points=100).total == 30_000


def test_a_run_on_another_machine_is_judged_by_its_last_commit(tmp_path: Path) -> None:
    with training(tmp_path / "run", READY, "wal", "another-machine"):
        assert open_run(tmp_path / "run").state == "running"
    with closing(sqlite3.connect(tmp_path / "run" / "run.sqlite")) as connection:
        connection.execute("UPDATE about SET value = value - 3600 WHERE key = 'updated'")
        connection.commit()
    assert open_run(tmp_path / "run").state == "lost"


def test_a_commit_that_was_cut_short_is_taken_back(tmp_path: Path) -> None:
    """With a rollback journal, half of a commit is in the file; the next reader sees none of it."""
    half = """
step()
run = writer._connection
run.execute("PRAGMA cache_size=5")
run.execute("BEGIN IMMEDIATE")
run.execute("UPDATE about SET value = 'half' WHERE key = 'run'")
for index in range(100):
    run.execute("INSERT INTO failures (failure) VALUES (?)", ("x" * 5000,))
print("ready", flush=True)
sys.stdin.read()
"""
    with training(tmp_path / "run", half, "rollback") as process:
        process.kill()
        process.wait()
        assert (tmp_path / "run" / "run.sqlite-journal").stat().st_size > 0
        reader = StoreReader(tmp_path / "run")
        assert reader.history("a").total == 100
        assert reader.failures() == []


def test_a_lock_lasts_as_long_as_its_process_whatever_else_opens_it(make_writer: MakeWriter, tmp_path: Path) -> None:
    writer = make_writer()
    assert is_present(writer.file.parent) is True
    shutil.copytree(writer.file.parent, tmp_path / "backup")
    assert is_present(writer.file.parent) is True
    assert is_present(tmp_path / "backup") is False
    assert StoreReader(tmp_path / "backup").state() == "lost"
    writer.close(Status(state="stopped"))
    assert is_present(writer.file.parent) is None
    assert StoreReader(writer.file).state() == "stopped"


def in_child(work: object) -> int:
    """Forks, does the work in the child, and gives the child's exit status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()  # type: ignore[operator]
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_child_leaves_the_file_alone(make_writer: MakeWriter) -> None:
    writer = make_writer()
    writer.append(batch(1, [1], a=1.0))
    writer.commit()
    writer.append(batch(2, [2], a=2.0))

    def child() -> None:
        writer.append(batch(3, [3], a=3.0))
        writer.write_catalogue(None)  # type: ignore[arg-type]
        writer.commit(Status(step=99))
        writer.close(Status(state="failed"))
        assert is_present(writer.file.parent) is True, "the lock is the parent's, and is held"
        gc.collect()

    assert in_child(child) == 0
    assert is_present(writer.file.parent) is True
    assert StoreReader(writer.file).history("a").total == 1
    writer.close(Status(state="ended"))
    assert StoreReader(writer.file).history("a").value.tolist() == [1.0, 2.0]


def test_a_child_that_outlives_the_training_does_not_keep_it_alive(tmp_path: Path) -> None:
    orphan = """
step()
there, here = os.pipe()
child = os.fork()
if child == 0:
    os.write(here, b"!")  # so far it has let go of what it was not to inherit
    sys.stdin.read()
    os._exit(0)
os.read(there, 1)
print("ready", flush=True)
print(child, flush=True)
sys.stdin.read()
"""
    with training(tmp_path / "run", orphan) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        os.kill(child, 0)  # it is there
        assert open_run(tmp_path / "run").state == "lost"


def test_children_that_end_in_the_usual_way_neither_hang_nor_harm(tmp_path: Path) -> None:
    """Forked at any moment of the pump's commits, and ended with all the interpreter does at its end."""
    forks = """
import threading
done = threading.Event()

def pump():
    while not done.is_set():
        step()

thread = threading.Thread(target=pump, name="bidviz-pump", daemon=True)
thread.start()
for index in range(20):
    child = os.fork()
    if child == 0:
        del writer, thread
        import gc
        gc.collect()
        sys.exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
done.set()
thread.join()
writer.close(Status(state="ended"))
print("ready", flush=True)
print(sequence, flush=True)
sys.stdin.read()
"""
    with training(tmp_path / "run", forks) as process:
        assert process.stdout is not None
        sequence = int(process.stdout.readline())
    reader = StoreReader(tmp_path / "run")
    assert reader.sequence() == sequence
    assert reader.history("a").step.tolist() == list(range(100, sequence * 100 + 100))
    with closing(sqlite3.connect(tmp_path / "run" / "run.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("journal", ["wal", "rollback"])
def test_readers_see_whole_commits_while_the_writer_writes(make_writer: MakeWriter, journal: str) -> None:
    writer = make_writer(journal=journal)
    wrong: list[str] = []
    done = threading.Event()

    def read() -> None:
        reader = StoreReader(writer.file)
        seen = 0
        while not done.is_set() or not seen:
            if "a" not in reader.series():
                continue
            a = reader.history("a")
            few = reader.history("b", points=10)
            if a.total != a.sequence * 1000 or few.total != few.sequence * 1000 or a.sequence < seen:
                wrong.append(f"{a.total} records at {a.sequence}, {few.total} at {few.sequence}, after {seen}")
                return
            if not np.array_equal(a.step, np.arange(a.total)):
                wrong.append("a record is missing")
                return
            seen = a.sequence

    readers = [threading.Thread(target=read, name=f"bidviz-test-{index}", daemon=True) for index in range(2)]
    for reader in readers:
        reader.start()
    for sequence in range(1, 101):
        steps = np.arange(sequence * 1000 - 1000, sequence * 1000)
        writer.append(batch(sequence, steps, a=steps, b=1.0))
        writer.commit(Status(step=sequence))
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    writer.close(Status(state="ended"))
    assert [path.name for path in writer.file.parent.iterdir()] == ["run.sqlite"]


def test_a_run_is_read_from_another_process(make_writer: MakeWriter) -> None:
    writer = make_writer()
    writer.append(batch(1, [1, 2, 3], a=[1.0, 2.0, 4.0]))
    writer.commit(Status(step=3))
    code = """
import sys
from bidviz_core.store import open_run
run = open_run(sys.argv[1])
print(run.state, run.step, run.history('a').value.sum())
"""
    done = subprocess.run([sys.executable, "-c", code, str(writer.file.parent)], capture_output=True, text=True)
    assert done.stdout == "running 3 7.0\n", done.stderr
    assert about(writer.file.parent).name == StoreReader(writer.file).info.name
