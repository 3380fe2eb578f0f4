"""What rules tell: kept in order, written once, shown live, and still there when the run has ended."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.dashboards import running_dashboard

import bidviz_core as bidviz
from bidviz_core.health import MOST_RULES


def entries(session: Any) -> list[tuple[int, str]]:
    return [(entry.step, entry.summary) for entry in session.journal if entry.action == "health"]


def test_a_finding_begins_worsens_and_goes(train: Callable[..., Any]) -> None:
    training = train()
    session = training.session
    training.run(5)
    session.health.tell("DeadRelu", "warning", "half of layer 1 is dead", session.step, series="act/dead", chart="Dead")
    training.run(5)
    session.health.tell("DeadRelu", "bad", "all of layer 1 is dead", session.step, series="act/dead", action="paused")
    found = session.health["DeadRelu"]
    assert (found.level, found.step, found.since, found.action) == ("bad", 10, 5, "paused")
    training.run(2)
    session.health.clear("DeadRelu", session.step)
    found = session.health["DeadRelu"]
    assert (found.level, found.step, found.since, found.text) == ("ok", 12, 5, "all of layer 1 is dead")
    session.health.tell("DeadRelu", "warning", "again", 20)
    assert (session.health["DeadRelu"].since, session.health["DeadRelu"].action) == (20, "")
    assert [step for step, _ in entries(session)] == [5, 10, 12, 20]
    assert entries(session)[2][1] == "DeadRelu cleared: it had stood since step 5"


def test_what_does_not_change_is_written_once(train: Callable[..., Any]) -> None:
    session = train().session
    first = session.health.tell("Plateau", "warning", "the loss stands still", 7)
    assert session.health.tell("Plateau", "warning", "the loss stands still", 8) is first
    session.health.tell("Plateau", "warning", "the loss stands still, now for 9 steps", 9)
    assert len(entries(session)) == 1
    assert session.health["Plateau"].text.endswith("9 steps")
    assert session.health["Plateau"].since == 7
    session.health.clear("Plateau", 10)
    session.health.clear("Plateau", 11)
    session.health.clear("never told", 11)
    assert len(entries(session)) == 2
    assert "never told" not in session.health
    assert len(session.health) == 1


def test_those_that_stand_come_first(train: Callable[..., Any]) -> None:
    health = train().session.health
    health.tell("A", "warning", "a", 1)
    health.tell("B", "bad", "b", 2)
    health.tell("C", "warning", "c", 3)
    health.clear("C", 4)
    health.tell("D", "warning", "d", 5)
    assert [found.rule for found in health] == ["B", "D", "A", "C"]


def test_what_is_no_level_is_refused(train: Callable[..., Any]) -> None:
    health = train().session.health
    with pytest.raises(bidviz.BidvizError, match="'fatal'; expected 'ok', 'warning' or 'bad'"):
        health.tell("A", "fatal", "a", 1)
    with pytest.raises(KeyError, match="those that have: none"):
        health["A"]
    assert health.tell("A", "ok", "nothing", 1).level == "ok"
    assert not list(health)


def test_many_rules_do_not_grow_without_bound(train: Callable[..., Any]) -> None:
    health = train().session.health
    for number in range(MOST_RULES):
        health.tell(f"rule {number}", "warning", "text", number)
    health.clear("rule 150", MOST_RULES)
    health.tell("one more", "bad", "text", MOST_RULES + 1)
    assert len(health) == MOST_RULES
    assert "rule 150" not in health
    assert "rule 0" in health


def test_a_run_that_has_ended_shows_its_health(train: Callable[..., Any]) -> None:
    training = train()
    session = training.session
    training.run(3)
    session.health.tell("NanLoss", "bad", "the loss is NaN", 3, series="loss")
    session.health.tell("Plateau", "warning", "it stands still", 3)
    session.health.clear("Plateau", 3)
    session.close()
    run = bidviz.open_run(session.run_dir)
    assert [(one.rule, one.level, one.series) for one in run.health] == [
        ("NanLoss", "bad", "loss"),
        ("Plateau", "ok", ""),
    ]
    assert [entry.detail["level"] for entry in run.journal if entry.action == "health"] == ["bad", "warning", "ok"]


def test_browsers_are_told(train: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_dashboard(tmp_path) as dashboard, ThreadPoolExecutor(1) as pool:
        monkeypatch.delenv("BIDVIZ_DASHBOARD", raising=False)
        training = train(dashboard=dashboard.url)
        session = training.session

        def while_training(function: Callable[[], Any]) -> Any:
            asked = pool.submit(function)
            while not asked.done():
                training.run(1)
            return asked.result()

        def of(level: str) -> Callable[[dict[str, Any]], bool]:
            return lambda message: (
                message["msgType"] == "health"
                and [(one["rule"], one["level"]) for one in message["content"]["health"]] == [("DeadRelu", level)]
            )

        with while_training(lambda: dashboard.browser(session.id)) as browser:
            session.health.tell("DeadRelu", "warning", "half is dead", session.step, series="loss")
            content = while_training(lambda: browser.wait_for(of("warning")))["content"]
            assert content["run"] == session.id
            assert content["health"][0].items() >= {"text": "half is dead", "series": "loss", "action": ""}.items()
            while_training(lambda: browser.wait_for(lambda m: m["msgType"] == "journal" and "DeadRelu" in str(m)))
            session.health.clear("DeadRelu", session.step)
            while_training(lambda: browser.wait_for(of("ok")))
        session.health.tell("DeadRelu", "bad", "all is dead", session.step)

        def bad_in_catalogue(message: dict[str, Any]) -> bool:
            if message["msgType"] != "catalogue":
                return False
            return [one["level"] for one in message["content"]["health"]] == ["bad"]

        with while_training(lambda: dashboard.browser(session.id)) as later:  # whoever comes later sees it as well
            while_training(lambda: later.wait_for(bad_in_catalogue))
        session.close()
        with dashboard.browser(session.id) as after:  # and whoever comes when all is over
            after.wait_for(bad_in_catalogue)
