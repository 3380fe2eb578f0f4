"""With the bundle at every step a training is the same to the bit: weights, buffers, optimizers, random numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.bundle_sessions import differences, lacks, trained_beside
from support.loops import LOOPS

import bidviz_metric_noise

STEPS = 40
#: Where the model's own forward pass is not called, or an example's gradient depends on the others.
WITHOUT = {"cnn_with_batch_norm", "moving_average_by_deepcopy", "two_optimizers", "compiled_fullgraph"}


@pytest.mark.parametrize("name", LOOPS)
def test_the_training_is_the_same_to_the_bit(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    bare = LOOPS[name](STEPS, lambda *_, **__: None)
    seen, session = trained_beside(name, STEPS, tmp_path, bidviz_metric_noise)
    assert differences(bare, seen) == []
    assert session.failures == []
    if name in WITHOUT:
        assert lacks(session)
    else:
        assert lacks(session) == {}
        assert len(session.history("noise/gradients/norm test").step) > STEPS // 2
