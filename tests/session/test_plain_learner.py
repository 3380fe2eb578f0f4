"""A learner that no adapter watches: what is said of its steps and of its rate."""

from __future__ import annotations

from pathlib import Path

import pytest

import bidviz_core as bidviz


def test_an_unknown_learner_is_told_how_to_be_watched(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Booster:
        pass

    with bidviz.watch(Booster(), dashboard=None, plugins=(), run_dir=tmp_path):
        said = "the steps of this Booster are those that the script tells with session.step_done(loss=…)."
        assert said in caplog.text


def test_a_learner_without_a_rate_says_so_until_it_has_one(tmp_path: Path) -> None:
    class Booster:
        rate = 0.5

    booster = Booster()
    with bidviz.watch(booster, dashboard=None, plugins=(), run_dir=tmp_path) as session:
        session.step_done(loss=1.0)
        assert "has no learning rate" in session.engine.slot("lr").reason
        session.expose("lr", booster, "rate")
        session.step_done(loss=1.0)
        session.step_done(loss=1.0)
        assert session.history("lr").value[-1] == 0.5
        assert session.engine.slot("lr").reason == ""
