"""SIGTERM does what it always does, and the run says so."""

from __future__ import annotations

import json
import signal

import pytest
from system.worlds import Training, World, is_state

import bidviz_core as bidviz
from bidviz_core.store import StoreReader


def begin(world: World, situation: str) -> Training:
    options = {"run_dir": str(world.runs), "dashboard": None, "plugins": []}
    return world.start("terminated", situation, json.dumps(options)).begun()


@pytest.mark.parametrize("situation", ["waits", "hangs", "child"])
def test_a_training_that_is_ended_by_sigterm_says_so_and_its_file_is_whole(world: World, situation: str) -> None:
    training = begin(world, situation)
    training.wait_for("^ready")
    training.signal(signal.SIGTERM)
    assert training.wait() == -signal.SIGTERM
    run = bidviz.open_run(training.folder)
    assert run.state == "stopped"
    status = StoreReader(training.folder).status()
    assert status.since > StoreReader(training.folder).info.started, "when it ended"
    assert status.detail.endswith("Ended by SIGTERM after step 100.")
    assert "terminated.py" in status.detail, "where it was"
    assert run.history("loss").value.tolist() == list(range(1, 101))
    if situation == "child":
        assert "in the child: <Handlers.SIG_DFL: 0>" in training.text
        assert "the child ended with -15" in training.text


def test_a_loop_of_ours_does_not_end_so_that_the_script_goes_on_after_it(world: World) -> None:
    training = begin(world, "batches")
    training.wait_for("^ready")
    training.signal(signal.SIGTERM)
    assert training.wait() == -signal.SIGTERM
    assert "after the loop" not in training.text
    assert bidviz.open_run(training.folder).state == "stopped"


@pytest.mark.parametrize("situation", ["handler before", "handler after"])
def test_a_handler_of_the_script_is_left_alone(world: World, situation: str) -> None:
    training = begin(world, situation)
    training.wait_for("^ready")
    training.signal(signal.SIGTERM)
    assert training.wait() == 3
    assert "the script's own handler" in training.text
    assert bidviz.open_run(training.folder).history("loss").value.tolist() == list(range(1, 101))


def test_after_close_nothing_is_left_and_the_signal_ends_the_script(world: World) -> None:
    training = begin(world, "closed")
    training.wait_for(r"over, and left is: \[\] <Handlers.SIG_DFL: 0>")
    training.signal(signal.SIGTERM)
    assert training.wait() == -signal.SIGTERM
    assert bidviz.open_run(training.folder).state == "ended"


def test_a_page_is_told_that_a_training_was_ended_by_sigterm(world: World) -> None:
    dashboard = world.dashboard()
    training = world.train("steps", dashboard)
    browser = world.browser(dashboard, training.run)
    training.wait_for(r"^step 50 ")
    before = int(training.lines[-1].split()[1])
    training.signal(signal.SIGTERM)
    stopped = browser.wait_for(is_state("stopped"))["content"]["status"]
    assert "Ended by SIGTERM after step" in stopped["detail"]
    assert training.wait() == -signal.SIGTERM
    assert bidviz.open_run(training.folder).history("loss").step[-1] >= before
