"""Version 2 of the protocol, and messages that do not fit any."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.clients import Client, wait_for_run
from support.scripted_session import ScriptedSession

from bidviz_core.endpoint import Endpoint
from bidviz_core.messages.notifications import Callback, CallbackContent, ConsoleMessage, Progress, ProgressContent
from bidviz_core.messages.steered import ConsoleContent

Join = Callable[..., Client]
Follow = Callable[..., Client]


def test_hello_says_version_and_right(join: Join) -> None:
    answer = join("tune").ask("hello", {"versions": [1, 2, 7]})
    assert answer["data"]["version"] == 2
    assert answer["data"]["right"] == "tune"


def test_a_follower_gets_catalogue_status_and_every_batch(session: ScriptedSession, follow: Follow) -> None:
    client = follow()
    assert client.wait("catalogue")["run"]["id"] == session.info.id
    assert client.wait("status")["status"]["state"] == "running"
    sent = [session.advance(4) for _ in range(10)]
    client.until(lambda: len([1 for header, _ in client.frames if header["type"] == "batch"]) == 10)
    header, buffers = client.frames[-1]
    assert header["sequence"] == 10
    np.testing.assert_array_equal(buffers[0], sent[-1].scalars[0].steps)
    np.testing.assert_array_equal(buffers[2], sent[-1].scalars[0].values)


def test_who_comes_back_gets_what_it_missed_and_no_more(session: ScriptedSession, follow: Follow) -> None:
    first = follow()
    for _ in range(10):
        session.advance()
    first.until(lambda: any(header["sequence"] == 10 for header, _ in first.frames))
    second = follow(since=7)
    second.until(lambda: len(second.frames) >= 3)
    session.advance()
    second.until(lambda: second.frames[-1][0]["sequence"] == 11)
    batches = [header["sequence"] for header, _ in second.frames if header["type"] == "batch"]
    assert batches == [8, 9, 10, 11]
    assert not second.of("gap")


def test_history_and_live_frames_join_without_a_gap(session: ScriptedSession, follow: Follow) -> None:
    for _ in range(200):
        session.advance(2)
    session.beat()
    client = follow()
    answer = client.ask("history", {"run": session.info.id, "series": ["loss", "not_there"], "points": None})
    assert answer["success"]
    histories = {
        header["series"]: (header, buffers) for header, buffers in client.frames if header["type"] == "history"
    }
    header, buffers = histories["loss"]
    assert header["id"] == answer["id"]
    assert header["sequence"] == 200
    assert header["total"] == 400
    np.testing.assert_array_equal(buffers[0], np.arange(1, 401))
    assert [len(buffer) for buffer in histories["not_there"][1]] == [0] * 6
    client.until(lambda: any(one["type"] == "batch" and one["sequence"] == 200 for one, _ in client.frames))
    live = [one["sequence"] for one, _ in client.frames if one["type"] == "batch"]
    assert live[0] <= header["sequence"] + 1


def test_array_history_gives_the_last_records(session: ScriptedSession, follow: Follow) -> None:
    for _ in range(41):
        session.advance()
    session.beat()
    client = follow()
    answer = client.ask("arrayHistory", {"run": session.info.id, "series": "weights", "count": 2})
    found = [(header, buffers) for header, buffers in client.frames if header.get("id") == answer["id"]]
    assert [header["step"] for header, _ in found] == [21, 41]
    assert found[0][0]["value"]["kind"] == "histogram"
    assert found[0][1][0].sum() == 1000


def test_journal_and_layout_are_kept(session: ScriptedSession, follow: Follow) -> None:
    client = follow()
    client.ask("pauseTraining", True)
    assert client.wait("journal")["entry"]["action"] == "pauseTraining"
    session.beat()
    entries = client.ask("getJournal", {"run": session.info.id})["data"]
    assert [entry["action"] for entry in entries] == ["pauseTraining"]
    layout = {"panels": [{"series": "loss", "x": 0}]}
    assert client.ask("getLayout", {"run": session.info.id})["data"] is None
    assert client.ask("saveLayout", {"run": session.info.id, "layout": layout})["success"]
    assert client.ask("getLayout", {"run": session.info.id})["data"] == layout
    assert client.ask("saveLayout", {"run": session.info.id, "layout": None})["success"]


def test_saved_metrics_of_all_runs_are_listed_the_newest_first(
    session: ScriptedSession, follow: Follow, endpoint: Endpoint, house: Path
) -> None:
    other = ScriptedSession(endpoint, house / "runs", "other")
    other.close()
    kept = {"name": "kept", "code": "loss", "origin": "person"}
    for of, file, mtime in ((session, "old.json", 1_000), (other, "new.json", 2_000)):
        stats = {"kept": kept, "loss": {**kept, "origin": "built-in"}, "empty": {**kept, "code": ""}}
        path = Path(of.info.folder, file)
        path.write_text(json.dumps({"bidviz_metrics": 1, "stats": stats}))
        os.utime(path, (mtime, mtime))
    folder = Path(session.info.folder)
    for file, text in (("broken.json", "{"), ("list.json", "[1]"), ("other.json", '{"stats": {}}')):
        (folder / file).write_text(text)
    (folder / "link.json").symlink_to(folder / "old.json")
    answer = follow("view").ask("listSavedMetrics", {"run": session.info.id})
    assert answer["data"] == [
        {"of": other.info.id, "name": "other", "file": "new.json", "time": 2_000.0, "metrics": ["kept"]},
        {"of": session.info.id, "name": "scripted", "file": "old.json", "time": 1_000.0, "metrics": ["kept"]},
    ]


def test_progress_goes_to_who_asked_and_to_nobody_else(session: ScriptedSession, follow: Follow) -> None:
    asking, looking = follow(), follow("view")

    def install(order) -> None:  # type: ignore[no-untyped-def]
        session.link.send(Progress(ProgressContent(order.id, "Collecting things")))
        session.link.send(Callback(CallbackContent(order.id, True, "done", 3)))

    session.answer = install
    answer = asking.ask("installBundle", {"requirement": "bidviz-metric-x", "run": session.info.id})
    assert answer["data"] == "done"
    assert answer["step"] == 3
    assert asking.wait("progress")["text"] == "Collecting things"
    assert asking.wait("progress")["id"] == answer["id"]
    assert not looking.of("progress")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{not json", "JSON is malformed"),
        ("[]", 'Expected {"id"'),
        ('"text"', 'Expected {"id"'),
        (b"\xff\xfe\x00", 'Expected {"id"'),
        ("{}", 'Expected {"id"'),
    ],
)
def test_what_is_no_request_is_answered_with_what_was_expected(join: Join, text: str | bytes, expected: str) -> None:
    client = join().hello()
    client.send(text)
    assert expected in client.wait("error_message")["msg"]
    assert client.ask("hello", {"versions": [2]})["success"]


def test_an_unknown_method_is_told_the_known_ones(join: Join) -> None:
    client = join().hello()
    answer = client.ask("explode", 3)
    assert not answer["success"]
    assert "'explode'" in answer["data"]
    assert "addFunction" in answer["data"]


def test_a_wrong_content_is_told_what_is_missing(join: Join) -> None:
    client = join().hello()
    client.send(json.dumps({"id": [1, "any"], "content": {"methodName": "history", "content": {"run": 7}}}))
    answer = client.wait("callback", lambda content: content["id"] == [1, "any"])
    assert not answer["success"]
    assert "$.content.content" in answer["data"]


@pytest.mark.parametrize(
    ("method", "content"),
    [
        ("subscribe", {"run": "nowhere"}),
        ("history", {"run": "nowhere", "series": ["loss"]}),
        ("getJournal", {"run": "../../etc"}),
        ("getLayout", {"run": "nowhere"}),
        ("getStacks", {"run": "nowhere"}),
        ("addMetric", {"run": "nowhere", "name": "a", "code": "1"}),
    ],
)
def test_a_run_that_is_not_there_is_named(join: Join, method: str, content: dict[str, object]) -> None:
    answer = join().hello().ask(method, content)
    assert not answer["success"]
    assert f"There is no run {content['run']!r}" in answer["data"]


def test_a_wrong_resolution_is_refused_with_a_sentence(session: ScriptedSession, follow: Follow) -> None:
    session.advance()
    session.beat()
    client = follow()
    answer = client.ask("history", {"run": session.info.id, "series": ["loss"], "points": 0})
    assert not answer["success"]
    assert "points is 0" in answer["data"]


def test_orders_that_a_session_left_unanswered_are_answered_when_it_goes(house, endpoint, join: Join) -> None:  # type: ignore[no-untyped-def]
    session = ScriptedSession(endpoint, house / "runs", "forgetful")
    session.answer = lambda order: None
    session.link.start()
    client = join("code", session.info.id).hello()
    wait_for_run(client, session.info.id)
    client.send(json.dumps({"id": "x", "content": {"methodName": "evaluateCommand", "content": {"code": "1"}}}))
    assert session.ordered.wait(20)
    session.close()
    answer = client.wait("callback", lambda content: content["id"] == "x")
    assert not answer["success"]
    assert "went away" in answer["data"]


def test_the_table_has_ended_runs_with_their_states(house, endpoint, join: Join) -> None:  # type: ignore[no-untyped-def]
    session = ScriptedSession(endpoint, house / "runs", "soon-over")
    session.link.start()
    client = join("view").hello()
    wait_for_run(client, session.info.id)
    session.advance()
    session.close("failed")

    def row() -> bool:
        rows = client.of("runs")[-1]
        return any(one["run"]["id"] == session.info.id and one["status"]["state"] == "failed" for one in rows)

    client.until(row)


def test_a_run_without_a_dashboard_is_shown_from_its_file(house, endpoint, join: Join) -> None:  # type: ignore[no-untyped-def]
    session = ScriptedSession(endpoint, house / "runs", "alone")  # its link is never started
    session.advance(5)
    session.beat()
    client = join("view").hello()
    assert client.ask("subscribe", {"run": session.info.id})["success"]
    assert client.wait("catalogue")["run"]["name"] == "alone"
    assert client.wait("status")["status"]["step"] == 5
    answer = client.ask("history", {"run": session.info.id, "series": ["loss"]})
    assert answer["success"]
    assert len(client.frames[0][1][0]) == 5
    refused = join("code").hello().ask("addMetric", {"run": session.info.id, "name": "a", "code": "1"})
    assert "not connected to this dashboard" in refused["data"]
    session.close()


def test_what_a_console_line_gives_goes_to_whoever_typed_it(session: ScriptedSession, follow: Follow) -> None:
    typing, looking = follow(), follow()

    def run(order) -> None:  # type: ignore[no-untyped-def]
        content = ConsoleContent(run=session.info.id, cell="c", kind="stdout", text="said", id=order.id)
        session.link.send(ConsoleMessage(content))
        session.link.send(Callback(CallbackContent(order.id, True, "said", 3)))

    session.answer = run
    answer = typing.ask("evaluateCommand", {"code": "print('said')", "cell": "c"})
    said = typing.wait("console")
    assert (said["cell"], said["text"], said["id"]) == ("c", "said", answer["id"])
    assert looking.ask("hello", {"versions": [2]})["success"]
    assert looking.of("console") == []
