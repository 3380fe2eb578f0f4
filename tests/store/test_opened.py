"""A run on disk as a person opens it, and the index that finds it."""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from bidviz_core.errors import StoreError
from bidviz_core.messages.notifications import Catalogue, Entry, FailureContent, MetricInfo, Status
from bidviz_core.records import Batch, Record
from bidviz_core.store import RunIndex, StoreReader, open_run

from .runs import MakeWriter, about, batch


def test_a_run_is_opened_by_its_folder_or_its_file(make_writer: MakeWriter, tmp_path: Path) -> None:
    writer = make_writer(tmp_path / "first")
    writer.write_catalogue(
        Catalogue(run=about(tmp_path / "first"), metrics=[MetricInfo(name="loss"), MetricInfo(name="h")])
    )
    writer.write_entry(Entry(number=1, step=1, time=0.0, author="person", action="pauseTraining", summary="paused"))
    writer.write_failure(FailureContent(source="metric", name="bad", message="it raised"))
    writer.append(batch(1, [1, 2], loss=[0.5, 0.25]))
    writer.append(Batch(2, [], [Record("h", 2, 0.0, np.zeros(3))]))
    run = open_run(str(tmp_path / "first"))
    assert run.state == "running"
    assert len(run.metrics) == 0
    writer.commit(Status(step=2, state="paused"))
    assert (run.id, run.name, run.step, run.state) == ("first", "run first", 2, "paused")
    assert run.run_dir == tmp_path / "first"
    assert [metric.name for metric in run.metrics] == ["loss", "h"]
    assert run.metrics["loss"].name == "loss"
    assert "loss" in run.metrics
    with pytest.raises(KeyError, match="The run has no metric 'acc'; it has loss, h"):
        run.metrics["acc"]
    assert [entry.summary for entry in run.journal] == ["paused"]
    assert [failure.name for failure in run.failures] == ["bad"]
    assert run.series == {"loss": "scalar", "h": "array"}
    assert run.history("loss").value.tolist() == [0.5, 0.25]
    assert run.arrays("h")[0].step == 2
    assert repr(run) == f"<run run first (first): paused at step 2, {tmp_path / 'first'}>"
    writer.close(Status(state="ended", step=2))
    assert open_run(writer.file).state == "ended"


def test_what_is_no_run_is_told(make_writer: MakeWriter, tmp_path: Path) -> None:
    with pytest.raises(
        StoreError, match=r"There is no run at .*nowhere: it has no run\.sqlite. Give the folder of a run"
    ):
        open_run(tmp_path / "nowhere")
    make_writer(tmp_path / "one")
    make_writer(tmp_path / "two")
    with pytest.raises(StoreError, match=r"holds 2 runs \(one, two\); give the folder of one of them"):
        open_run(tmp_path)
    for name, content in (("text", b"no database at all, but long enough to be one" * 100), ("empty", b"")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.sqlite").write_bytes(content)
        with pytest.raises(StoreError, match="is no run's file"):
            open_run(tmp_path / name)


def test_a_newer_file_is_told(make_writer: MakeWriter) -> None:
    writer = make_writer()
    writer.close(Status(state="ended"))
    with closing(sqlite3.connect(writer.file)) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(StoreError, match="has format 99, this bidviz-core reads up to 1; upgrade bidviz-core"):
        open_run(writer.file)


def test_a_damaged_file_is_told(make_writer: MakeWriter) -> None:
    writer = make_writer()
    writer.append(batch(1, range(20_000), a=np.random.default_rng(0).normal(size=20_000)))
    writer.close(Status(state="ended"))
    content = bytearray(writer.file.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    writer.file.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged or is no run's file"):
        StoreReader(writer.file)


def test_the_index_knows_all_runs_newest_first(make_writer: MakeWriter, tmp_path: Path) -> None:
    make_writer(tmp_path / "here" / "a")
    RunIndex().add(tmp_path / "here" / "a", "a", "renamed", 5.0)
    make_writer(tmp_path / "there" / "b")
    RunIndex().add(tmp_path / "gone", "c", "gone", 9e9)
    runs = RunIndex().runs()
    assert [(run.id, run.name, run.folder) for run in runs] == [
        ("b", "run b", tmp_path / "there" / "b"),
        ("a", "renamed", tmp_path / "here" / "a"),
    ]
    RunIndex().forget("b")
    assert [run.id for run in RunIndex().runs()] == ["a"]


def test_many_trainings_register_at_once(state_dir: Path, tmp_path: Path) -> None:
    def register(index: int) -> None:
        RunIndex().add(tmp_path / str(index), str(index), "run", 1.0)

    threads = [threading.Thread(target=register, args=(index,), name=f"bidviz-test-{index}") for index in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with closing(sqlite3.connect(state_dir / "runs.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (16,)


def test_a_run_without_an_index_is_stored_all_the_same(
    make_writer: MakeWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "file" / "state"))
    with caplog.at_level(logging.WARNING, "bidviz"):
        writer = make_writer(tmp_path / "run")
    assert "is stored, but not in the list of runs: The index of runs cannot be opened" in caplog.text
    assert "set BIDVIZ_STATE_DIR to a folder that can be written" in caplog.text
    writer.close(Status(state="ended"))
    assert open_run(tmp_path / "run").state == "ended"
    with pytest.raises(StoreError, match="The index of runs cannot be opened"):
        RunIndex().runs()
