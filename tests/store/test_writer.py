"""What is written comes back; what cannot be written is told, counted and left out; the file is complete at its end."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from bidviz_core.errors import StoreError
from bidviz_core.messages.notifications import Catalogue, Entry, FailureContent, MetricInfo, Status
from bidviz_core.records import Batch, Record, ScalarBlock
from bidviz_core.store import StoreReader, StoreWriter
from bidviz_core.store.arrays import ROWS_AT_ONCE
from bidviz_core.store.folding import CHUNK
from bidviz_core.values import Histogram, HostValue, Image, Matrix, Table, Text

from .runs import MakeWriter, about, batch

VALUES: dict[str, HostValue] = {
    "array": np.arange(12.0).reshape(3, 4),
    "histogram": Histogram(np.arange(5), np.linspace(0, 1, 6)),
    "matrix": Matrix(np.array([[np.nan, np.inf], [1.0, 2.0]]), ["a", "b"], ["c", "d"]),
    "image": Image(np.zeros((64, 64, 3), np.uint8), ["zero"]),
    "table": Table(["name", "value"], [["a", 1.5], ["b", None]]),
    "text": Text("grüße\n"),
}


def test_all_that_is_told_of_a_run_comes_back(make_writer: MakeWriter, tmp_path: Path) -> None:
    info = about(tmp_path / "run", config={"lr": 0.1, "where": Path("/data")})
    writer = StoreWriter(tmp_path / "run", info)
    entries = [Entry(number=n, step=n, time=1.0, author="person", action="a", summary=f"did {n}") for n in (1, 2, 3)]
    failure = FailureContent(source="metric", name="bad", message="it raised", step=4, line=2)
    catalogue = Catalogue(
        run=about(tmp_path), metrics=[MetricInfo(name="loss", code="loss")], series={"loss": "scalar"}
    )
    writer.write_catalogue(catalogue)
    for entry in entries:
        writer.write_entry(entry)
    writer.write_failure(failure)
    reader = StoreReader(tmp_path / "run")
    assert reader.journal() == []
    assert reader.catalogue() is None
    writer.commit(Status(step=4, loss=0.5, sequence=9))
    assert reader.info.config == {"lr": 0.1, "where": "/data"}
    assert reader.status() == Status(step=4, loss=0.5, sequence=9)
    assert reader.catalogue() == catalogue
    assert reader.journal() == entries
    assert reader.journal(since=2) == entries[2:]
    assert reader.failures() == [failure]
    writer.close(Status(state="failed", detail="it broke"))
    assert reader.status().detail == "it broke"
    assert reader.journal() == entries


def test_arrays_of_every_kind_come_back(make_writer: MakeWriter) -> None:
    writer = make_writer()
    writer.append(Batch(1, [], [Record(kind, 1, 2.0, value) for kind, value in VALUES.items()]))
    writer.commit()
    reader = StoreReader(writer.file)
    assert reader.series() == {kind: kind for kind in VALUES}
    for kind, value in VALUES.items():
        (record,) = reader.arrays(kind)
        assert (record.name, record.step, record.time) == (kind, 1, 2.0)
        if isinstance(value, np.ndarray):
            assert np.array_equal(record.value, value)
        elif isinstance(value, (Table, Text)):
            assert record.value == type(value)(**vars(record.value)) or vars(record.value) == vars(value)
            assert vars(record.value) == vars(value)
        else:
            for field, given in vars(value).items():
                assert np.array_equal(getattr(record.value, field), given, equal_nan=field == "values")


@pytest.mark.parametrize("number", [1, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 3])
def test_many_arrays_of_one_commit_come_back_in_their_order(make_writer: MakeWriter, number: int) -> None:
    writer = make_writer()
    values = [np.arange(step % 7 + 1.0) + step for step in range(number)]
    writer.append(Batch(1, [], [Record("ab"[step % 2], step // 4, step, value) for step, value in enumerate(values)]))
    writer.commit()
    reader = StoreReader(writer.file)
    for place, name in enumerate("ab"[:number]):
        records = reader.arrays(name, count=number)
        assert [record.time for record in records] == list(range(place, number, 2))
        for record in records:
            assert np.array_equal(record.value, values[int(record.time)])
            assert record.step == record.time // 4


def test_the_last_arrays_of_a_range_are_given_in_step_order(make_writer: MakeWriter) -> None:
    writer = make_writer()
    for step in (1, 2, 3, 3, 5):
        writer.append(Batch(step, [], [Record("h", step, float(step), np.array([step, 0.0]))]))
    writer.commit()
    reader = StoreReader(writer.file)
    assert [record.step for record in reader.arrays("h")] == [5]
    assert [record.step for record in reader.arrays("h", count=3)] == [3, 3, 5]
    assert [record.step for record in reader.arrays("h", 2, 5, count=10)] == [2, 3, 3]
    assert [record.step for record in reader.arrays("h", stop=2**80, start=-(2**80), count=99)] == [1, 2, 3, 3, 5]
    assert [record.step for record in reader.arrays("h", count=3, spread=True)] == [1, 3, 5]
    assert [record.step for record in reader.arrays("h", count=9, spread=True)] == [1, 2, 3, 3, 5]
    assert [record.step for record in reader.arrays("h", count=1, spread=True)] == [5]
    with pytest.raises(StoreError, match="The series 'h' holds values of kind array, not numbers; read it with arrays"):
        reader.history("h")


def test_a_large_array_is_compressed_where_it_pays(make_writer: MakeWriter) -> None:
    writer = make_writer()
    noise = np.random.default_rng(0).bytes(400_000)
    writer.append(Batch(1, [], [Record("even", 1, 0.0, np.zeros(50_000))]))
    writer.append(Batch(2, [], [Record("noise", 1, 0.0, np.frombuffer(noise, np.uint8))]))
    writer.close(Status(state="ended"))
    assert 400_000 < writer.file.stat().st_size < 480_000
    assert bytes(StoreReader(writer.file).arrays("noise")[0].value) == noise


def test_array_history_can_be_limited_but_keeps_each_last_one(make_writer: MakeWriter) -> None:
    writer = make_writer(array_bytes=50_000)
    noise = np.random.default_rng(0).normal(size=1000)
    writer.append(Batch(1, [], [Record("rare", 1, 0.0, noise)]))
    for step in range(2, 40):
        writer.append(Batch(step, [], [Record("often", step, 0.0, noise)]))
        writer.commit()
    reader = StoreReader(writer.file)
    kept = [record.step for record in reader.arrays("often", count=100)]
    assert kept == list(range(40 - len(kept), 40))
    assert 4 <= len(kept) <= 6
    assert [record.step for record in reader.arrays("rare")] == [1]


@pytest.mark.parametrize(
    ("value", "step", "reason"),
    [
        (Table(["a"], [[object()]]), 1, "cannot be stored: Encoding objects of type object is unsupported"),
        (np.zeros(3), 2**70, "expected a step of at most 64 bits"),
    ],
)
def test_what_can_never_be_stored_is_told_and_the_rest_goes_on(
    make_writer: MakeWriter, value: HostValue, step: int, reason: str
) -> None:
    writer = make_writer()
    given = batch(1, [1], loss=1.0)
    given.arrays.append(Record("odd", step, 0.0, value))
    writer.append(given)
    writer.append(Batch(2, [], [Record("half \ud800", 1, 0.0, np.zeros(2)), Record("good", 1, 0.0, np.zeros(2))]))
    writer.commit()
    reader = StoreReader(writer.file)
    assert [failure.source for failure in reader.failures()] == ["store", "store"]
    assert reason in reader.failures()[0].message
    assert "cannot be written as text; give it another name" in reader.failures()[1].message
    assert writer.dropped == 2
    assert reader.history("loss").total == 1
    assert len(reader.arrays("good")) == 1
    assert len(given.arrays) == 1, "the batch belongs to others as well"


def test_a_time_that_is_no_number_is_kept(make_writer: MakeWriter) -> None:
    writer = make_writer()
    writer.append(Batch(1, [], [Record("h", 1, float("nan"), np.zeros(2))]))
    writer.append(batch(2, [1, 2], times=[np.nan, np.inf], loss=[1.0, 2.0]))
    writer.close(Status(state="ended"))
    reader = StoreReader(writer.file)
    assert np.isnan(reader.arrays("h")[0].time)
    assert np.array_equal(reader.history("loss").time, [np.nan, np.inf], equal_nan=True)


def test_a_block_that_does_not_fit_itself_is_refused(make_writer: MakeWriter) -> None:
    writer = make_writer()
    with pytest.raises(
        StoreError, match=r"2 series at 3 steps has 3 times and values of shape \(2, 2\); expected 3 times"
    ):
        writer.append(Batch(1, [ScalarBlock(("a", "b"), np.arange(3), np.zeros(3), np.zeros((2, 2)))]))
    with pytest.raises(StoreError, match="cannot be written as text; give it another name"):
        writer.append(Batch(1, [ScalarBlock(("\ud800",), np.arange(3), np.zeros(3), np.zeros((1, 3)))]))
    assert writer.dropped == 7
    writer.append(batch(2, [1], a=1.0))
    writer.commit()
    assert StoreReader(writer.file).series() == {"a": "scalar"}


def test_an_entry_that_is_no_json_is_refused_at_once(make_writer: MakeWriter) -> None:
    writer = make_writer()
    loop: dict[str, object] = {}
    loop["itself"] = loop
    with pytest.raises(StoreError, match="A Entry cannot be written as JSON"):
        writer.write_entry(Entry(number=1, step=1, time=0.0, author="", action="", summary="", detail=loop))
    writer.commit(Status())


def test_the_sequence_is_that_of_the_last_batch_in_the_file(make_writer: MakeWriter) -> None:
    writer = make_writer()
    reader = StoreReader(writer.file)
    writer.append(batch(1, [1], a=1.0))
    writer.append(batch(2, [2], a=1.0))
    assert (writer.sequence, reader.sequence()) == (0, 0)
    writer.commit()
    assert (writer.sequence, reader.sequence(), reader.history("a").sequence) == (2, 2, 2)


def test_a_closed_run_is_one_file(make_writer: MakeWriter) -> None:
    writer = make_writer()
    for sequence in range(1, 200):
        writer.append(batch(sequence, np.arange(sequence * 100, sequence * 100 + 100), a=0.5, b=1.5))
        writer.commit(Status(step=sequence))
    assert {path.name for path in writer.file.parent.iterdir()} > {"run.sqlite", "run.lock"}
    writer.close(Status(state="ended"))
    writer.close(Status(state="failed"))
    assert [path.name for path in writer.file.parent.iterdir()] == ["run.sqlite"]
    assert StoreReader(writer.file).status().state == "ended"
    with closing(sqlite3.connect(writer.file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM tail").fetchone() == (0,)
        assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)


def test_a_reader_that_stays_does_not_keep_a_run_from_being_complete(make_writer: MakeWriter) -> None:
    writer = make_writer()
    writer.append(batch(1, [1, 2], a=[1.0, 2.0]))
    writer.commit()
    with closing(sqlite3.connect(f"file:{writer.file}?mode=ro", uri=True)) as staying:
        staying.execute("SELECT count(*) FROM tail").fetchall()
        writer.close(Status(state="ended"))
        log = writer.file.with_name("run.sqlite-wal")
        assert not log.exists() or not log.stat().st_size
        assert StoreReader(writer.file).history("a").value.tolist() == [1.0, 2.0]


def test_a_slow_run_does_not_pay_for_a_row_each_commit(make_writer: MakeWriter) -> None:
    writer = make_writer()
    for step in range(1, 2001):
        writer.append(batch(step, [step], a=step))
        writer.commit()
    with closing(sqlite3.connect(f"file:{writer.file}?mode=ro", uri=True)) as connection:
        assert connection.execute("SELECT count(*) FROM tail").fetchone()[0] <= 4


def test_series_that_are_recorded_together_share_their_steps(make_writer: MakeWriter) -> None:
    writer = make_writer()
    steps = np.arange(CHUNK)
    writer.append(batch(1, steps, a=1.0, b=np.sqrt(steps)))
    writer.append(batch(2, steps, c=2.0))
    writer.commit()
    with closing(sqlite3.connect(f"file:{writer.file}?mode=ro", uri=True)) as connection:
        assert connection.execute("SELECT count(*) FROM chunks").fetchone() == (3,)
        assert connection.execute("SELECT count(*) FROM axes").fetchone() == (1,)


def test_a_thousand_series_do_not_wait_for_full_chunks(make_writer: MakeWriter) -> None:
    writer = make_writer()
    names = {f"norm{index}": float(index) for index in range(1000)}
    for sequence in range(1, 23):
        writer.append(batch(sequence, np.arange(sequence * 50, sequence * 50 + 50), **names))
        writer.commit()
    with closing(sqlite3.connect(f"file:{writer.file}?mode=ro", uri=True)) as connection:
        assert connection.execute("SELECT count(*) FROM chunks").fetchone()[0] >= 1000
    assert StoreReader(writer.file).history("norm7").value.tolist() == [7.0] * 1100


def test_a_folder_takes_one_run(make_writer: MakeWriter, tmp_path: Path) -> None:
    make_writer(tmp_path / "run")
    with pytest.raises(StoreError, match="holds a run already; give each run a folder of its own"):
        make_writer(tmp_path / "run")


def test_a_file_system_without_shared_memory_gets_a_rollback_journal(make_writer: MakeWriter, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "run.sqlite-shm").mkdir(parents=True)  # WAL's shared memory cannot be made here, as on such a file system
    writer = make_writer(folder)
    assert writer.journal == "rollback"
    reader = StoreReader(folder)
    for sequence in (1, 2, 3):
        writer.append(batch(sequence, [sequence], a=sequence))
        writer.commit(Status(step=sequence))
        assert reader.history("a").total == sequence
    assert not (folder / "run.sqlite-wal").exists()
    writer.close(Status(state="ended"))
    assert reader.history("a").value.tolist() == [1, 2, 3]
    with closing(sqlite3.connect(writer.file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() != ("wal",)


def test_the_environment_chooses_the_journal(make_writer: MakeWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_writer().journal == "wal"
    monkeypatch.setenv("BIDVIZ_STORE_JOURNAL", "rollback")
    assert make_writer().journal == "rollback"
    monkeypatch.setenv("BIDVIZ_STORE_JOURNAL", "none")
    with pytest.raises(StoreError, match="BIDVIZ_STORE_JOURNAL is 'none'; expected 'wal' or 'rollback'"):
        make_writer()


def test_the_log_beside_an_open_file_stays_small(make_writer: MakeWriter) -> None:
    writer = make_writer()
    log = writer.file.with_name(writer.file.name + "-wal")
    sizes = []
    for sequence, first in enumerate(range(1, 60_001, 50), start=1):
        steps = np.arange(first, first + 50)
        writer.append(batch(sequence, steps, loss=np.sin(steps)))
        if sequence % 10 == 0:
            writer.commit(Status(step=first))
            sizes.append(log.stat().st_size)
    # Half of the log's bound on average, and a fold now and then that is larger.
    assert np.median(sizes) < 300_000
    assert max(sizes) < 1_500_000
