"""The command `bidviz`: what it prints, what it exits with, and that nobody is shown a traceback."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import bidviz_core as bidviz
from bidviz_core import cli
from bidviz_core.demos import BUNDLES, DEMOS, bundle_for, demo_path
from bidviz_core.errors import BidvizError


class Said:
    """What a call printed, and its exit status."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err
        assert "Traceback" not in out + err


@pytest.fixture
def bidviz_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Calls the command in this process, as the installed script does."""

    def call(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["bidviz", *arguments])
        monkeypatch.setenv("COLUMNS", "100")
        status = 0
        try:
            cli.main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        return Said(status, *capsys.readouterr())

    return call


def train_and_close(run_dir: Path, name: str = "three-steps") -> bidviz.Session:
    session = bidviz.watch(name=name, run_dir=run_dir, plugins=())
    for step in range(3):
        session.step_done(loss=float(step))
    session.close()
    return session


def test_without_arguments_it_says_what_there_is(bidviz_command) -> None:
    said = bidviz_command()
    assert said.status == 2
    for command in ("demo", "dashboard", "runs", "plugins", "doctor"):
        assert f"\n  {command}" in said.out + said.err


def test_help_and_version(bidviz_command) -> None:
    assert bidviz_command("--help").status == 0
    said = bidviz_command("--version")
    assert (said.status, said.out) == (0, f"bidviz-core {bidviz.__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["dash"], "No such command 'dash'."),
        (["demo", "cats"], "there is no demo 'cats'; choose one of digits, text, kmeans, sparse, rewind."),
        (["dashboard", "--port", "many"], "Invalid value for '--port'"),
        (["dashboard", "--port", "70000"], "Input should be less than or equal to 65535"),
        (["runs", "--limit", "0"], "Input should be greater than or equal to 1"),
        (["doctor", "--fast"], "No such option: --fast"),
    ],
)
def test_wrong_use_is_a_sentence_and_status_2(bidviz_command, arguments: list[str], sentence: str) -> None:
    said = bidviz_command(*arguments)
    assert said.status == 2
    assert sentence.lower() in " ".join(said.err.split()).lower()
    assert "-h' for help" in said.err


def test_runs_of_an_empty_index_says_how_to_make_one(bidviz_command) -> None:
    said = bidviz_command("runs")
    assert said.status == 0
    assert "There are no runs yet" in said.out
    assert "watch(model, optimizer)" in said.out


def test_runs_are_listed_newest_first_with_state_and_step(bidviz_command, tmp_path: Path) -> None:
    first = train_and_close(tmp_path / "runs", "first")
    second = train_and_close(tmp_path / "runs", "second")
    lines = bidviz_command("runs").out.splitlines()
    assert lines[0].split() == ["state", "step", "began", "name", "folder"]
    assert [line.split()[0:2] for line in lines[1:]] == [["ended", "3"], ["ended", "3"]]
    assert [line.split()[4] for line in lines[1:]] == ["second", "first"]
    assert lines[1].endswith(str(second.run_dir))
    assert lines[2].endswith(str(first.run_dir))
    lines = bidviz_command("runs", "--limit", "1").out.splitlines()
    assert len(lines) == 3
    assert lines[-1] == "… and 1 more: bidviz runs --limit 2"


def test_a_damaged_run_is_listed_as_unreadable(bidviz_command, tmp_path: Path) -> None:
    session = train_and_close(tmp_path / "runs")
    (session.run_dir / "run.sqlite").write_bytes(b"this is no database, and long enough to be looked at " * 40)
    assert bidviz_command("runs").out.splitlines()[1].startswith("unreadable")


def test_an_index_that_cannot_be_read_is_one_sentence(bidviz_command, state_dir: Path) -> None:
    (state_dir / "runs.sqlite").write_bytes(b"this is no database, and long enough to be looked at " * 40)
    said = bidviz_command("runs")
    assert said.status == 1
    assert said.err.startswith("Error: ")
    assert said.err.count("\n") == 1


def test_a_fault_of_ours_is_one_sentence_and_its_traceback_is_kept(
    bidviz_command, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bidviz_core.listings.list_plugins", lambda: 1 / 0)
    said = bidviz_command("plugins")
    assert said.status == 1
    log = state_dir / "logs/bidviz.log"
    assert (
        said.err
        == f"Error: ZeroDivisionError: division by zero. This is a fault of BIDViz; its traceback is in {log}.\n"
    )
    assert "Traceback (most recent call last)" in log.read_text()


def test_plugins_lists_what_is_installed(bidviz_command) -> None:
    said = bidviz_command("plugins")
    assert said.status == 0
    assert "bidviz-metric-gradnorm" in said.out


def test_doctor_finds_this_installation_well(bidviz_command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    said = bidviz_command("doctor")
    assert said.status == 0, said.out
    for words in (
        "Python 3.",
        "bidviz-core",
        "torch",
        "The state folder is",
        "bidviz-metric-gradnorm",
        "BIDVIZ_DASHBOARD is off",
    ):
        assert words in said.out


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_doctor_says_how_to_close_a_state_folder_that_others_can_read(bidviz_command, state_dir: Path) -> None:
    state_dir.chmod(0o755)
    said = bidviz_command("doctor")
    assert said.status == 1
    assert f"→ chmod 700 {state_dir}" in said.out
    state_dir.chmod(0o700)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_doctor_tells_of_a_secret_that_others_can_read(bidviz_command, state_dir: Path) -> None:
    bidviz_command("doctor")
    secret = state_dir / "secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    secret.chmod(0o644)
    said = bidviz_command("doctor")
    assert said.status == 1
    assert "Others can read" in said.out


def test_doctor_tells_of_a_stranger_at_the_port(bidviz_command, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket
    import threading

    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        monkeypatch.setenv("BIDVIZ_DASHBOARD", f"http://127.0.0.1:{port}")

        def answer() -> None:
            connection, _ = stranger.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=answer, name="bidviz-test-stranger", daemon=True)
        thread.start()
        said = bidviz_command("doctor")
        thread.join()
    assert f"Somebody else's program is at 127.0.0.1:{port}" in said.out


def test_each_demo_has_its_script() -> None:
    for name in DEMOS:
        assert demo_path(name).name == f"{name}.py"
    with pytest.raises(BidvizError, match="There is no demo 'cats': choose one of digits, text, kmeans, sparse"):
        demo_path("cats")


def test_a_demo_without_scikit_learn_says_how_to_get_it(bidviz_command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bidviz_core.demos.find_spec", lambda name: None)
    said = bidviz_command("demo", "kmeans")
    assert said.status == 1
    assert "needs scikit-learn, which is missing: pip install 'bidviz-core[demo]'" in said.err


@pytest.mark.parametrize("name", ["kmeans", "sparse"])
def test_a_demo_names_the_bundle_made_for_it_where_it_is_not_installed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bundle_for(name) == ""  # it is, here
    monkeypatch.setattr("bidviz_core.demos.find_spec", lambda name: None)
    bundle = BUNDLES[name]
    said = bundle_for(name)
    assert said.startswith(f"more charts for this demo are in {bundle}: pip install --no-deps ")
    assert Path(said.split("--no-deps ")[1].split(",")[0]).name == bundle
    assert bundle_for("digits") == ""


def test_the_installed_command_runs_a_demo_with_its_arguments(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("bidviz")
    done = subprocess.run(
        [command, "demo", "kmeans", "--steps", "20"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "step 20: mean squared distance" in done.stdout
    (folder,) = (tmp_path / "bidviz-runs").iterdir()
    run = bidviz.open_run(folder)
    assert (run.name, run.step, run.state) == ("kmeans", 20, "ended")


def test_the_command_starts_without_torch_and_the_web() -> None:
    program = (
        "import sys\nfrom bidviz_core import cli\nsys.argv = ['bidviz', 'runs']\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('torch', 'dash', 'flask', 'plotly') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_wheel_carries_the_demos(tmp_path: Path) -> None:
    import zipfile

    root = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(root / "core")],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name in DEMOS:
            assert archive.read(f"bidviz_core/examples/{name}.py") == (root / f"examples/{name}.py").read_bytes()
