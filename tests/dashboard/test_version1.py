"""Version 1 of the protocol: a client that never says hello."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

from support.clients import Client, wait_for_run
from support.scripted_session import ScriptedSession

Join = Callable[..., Client]


def test_streams_data_points_at_once_to_who_never_says_hello(session: ScriptedSession, join: Join) -> None:
    wait_for_run(join().hello(), session.info.id)
    client = join("view", session.info.id)
    client.ask("getCode", {"name": "loss"})  # an answer says that it follows
    session.advance(3)
    point = client.wait("data_point", lambda content: content["name"] == "loss" and content["ipass"] == 2)
    assert point["shape"] == [1, 1]
    assert point["type"] == "LineChart"
    assert math.isclose(point["data"][0], math.exp(-2 / 500) * (1 + 0.1 * math.sin(2 / 7)))
    steps = [content["ipass"] for content in client.of("data_point") if content["name"] == "loss"]
    assert steps == [1, 2, 3]


def test_a_number_without_a_word_in_json_is_sent_as_text(session: ScriptedSession, join: Join) -> None:
    wait_for_run(join().hello(), session.info.id)
    client = join("view", session.info.id)
    client.ask("getCode", {"name": "loss"})
    session.advance(400)  # the gradient norm of step 400 is no number
    point = client.wait("data_point", lambda content: content["name"] == "grad_norm" and content["ipass"] == 400)
    assert point["data"] == ["NaN"]


def test_a_histogram_comes_as_rows_of_left_edge_and_count(session: ScriptedSession, join: Join) -> None:
    wait_for_run(join().hello(), session.info.id)
    client = join("view", session.info.id)
    client.ask("getCode", {"name": "loss"})
    session.advance()
    point = client.wait("data_point", lambda content: content["name"] == "weights")
    assert point["shape"] == [30, 2]
    assert point["type"] == "ColumnChart"
    assert sum(point["data"][1::2]) == 1000
    assert point["data"][0::2] == sorted(point["data"][0::2])


def test_the_word_for_a_chart_comes_back_as_it_was_sent(session: ScriptedSession, join: Join) -> None:
    wait_for_run(join().hello(), session.info.id)
    client = join("code", session.info.id)
    answer = client.ask("addFunction", {"name": "grad_norm", "code": "grads.norm()", "type": "VegaLiteChart"})
    assert answer["success"]
    assert answer["data"] == ""
    session.advance()
    assert client.wait("data_point", lambda content: content["name"] == "grad_norm")["type"] == "VegaLiteChart"


def test_parameters_come_after_the_answer(session: ScriptedSession, join: Join) -> None:
    wait_for_run(join().hello(), session.info.id)
    client = join("view", session.info.id)
    assert client.ask("requestParam")["data"] == ""
    assert client.wait("parameters") == {"lr": "0.01", "momentum": "0.9"}
    kinds = [message["msgType"] for message in client.messages if message["msgType"] != "data_point"]
    assert kinds == ["callback", "parameters"]


def test_data_that_is_no_text_comes_as_json_text(session: ScriptedSession, join: Join) -> None:
    wait_for_run(join().hello(), session.info.id)
    client = join("view", session.info.id)
    assert json.loads(client.ask("getCode", {"name": "loss"})["data"])["code"] == "# loss"


def test_modify_param_takes_pairs_and_mappings(session: ScriptedSession, join: Join) -> None:
    wait_for_run(join().hello(), session.info.id)
    client = join("tune", session.info.id)
    assert client.ask("modifyParam", [{"key": "lr", "value": "0.5"}])["success"]
    assert client.ask("modifyParam", {"momentum": "0.25"})["success"]
    assert session.parameters == {"lr": 0.5, "momentum": 0.25}


def test_without_a_run_in_the_address_the_newest_is_followed(session: ScriptedSession, join: Join) -> None:
    wait_for_run(join().hello(), session.info.id)
    client = join("tune")
    assert client.ask("pauseTraining", True)["success"]
    assert session.state == "paused"


def test_who_waits_for_a_run_follows_it_when_it_comes(endpoint, house, join: Join) -> None:  # type: ignore[no-untyped-def]
    session = ScriptedSession(endpoint, house / "runs", "later")
    client = join("view", session.info.id)
    client.ask("getLayout", {"run": session.info.id})
    session.link.start()
    wait_for_run(join().hello(), session.info.id)
    try:
        assert client.ask("requestParam")["success"]
        session.advance()
        client.wait("data_point", lambda content: content["name"] == "loss")
    finally:
        session.close()


def test_a_failure_comes_as_an_error_message(session: ScriptedSession, join: Join) -> None:
    from bidviz_core.messages.notifications import FailureContent, FailureMessage, RunFailure

    wait_for_run(join().hello(), session.info.id)
    client = join("view", session.info.id)
    client.ask("getCode", {"name": "loss"})
    failure = FailureContent(source="metric", name="bad", message="bad divides by zero: guard the denominator.")
    session.link.send(FailureMessage(RunFailure(session.info.id, failure)))
    assert client.wait("error_message")["msg"] == "bad divides by zero: guard the denominator."


def test_a_run_that_is_not_there_is_named_and_the_connection_lives(join: Join) -> None:
    client = join("view", "nowhere")
    assert "There is no run 'nowhere'" in client.wait("error_message")["msg"]
    assert client.ask("hello", {"versions": [1]})["data"]
