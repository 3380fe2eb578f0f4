"""A run that went back to a checkpoint: its replay does what led to where it then was, and nothing that was undone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

import bidviz_core as bidviz

from .conftest import Run, same

EPOCHS = 7


def train(run: Run, hand: Callable[[Any, int], None] | None = None) -> list[torch.Tensor]:
    for inputs, targets in run.session.batches(run.loader, epochs=EPOCHS):
        run.optimizer.zero_grad()
        nn.functional.cross_entropy(run.model(inputs), targets).backward()
        run.optimizer.step()
        if hand is not None:
            hand(run.session, run.session.step)
    return run.state()


def test_what_a_rewind_made_undone_is_not_done_again(start: Callable[..., Run], tmp_path: Path) -> None:
    seen: list[int] = []
    refused: list[str] = []

    def hand(session: Any, step: int) -> None:
        first = step not in seen
        seen.append(step)
        person = {"author": "person"}
        if step == 10:
            session.hyperparameters.set("lr", 0.07, **person)
            session.policies.add("weight_decay", "0.001 * step")
        elif step == 20 and first:
            session.checkpoints.save("here")
        elif step == 25:
            session.hyperparameters.set("lr", 0.5 if first else 0.02, **person)
        elif step == 30 and first:
            change = session.model_changes.apply("freeze", "0", **person)
            refused.append(change.data["number"])
        elif step == 34 and first:
            (kept,) = [one for one in session.checkpoints if one.label == "here"]
            reply = session.checkpoints.restore(kept.id)
            assert reply.success, reply.data
        elif step == 32 and not first:
            refused.append(session.model_changes.undo(refused[0]).data)

    run = start()
    end = train(run, hand)
    assert len(seen) > EPOCHS * 8, "it went back"
    assert "went back to before entry" in refused[1]
    path = run.session.journal.export(tmp_path / "rewound.json")
    replay = bidviz.replay(path)
    assert same(end, train(start(plugins=[replay])))
    assert not replay.problems
    text = run.session.journal.export(tmp_path / "rewound.py").read_text()
    assert "0.5" not in text
