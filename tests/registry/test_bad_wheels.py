"""Wheels that must not get into a running training, each from an index that serves it; nothing of them ever runs."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from bidviz_registry import install

from .conftest import Index, make_wheel, metric_code, sha256
from .test_installing import CODE, NAME, into, refusal  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("only_our_index")


def test_a_wheel_whose_hash_is_not_the_index_s(index: Index, into: Path) -> None:  # noqa: F811
    wheel = make_wheel(index.folder, NAME, "0.1.0", CODE)
    index.serve(wheel, fragment=f"#sha256={'0' * 64}")
    said = refusal(NAME, into)
    assert "The file is not what its index says: the hash changed on the way or on the server" in said
    assert sha256(wheel) in said


def test_a_version_that_was_another_file_before(index: Index, into: Path) -> None:  # noqa: F811
    first = sha256(index.serve(make_wheel(index.folder, NAME, "0.1.0", CODE)))
    install(NAME, print, into)
    changed = {"bidviz_metric_live/__init__.py": metric_code(6.5)}
    second = sha256(make_wheel(index.folder, NAME, "0.1.0", changed))
    said = refusal(NAME, into.parent / "another")
    assert f"has the hash {second[:12]}…, but it had {first[:12]}… when it was installed before" in said


def test_no_entry_point(index: Index, into: Path) -> None:  # noqa: F811
    index.serve(make_wheel(index.folder, NAME, "0.1.0", CODE, entry_points=""))
    assert "has no entry point in the group 'bidviz', so it is no bundle" in refusal(NAME, into)


def test_another_python(index: Index, into: Path) -> None:  # noqa: F811
    index.serve(make_wheel(index.folder, NAME, "0.1.0", CODE, requires_python=">=3.99"))
    said = refusal(NAME, into)
    assert "requires a different Python" in said
    assert ">=3.99" in said


def test_another_python_that_the_index_says(index: Index, into: Path) -> None:  # noqa: F811
    wheel = make_wheel(index.folder, NAME, "0.1.0", CODE, requires_python=">=3.99")
    index.serve(wheel, about='data-requires-python="&gt;=3.99"')
    said = refusal(NAME, into)
    assert "has no wheel of bidviz-metric-live for this Python" in said
    assert "It needs Python >=3.99" in said


def test_a_wheel_for_another_platform(index: Index, into: Path) -> None:  # noqa: F811
    index.serve(make_wheel(index.folder, NAME, "0.1.0", CODE, tag="cp27-cp27mu-win32"))
    assert "for this Python" in refusal(NAME, into)


def test_another_torch(index: Index, into: Path) -> None:  # noqa: F811
    index.stub("torch", "1.0")
    index.serve(make_wheel(index.folder, NAME, "0.1.0", CODE, requires=("torch<2",)))
    said = refusal(NAME, into)
    assert "needs torch<2: installing it would replace torch" in said
    assert "in the environment of the running training" in said
    assert not any("torch-1.0" in asked for asked in index.asked), "torch was fetched"
    assert "would replace torch" in refusal(NAME, into, with_dependencies=True)


def test_a_conflict_of_what_it_needs(index: Index, into: Path) -> None:  # noqa: F811
    index.serve(make_wheel(index.folder, "bidviz-needed", "1.0", {"bidviz_needed.py": ""}, requires=("pluggy<1",)))
    index.serve(make_wheel(index.folder, NAME, "0.1.0", CODE, requires=("bidviz-needed",)))
    said = refusal(NAME, into, with_dependencies=True)
    assert "bidviz-needed 1.0 needs pluggy<1: installing it would replace pluggy" in said


def test_what_is_missing_comes_along_only_when_asked(index: Index, into: Path) -> None:  # noqa: F811
    index.serve(make_wheel(index.folder, "bidviz-needed", "1.0", {"bidviz_needed.py": "VALUE = 4"}, entry_points=""))
    index.serve(make_wheel(index.folder, NAME, "0.1.0", CODE, requires=("bidviz-needed>=1",)))
    said = refusal(NAME, into)
    assert "needs bidviz-needed>=1, which is not installed" in said
    assert "Ask for it with what it needs (with_dependencies)" in said
    done = install(NAME, print, into, with_dependencies=True)
    assert done.installed == ((NAME, "0.1.0"), ("bidviz-needed", "1.0"))
    assert done.pin is not None
    assert done.pin.dependencies == {"bidviz-needed": "1.0"}
    assert Path(done.pin.folder, "bidviz_needed.py").is_file()


def test_a_need_at_an_address_is_never_fetched(index: Index, into: Path) -> None:  # noqa: F811
    needs = (f"bidviz-needed @ {index.address}/bidviz_needed-1.0.tar.gz",)
    index.serve(make_wheel(index.folder, NAME, "0.1.0", CODE, requires=needs))
    said = refusal(NAME, into, with_dependencies=True)
    assert "needs bidviz-needed from an address" in said
    assert not any("bidviz_needed" in asked for asked in index.asked)


@pytest.mark.parametrize("path", ["evil.pth", "bidviz_metric_live-0.1.0.data/purelib/evil.pth"])
def test_a_pth(index: Index, into: Path, path: str) -> None:  # noqa: F811
    index.serve(make_wheel(index.folder, NAME, "0.1.0", {**CODE, path: "import os"}))
    assert "a .pth file is run at each start of Python" in refusal(NAME, into)


def test_bytecode_that_need_not_be_what_the_source_says(index: Index, into: Path) -> None:  # noqa: F811
    files = {**CODE, "bidviz_metric_live/__pycache__/__init__.cpython-311.pyc": "x"}
    index.serve(make_wheel(index.folder, NAME, "0.1.0", files))
    assert "has bytecode (bidviz_metric_live/__pycache__/__init__.cpython-311.pyc)" in refusal(NAME, into)


@pytest.mark.parametrize("place", ["scripts/live", "data/etc/live.conf", "headers/live.h"])
def test_files_outside_its_packages(index: Index, into: Path, place: str) -> None:  # noqa: F811
    files = {**CODE, f"bidviz_metric_live-0.1.0.data/{place}": "x"}
    index.serve(make_wheel(index.folder, NAME, "0.1.0", files))
    assert "would put files or scripts outside its packages" in refusal(NAME, into)


@pytest.mark.parametrize("path", ["../outside.py", "/tmp/outside.py"])
def test_a_path_that_leads_out(index: Index, into: Path, path: str) -> None:  # noqa: F811
    index.serve(make_wheel(index.folder, NAME, "0.1.0", {**CODE, path: "x"}))
    assert "has files that lie outside its folder" in refusal(NAME, into)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("json/__init__.py", "brings json, which would hide what belongs to Python itself"),
        ("sitecustomize.py", "brings sitecustomize, which would hide"),
        ("numpy/__init__.py", "brings the package numpy, which is there already and belongs to something else"),
        ("bidviz_core/extra.py", "brings the package bidviz_core, which is there already"),
    ],
)
def test_a_package_that_would_take_another_s_place(
    index: Index,
    into: Path,  # noqa: F811
    path: str,
    text: str,
) -> None:
    index.serve(make_wheel(index.folder, NAME, "0.1.0", {**CODE, path: "x = 1"}))
    assert text in refusal(NAME, into)


def make_sdist(folder: Path, mark: Path) -> Path:
    """A source archive whose setup.py leaves a mark when it runs."""
    path = folder / f"{NAME}-0.1.0.tar.gz"
    setup = (
        f"open({str(mark)!r}, 'w').close()\nfrom setuptools import setup\n"
        f"setup(name={NAME!r}, version='0.1.0', packages=['bidviz_metric_live'],\n"
        "      entry_points={'bidviz': ['live = bidviz_metric_live']})\n"
    )
    # A build tool of its own, so that nothing has to be fetched to build it.
    backend = (
        f"open({str(mark)!r}, 'w').close()\nimport zipfile\n\n\n"
        "def build_wheel(folder, config_settings=None, metadata_directory=None):\n"
        "    info = 'bidviz_metric_live-0.1.0.dist-info'\n"
        "    name = 'bidviz_metric_live-0.1.0-py3-none-any.whl'\n"
        "    with zipfile.ZipFile(folder + '/' + name, 'w') as wheel:\n"
        "        wheel.write('bidviz_metric_live/__init__.py')\n"
        "        wheel.write('PKG-INFO', info + '/METADATA')\n"
        "        wheel.writestr(info + '/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n"
        "        wheel.writestr(info + '/entry_points.txt', '[bidviz]\\nlive = bidviz_metric_live\\n')\n"
        "        wheel.writestr(info + '/RECORD', '')\n"
        "    return name\n"
    )
    files = {
        "setup.py": setup,
        "backend.py": backend,
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 0.1.0\n",
        "bidviz_metric_live/__init__.py": metric_code(1.5),
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
    }
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            about = tarfile.TarInfo(f"{NAME}-0.1.0/{name}")
            about.size, about.mtime = len(text), 1_700_000_000
            archive.addfile(about, io.BytesIO(text.encode()))
    return path


@pytest.mark.parametrize("how", ["name", "path", "address", "name at an address"])
def test_the_code_of_a_source_archive_never_runs(
    index: Index,
    into: Path,  # noqa: F811
    tmp_path: Path,
    how: str,
) -> None:
    mark = tmp_path / "it-ran"
    archive = index.serve(make_sdist(index.folder, mark))
    address = f"{index.address}/{archive.name}"
    asked = {"name": NAME, "path": str(archive), "address": address, "name at an address": f"{NAME} @ {address}"}[how]
    said = refusal(asked, into)
    assert "it has to be built, which runs its code here before anybody could look at it" in said
    assert "Ask for that (build)" in said
    assert not mark.exists()


def test_a_source_archive_is_built_when_asked(index: Index, into: Path, tmp_path: Path) -> None:  # noqa: F811
    mark = tmp_path / "it-ran"
    archive = make_sdist(index.folder, mark)
    done = install(str(archive), print, into, build=True)
    assert mark.exists()
    assert done.pin is not None
    assert done.pin.source == str(archive)
