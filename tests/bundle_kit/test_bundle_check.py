"""`bidviz bundle check`: what it says, what it writes, what it exits with, and that nothing brings it down."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

import psutil
import pytest

from bidviz_core.description import FILE, decode_description
from bidviz_core.plugins.contents import content_hash, contents_of
from bidviz_core.testing import CheckProcess, check_bundle
from bidviz_core.testing.placing import place
from bidviz_core.testing.telling import lines_of

from .conftest import PYPROJECT, Bidviz

#: Whole bundles are checked here, which takes its time on a busy machine.
pytestmark = pytest.mark.timeout(900)

ROOT = Path(__file__).parents[2]
UI = ROOT / "dashboard" / "ui"

GOOD = '''
@bidviz.metric(every=5, chart=bidviz.Line(title="Norm", help="Healthy: level. Sick: climbs."))
def tried(params):
    """Global L2 norm of the weights (in their unit)."""
    return params.norm()


@bidviz.hookimpl
def register_metrics():
    """The metrics."""
    return [tried]
'''


def on_the_cnn(statement: str) -> str:
    """The good bundle with something that its metric does on one sample learner: the others are tried after it."""
    guard = "if params.tensors[0].shape == (8, 1, 3, 3):"
    return GOOD.replace("    return params.norm()", f"    {guard}\n        {statement}\n    return params.norm()")


def test_a_good_bundle_is_checked_described_and_nothing_is_installed(
    write_bundle: Callable[..., Path], bidviz_command: Bidviz
) -> None:
    folder = write_bundle(GOOD)
    done = bidviz_command("bundle", "check", folder, "--write")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tried: scalar on mlp, cnn, transformer, lstm, sparse; " in done.stdout
    assert done.stdout.endswith("Nothing to mend.\n")
    assert "bidviz-metric-tried" not in {one.metadata["Name"] for one in distributions()}
    said = decode_description((folder / "src" / "bidviz_metric_tried" / FILE).read_bytes())
    (metric,) = said.metrics
    assert (said.name, said.version, metric.name, metric.every) == ("bidviz-metric-tried", "0.1.0", "tried", 5)
    assert metric.cost is not None
    assert metric.code.startswith("@bidviz.metric")
    assert len(said.samples["tried"].value) == 12
    place_of_it = place(folder, folder.parent / "placed") if (folder.parent / "placed").mkdir() is None else None
    assert place_of_it is not None
    assert said.hash == content_hash(contents_of(place_of_it.bundle()).files)


def test_json_says_the_same_and_code_that_changed_is_noticed(
    write_bundle: Callable[..., Path], bidviz_command: Bidviz, check_process: CheckProcess
) -> None:
    folder = write_bundle(GOOD)
    check_bundle(folder, write=True, process=check_process)
    code = folder / "src" / "bidviz_metric_tried" / "__init__.py"
    code.write_text(code.read_text().replace("params.norm()", "2 * params.norm()"))
    done = bidviz_command("bundle", "check", folder, "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    (finding,) = report["findings"]
    assert finding["about"] == FILE
    assert "other code" in finding["what"]
    assert report["metrics"][0]["learners"] == ["mlp", "cnn", "transformer", "lstm", "sparse"]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('name = "bidviz-metric-tried"', 'name = "tried"', "its name does not begin as a bundle's does"),
        ('license = "MIT"\n', "", "licence: there is none"),
        ('license = "MIT"', 'license = "Mine"', "'Mine' is no SPDX expression"),
        ('description = "A bundle of the tests."\n', "", "summary: there is none"),
        ('requires-python = ">=3.11"\n', "", "does not say for which Pythons"),
        ('requires-python = ">=3.11"', 'requires-python = ">=4"', "it wants Python >=4"),
        ("bidviz-core>=0.1,<0.2", "bidviz-core", "its range of bidviz-core (any) is open"),
        ("bidviz-core>=0.1,<0.2", "bidviz-core>=7,<8", "it wants bidviz-core"),
        ('"bidviz-core>=0.1,<0.2"', '"bidviz-core>=0.1,<0.2", "torch==2.6.0"', "would not install beside a training"),
        ("[project.entry-points.bidviz]", "[project.entry-points.other]", "there is none in the group bidviz"),
        ('readme = "README.md"\n', "", "README: there is none"),
    ],
)
def test_metadata_that_would_not_do_is_found(
    write_bundle: Callable[..., Path], tmp_path: Path, old: str, new: str, what: str
) -> None:
    from bidviz_core.testing.metadata_checks import check_metadata

    assert old in PYPROJECT
    folder = write_bundle(GOOD, PYPROJECT.replace(old, new))
    (tmp_path / "site").mkdir()
    lines = [str(one) for one in check_metadata(place(folder, tmp_path / "site")) if one.level == "finding"]
    assert [line for line in lines if what in line], lines


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (GOOD.replace("def register_metrics", "def register_metric"), "did you mean register_metrics"),
        ("import nothing_of_this_name", "could not be imported"),
        (on_the_cnn("import os; os._exit(3)"), "tried: the process ended with status 3 on the sample learner cnn"),
        (
            on_the_cnn("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"),
            "tried: the process died with signal 11 on the sample learner cnn",
        ),
        (GOOD.replace("return [tried]", "return [1]"), "register_metrics gave int"),
    ],
    ids=["misspelt", "import", "exit", "crash", "type"],
)
def test_code_that_brings_down_its_process_is_a_line_of_the_report(
    write_bundle: Callable[..., Path], check_process: CheckProcess, code: str, what: str
) -> None:
    report = check_bundle(write_bundle(code), process=check_process)
    lines = list(lines_of(report))
    assert [line for line in lines if what in line], lines
    assert lines[-1].endswith("to mend.")


def test_the_command_survives_what_it_checks(write_bundle: Callable[..., Path], bidviz_command: Bidviz) -> None:
    done = bidviz_command("bundle", "check", write_bundle(on_the_cnn("import os; os.abort()")))
    assert done.returncode == 1
    assert "tried: the process died with signal 6 on the sample learner cnn" in done.stdout
    assert "tried: scalar on mlp, transformer, lstm, sparse; " in done.stdout
    assert done.stdout.endswith("\nOne thing to mend.\n")


def test_a_metric_that_does_not_come_back_is_given_up(
    write_bundle: Callable[..., Path], check_process: CheckProcess
) -> None:
    # A run takes a tenth of a second, once torch is there: the first bundle of a process has to import it.
    example = ROOT / "docs" / "examples" / "bidviz-metric-example"
    check_bundle(example, process=check_process)
    report = check_bundle(
        write_bundle(on_the_cnn("import threading; threading.Event().wait()")), patience=6.0, process=check_process
    )
    (hung,) = report.wrong
    assert "did not come back within 6 s on the sample learner cnn" in hung.what
    (trial,) = report.metrics
    assert trial.learners == ("mlp", "transformer", "lstm", "sparse")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["check", "nowhere"], "there is nothing at nowhere"),
        (["check", "."], "has no pyproject.toml"),
        (["check", "wheel.txt"], "neither a folder nor a wheel"),
        (["check", "--pretty"], "No such option"),
        (["new"], "Missing argument"),
        (["new", "ä b"], "letters, digits and hyphens"),
    ],
)
def test_wrong_use_ends_with_two(bidviz_command: Bidviz, tmp_path: Path, arguments: list[str], what: str) -> None:
    (tmp_path / "wheel.txt").write_text("")
    done = bidviz_command("bundle", *arguments)
    assert done.returncode == 2
    assert what in done.stderr


def test_a_wheel_that_is_none_is_one_sentence(bidviz_command: Bidviz, tmp_path: Path) -> None:
    (tmp_path / "bidviz_metric_x-0.1.0-py3-none-any.whl").write_bytes(b"no zip")
    done = bidviz_command("bundle", "check", tmp_path / "bidviz_metric_x-0.1.0-py3-none-any.whl")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "no wheel that can be read" in done.stderr


@pytest.mark.browser
def test_every_chart_is_drawn(
    write_bundle: Callable[..., Path],
    tmp_path: Path,
    chromium: str,
    monkeypatch: pytest.MonkeyPatch,
    check_process: CheckProcess,
) -> None:
    from bidviz_core.cli_bundle import _drawing

    monkeypatch.setenv("BIDVIZ_CHROMIUM", chromium)
    report = check_bundle(write_bundle(GOOD), draw=_drawing(tmp_path / "pictures"), process=check_process)
    assert report.wrong == []
    (picture,) = report.pictures
    assert picture.name == "tried.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 2000


@pytest.mark.skipif(os.name != "posix", reason="scripts of that kind are known on these systems alone")
def test_a_chromium_that_a_script_starts_is_ended_too(
    chromium: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bidviz_dashboard.chromium import window

    script = tmp_path / "chromium"
    script.write_text(f'#!/bin/sh\n{shlex.quote(chromium)} "$@"\n')  # no exec: the script waits for it
    script.chmod(0o700)
    monkeypatch.setenv("BIDVIZ_CHROMIUM", str(script))
    before = psutil.Process().children(recursive=True)
    with window() as page:
        started = [one for one in psutil.Process().children(recursive=True) if one not in before]
        assert page.evaluate("1 + 1") == 2
    assert len(started) > 1
    assert psutil.wait_procs(started, 30)[1] == []


def test_without_a_chromium_it_says_so_in_a_note(
    write_bundle: Callable[..., Path], bidviz_command: Bidviz, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIDVIZ_CHROMIUM", "/nowhere/chromium")
    done = bidviz_command("bundle", "check", write_bundle(GOOD), "--pictures", "drawn")
    assert done.returncode == 0
    assert "· pictures: No picture can be made without a Chromium" in done.stdout


@pytest.mark.parametrize("bundle", sorted(path.name for path in (ROOT / "plugins").iterdir()))
def test_our_own_bundles_have_nothing_to_mend(bundle: str, check_process: CheckProcess) -> None:
    # What something costs is another thing on a busy machine: the check says it, and no test asks.
    report = check_bundle(ROOT / "plugins" / bundle, process=check_process)
    assert [str(one) for one in report.wrong if "; the budget is" not in one.what] == []


def test_the_example_has_nothing_to_mend(check_process: CheckProcess) -> None:
    example = ROOT / "docs" / "examples" / "bidviz-metric-example"
    assert [str(one) for one in check_bundle(example, process=check_process).wrong] == []


def test_the_command_starts_without_what_it_does_not_need() -> None:
    heavy = ["torch", "build", "twine", "bidviz_core.testing", "bidviz_core.sharing"]
    code = f"import bidviz_core.cli, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
