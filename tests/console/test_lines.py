"""Lines at the step boundary: what they find, what they leave, what they answer."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import bidviz_core as bidviz
from bidviz_core.console import history
from bidviz_core.errors import CommandError, TrainingStopped


def test_values_prints_and_errors_are_the_answer(watched: Callable[..., Any]) -> None:
    training = watched()
    console = training.session.console
    assert console.run("print('said')\n40 + 2").text == "said\n42"
    assert console.run("40 + 2").value == 42
    assert console.run("type(model).__name__").text == "'Sequential'"
    assert console.run("pass").text == ""
    failed = console.run("print('before')\n1 / 0")
    assert not failed.success
    assert failed.text.startswith("before\n")
    assert failed.error == "ZeroDivisionError: division by zero"
    assert "\x1b" not in failed.text
    assert "bidviz_core" not in failed.text  # no frame of ours
    assert "SyntaxError" in console.run("1 +").text


def test_the_run_is_in_scope_and_so_are_the_scripts_globals(watched: Callable[..., Any], main: dict[str, Any]) -> None:
    training = watched()
    main["mine"] = [1]
    console = training.session.console
    assert console.run("session.step").value == 2
    assert console.run("model").value is training.model
    assert console.run("optimizer").value is training.optimizer
    assert console.run("mine").value is main["mine"]
    assert console.run("float(np.sqrt(4.0)) + torch.ones(2).sum().item()").value == 4.0
    assert set(console.run("dict(params)").value) == {"0.weight", "0.bias", "2.weight", "2.bias"}


def test_assignments_are_the_scripts_and_nothing_else_is_left_there(
    watched: Callable[..., Any], main: dict[str, Any]
) -> None:
    training = watched()
    console = training.session.console
    before = set(main)
    console.run("assigned = 1\ndef made():\n    global deep\n    deep = grads.norm()\n    return loss\n")
    console.run("%who\n_ih[-1]")
    console.run("_")
    assert set(main) - before == {"assigned", "made"}
    main["assigned"] = 5
    assert console.run("assigned + 1").value == 6
    console.run("del assigned")
    assert "assigned" not in main
    console.run("%timeit -n1 -r1 pass")
    assert set(main) - before == {"made"}


def test_a_name_of_ours_that_a_line_assigns_is_the_scripts(watched: Callable[..., Any], main: dict[str, Any]) -> None:
    console = watched().session.console
    console.run("step = 'mine'")
    assert main["step"] == "mine"
    assert console.run("step").value == "mine"
    console.run("del step")
    assert console.run("step").value == 2
    assert "step" not in main


def test_the_tensors_of_a_step_come_with_the_next_one(watched: Callable[..., Any]) -> None:
    training = watched(metrics={"nothing": "0.0"})
    answer = training.do("batch.shape, outputs.shape, loss.ndim, sorted(updates)[0]")
    assert answer.success, answer.data
    assert answer.data == "(torch.Size([8, 4]), torch.Size([8, 3]), 0, '0.bias')"
    assert training.do("grads.norm().item() > 0").data == "True"


def test_tensors_that_a_metric_has_kept_of_this_step_are_kept_of_the_next_as_well(watched: Callable[..., Any]) -> None:
    training = watched()
    training.session.metrics.add("float(batch.shape[0])", name="seen", every=4)
    training.run(20)
    assert training.session.console.run("1").success  # from now on a line is looked at by the very next step
    for _ in range(4):  # three steps each: every position to the metric's cadence comes up
        answer = training.do("batch.shape, sorted(updates)[0]")
        assert answer.success, answer.data
        training.run()


def test_a_view_is_fresh_after_a_line_has_changed_its_tensors(watched: Callable[..., Any]) -> None:
    training = watched()
    assert training.session.console.run("grads.norm().item()").value > 0
    training.session.console.run("for parameter in model.parameters():\n    parameter.grad.zero_()")
    assert training.session.console.run("grads.norm().item()").value == 0


def test_magics_commands_and_await(watched: Callable[..., Any], main: dict[str, Any]) -> None:
    console = watched().session.console
    assert "per loop" in console.run("%timeit -n1 -r1 1 + 1").text
    assert console.run("!echo one; echo two >&2; exit 3").text == "one\ntwo\n"
    assert console.run("_exit_code").value == 3
    assert console.run("lines = !echo three\nlines").value == ["three"]
    assert console.run("import asyncio\nawait asyncio.sleep(0, 'slept')").value == "slept"
    assert "Linear" in console.run("model?").text
    assert console.run("6 * 7;").text == ""
    assert console.run("%lsmagic").success


@pytest.mark.parametrize("code", ["exit()", "quit()", "exit", "import sys\nsys.exit(3)", "raise SystemExit(1)"])
def test_nothing_that_exits_ends_the_training(watched: Callable[..., Any], code: str) -> None:
    training = watched()
    answer = training.do(code)
    assert "session.stop() ends" in answer.data
    training.run(3)
    assert training.session.state == "running"


def test_a_stop_in_a_line_is_the_trainings(watched: Callable[..., Any]) -> None:
    training = watched()
    with pytest.raises(TrainingStopped):
        training.session.console.run("from bidviz_core.errors import TrainingStopped\nraise TrainingStopped()")


def test_a_line_that_raised_is_not_what_ends_the_run(watched: Callable[..., Any], tmp_path: Path) -> None:
    console = watched().session.console
    before = {name: getattr(sys, name, None) for name in ("last_exc", "last_type", "last_value", "last_traceback")}
    console.run("1 / 0")
    assert {name: getattr(sys, name, None) for name in before} == before
    assert "ZeroDivisionError" in console.run("%tb").text  # the console itself remembers it
    assert {name: getattr(sys, name, None) for name in before} == before
    # At the interpreter's end, a script that has come through has ended.
    script = """
