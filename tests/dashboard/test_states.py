"""What state a run is called, by what is known of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

import pytest

from bidviz_core.messages.notifications import Status
from bidviz_core.processes import is_alive
from bidviz_dashboard.states import Evidence, judge, judged


def evidence(state: str = "running", **known: Any) -> Evidence:
    reported = Status(state=state, step=9, speed=5.0, **known.pop("reported", {}))  # type: ignore[arg-type]
    given = {"since_beat": 0.2, "linked": True, "since_link": 60.0, "alive": True, **known}
    return Evidence(reported, **given)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (evidence(), "running"),
        (evidence("paused"), "paused"),
        (evidence("paused", reported={"since_step": 9000.0}), "paused"),
        (evidence("ended", linked=False, alive=False), "ended"),
        (evidence("failed", linked=False, alive=False), "failed"),
        (evidence("stopped", linked=False, alive=None), "stopped"),
        # killed: the connection and the process are gone at once
        (evidence(linked=False, since_link=0.0, alive=False), "lost"),
        (evidence("paused", linked=False, since_link=0.0, alive=False), "lost"),
        # the connection broke, the process lives: it has a moment to come back
        (evidence(linked=False, since_link=1.0), "running"),
        (evidence(linked=False, since_link=30.0), "stuck"),
        # on another machine its process cannot be asked
        (evidence(linked=False, since_link=30.0, alive=None), "lost"),
        (evidence(alive=None), "running"),
        # in a container with numbers of its own the process seems to be gone, but it beats
        (evidence(alive=False), "running"),
        (evidence(alive=False, since_beat=9.0), "lost"),
        (evidence(since_beat=9.0), "stuck"),
        (evidence(since_beat=9.0, alive=None), "stuck"),
        (evidence("paused", since_beat=9.0), "stuck"),
        # beats, but no step
        (evidence(reported={"since_step": 9.0, "step_time": 0.01}), "running"),
        (evidence(reported={"since_step": 11.0, "step_time": 0.01}), "quiet"),
        (evidence(reported={"since_step": 11.0, "step_time": 1.0}), "running"),
        (evidence(reported={"since_step": 21.0, "step_time": 1.0}), "quiet"),
        (evidence(reported={"since_step": 199.0, "step_time": 1.0}), "quiet"),
        (evidence(reported={"since_step": 201.0, "step_time": 1.0}), "stuck"),
        (evidence(reported={"since_step": 300.0, "step_time": 60.0}), "running"),
    ],
)
def test_the_state_is_judged(known: Evidence, expected: str) -> None:
    assert judge(known)[0] == expected


def test_a_state_that_is_no_good_says_why_and_has_no_speed() -> None:
    status = judged(evidence(since_beat=42.0))
    assert status.detail == "No sign of life for 42 s; its process lives."
    assert status.speed == 0.0
    assert judged(evidence(linked=False, alive=False)).detail.endswith("its last step was 9.")


def test_a_process_is_known_by_when_it_began() -> None:
    assert is_alive(os.getpid(), time.time())
    assert not is_alive(os.getpid(), time.time() - 10 * 24 * 3600)  # the number was another's then
    assert not is_alive(0, time.time())


def test_a_process_that_nobody_waited_for_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it is a zombie from here on
    assert not is_alive(child.pid, time.time())
    child.wait()
    child.stdout.close()
