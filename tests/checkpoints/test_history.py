"""What was recorded before going back is not mixed up with what came after."""

from __future__ import annotations

from pathlib import Path

import bidviz_core as bidviz
from tests.support.rewound import Training


def test_history_shows_the_stretch_that_counts(tmp_path: Path) -> None:
    training = Training(tmp_path, workers=0)
    done = False
    with training.session as session:
        for batch in session.batches(training.loader, epochs=4):
            training.step(batch)
            session.log("pass", 2.0 if done else 1.0)
            if session.step == 10 and not done:
                session.checkpoints.save("here")
            if session.step == 40 and not done:
                done = True
                session.checkpoints.restore(training.saved("here").id)
                continue
            if done and session.step == 25:
                break
        columns = session.history("pass")
        few = session.history("pass", points=5)
    assert columns.step.tolist() == list(range(1, 26))
    assert columns.value.tolist() == [1.0] * 10 + [2.0] * 15
    assert few.total == 25
    assert few.high.max() == 2.0
    run = bidviz.open_run(session.run_dir)
    assert run.history("loss").step.tolist() == list(range(1, 26))
    entry = next(one for one in run.journal if one.action == "restoreCheckpoint")
    assert (entry.detail["from"], entry.detail["to"]) == (40, 10)