import sys, torch, bidviz_core as bidviz
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
session = bidviz.watch(model, optimizer, dashboard=None, plugins=(), run_dir=sys.argv[1])
model(torch.ones(1, 2)).sum().backward()
optimizer.step()
assert not session.console.run("1 / 0").success
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "ended")], timeout=120, check=False)
    assert done.returncode == 0
    [folder] = (tmp_path / "ended").iterdir()
    assert bidviz.open_run(folder).state == "ended"


def test_standard_input_is_at_its_end(watched: Callable[..., Any]) -> None:
    assert "EOFError" in watched().session.console.run("input('?')").text


def test_the_process_is_left_as_it_was(watched: Callable[..., Any]) -> None:
    import builtins

    training = watched()

    def things() -> list[Any]:
        names = ("excepthook", "displayhook", "stdout", "stderr", "stdin", "path", "argv")
        found = [getattr(sys, name) for name in names]
        return [*found, sys.modules["__main__"], signal.getsignal(signal.SIGINT), sorted(vars(builtins))]

    before = things()
    assert not hasattr(sys, "ps1")
    for code in ("1", "1 / 0", "print(2)", "!true", "%who", "raise SystemExit", "display(3)"):
        training.session.console.run(code)
    assert things() == before
    assert not hasattr(sys, "ps1")
    from IPython import get_ipython

    assert get_ipython() is None
    assert training.session.console.run("from IPython import get_ipython as found\nfound() is get_ipython()").value


def test_random_states_are_left_to_the_training(watched: Callable[..., Any]) -> None:
    training = watched()
    console = training.session.console

    def states() -> list[Any]:
        return [random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()]

    before = states()
    for code in ("1", "1 / 0", "model", "%who", "!true", "import asyncio\nawait asyncio.sleep(0)"):
        console.run(code)
    console.complete("mod")
    assert states() == before
    console.run("torch.rand(1)")  # the person's own
    assert states() != before


