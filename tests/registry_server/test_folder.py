"""The folder is the truth: what is put there by hand is found, what is taken away is gone."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from pathlib import Path

import pytest
from support.registries import describe, make_sdist, make_wheel

from bidviz_registry.server.refusals import RegistryError
from bidviz_registry.server.shelf import CACHE, Shelf
from bidviz_registry.server.withdrawing import withdraw

NAME = "bidviz-metric-weights"


def test_wheels_that_somebody_drops_are_found_and_gone_ones_are_not(shelf: Shelf, folder: Path) -> None:
    assert shelf.snapshot().projects == {}
    path = make_wheel(folder)
    assert shelf.snapshot().projects[NAME].versions == ("0.1.0",)
    make_wheel(folder, version="0.2.0")
    make_sdist(folder, version="0.2.0")
    assert shelf.snapshot().projects[NAME].versions == ("0.2.0", "0.1.0")
    assert shelf.snapshot().projects[NAME].newest.kind == "wheel"
    path.unlink()
    assert shelf.snapshot().projects[NAME].versions == ("0.2.0",)
    assert path.name not in shelf.snapshot().files


def test_a_wheel_that_is_still_being_copied_comes_when_it_is_whole(
    shelf: Shelf, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = make_wheel(tmp_path / "elsewhere").read_bytes()
    target = folder / "bidviz_metric_weights-0.1.0-py3-none-any.whl"
    with target.open("wb") as file, caplog.at_level(logging.WARNING, "bidviz.registry"):
        file.write(whole[: len(whole) // 2])
        file.flush()
        snapshot = shelf.snapshot()
        assert snapshot.projects == {}
        assert "is broken" in snapshot.broken[target.name]
        assert shelf.snapshot() is snapshot
        file.write(whole[len(whole) // 2 :])
    assert shelf.snapshot().projects[NAME].versions == ("0.1.0",)
    assert shelf.snapshot().broken == {}
    assert [record.message for record in caplog.records].count(f"Not served: {snapshot.broken[target.name]}") == 1


def test_a_file_that_is_replaced_in_place_gives_its_new_hash(shelf: Shelf, folder: Path, tmp_path: Path) -> None:
    path = make_wheel(folder)
    before = shelf.snapshot().files[path.name].sha256
    other = make_wheel(tmp_path / "other", files={"bidviz_metric_weights/more.py": "more = 1\n"})
    with path.open("r+b") as file:  # the folder's own time stays as it is
        file.write(other.read_bytes())
    found = shelf.look_again(NAME).files[path.name]
    assert found.sha256 != before
    assert found.size == path.stat().st_size


@pytest.mark.parametrize(
    ("filename", "content", "reason"),
    [
        ("bidviz_metric_x-1.0-py3-none-any.whl", b"", "is broken"),
        ("bidviz_metric_x-1.0-py3-none-any.whl", b"PK\x05\x06" + b"\0" * 18, "expected one"),
        ("bidviz_metric_x-1.0-py3-none-any.whl", os.urandom(5000), "is broken"),
        ("bidviz_metric_x-1.0.tar.gz", b"\x1f\x8b\x08\x00" + os.urandom(200), "is broken"),
        ("bidviz_metric_x-one-py3-none-any.whl", b"", "does not follow the rules"),
        ("bidviz.whl", b"", "does not follow the rules"),
        ("<script>-1.0-py3-none-any.whl", b"", "is no file name of a package"),
        ("bidviz metric-1.0.tar.gz", b"", "is no file name of a package"),
    ],
)
def test_rubbish_is_left_out_with_a_sentence(
    shelf: Shelf, folder: Path, filename: str, content: bytes, reason: str
) -> None:
    make_wheel(folder)
    (folder / filename).write_bytes(content)
    snapshot = shelf.snapshot()
    assert snapshot.projects.keys() == {NAME}
    assert reason in snapshot.broken[filename]


def test_a_wheel_under_a_wrong_name_is_left_out(shelf: Shelf, folder: Path) -> None:
    path = make_wheel(folder, filename="bidviz_metric_other-0.1.0-py3-none-any.whl")
    assert "expected bidviz-metric-other 0.1.0" in shelf.snapshot().broken[path.name]


def test_other_files_folders_and_links_to_nothing_do_no_harm(shelf: Shelf, folder: Path) -> None:
    make_wheel(folder)
    (folder / "notes.txt").write_text("not a package")
    (folder / "a_folder-1.0-py3-none-any.whl").mkdir()
    (folder / "gone-1.0-py3-none-any.whl").symlink_to(folder / "nowhere")
    (folder / ".hidden-1.0-py3-none-any.whl").write_bytes(b"")
    os.mkfifo(folder / "pipe-1.0-py3-none-any.whl")
    assert shelf.snapshot().projects.keys() == {NAME}
    assert shelf.snapshot().files.keys() == {"bidviz_metric_weights-0.1.0-py3-none-any.whl"}
    assert shelf.snapshot() is shelf.snapshot()
    make_wheel(folder / "nowhere-made", "gone", "1.0").rename(folder / "nowhere")
    assert shelf.snapshot().projects.keys() == {NAME, "gone"}


def test_a_description_that_cannot_be_read_does_not_hide_the_wheel(shelf: Shelf, folder: Path) -> None:
    path = make_wheel(folder, description=b'{"bidviz_bundle": 7}')
    held = shelf.snapshot().files[path.name]
    assert held.bundle
    assert "cannot be read" in held.problem
    other = make_wheel(folder, version="0.2.0", description=describe(NAME, "0.1.0"))
    assert "expected bidviz-metric-weights 0.2.0" in shelf.snapshot().files[other.name].problem


def test_a_second_start_reads_nothing_twice(folder: Path) -> None:
    for number in range(3):
        make_wheel(folder, version=f"0.{number}.0", description=describe(NAME, f"0.{number}.0"))
    first = Shelf(folder)
    held = first.snapshot().files
    first.close()
    # Kept by name, size and time: what cannot be opened any more is still known.
    about = [(path, path.stat()) for path in folder.glob("*.whl")]
    for path, stat in about:
        path.write_bytes(b"\0" * stat.st_size)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    second = Shelf(folder)
    assert second.snapshot().files == held
    assert second.snapshot().broken == {}
    second.close()
    (folder / CACHE).unlink()
    third = Shelf(folder)
    assert third.snapshot().files == {}
    third.close()


def test_a_damaged_cache_is_made_anew(folder: Path) -> None:
    make_wheel(folder)
    (folder / CACHE).write_bytes(os.urandom(9000))
    shelf = Shelf(folder)
    assert shelf.snapshot().projects.keys() == {NAME}
    shelf.close()
    again = Shelf(folder)
    assert again.snapshot().projects.keys() == {NAME}
    again.close()


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RegistryError, match="cannot be read"):
        Shelf(tmp_path / "file")


def test_a_folder_that_goes_away_leaves_what_was_known(shelf: Shelf, folder: Path) -> None:
    make_wheel(folder)
    known = shelf.snapshot()
    shutil.move(folder, folder.with_name("moved"))
    assert shelf.snapshot() is known


def test_withdrawn_versions_stay_and_are_not_the_newest(shelf: Shelf, folder: Path) -> None:
    make_wheel(folder, version="0.1.0")
    path = make_wheel(folder, version="0.2.0")
    assert shelf.snapshot().projects[NAME].newest.version == "0.2.0"
    assert withdraw(folder, "BIDViz_Metric_Weights", "0.2", "counts twice") == [path.name]
    project = shelf.snapshot().projects[NAME]
    assert project.newest.version == "0.1.0"
    assert project.yanked == {path.name: "counts twice"}
    withdraw(folder, NAME, "0.2.0", undo=True)
    assert shelf.snapshot().projects[NAME].newest.version == "0.2.0"
    with pytest.raises(RegistryError, match="There is no file"):
        withdraw(folder, NAME, "0.3.0")
    with pytest.raises(RegistryError, match="is no version"):
        withdraw(folder, NAME, "newest")


def test_prereleases_are_the_newest_only_where_there_is_nothing_else(shelf: Shelf, folder: Path) -> None:
    make_wheel(folder, version="0.2.0rc1")
    assert shelf.snapshot().projects[NAME].newest.version == "0.2.0rc1"
    make_wheel(folder, version="0.1.0")
    assert shelf.snapshot().projects[NAME].newest.version == "0.1.0"


def test_many_threads_see_all_that_many_threads_drop(shelf: Shelf, folder: Path, tmp_path: Path) -> None:
    made = [make_wheel(tmp_path / "made", version=f"0.{number}.0") for number in range(40)]
    failed: list[BaseException] = []

    def drop(paths: list[Path]) -> None:
        try:
            for path in paths:
                os.rename(path, folder / path.name)
                shelf.snapshot()
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=drop, args=(made[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    # The last drop may have fallen into the tick of another thread's look: it is looked at again.
    found = shelf.look_again(NAME)
    while len(found.files) < 40:
        found = shelf.snapshot()
    assert found.projects[NAME].versions[0] == "0.39.0"
