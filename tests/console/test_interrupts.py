"""Interrupts reach a line wherever it hangs, and nothing else."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

HANGS = [
    "while True:\n    pass",
    "import time\ntime.sleep(600)",
    "!sleep 600",
    "import asyncio\nawait asyncio.sleep(600)",
]


def _interrupt_when_it_runs(training: Any, cell: str) -> threading.Thread:
    def wait_and_interrupt() -> None:
        training.wait(lambda: training.messages(cell, "waits"))
        training.interrupt(cell)

    thread = threading.Thread(target=wait_and_interrupt, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("code", HANGS)
@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN])
def test_a_line_at_the_boundary_is_interrupted(watched: Callable[..., Any], code: str, handler: Any) -> None:
    training = watched()
    former = signal.signal(signal.SIGINT, handler)
    try:
        number = training.line(code, cell="cell")
        thread = _interrupt_when_it_runs(training, "cell")
        answer = training.answer(number, steps=True)
        thread.join()
        assert not answer.success
        assert "Interrupt" in answer.data
        assert "another exception" not in answer.data
        assert signal.getsignal(signal.SIGINT) == handler
    finally:
        signal.signal(signal.SIGINT, former)
    training.run(5)
    assert training.do("1 + 1").data == "2"
    assert training.session.state == "running"


@pytest.mark.parametrize("code", HANGS)
def test_a_line_on_its_own_thread_is_interrupted(watched: Callable[..., Any], code: str) -> None:
    training = watched()
    number = training.line(f"print('on')\n{code}", "service", "cell")
    training.wait(lambda: training.printed("cell"))
    step = training.session.step
    training.run(3)  # the training does not wait for it
    assert training.session.step == step + 3
    assert training.answer(training.interrupt("cell")).success
    answer = training.answer(number)
    assert not answer.success
    assert "Interrupt" in answer.data
    assert training.answer(training.line("6 * 7", "service")).data == "42"


def test_without_a_cell_whatever_hangs_is_interrupted(watched: Callable[..., Any]) -> None:
    training = watched()
    number = training.line("print('on')\nwhile True:\n    pass", "service", "cell")
    training.wait(lambda: training.printed("cell"))
    assert training.answer(training.interrupt()).data == "console was interrupted."
    assert not training.answer(number).success


def test_a_line_that_has_not_begun_is_called_off(watched: Callable[..., Any], main: dict[str, Any]) -> None:
    training = watched()
    training.do("1")
    number = training.line("touched = True", cell="cell")  # no step is made: it waits for the boundary
    assert "called off" in training.answer(training.interrupt("cell")).data
    answer = training.answer(number, steps=True)
    assert (answer.success, answer.data) == (False, "Interrupted before it began.")
    assert "touched" not in main


def test_an_interrupt_of_a_line_that_is_over_says_so(watched: Callable[..., Any]) -> None:
    training = watched()
    training.do("1", "cell")
    answer = training.answer(training.interrupt("cell"))
    assert not answer.success
    assert "is over" in answer.data


def test_a_line_that_has_metrics_run_can_be_interrupted_after_them(watched: Callable[..., Any]) -> None:
    training = watched()
    code = (
        "session.metrics.add('1.0', name='quick')\nsession.try_metric(session.metrics['quick'])\nwhile True:\n    pass"
    )
    number = training.line(code, cell="cell")
    thread = _interrupt_when_it_runs(training, "cell")
    assert "Interrupt" in training.answer(number, steps=True).data
    thread.join()
    training.run(3)
    assert training.session.engine.slots["quick"].failure is None


def test_a_ctrl_c_at_the_trainings_terminal_is_the_scripts(watched: Callable[..., Any]) -> None:
    training = watched()
    with pytest.raises(KeyboardInterrupt):
        training.session.console.run("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nwhile True:\n    pass")
    training.run(2)
    assert training.session.console.run("1").text == "1"


def test_a_hanging_line_does_not_hold_the_end_of_the_run_up(watched: Callable[..., Any]) -> None:
    training = watched()
    training.line("print('on')\nimport time\ntime.sleep(600)", "service", "cell")
    training.wait(lambda: training.printed("cell"))
    training.session.close()
    assert training.session.state == "ended"


def test_a_line_that_was_given_up_leaves_nothing_open_when_it_ends(watched: Callable[..., Any]) -> None:
    training = watched()
    gate = training.model.gate = threading.Lock()
    gate.acquire()
    code = "import asyncio\nawait asyncio.sleep(0)\nprint('on')\nmodel.gate.acquire()"
    number = training.line(code, "service", "cell")
    training.wait(lambda: training.printed("cell"))
    shell = training.session.console._shells[False]
    loop, thread = shell.awaiting._loop, training.session.console._service.ident
    training.interrupt("cell")
    assert "given up" in training.answer(number).data
    assert not loop.is_closed()
    gate.release()
    (given_up,) = [one for one in threading.enumerate() if one.ident == thread]
    given_up.join(60)
    assert loop.is_closed()
    assert training.answer(training.line("6 * 7", "service")).data == "42"
