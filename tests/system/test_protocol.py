"""Version 1 of the protocol against a real training, the three rights, and two ways to refuse code."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from support.dashboards import Browser, Dashboard, running_dashboard
from system.worlds import Training, World, do, is_kind, is_state, refused
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from bidviz_core.messages.commands import RIGHTS, Method, method_name

#: What each method of version 1 may be given.
CONTENT: dict[str, Any] = {
    "addFunction": {"name": "extra", "code": "1.0", "type": "LineChart"},
    "pauseTraining": False,
    "modifyParam": {"lr": "0.1"},
    "requestParam": None,
    "evaluateCommand": {"code": "1 + 1"},
    "getCode": None,
    "saveMetrics": "saved.json",
    "loadMetrics": "saved.json",
    "getModelGraph": None,
}
#: What has to be refused before a session is asked; the content of the rest is made up.
BEYOND: dict[str, Any] = {
    "tryMetric": {"name": "extra", "code": "1.0"},
    "addMetric": {"name": "extra", "code": "1.0"},
    "replaceMetric": {"name": "extra", "code": "1.0"},
    "removeMetric": {"name": "loss"},
    "changeMetric": {"name": "loss", "enabled": True},
    "interruptMetric": {"run": ""},
    "complete": {"code": "g", "position": 1},
    "loadBundle": {"name": "none"},
    "unloadBundle": {"name": "none"},
    "reloadBundle": {"name": "none"},
    "installBundle": {"requirement": "none"},
    "findBundles": {"query": "none"},
    "inspectBundle": {"requirement": "none"},
    "rollbackBundle": {"name": "none"},
    "removeBundle": {"name": "none"},
    "saveLayout": {"run": "", "layout": {}},
}
RANK = {"view": 0, "tune": 1, "code": 2}


@pytest.fixture(scope="module")
def dashboard(shared: World) -> Dashboard:
    return shared.dashboard()


@pytest.fixture(scope="module")
def training(shared: World, dashboard: Dashboard) -> Training:
    return shared.train("net", dashboard)


@pytest.fixture
def client(dashboard: Dashboard, training: Training) -> Iterator[Browser]:
    """A client that never says hello, with all rights."""
    with dashboard.browser(training.run, "code", version=1) as client:
        yield client


def point_of(name: str, **fields: Any) -> Any:
    def fits(message: dict[str, Any]) -> bool:
        content = message["content"]
        return (
            message["msgType"] == "data_point"
            and content["name"] == name
            and all(content[key] == value for key, value in fields.items())
        )

    return fits


def values_of(client: Browser, name: str) -> list[tuple[int, Any]]:
    points = [message["content"] for message in list(client.messages) if message["msgType"] == "data_point"]
    return [(point["ipass"], point["data"][0]) for point in points if point["name"] == name]


def parameters(client: Browser) -> dict[str, str]:
    """Asks for the hyperparameters; the answer and the values are apart."""
    asked = len(client.messages)
    assert do(client, "requestParam")["data"] == ""
    return client.wait_for(lambda message: message in client.messages[asked:] and message["msgType"] == "parameters")[
        "content"
    ]


# --- data points -------------------------------------------------------------------------------------------------


def test_every_step_comes_as_a_data_point(client: Browser) -> None:
    first = client.wait_for(point_of("loss"))["content"]
    assert set(first) == {"name", "ipass", "shape", "data", "type"}
    assert first["shape"] == [1, 1]
    assert first["type"] == "LineChart"
    client.wait_for(lambda message: point_of("loss")(message) and message["content"]["ipass"] >= first["ipass"] + 50)
    came = [step for step, _ in values_of(client, "loss")]
    assert came == list(range(came[0], came[0] + len(came)))


def test_numbers_that_json_has_no_word_for_are_words(client: Browser) -> None:
    for name, code, word in [
        ("none", "float('nan')", "NaN"),
        ("most", "float('inf')", "Infinity"),
        ("least", "-torch.tensor(float('inf'))", "-Infinity"),
    ]:
        do(client, "addFunction", {"name": name, "code": code, "type": "LineChart"})
        assert client.wait_for(point_of(name))["content"]["data"] == [word]
    do(client, "addFunction", {"name": "mixed", "code": "torch.tensor([1.0, float('nan')])", "type": ""})
    mixed = client.wait_for(point_of("mixed"))["content"]
    assert (mixed["shape"], mixed["data"]) == ([1, 2], [1.0, "NaN"])


def test_a_matrix_comes_in_row_order_with_its_shape(client: Browser) -> None:
    do(client, "addFunction", {"name": "rows", "code": "torch.arange(6.0).view(2, 3)", "type": "Conv"})
    point = client.wait_for(point_of("rows"))["content"]
    assert (point["shape"], point["data"], point["type"]) == ([2, 3], [0, 1, 2, 3, 4, 5], "Conv")


# --- metrics -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["LineChart", "C3LineChart", "Anything"])
def test_a_function_streams_under_the_clients_word_from_the_next_step_on(client: Browser, word: str) -> None:
    answer = do(client, "addFunction", {"name": f"norm-{word}", "code": "grads.norm()", "type": word})
    assert answer["data"] == ""
    point = client.wait_for(point_of(f"norm-{word}"))["content"]
    assert point["type"] == word
    assert point["data"][0] > 0
    assert values_of(client, f"norm-{word}")[0][0] == answer["step"] + 1


def test_a_function_that_does_not_compile_is_not_added(client: Browser) -> None:
    answer = refused(client, "addFunction", {"name": "broken", "code": "grads.norm(", "type": "LineChart"})
    assert "does not compile" in answer
    assert "line 1" in answer
    unknown = refused(client, "addFunction", {"name": "broken", "code": "a = 1\nreturn graads", "type": "LineChart"})
    assert "'graads' in line 2" in unknown
    assert "There is no metric 'broken'" in refused(client, "getCode", {"name": "broken"})


def test_a_function_of_a_name_that_is_there_replaces_it(client: Browser) -> None:
    do(client, "addFunction", {"name": "again", "code": "1.0", "type": "LineChart"})
    client.wait_for(point_of("again", data=[1.0]))
    step = do(client, "addFunction", {"name": "again", "code": "2.0", "type": "LineChart"})["step"]
    client.wait_for(point_of("again", data=[2.0]))
    assert all(value == (2.0 if at > step else 1.0) for at, value in values_of(client, "again"))


def test_a_metric_that_fails_is_told_of_and_the_others_go_on(client: Browser) -> None:
    code = "if step % 10 == 0:\n    raise ValueError('this step is divisible')\nreturn step"
    do(client, "addFunction", {"name": "fragile", "code": code, "type": "LineChart"})
    message = client.wait_for(is_kind("error_message", "this step is divisible"))["content"]
    assert set(message) == {"msg"}
    assert "fragile" in message["msg"]
    failed_at = do(client, "evaluateCommand", {"code": "session.failures[-1].step"})["data"]
    client.wait_for(lambda one: point_of("loss")(one) and one["content"]["ipass"] > int(failed_at) + 20)
    assert all(step < int(failed_at) for step, _ in values_of(client, "fragile"))


def test_the_code_of_one_metric_and_of_all(client: Browser) -> None:
    code = "a = grads.norm()\nreturn a * 2"
    do(client, "addFunction", {"name": "twice", "code": code, "type": "LineChart"})
    one = json.loads(do(client, "getCode", {"name": "twice"})["data"])
    assert set(one) == {"name", "code", "size", "type", "ui"}
    assert (one["name"], one["code"], one["type"]) == ("twice", code, "LineChart")
    everything = json.loads(do(client, "getCode")["data"])
    assert everything["twice"] == one
    assert {"loss", "lr", "accuracy"} <= set(everything)
    assert all(set(form) == set(one) for form in everything.values())


def test_metrics_are_saved_in_the_runs_folder_and_loaded_from_it(client: Browser, training: Training) -> None:
    do(client, "addFunction", {"name": "kept", "code": "grads.norm()", "type": "C3LineChart"})
    assert do(client, "saveMetrics", "mine.json")["data"] == ""
    assert (training.folder / "mine.json").is_file()
    do(client, "addFunction", {"name": "kept", "code": "0.0", "type": "LineChart"})
    loaded = json.loads(do(client, "loadMetrics", "mine.json")["data"])["stats"]
    assert (loaded["kept"]["code"], loaded["kept"]["type"]) == ("grads.norm()", "C3LineChart")
    assert json.loads(do(client, "getCode", {"name": "kept"})["data"])["code"] == "grads.norm()"
    assert "no file 'other.json'" in refused(client, "loadMetrics", "other.json")


@pytest.mark.parametrize(
    "name", ["../out.json", "..", "a/b.json", "/tmp/out.json", "..\\out.json", "", ".hidden", "a\0b", "run.sqlite/../x"]
)
def test_a_file_outside_the_runs_folder_is_refused(client: Browser, training: Training, name: str) -> None:
    before = set(training.folder.parent.rglob("*"))
    assert "name inside the run's folder" in refused(client, "saveMetrics", name)
    assert "name inside the run's folder" in refused(client, "loadMetrics", name)
    new = {path.name for path in set(training.folder.parent.rglob("*")) - before}
    assert not new - {"run.sqlite-wal", "run.sqlite-shm", "run.sqlite-journal"}


def test_the_runs_own_files_are_not_written_over(client: Browser, training: Training) -> None:
    before = (training.folder / "run.sqlite").read_bytes()[:16]
    do(client, "saveMetrics", "run.sqlite")
    assert (training.folder / "run.sqlite").read_bytes()[:16] == before
    assert (training.folder / "run.sqlite.json").is_file()
    do(client, "loadMetrics", "run.sqlite")


# --- steering ----------------------------------------------------------------------------------------------------


def test_hyperparameters_are_asked_for_as_text(client: Browser) -> None:
    found = parameters(client)
    assert all(isinstance(value, str) for value in found.values())
    assert float(found["momentum"]) == 0.9


@pytest.mark.parametrize(
    "content",
    [
        [{"key": "lr", "value": "0.25"}, {"key": "momentum", "value": "0.5"}],
        {"lr": "0.25", "momentum": "0.5"},
        {"lr": 0.25, "momentum": 0.5},
    ],
)
def test_parameters_are_modified_together(client: Browser, content: Any) -> None:
    do(client, "modifyParam", {"lr": "0.1", "momentum": "0.9"})
    answer = do(client, "modifyParam", content)
    assert answer["data"] == ""
    found = parameters(client)
    assert (float(found["lr"]), float(found["momentum"])) == (0.25, 0.5)
    used = {"code": "[(group['lr'], group['momentum']) for group in optimizer.param_groups]"}
    assert do(client, "evaluateCommand", used)["data"] == "[(0.25, 0.5)]"
    client.wait_for(lambda one: point_of("lr", data=[0.25])(one) and one["content"]["ipass"] > answer["step"])


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [("lrr", "1", "lrr"), ("lr", "fast", "fast"), ("lr", "NaN", "lr"), ("lr", "-1", "lr"), ("momentum", None, "mom")],
)
def test_parameters_are_modified_all_or_none(client: Browser, key: str, value: Any, words: str) -> None:
    do(client, "modifyParam", {"lr": "0.1", "momentum": "0.9", "weight_decay": "0"})
    before = parameters(client)
    answer = refused(client, "modifyParam", [{"key": "weight_decay", "value": "0.1"}, {"key": key, "value": value}])
    assert "Nothing was changed" in answer
    assert words in answer
    assert parameters(client) == before


def test_a_pause_serves_requests_and_gives_no_points(client: Browser) -> None:
    step = do(client, "pauseTraining", True)["step"]
    try:
        assert int(do(client, "evaluateCommand", {"code": "step"})["data"]) == step
        do(client, "addFunction", {"name": "paused", "code": "loss", "type": "LineChart"})
        client.wait_for(point_of("paused", ipass=step))
        assert "norm" in do(client, "getCode", {"name": "norm-LineChart"})["data"]
        parameters(client)
        assert max(at for at, _ in values_of(client, "loss")) <= step
    finally:
        do(client, "pauseTraining", False)
    client.wait_for(lambda one: point_of("loss")(one) and one["content"]["ipass"] > step)


def test_the_console_gives_what_was_printed_and_the_value(client: Browser) -> None:
    assert do(client, "evaluateCommand", {"code": "print('said')\n40 + 2"})["data"] == "said\n42"
    assert do(client, "evaluateCommand", {"code": "x = 1"})["data"] == ""
    assert do(client, "evaluateCommand", {"code": "type(model).__name__"})["data"] == "'Sequential'"
    wrong = refused(client, "evaluateCommand", {"code": "print('before')\n1 / 0"})
    assert wrong.startswith("before\n")
    assert "ZeroDivisionError" in wrong
    assert "SyntaxError" in refused(client, "evaluateCommand", {"code": "1 +"})
    assert "SystemExit" in refused(client, "evaluateCommand", {"code": "raise SystemExit(1)"})


def test_the_graph_of_the_model(client: Browser) -> None:
    graph = json.loads(do(client, "getModelGraph")["data"])
    assert graph["model"] == "Sequential"
    layers = {layer["name"]: layer for layer in graph["layers"]}
    assert all({"name", "inputDim", "outputDim", "modelDim", "internalLayers"} <= set(one) for one in layers.values())
    assert (layers["0"]["inputDim"], layers["0"]["outputDim"]) == (4, 8)
    assert layers["Sequential"]["internalLayers"] == ["0", "1", "2"]


# --- messages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["request7", 7, None, [1, {"a": None}], 1.5, ""])
def test_the_id_comes_back_as_it_was(client: Browser, number: Any) -> None:
    client.socket.send(json.dumps({"id": number, "content": {"methodName": "requestParam"}}))
    client.wait_for(lambda one: one["msgType"] == "callback" and one["content"]["id"] == number)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"methodName": "fly"}, "'fly' is not known; expected one of addFunction"),
        ({"methodName": "pauseTraining", "content": "yes"}, "what pauseTraining takes"),
        ({"methodName": "addFunction", "content": {"name": "a"}}, "what addFunction takes"),
        ({"methodName": "modifyParam", "content": [1]}, "what modifyParam takes"),
        ({}, "Expected"),
        ("addFunction", "Expected"),
    ],
)
def test_a_request_that_does_not_fit_is_answered_and_the_connection_lives(
    client: Browser, request_: Any, words: str
) -> None:
    client.socket.send(json.dumps({"id": "odd", "content": request_}))
    answer = client.wait_for(lambda one: one["msgType"] == "callback" and one["content"]["id"] == "odd")["content"]
    assert not answer["success"]
    assert words in answer["data"]
    parameters(client)


@pytest.mark.parametrize("text", ["{", "[1, 2", "nonsense", "[]", "null", '"text"', b"\xff\xfe", "{" * 5000])
def test_what_is_no_request_is_told_so_and_the_connection_lives(client: Browser, text: str | bytes) -> None:
    client.socket.send(text)
    client.wait_for(is_kind("error_message", "was not understood"))
    parameters(client)


# --- rights ------------------------------------------------------------------------------------------------------


def needed(method: str) -> str:
    [kind] = [kind for kind in RIGHTS if method_name(kind_instance(kind)) == method]
    return RIGHTS[kind]


def kind_instance(kind: type[Method]) -> Any:
    return type("Named", (), {"__struct_config__": kind.__struct_config__})()


def test_each_right_is_let_do_what_it_may_and_nothing_else(dashboard: Dashboard, training: Training) -> None:
    for right in ("view", "tune"):
        with dashboard.browser(training.run, right, version=1) as client:
            client.wait_for(point_of("loss"))
            for method, content in {**CONTENT, **BEYOND}.items():
                if isinstance(content, dict) and "run" in content:
                    content = {**content, "run": training.run}
                if RANK[right] >= RANK[needed(method)]:
                    if method in CONTENT:
                        do(client, method, content)
                    continue
                answer = refused(client, method, content)
                assert f"{method} needs the right {needed(method)!r}" in answer
                assert f"{right!r}" in answer


@pytest.mark.parametrize("token", ["", "wrong", None])
def test_without_a_token_nobody_gets_in(dashboard: Dashboard, training: Training, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with (
        pytest.raises(InvalidStatus) as caught,
        connect(f"ws://{dashboard.address}/ws?run={training.run}", additional_headers=headers),
    ):
        pass
    assert caught.value.response.status_code == 403


def test_a_session_without_code_refuses_code_whoever_asks(shared: World, dashboard: Dashboard) -> None:
    training = shared.train("steps", dashboard, allow_code=False)
    with dashboard.browser(training.run, "code", version=1) as client:
        client.wait_for(point_of("loss"))
        for method, content in {**CONTENT, **BEYOND}.items():
            if needed(method) == "code":
                assert "allow_code=False" in refused(client, method, content), method
        do(client, "pauseTraining", True)
        do(client, "pauseTraining", False)
        do(client, "getCode")
    assert training.finish() == 0


def test_a_dashboard_without_code_passes_none_on(shared: World) -> None:
    with shared.inside(), running_dashboard(shared.runs, "--no-code") as dashboard:
        training = shared.train("steps", dashboard)
        with dashboard.browser(training.run, "code", version=1) as client:
            client.wait_for(point_of("loss"))
            for method, content in {**CONTENT, **BEYOND}.items():
                if needed(method) == "code":
                    assert "--no-code" in refused(client, method, content), method
            do(client, "pauseTraining", True)
            do(client, "pauseTraining", False)
        with dashboard.browser(training.run) as browser:
            browser.wait_for(is_state("running"))
            assert math.isfinite(browser.wait_for_values("loss", 1)[0][1])
        assert training.finish() == 0
