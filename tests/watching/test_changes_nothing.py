"""Watching changes nothing: weights, buffers, optimizer states and random numbers are the same to the bit."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.dashboards import Dashboard, running_dashboard
from support.loops import LOOPS

import bidviz_core as bidviz

STEPS = 200

DRAWING = "import random\ntorch.randn(3); np.random.rand(2); random.random()\nreturn torch.rand(())"
METRICS = {
    "fails": "1 / (step - 5)",
    "draws": DRAWING,
    "changes_weights": "params.tensors[0].add_(1)\nreturn 1",
    "evaluates": "model.eval()\nreturn 1",
    "gradients": "grads.norm()",
    "updates": "updates.norm() / params.norm()",
    "raw": "raw_grads.norm()",
    "outputs": "outputs.float().mean()",
    "targets": "targets.float().mean()",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One state folder for the dashboard and all its sessions: they are one user's."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[Dashboard]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIDVIZ_STATE_DIR", str(home))
        with running_dashboard(home / "runs") as found:
            yield found


@pytest.fixture
def dashboard(home: Path, running: Dashboard, monkeypatch: pytest.MonkeyPatch) -> Dashboard:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(home))
    return running


def watched(name: str, folder: Path, dashboard: Dashboard | None, guarded: bool = True) -> tuple[list[Any], Any]:
    """Runs a loop with everything that a person might have open beside it."""
    sessions: list[Any] = []
    with contextlib.ExitStack() as stack:

        def attach(model: Any, optimizer: Any, **options: Any) -> None:
            url = dashboard.url if dashboard is not None else None
            # Without a budget, by which a metric that is slow on a busy machine runs seldom: it is to run each time.
            options = {"dashboard": url, "run_dir": folder, "name": name, "budget": None, **options}
            session = bidviz.watch(model, optimizer, **options)
            stack.callback(session.close)
            sessions.append(session)
            if not guarded:
                session.engine.fence.random = None
            for key, code in METRICS.items():
                session.metrics.add(code, name=key)
            session.metrics.add("torch.rand(()) + params.norm()", name="in_the_worker", where="worker", every=20)
            if dashboard is not None:
                stack.enter_context(dashboard.browser(session.id))
            session.plugins.register(PauseOnce(session), "pause once")

        state = LOOPS[name](STEPS, attach)
    return state, sessions[0]


class PauseOnce:
    """Pauses the run at step 30; another thread resumes it, as a person would."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.paused = threading.Event()

    @bidviz.hookimpl
    def step_ended(self, session: Any, step: int) -> None:
        if step == 30:
            session.pause(author="person")
            threading.Thread(target=self._resume, daemon=True).start()

    def _resume(self) -> None:
        while not self._session.boundary.paused and not self._session.closed:
            self.paused.wait(0.01)
        self._session.resume(author="person")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", LOOPS)
def test_the_training_is_the_same_to_the_bit(name: str, tmp_path: Path, dashboard: Dashboard) -> None:
    bare = LOOPS[name](STEPS, lambda *_, **__: None)
    seen, session = watched(name, tmp_path, dashboard)
    assert_equal(bare, seen)
    assert session.step > STEPS // 2
    assert session.engine.slots["fails"].failure is not None
    assert session.engine.slots["draws"].runs > STEPS // 2
    assert any("paused" in entry.summary for entry in session.journal)
    assert len(bidviz.open_run(session.run_dir).history("loss").step) > STEPS // 2


def test_without_its_guard_a_drawing_metric_is_noticed(tmp_path: Path) -> None:
    """The control: what the tests above compare does differ when a guard is taken out."""
    bare = LOOPS["mlp_with_dropout"](STEPS, lambda *_, **__: None)
    seen, _ = watched("mlp_with_dropout", tmp_path, None, guarded=False)
    with pytest.raises(AssertionError):
        assert_equal(bare, seen)


def assert_equal(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_equal(one[key], other[key])
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            assert_equal(mine, theirs)
    else:
        assert one == other
