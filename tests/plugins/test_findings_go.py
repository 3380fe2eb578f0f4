"""What the rules of a bundle have found goes with the bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

import bidviz_core as bidviz

NAME = "bidviz-metric-rules"
CODE = """
    import bidviz_core as bidviz

    @bidviz.metric
    def looked(step, learner):
        return step

    @bidviz.hookimpl
    def register_metrics():
        return [looked]

    @bidviz.hookimpl
    def step_ended(session, step):
        session.health.tell("Steps", "warning", f"{step} steps are many", step, "looked")
        if step == 2:
            session.health.tell("Gone", "warning", "this was something", step)
            session.health.clear("Gone", step)
"""


def test_what_rules_have_found_goes_with_their_bundle(site: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    site.put(NAME, "0.1.0", {"bidviz_metric_rules/__init__.py": CODE})
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with bidviz.watch(model, optimizer, dashboard=None, plugins=[NAME], run_dir=tmp_path / "runs") as session:

        def train() -> None:
            for _ in range(3):
                optimizer.zero_grad()
                model(torch.ones(4, 2)).sum().backward()
                optimizer.step()

        session.health.tell("Own", "bad", "the script itself says so", 0)
        train()
        assert [one.rule for one in session.health] == ["Own", "Steps", "Gone"]
        session.plugins.reload(NAME)
        assert "Steps" in session.health  # its rules go on, with other code
        session.plugins.unload(NAME)
        assert [one.rule for one in session.health] == ["Own"]
        said = [entry.summary for entry in session.journal if entry.action == "health"]
        assert said[-1] == f"Steps is looked after no more: {NAME} 0.1.0 was unloaded"
        train()
        session.plugins.load(NAME)
        train()
        assert "Steps" in session.health
    assert [one.rule for one in bidviz.open_run(session.run_dir).health] == ["Own", "Steps"]
