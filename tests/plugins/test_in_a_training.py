"""Bundles beside a real training: what they do wrong is told, and the training goes on."""

from __future__ import annotations

import random
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import bidviz_core as bidviz
from bidviz_core.errors import PluginError
from bidviz_core.store import StoreReader

from .samples import NAME, sample


class Loop:
    """A tiny training."""

    def __init__(self, folder: Path) -> None:
        torch.manual_seed(0)
        self.model = torch.nn.Linear(3, 2)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)
        self.session: Any = bidviz.watch(
            self.model, self.optimizer, dashboard=None, run_dir=folder, plugins=(), budget=None
        )

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            self.optimizer.zero_grad()
            self.model(torch.ones(4, 3)).square().mean().backward()
            self.optimizer.step()

    def step_until(self, done: Callable[[], bool]) -> None:
        for _ in range(100_000):
            self.step()
            if done():
                return
        raise AssertionError("it never came")


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loop]:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    made = Loop(tmp_path / "runs")
    yield made
    made.session.close()


def test_an_observer_that_exits_does_not_end_the_training(loop: Loop) -> None:
    @bidviz.hookimpl
    def step_ended(step: int) -> None:
        if step == 3:
            raise SystemExit(3)

    loop.session.plugins.register(SimpleNamespace(step_ended=step_ended), "quitter")
    loop.step(5)
    assert loop.session.step == 5
    loop.session.close()
    failures = StoreReader(loop.session.run_dir).failures()
    assert [(failure.source, failure.name, failure.step) for failure in failures] == [("plugin", "quitter", 3)]
    assert "The plugin 'quitter' was set aside: step_ended raised SystemExit: 3" in failures[0].message


def test_a_bundle_that_is_loaded_by_another_thread_comes_at_a_boundary(site: Any, loop: Loop) -> None:
    site.put(
        NAME,
        "0.1.0",
        sample(
            1.5,
            more="\n\n@bidviz.hookimpl\ndef register_policies():\n    import threading\n"
            "    yield bidviz.policy(lambda step: step, name=threading.current_thread().name)",
        ),
    )
    answers: list[Any] = []
    caller = threading.Thread(target=lambda: answers.append(loop.session.plugins.load(NAME)), name="caller")
    caller.start()
    loop.step_until(lambda: not caller.is_alive())
    caller.join()
    assert answers[0].state == "loaded"
    assert [policy.name for policy in loop.session.plugins.policies] == [threading.current_thread().name]
    loop.step(3)
    assert loop.session.history("constant").value[-1] == 1.5


def test_a_broken_bundle_is_told_and_stored(site: Any, loop: Loop) -> None:
    site.put(NAME, "0.1.0", {"bidviz_metric_sample/__init__.py": "import bidviz_missing_module"})
    loop.step(2)
    with pytest.raises(PluginError, match="No module named 'bidviz_missing_module'"):
        loop.session.plugins.load(NAME)
    loop.step(2)
    assert loop.session.step == 4
    loop.session.close()
    failure = StoreReader(loop.session.run_dir).failures()[0]
    assert (failure.source, failure.name) == ("plugin", NAME)
    assert "ModuleNotFoundError" in failure.traceback


DRAWS = """
import random
import numpy as np
import torch
def draw():
    random.seed(1), random.gauss(0, 1), np.random.seed(1), np.random.randn(3), torch.manual_seed(1), torch.randn(3)
draw()
"""


def next_draws() -> list[Any]:
    return [random.random(), np.random.randn(3).tolist(), torch.randn(3).tolist()]


@pytest.mark.parametrize("fails", [False, True])
def test_what_a_bundle_draws_while_it_is_loaded_is_not_drawn_from_the_training(
    site: Any, loop: Loop, fails: bool
) -> None:
    more = "\n@bidviz.hookimpl\ndef register_policies():\n    draw()\n    return []\n"
    more += "@bidviz.hookimpl\ndef register_hyperparameters(session):\n    draw()\n"
    files = sample(1.5, more=more)
    code = DRAWS + textwrap.dedent(files["bidviz_metric_sample/__init__.py"])
    files["bidviz_metric_sample/__init__.py"] = code + ("\nraise OSError('no such disk')\n" if fails else "")
    site.put(NAME, "0.1.0", files)

    def seed() -> None:
        random.seed(7)
        np.random.seed(7)
        torch.manual_seed(7)

    seed()
    expected = next_draws()
    seed()
    if fails:
        with pytest.raises(PluginError, match="no such disk"):
            loop.session.plugins.load(NAME)
    else:
        assert loop.session.plugins.load(NAME).state == "loaded"
    assert next_draws() == expected
    seed()
    plugin = SimpleNamespace(register_policies=bidviz.hookimpl(lambda: [torch.randn(1), random.random()][:0]))
    loop.session.plugins.register(plugin, "drawer")
    assert next_draws() == expected


def test_a_metric_that_asks_for_what_nobody_knows_is_left_out(site: Any, loop: Loop) -> None:
    files = sample(1.5)
    files["bidviz_metric_sample/metrics.py"] += (
        "\n            @bidviz.metric\n            def odd(gradients):\n                return 1\n"
    )
    files["bidviz_metric_sample/__init__.py"] = (
        files["bidviz_metric_sample/__init__.py"]
        .replace("import constant", "import constant, odd")
        .replace("[constant]", "[constant, odd]")
    )
    site.put(NAME, "0.1.0", files)
    info = loop.session.plugins.load(NAME)
    assert info.state == "loaded"
    assert "'odd' asks for 'gradients', which is not known. Did you mean 'grads'?" in info.error


def with_policy(factor: float) -> dict[str, str]:
    """A bundle with a policy that gives `factor` for the rate."""
    return sample(
        1.5,
        more="\n\n@bidviz.hookimpl\ndef register_policies():\n"
        f"    yield bidviz.policy(lambda step, scale: {factor} * scale, name='steady', params={{'scale': 1.0}})",
    )


def test_an_armed_policy_goes_with_its_bundle(site: Any, loop: Loop) -> None:
    session = loop.session
    site.put(NAME, "0.1.0", with_policy(0.25))
    session.plugins.load(NAME)
    session.policies.add("lr", session.policies.named("steady", {"scale": 2.0}), author="me")
    loop.step(2)
    assert session.hyperparameters.effective("lr") == 0.5
    site.put(NAME, "0.2.0", with_policy(0.125))
    session.plugins.reload(NAME)
    loop.step(2)
    assert session.hyperparameters.effective("lr") == 0.25, "the new code, with the parameters that were filled in"
    assert session.policies["lr"].origin == f"{NAME} 0.2.0"
    assert session.policies["lr"].author == "me"
    session.plugins.unload(NAME)
    loop.step(2)
    armed = session.policies["lr"]
    assert armed.state == "disarmed"
    assert f"{NAME} 0.2.0, which brought it, was unloaded; lr stays at 0.25" in armed.note
    assert session.hyperparameters.effective("lr") == 0.25
