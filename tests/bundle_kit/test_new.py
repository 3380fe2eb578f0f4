"""`bidviz bundle new`: an empty bundle that passes its own tests and the check as it comes."""

from __future__ import annotations

import tomllib
from email.headerregistry import Address
from pathlib import Path

import pytest

from bidviz_core.errors import BidvizError
from bidviz_core.sharing.naming import bundle_name, identifier
from bidviz_core.sharing.project import pyproject
from bidviz_core.sharing.scaffold import new_bundle
from bidviz_core.testing import CheckProcess, check_bundle

from .conftest import Bidviz, run_own_tests

#: Whole bundles are checked here, which takes its time on a busy machine.
pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize(
    ("policy", "folder"), [(False, "bidviz-metric-sharp-edges"), (True, "bidviz-policy-sharp-edges")]
)
def test_it_passes_as_it_comes(
    bidviz_command: Bidviz, tmp_path: Path, check_process: CheckProcess, policy: bool, folder: str
) -> None:
    options = ["--policy"] * policy + ["--author", 'A "Person" <a@example.org>', "--license", "BSD-3-Clause"]
    done = bidviz_command("bundle", "new", "Sharp Edges", *options)
    assert done.returncode == 0, done.stderr
    made = tmp_path / folder
    report = check_bundle(made, write=True, process=check_process)
    assert report.findings == []
    assert "Copyright (c) " in (made / "LICENSE").read_text()
    assert 'A "Person"' in (made / "LICENSE").read_text()
    project = tomllib.loads((made / "pyproject.toml").read_text())["project"]
    assert project["authors"] == [{"name": 'A "Person"', "email": "a@example.org"}]
    own = run_own_tests(made)
    assert own.returncode == 0, own.stdout + own.stderr


@pytest.mark.parametrize(
    ("text", "authors"),
    [
        ("Nina New <nina@example.org>", [{"name": "Nina New", "email": "nina@example.org"}]),
        (" Nina  New ", [{"name": "Nina New"}]),
        ("nina@example.org", [{"email": "nina@example.org"}]),
        ("<nina@example.org>", [{"email": "nina@example.org"}]),
        ("Jürgen (j@example.org)", [{"name": "Jürgen", "email": "j@example.org"}]),
        ('"New, Nina" <nina@example.org>', [{"name": "New Nina", "email": "nina@example.org"}]),
        ("A <a@x.org>, B; c@x.org", [{"name": "A", "email": "a@x.org"}, {"name": "B"}, {"email": "c@x.org"}]),
        ("Nina <nina at example>", [{"name": "Nina <nina at example>"}]),
        ("x <a..b@c>", [{"name": "x <a..b@c>"}]),
        ("Nina\x00\x7f\nNew", [{"name": "Nina New"}]),
        ('"\\', [{"name": '"\\'}]),
        (" ,; ", []),
        ("", []),
    ],
)
def test_an_author_is_written_as_installers_read_one(text: str, authors: list[dict[str, str]]) -> None:
    project = tomllib.loads(pyproject(bundle_name("mine"), "A metric.", "MIT", text))["project"]
    assert project.get("authors", []) == authors
    for one in authors:  # as the build joins them
        if "email" in one:
            assert str(Address(one.get("name", ""), addr_spec=one["email"]))


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    made = new_bundle("mine", tmp_path)
    (made / "README.md").write_text("mine")
    with pytest.raises(BidvizError, match="is there already"):
        new_bundle("mine", tmp_path)
    assert (made / "README.md").read_text() == "mine"


def test_a_folder_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BidvizError, match="cannot be written"):
        new_bundle("mine", tmp_path / "file")
    with pytest.raises(BidvizError, match="no licence that SPDX knows"):
        new_bundle("mine", tmp_path, licence="Mine")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("text", "distribution"),
    [
        ("sharpness", "bidviz-metric-sharpness"),
        ("bidviz_metric_sharp.edges", "bidviz-metric-sharp-edges"),
        ("bidviz-policy-warm", "bidviz-policy-warm"),
        (" Gradient / Norm ", "bidviz-metric-gradient-norm"),
    ],
)
def test_names_are_taken_as_people_write_them(text: str, distribution: str) -> None:
    assert bundle_name(text).distribution == distribution


@pytest.mark.parametrize("text", ["", "ä", "bidviz", "a" * 61, "-", "bidviz-metric-"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(BidvizError, match="A bundle's name"):
        bundle_name(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [("grad/norm 2", "grad_norm_2"), ("class", "metric_class"), ("2nd", "metric_2nd"), ("ä", "metric")],
)
def test_identifiers_are_pythons(text: str, name: str) -> None:
    assert identifier(text) == name
    assert identifier(text).isidentifier()
