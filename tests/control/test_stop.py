"""Stop: in a loop of ours, in a loop of the script's own, and in a script that knows nothing of it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.warm import TRAININGS

import bidviz_core as bidviz
from bidviz_core.errors import TrainingStopped
from bidviz_core.store import StoreReader
from tests.support.rewound import Training

SCRIPT = """
import sys, torch, bidviz_core as bidviz
from torch import nn
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
session = bidviz.watch(model, optimizer, dashboard=None, plugins=(), run_dir=sys.argv[1], name="foreign")
try:
    while True:
        try:
            optimizer.zero_grad()
            model(torch.randn(4, 3)).sum().backward()
            optimizer.step()
            if session.step == 5:
                session.stop()
        except Exception:
            pass
finally:
    print("unwound")
    {finally_}
print("never")
"""


def test_a_loop_of_ours_ends_and_the_script_goes_on(train: Callable[..., Training]) -> None:
    training = train()
    session = training.session
    for batch in session.batches(training.loader, epochs=100):
        training.step(batch)
        if session.step == 7:
            session.stop()
    assert session.step == 7
    assert session.state == "stopped"
    assert list(session.batches(training.loader)) == []  # a script's own loop over epochs comes to its end too
    training.step(next(iter(training.loader)))  # what the script does afterwards is its own
    assert session.step == 8
    before = time.time()
    session.close()
    assert session.state == "stopped"
    assert bidviz.open_run(session.run_dir).state == "stopped"
    assert StoreReader(session.run_dir).status().since >= before, "when it ended, not when it began"


def test_a_foreign_loop_is_ended_by_an_exception_that_the_session_takes_in(train: Callable[..., Training]) -> None:
    training = train()
    batch = next(iter(training.loader))
    with training.session as session:
        while True:
            training.step(batch)
            if session.step == 4:
                session.stop()
    assert session.step == 5
    assert session.state == "stopped"


def test_a_stop_while_paused_makes_no_further_step(train: Callable[..., Training]) -> None:
    training = train(paused=True)
    session = training.session
    threading.Timer(0.2, session.stop).start()
    with pytest.raises(TrainingStopped, match="stopped at step 1"):
        training.step(next(iter(training.loader)))
    assert session.step == 1


@pytest.mark.parametrize("finally_", ["pass", "session.close()"])
def test_a_script_that_knows_nothing_ends_with_status_0(finally_: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT.replace("{finally_}", finally_), str(tmp_path)]
    done = TRAININGS.run(command, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "unwound\n"
    assert "Traceback" not in done.stderr
    assert "foreign was stopped at step 6" in done.stderr
    run = bidviz.open_run(next(tmp_path.iterdir()))
    assert run.state == "stopped"
    assert [entry.action for entry in run.journal] == ["stopTraining"]


def test_the_hooks_are_put_back(train: Callable[..., Training]) -> None:
    before = sys.excepthook, threading.excepthook
    training = train()
    with training.session as session:
        session.stop()
        training.step(next(iter(training.loader)))
    assert (sys.excepthook, threading.excepthook) == before
