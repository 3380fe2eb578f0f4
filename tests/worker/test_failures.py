"""Whatever a metric does in the worker, the training goes on, the person is told, and the other metrics run."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bidviz_core.errors import MetricError
from bidviz_core.metrics.definition import metric
from bidviz_core.worker import Worker

from .conftest import PATIENCE, Bench

MakeBench = Callable[..., Bench]


@pytest.mark.parametrize(
    ("code", "message", "line"),
    [
        ("x = 1\nreturn x / 0", "m: ZeroDivisionError: division by zero (line 2).", 2),
        ("'text'", "returned a str", None),
        ("[[1, 2], [3]]", "returned a ragged list", None),
        ("torch.zeros(2_000_000)", "returned 2,000,000 numbers", None),
        ("import sys\nsys.exit(3)", "m called sys.exit; a metric may not end the training", 2),
        ("raise KeyboardInterrupt\nreturn 0", "m: KeyboardInterrupt", 1),
        ("inputs.item()", "m: RuntimeError: a Tensor with 3 elements cannot be converted", 1),
    ],
)
def test_an_error_sets_its_metric_aside_and_no_other(bench: Bench, code: str, message: str, line: int | None) -> None:
    bench.add(code)
    bench.add("inputs.sum()", name="other")
    bench.submit(inputs=torch.ones(3))
    told = {one.name: one for one in (bench.next(), bench.next())}
    failure = told["m"].failure
    assert failure is not None
    assert failure.message.startswith("m")
    assert message in failure.message
    assert (failure.source, failure.name, failure.step) == ("metric", "m", bench.step)
    if line is not None:
        assert failure.line == line
        assert code.splitlines()[line - 1] in failure.traceback
    assert "bidviz_core/worker" not in failure.traceback
    assert told["other"].value == 3
    assert bench.value(inputs=torch.ones(4)) == 4  # m is not asked again


def test_two_gigabytes_are_too_much_and_the_process_lives(bench: Bench) -> None:
    pid = bench.worker.pid
    for name, code in {
        "numpy": "np.ones(2 * 1024**3, np.uint8).sum()",
        "torch": "torch.ones(2 * 1024**3, dtype=torch.uint8).sum()",
        "bytes": "len(b'x' * (2 * 1024**3))",
    }.items():
        bench.add(code, name=name)
        assert bench.failure().message.startswith(f"{name} ran out of memory. Compute it on less")
    bench.add("torch.ones(100 * 1024**2, dtype=torch.uint8).sum()", name="less")
    assert bench.value() == 100 * 1024**2
    assert bench.worker.pid == pid


def test_megabytes_of_print_are_kept_in_bounds(bench: Bench) -> None:
    bench.add("for _ in range(50_000): print('x' * 1000)\nreturn 1")
    assert bench.value() == 1
    printed = bench.worker.printed["m"]
    assert printed.startswith("xxx")
    assert "characters in all" in printed
    assert len(printed) < 20_000


def test_what_is_written_past_python_is_kept_in_bounds(bench: Bench) -> None:
    bench.add("import os\nfor _ in range(10): os.write(1, b'y' * 50_000)\nreturn 2")
    assert bench.value() == 2
    assert len(bench.worker.output) <= 16 * 1024
    assert "yyy" in bench.worker.output


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("import os\nos._exit(3)", "exit status 3"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "signal SIGSEGV"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "the system sends it when memory runs out"),
        ("import os\nos.closerange(3, 1 << 16)\nreturn 0", "ended the worker's process"),
        (
            "import os, sys, time\nos.write(int(sys.argv[2]), b'x' * 50)\ntime.sleep(1000)\nreturn 0",
            "sent what is no answer",
        ),
    ],
)
def test_a_crash_sets_aside_whom_it_hit_and_starts_again(make_bench: MakeBench, code: str, how: str) -> None:
    bench = make_bench()
    bench.add("step", name="before")
    bench.add(code, name="crash")
    bench.add("step * 10", name="after")
    step = bench.submit(step=1)
    pid = bench.worker.pid
    before, crash = bench.next(), bench.next()
    assert (before.name, before.value) == ("before", 1)
    assert crash.failure is not None
    assert (crash.name, crash.step, crash.failure.source) == ("crash", step, "worker")
    assert how in crash.failure.message
    assert "It was set aside; the worker is started again." in crash.failure.message
    bench.submit(step=2)
    assert {(told.name, told.value) for told in (bench.next(), bench.next())} == {("before", 2), ("after", 20)}
    assert bench.worker.pid != pid


SLEEP = "import time\ntime.sleep(1000)"
SPIN = "while True: pass\nreturn 0"
STUBBORN = "import time\nwhile True:\n    try: time.sleep(1000)\n    except BaseException: pass\nreturn 0"


def wait_until_running(bench: Bench) -> None:
    waiting = threading.Event()
    deadline = time.monotonic() + PATIENCE
    while bench.worker.running()[0] != "m":
        assert time.monotonic() < deadline
        waiting.wait(0.01)  # the worker says so in shared memory, which has no event


@pytest.mark.parametrize(("code", "line"), [(SLEEP, 2), (SPIN, 1)])
def test_a_person_interrupts_what_never_returns(bench: Bench, code: str, line: int) -> None:
    bench.worker.skipped = 0
    bench.add(code)
    bench.add("step", name="other", every=2)
    bench.step = 0
    bench.submit(step=1)
    pid = bench.worker.pid
    wait_until_running(bench)
    assert bench.worker.busy
    assert not bench.worker.submit(2, 0.0, {"step": 2})
    assert bench.worker.skipped == 1
    assert bench.worker.wanted(2) == {"step"}  # it may be done by then
    assert bench.worker.wanted(4) == frozenset()
    assert bench.worker.interrupt()
    told = bench.next()
    assert told.failure is not None
    assert told.failure.message == f"m was interrupted by a person at step 1 (line {line})."
    bench.step = 3
    assert bench.value(step=4) == 4
    assert bench.worker.pid == pid


def test_with_nothing_running_there_is_nothing_to_interrupt(bench: Bench) -> None:
    bench.add("step")
    assert bench.value(step=1) == 1
    assert bench.worker.wait(PATIENCE)
    assert not bench.worker.interrupt()
    assert bench.worker.running() == ("", 0.0)
    pid = bench.worker.pid
    assert pid is not None
    os.kill(pid, signal.SIGINT)  # a signal that is meant for no run of a metric hits none
    assert bench.value(step=2) == 2


def test_what_does_not_react_is_killed_after_the_grace(make_bench: MakeBench) -> None:
    bench = make_bench(grace=0.2)
    bench.add(STUBBORN)
    bench.add("step", name="other")
    bench.submit(step=1)
    wait_until_running(bench)
    assert bench.worker.interrupt()
    told = bench.next()
    assert told.failure is not None
    assert "m did not react to an interruption, so it was ended with its process" in told.failure.message
    assert bench.value(step=2) == 2


def test_a_run_that_takes_too_long_is_interrupted(make_bench: MakeBench) -> None:
    bench = make_bench(time_limit=0.3)
    bench.add(SLEEP)
    assert bench.failure().message == "m took longer than 0.3 s in the worker, so it was interrupted and set aside."


def test_a_run_that_takes_too_long_and_does_not_react_is_killed(make_bench: MakeBench) -> None:
    bench = make_bench(time_limit=0.3, grace=0.2)
    bench.add(STUBBORN)
    message = bench.failure().message
    assert "took longer than 0.3 s and did not react to an interruption" in message


def test_a_person_kills_the_process(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.add(STUBBORN)
    bench.add("step", name="other")
    bench.submit(step=1)
    wait_until_running(bench)
    assert bench.worker.kill()
    told = bench.next()
    assert told.failure is not None
    assert "m was ended with its process by a person" in told.failure.message
    assert bench.value(step=2) == 2


def test_what_a_metric_started_is_ended_with_it(make_bench: MakeBench, tmp_path: Path) -> None:
    bench = make_bench()
    told = tmp_path / "pid"
    bench.add(
        "import subprocess, pathlib, time\nchild = subprocess.Popen(['sleep', '1000'])\n"
        f"pathlib.Path({str(told)!r}).write_text(f'{{child.pid}}.')\ntime.sleep(1000)\nreturn 0"
    )
    bench.submit()
    waiting = threading.Event()
    while not told.exists() or not told.read_text().endswith("."):
        waiting.wait(0.01)  # a file of another process has no event
    assert bench.worker.kill()
    bench.next()
    child = int(told.read_text()[:-1])
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().rsplit(")")[-1]:
        waiting.wait(0.01)


def test_an_idle_process_that_is_killed_from_outside_comes_back(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.add("step + state.setdefault('n', step)")
    assert bench.value(step=1) == 2
    assert bench.worker.wait(PATIENCE)
    pid = bench.worker.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    answer: Any = None
    while answer is None:  # a snapshot that was on its way is lost
        assert bench.worker.wait(PATIENCE)
        bench.worker.submit(2, 0.0, {"step": 2})
        if bench.worker.pid != pid:
            answer = bench.next()
        else:
            threading.Event().wait(0.01)
    assert (answer.value, answer.failure) == (4, None)


def test_a_process_that_does_not_start_is_told(make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    bench = make_bench()
    bench.add("step")
    told = bench.next()
    assert told.failure is not None
    assert "m has no worker to run in: its process does not start (exit status" in told.failure.message
    monkeypatch.undo()
    bench.add("step")
    assert bench.value(step=3) == 3


def test_there_is_no_program_to_start(make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    bench = make_bench()
    bench.add("step")
    told = bench.next()
    assert told.failure is not None
    assert "FileNotFoundError" in told.failure.message


def test_a_metric_that_cannot_be_loaded_there_says_why(bench: Bench) -> None:
    class Cruel:
        def __reduce__(self) -> Any:
            return exec, ("raise ImportError('no such package there')",)

    cruel = Cruel()

    @metric(where="worker")
    def cruelly(step: int) -> float:
        return float(bool(cruel) + step)

    bench.worker.add(cruelly)
    message = bench.failure(step=1).message
    assert "cruelly cannot be loaded in the worker: ImportError: no such package there" in message


def test_a_closed_worker_takes_no_metric() -> None:
    worker = Worker(lambda *told: None)
    worker.close()
    worker.close()
    with pytest.raises(MetricError, match="comes too late: the worker is closed"):
        worker.add(metric(_one))
    assert not worker.submit(1, 0.0, {})


def _one(step: int) -> float:
    return 1.0


def test_a_listener_that_raises_loses_its_value_alone(caplog: pytest.LogCaptureFixture) -> None:
    arrived: list[Any] = []
    there = threading.Event()

    def listen(*told: Any) -> None:
        if told[1] == 1:
            raise ValueError("no room")
        arrived.append(told)
        there.set()

    worker = Worker(listen)
    try:
        worker.add(metric(_one))
        for step in (1, 2):
            assert worker.wait(PATIENCE)
            worker.submit(step, 0.0, {"step": step})
        assert there.wait(PATIENCE)
        assert "The value of _one at step 1 was lost: ValueError: no room" in caplog.text
    finally:
        worker.close()