def test_a_line_is_in_the_journal_with_its_code(watched: Callable[..., Any]) -> None:
    training = watched()
    number = training.line("x = 1\ny = 2")
    training.answer(number, steps=True)
    [entry] = [entry for entry in training.session.journal if entry.action == "evaluateCommand"]
    assert (entry.author, entry.summary, entry.success) == ("ada", "x = 1", True)
    assert entry.detail == {"code": "x = 1\ny = 2", "where": "boundary"}
    training.session.console.run("1 / 0")
    failed = training.session.journal[-1]
    assert not failed.success
    assert failed.detail["error"] == "ZeroDivisionError: division by zero"


def test_code_is_refused_where_the_script_says_so(watched: Callable[..., Any]) -> None:
    training = watched(allow_code=False)
    with pytest.raises(CommandError, match="allow_code=False"):
        training.session.console.run("1")
    for where in ("boundary", "service"):
        answer = training.answer(training.line("1", where), steps=where == "boundary")
        assert not answer.success
        assert "allow_code=False" in answer.data


@pytest.mark.parametrize("where", ["boundary", "service"])
def test_a_person_without_the_right_is_refused(watched: Callable[..., Any], where: str) -> None:
    training = watched()
    answer = training.answer(training.line("touched = 1", where, right="tune"), steps=where == "boundary")
    assert "needs the right 'code'" in answer.data


def test_lines_of_former_sessions_are_remembered(watched: Callable[..., Any]) -> None:
    first = watched()
    first.session.console.run("'a line of\\nlong ago'")
    first.session.close()
    second = watched()
    assert second.session.console.history(10) == ["'a line of\\nlong ago'"]
    assert "long ago" in second.session.console.run("%history -g").text


def test_a_history_that_is_damaged_or_too_long_is_read_as_far_as_it_can_be(state_dir: Any) -> None:
    history.append("first")
    path = state_dir / history.FILE
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(path.read_bytes() + b'"cut sh\n"last"\n')
    assert history.read() == ["first", "last"]
    history.append("x" * (history.LONGEST + 1))
    assert history.read() == ["first", "last"]
    path.write_bytes(b'"line"\n' * (history.MOST_BYTES // 7 + 2))
    history.append("newest")
    assert history.read()[-1] == "newest"
    assert path.stat().st_size < history.MOST_BYTES


def test_completions_know_live_objects_magics_and_modules(watched: Callable[..., Any], main: dict[str, Any]) -> None:
    training = watched()
    main["my_own_name"] = 1
    console = training.session.console
    assert "model" in console.complete("mod").matches
    found = console.complete("x = session.pau")
    assert found.matches[0] == "pause"
    assert found.start == 12
    assert "my_own_name" in console.complete("my_o").matches
    assert "%timeit" in console.complete("%tim").matches
    assert training.complete("torch.nn.funct")["matches"] == ["functional"]
    assert "grads" in console.complete("gra").matches
    middle = console.complete("torch.zer(3)", 9)
    assert "zeros" in middle.matches
    assert middle.start == 6
    assert console.complete("").start == 0
    assert console.complete("%%%", 99).start <= 3


def test_completions_do_not_wait_for_a_step(watched: Callable[..., Any]) -> None:
    training = watched()  # and no step is made from here on
    assert "model" in training.complete("mod")["matches"]


def test_run_from_another_thread_waits_for_the_boundary(watched: Callable[..., Any]) -> None:
    training = watched()
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(training.session.console.run("session.step")))
    thread.start()
    while thread.is_alive():
        training.run()
        thread.join(0.001)
    assert found[0].value == found[0].step > 2


def test_the_console_serves_without_ipython(
    watched: Callable[..., Any], main: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "IPython", None)  # as where it is not installed
    training = watched()
    console = training.session.console
    assert console.run("print('said')\n6 * 7").text == "said\n42"
    assert console.run("_").value == 42
    assert console.run("kept = 1\nimport asyncio\nawait asyncio.sleep(0, 'slept')").value == "slept"
    assert main["kept"] == 1
    assert "session.stop() ends" in console.run("exit()").text
    failed = console.run("1 / 0")
    assert "ZeroDivisionError" in failed.text
    assert "bidviz_core" not in failed.text
    assert "model" in console.complete("mod").matches
    assert "SyntaxError" in console.run("%who").text
