"""A program that is started warm is what it is when it is started cold."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import warm

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="without fork there is no other start than Popen's")
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
HERE = f"""import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from support import warm
warm.start_helpers_warm()
"""
TELL = """import __main__, atexit, os, signal, sys
atexit.register(print, "at exit")
print(__name__, getattr(__main__, "__file__", ""), __main__.__spec__ and __main__.__spec__.name)
print(vars(__main__) is globals(), sys.argv)
print(sys.path)
print(sys.orig_argv, os.getcwd())
print(sorted(os.environ.items()))
print([signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE)])
print([(one.name, one.encoding, one.errors, one.line_buffering) for one in (sys.stdin, sys.stdout, sys.stderr)])
print(os.getpgid(0), os.getsid(0), sorted(os.listdir("/proc/self/fd"))[:3] if os.path.isdir("/proc") else "")
print(sys.stdin.read())
"""


@pytest.fixture(scope="module")
def starter() -> Iterator[warm.Starter]:
    """A starter that imports next to nothing."""
    made = warm.Starter("json")
    yield made
    made.close()


@pytest.mark.parametrize("how", ["script", "module", "code", "unbuffered"])
def test_it_finds_what_a_fresh_process_finds(how: str, starter: warm.Starter, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(TELL)
    options = {"module": ["-m", "program"], "code": ["-c", TELL]}.get(how, [str(script)])
    command = [sys.executable, *options, "one", "-m", "two"]
    environment = {**os.environ, "GIVEN": "ä\udc80"} | {"PYTHONUNBUFFERED": "1" if how == "unbuffered" else ""}
    told: list[tuple[list[str], str, int]] = []
    for start in (subprocess.Popen, starter.start):
        with start(command, text=True, cwd=tmp_path, env=environment, **PIPES) as process:
            out, err = process.communicate("in\n", timeout=60)
            told.append((out.splitlines(), err, process.returncode))
    assert told[0][0][-3:] == ["in", "", "at exit"]
    (cold, *ended), (warmed, *also) = told
    assert ended == also
    for line, other in zip(cold, warmed, strict=True):
        assert other == line


@pytest.mark.parametrize(
    "code", ["raise SystemExit(3)", "raise SystemExit('no')", "1 / 0", "import os; os._exit(7)", "import nothing.there"]
)
def test_it_ends_as_a_fresh_process_ends(code: str, starter: warm.Starter, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(code)
    command = [sys.executable, str(script)]
    cold = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    done = starter.run(command, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (cold.returncode, cold.stdout, cold.stderr)


def test_what_the_program_has_made_and_imported_goes_at_the_end(starter: warm.Starter, tmp_path: Path) -> None:
    gone = "import os\nclass Gone:\n    def __del__(self, write=os.write): write(1, b'gone\\n')\nheld = Gone()\n"
    (tmp_path / "imported.py").write_text(gone)
    script = tmp_path / "program.py"
    script.write_text(f"import imported\n{gone}")
    done = starter.run([sys.executable, str(script)], text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "gone\ngone\n", "")


def test_a_signal_ends_it_and_it_is_waited_for(starter: warm.Starter) -> None:
    command = [sys.executable, "-c", "print('here', flush=True); input()"]
    with starter.start(command, text=True, **PIPES) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0)
        process.terminate()
        assert process.wait(60) == process.poll() == -signal.SIGTERM
        with pytest.raises(ProcessLookupError):
            os.kill(process.pid, 0)


def test_another_environment_at_import_is_a_fresh_start(starter: warm.Starter) -> None:
    command = [sys.executable, "-c", "import os; print(os.getppid())"]
    import sklearn  # noqa: F401 - it and the next one write into the environment, which changes nothing here
    import torch._dynamo  # noqa: F401

    for more, is_ours in (({}, False), ({"OMP_NUM_THREADS": "7"}, True)):
        done = starter.run(command, text=True, env={**os.environ, **more}, timeout=60)
        assert (int(done.stdout) == os.getpid()) is is_ours


def test_descriptors_that_are_passed_have_their_numbers_a_session_is_its_own_and_nobody_steps_back(
    starter: warm.Starter,
) -> None:
    reading, writing = os.pipe()
    high = fcntl.fcntl(writing, fcntl.F_DUPFD, 50)
    code = f"import os; os.write({writing}, b'one'); os.write({high}, b'two'); os.read(0, 1)"
    command = ["nice", "-n", "3", sys.executable, "-c", code]
    with starter.start(command, pass_fds=(high, writing), start_new_session=True, stdin=subprocess.PIPE) as process:
        os.close(high)
        os.close(writing)
        assert os.getsid(process.pid) == os.getpgid(process.pid) == process.pid
        assert os.read(reading, 3) + os.read(reading, 3) == b"onetwo"
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == os.getpriority(os.PRIO_PROCESS, 0)
    assert os.read(reading, 1) == b""
    os.close(reading)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere programs that were forked cannot ask")
def test_helpers_are_forked_from_the_same_process_wherever_they_are_wanted() -> None:
    code = """import os, subprocess, sys
worker = subprocess.Popen([sys.executable, "-P", "-m", "bidviz_core.worker"], stderr=subprocess.PIPE)
check = subprocess.Popen([sys.executable, "-m", "bidviz_core.testing"], stdin=subprocess.PIPE)
other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
for one in (check, other):
    with open(f"/proc/{one.pid}/stat") as file:
        print(int(file.read().rsplit(")", 1)[1].split()[1]) == os.getpid(), end=" ")
    one.communicate(b"\\n" if one is other else b"")
print(b"a part of BIDViz" in worker.communicate()[1], worker.returncode, check.returncode, other.returncode)
"""
    assert warm.TRAININGS.run([sys.executable, "-c", code], text=True, timeout=60).stdout == "False True True 1 0 0\n"
    ours = subprocess.run([sys.executable, "-c", HERE + code], capture_output=True, text=True, timeout=60)
    assert (ours.stdout, ours.stderr) == ("False True True 1 0 0\n", "")


def test_programs_end_with_the_tests_that_started_them() -> None:
    """Whatever ends the tests: the pipe that both processes hold comes to its end."""
    tests = f"""import os, subprocess, sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from support import warm
starter = warm.Starter("json")
command = [sys.executable, "-c", "print('here', flush=True); import signal; signal.pause()"]
process = starter.start(command)
os.kill(os.getpid(), 9) if input() else None
"""
    with subprocess.Popen([sys.executable, "-c", tests], text=True, **PIPES) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        out, _ = process.communicate("now\n", timeout=60)
        assert (out, process.returncode) == ("", -signal.SIGKILL)
