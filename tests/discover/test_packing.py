"""A bundle's folder as one file."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from bidviz_core.errors import BidvizError
from bidviz_core.sharing.packing import MOST_BYTES, pack_bundle


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle's source."""
    source = tmp_path / "somewhere"
    (source / "src" / "bidviz_metric_x").mkdir(parents=True)
    (source / "pyproject.toml").write_text('[project]\nname = "bidviz-metric-x"\nversion = "1"\n')
    (source / "src" / "bidviz_metric_x" / "__init__.py").write_text("x = 1\n")
    return source


def test_everything_lies_in_one_folder_of_the_bundles_name_and_nothing_that_tools_left(folder: Path) -> None:
    for left in ("dist/a.whl", "src/bidviz_metric_x/__pycache__/a.pyc", ".git/config", ".env"):
        (folder / left).parent.mkdir(parents=True, exist_ok=True)
        (folder / left).write_text("left")
    (folder / "link").symlink_to("/etc/hostname")
    name, data = pack_bundle(folder)
    assert name == "bidviz-metric-x.zip"
    packed = zipfile.ZipFile(io.BytesIO(data))
    assert packed.namelist() == ["bidviz-metric-x/pyproject.toml", "bidviz-metric-x/src/bidviz_metric_x/__init__.py"]
    assert packed.read("bidviz-metric-x/src/bidviz_metric_x/__init__.py") == b"x = 1\n"


def test_what_is_no_bundle_is_not_packed(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BidvizError, match="is no bundle's folder"):
        pack_bundle(tmp_path)
    (folder / "pyproject.toml").write_text('[project]\nname = "something-else"\n')
    with pytest.raises(BidvizError, match="its name is 'something-else'"):
        pack_bundle(folder)


def test_what_is_too_large_for_one_message_says_so(folder: Path) -> None:
    import os

    (folder / "weights.bin").write_bytes(os.urandom(MOST_BYTES + 2**16))
    with pytest.raises(BidvizError, match="take it from the disk"):
        pack_bundle(folder)
