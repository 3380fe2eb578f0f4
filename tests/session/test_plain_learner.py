"""A learner that no adapter watches: what is said of its steps and of its rate."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

import bidviz_core as bidviz


def test_an_unknown_learner_is_told_how_to_be_watched(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Booster:
        pass

    with bidviz.watch(Booster(), dashboard=None, plugins=(), run_dir=tmp_path):
        said = "the steps of this Booster are those that the script tells with session.step_done(loss=…)."
        assert said in caplog.text


class Booster:
    rate = 0.5


def test_a_learner_without_a_rate_has_no_panel_of_one_until_it_has_one(tmp_path: Path) -> None:
    booster = Booster()
    with bidviz.watch(booster, dashboard=None, plugins=(), run_dir=tmp_path) as session:
        session.step_done(loss=1.0)
        assert list(session.metrics.slots) == ["loss"]
        session.expose("other", booster, "rate")
        assert "lr" not in session.metrics
        session.expose("lr", booster, "rate")
        session.step_done(loss=1.0)
        booster.rate = 0.25
        session.step_done(loss=1.0)
        assert session.history("lr").value.tolist() == [0.5, 0.25]
        assert [chart.title for chart in session.metrics["lr"].charts] == ["Learning rate"]
        session.metrics.remove("lr")
        session.expose("lr", booster, "rate")
        assert "lr" not in session.metrics  # somebody took it away


def test_a_rate_that_another_thread_exposes_has_its_panel_from_the_next_step_on(tmp_path: Path) -> None:
    with bidviz.watch(Booster(), dashboard=None, plugins=(), run_dir=tmp_path) as session:
        session.step_done(loss=1.0)
        thread = threading.Thread(target=session.expose, args=("lr", Booster(), "rate"), name="exposes")
        thread.start()
        thread.join()
        session.step_done(loss=1.0)
        session.step_done(loss=1.0)
        assert session.history("lr").value[-1] == 0.5


def test_a_rate_that_cannot_be_read_any_more_is_told_and_disturbs_no_step(tmp_path: Path) -> None:
    booster = Booster()
    booster.rate = 0.5
    with bidviz.watch(booster, dashboard=None, plugins=(), run_dir=tmp_path) as session:
        session.expose("lr", lambda: booster.__dict__["rate"])
        for _ in range(3):
            session.step_done(loss=1.0)
        del booster.__dict__["rate"]
        for _ in range(80):
            session.step_done(loss=1.0)
        assert [failure.name for failure in session.failures] == ["lr"]
        assert session.history("lr").step.tolist() == [1, 2, 3]
        assert session.history("loss").step.tolist() == list(range(1, 84))


@pytest.mark.parametrize("number", [float, np.float64, np.float32])
def test_a_step_of_plain_numbers_alone_takes_the_short_way(tmp_path: Path, number: type[float]) -> None:
    booster = Booster()
    with bidviz.watch(booster, dashboard=None, plugins=(), run_dir=tmp_path) as session:
        session.expose("lr", booster, "rate")
        long = []
        for step in range(1, 201):
            session.step_done(loss=number(step), minibatch=[step], share=number(0.5), other=1.0)
            if session.boundary._marked_step == step:
                long.append(step)
            assert session.learner.minibatch is None  # whoever took it would keep it beside the next one
        assert len(long) < 20, long
        assert session.history("loss").value.tolist() == list(range(1, 201))
        assert session.history("lr").value.tolist() == [0.5] * 200
        assert session.history("share").value.tolist() == [0.5] * 200
        assert not session.channel._rows  # numbers of numpy are packed like any others


def test_a_loss_that_comes_now_and_then_is_recorded_then(tmp_path: Path) -> None:
    with bidviz.watch(Booster(), dashboard=None, plugins=(), run_dir=tmp_path) as session:
        for step in range(1, 101):
            session.step_done(loss=step if step % 2 else None)
        assert session.history("loss").step.tolist() == list(range(1, 101, 2))


def test_what_a_short_step_records_is_in_the_account_of_what_watching_costs(tmp_path: Path) -> None:
    with bidviz.watch(Booster(), dashboard=None, plugins=(), run_dir=tmp_path) as session:
        boundary = session.boundary
        short = 0
        for step in range(1, 101):
            before = boundary._unbooked
            session.step_done(loss=1.0, share=0.5)
            if boundary._marked_step != step:
                short += 1
                assert boundary._unbooked > before
        assert short > 80
