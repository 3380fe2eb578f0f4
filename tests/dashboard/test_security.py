"""Who gets in, from where, and what each right allows."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable

import pytest
from support.clients import Client, Process
from support.scripted_session import ScriptedSession
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from bidviz_core.endpoint import Endpoint
from bidviz_core.messages.commands import RIGHTS, Command

Follow = Callable[..., Client]
PATHS = ("/", "/run/abc", "/bidviz/plotly.min.js", "/_dash-layout", "/_dash-dependencies", "/_favicon.ico", "/nothing")


def get(endpoint: Endpoint, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One request, as it is: no redirects, no cookies."""
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=20)
    try:
        connection.request(method, path, headers={key.replace("_", "-"): value for key, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def upgrade(endpoint: Endpoint, path: str, **headers: str) -> int:
    """The status with which an upgrade is answered."""
    url = f"ws://{endpoint.host}:{endpoint.port}{path}"
    given = {key.replace("_", "-"): value for key, value in headers.items()}
    try:
        with connect(url, additional_headers=given, compression=None) as socket:
            return int(socket.response.status_code) if socket.response else 0
    except InvalidStatus as error:
        return error.response.status_code


def bearer(endpoint: Endpoint, right: str = "code") -> str:
    return f"Bearer {endpoint.tokens[right]}"  # type: ignore[index]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_served_without_a_token(endpoint: Endpoint, path: str) -> None:
    status, _, body = get(endpoint, path)
    assert status == 403
    assert b"wants a token" in body
    assert upgrade(endpoint, "/ws") == 403


@pytest.mark.parametrize("token", ["", "wrong", "é", "a" * 5000])
def test_a_wrong_token_is_refused(endpoint: Endpoint, token: str) -> None:
    from urllib.parse import quote

    assert get(endpoint, f"/?token={quote(token)}")[0] == 403
    assert get(endpoint, "/", Authorization=f"Bearer {token}".encode().decode("latin-1"))[0] == 403
    assert get(endpoint, "/", Cookie=f"bidviz-{endpoint.port}={quote(token)}")[0] == 403


def test_a_token_in_the_address_is_traded_for_a_cookie(endpoint: Endpoint) -> None:
    status, headers, _ = get(endpoint, f"/?token={endpoint.tokens['view']}&run=ab%2Fc&x=1")
    assert status == 302
    assert headers["Location"] == "/run/ab%2Fc?x=1"
    cookie = headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert endpoint.tokens["view"] not in cookie
    status, headers, body = get(endpoint, "/", Cookie=cookie.split(";")[0])
    assert status == 200
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert endpoint.tokens["view"].encode() not in body
    assert upgrade(endpoint, "/ws", Cookie=cookie.split(";")[0]) == 101


def test_a_link_on_another_site_gets_in_too(endpoint: Endpoint) -> None:
    status, headers, body = get(endpoint, f"/?token={endpoint.tokens['view']}&run=abc", Sec_Fetch_Site="cross-site")
    assert status == 200
    assert "Set-Cookie" in headers
    assert b'http-equiv="refresh" content="0; url=/run/abc"' in body


def test_the_trade_never_leads_to_another_host(endpoint: Endpoint) -> None:
    _, headers, _ = get(endpoint, f"//evil.example/?token={endpoint.tokens['view']}")
    assert headers.get("Location", "/").startswith("/")
    assert not headers.get("Location", "/").startswith("//")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "localhost:1", "127.0.0.1:80", "evil.example:{port}", ""]
)
def test_another_host_is_refused(endpoint: Endpoint, host: str) -> None:
    name = host.format(port=endpoint.port)
    assert get(endpoint, "/", Host=name, Authorization=bearer(endpoint))[0] == 403
    assert get(endpoint, "/bidviz/proof?nonce=1", Host=name)[0] == 403


def test_localhost_is_the_dashboards_name(endpoint: Endpoint) -> None:
    assert get(endpoint, "/", Host=f"localhost:{endpoint.port}", Authorization=bearer(endpoint))[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "file://", ""])
def test_another_origin_is_refused_on_http_and_both_websockets(endpoint: Endpoint, origin: str) -> None:
    assert get(endpoint, "/", Origin=origin, Authorization=bearer(endpoint))[0] == 403
    assert upgrade(endpoint, "/ws", Origin=origin, Authorization=bearer(endpoint)) == 403
    assert upgrade(endpoint, "/session", Origin=origin) == 403


def test_its_own_origin_passes_but_no_page_may_play_a_session(endpoint: Endpoint) -> None:
    own = f"http://{endpoint.host}:{endpoint.port}"
    assert get(endpoint, "/", Origin=own, Authorization=bearer(endpoint))[0] == 200
    assert upgrade(endpoint, "/ws", Origin=own, Authorization=bearer(endpoint)) == 101
    assert upgrade(endpoint, "/session", Origin=own) == 403


def test_a_callback_of_dash_cannot_be_sent_from_another_page(endpoint: Endpoint) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        status, _, _ = get(endpoint, "/_dash-update-component", "POST", Authorization=bearer(endpoint), **headers)
        assert status == 403


def test_a_page_says_why_in_html_and_a_program_gets_a_line(endpoint: Endpoint) -> None:
    _, headers, body = get(endpoint, "/", Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert headers["Content-Type"].startswith("text/html")
    assert b"bidviz dashboard" in body
    _, headers, body = get(endpoint, "/", Accept="*/*")
    assert headers["Content-Type"].startswith("text/plain")
    assert b"<" not in body


@pytest.mark.parametrize("method", sorted({str(kind.__struct_config__.tag) for kind in Command.__args__}))
def test_each_command_needs_its_right(session: ScriptedSession, follow: Follow, method: str) -> None:
    kind = next(kind for kind in Command.__args__ if kind.__struct_config__.tag == method)
    below = {"view": None, "tune": "view", "code": "tune"}[RIGHTS[kind]]
    contents = {
        "pauseTraining": True,
        "modifyParam": {"lr": "1"},
        "saveMetrics": "a",
        "loadMetrics": "a",
        "evaluateCommand": {"code": "1"},
        "addFunction": {"name": "a", "code": "1"},
        "complete": {"code": "a", "position": 1},
        "installBundle": {"requirement": "a"},
        "saveLayout": {"run": session.info.id, "layout": {}},
        "setHyperparameter": {"name": "lr", "value": 1},
        "armPolicy": {"target": "lr", "formula": "1"},
        "pauseOnBadGradients": {"pause": True},
        "restoreCheckpoint": {"id": "a"},
        "branchCheckpoint": {"id": "a", "name": "b"},
        "deleteCheckpoint": {"id": "a"},
        "changeModel": {"action": "freeze", "pattern": "*"},
        "undoModelChange": {"number": 1},
        "completeConsole": {"code": "a", "position": 1},
        "packBundle": {"folder": "a"},
    }
    content = contents.get(method, {"name": "a", "code": "1", "run": session.info.id})
    if below is None:
        return
    answer = follow(below).ask(method, content)
    assert not answer["success"]
    assert f"needs the right {RIGHTS[kind]!r}" in answer["data"]
    assert not session.orders


def test_only_the_owner_stops_the_dashboard(endpoint: Endpoint) -> None:
    assert get(endpoint, "/bidviz/stop", "POST")[0] == 403
    assert get(endpoint, "/bidviz/stop", "POST", Authorization=bearer(endpoint, "tune"))[0] == 403


def test_compression_is_not_negotiated(endpoint: Endpoint) -> None:
    url = f"ws://{endpoint.host}:{endpoint.port}/ws"
    headers = {"Authorization": bearer(endpoint)}
    with connect(url, additional_headers=headers, compression="deflate") as socket:
        assert socket.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.response.headers


def test_no_code_refuses_code_and_nothing_else(house) -> None:  # type: ignore[no-untyped-def]
    process = Process("--no-code")
    session = ScriptedSession(process.endpoint, house / "runs", "no-code")
    session.link.start()
    client = Client(process.endpoint, "code", session.info.id).hello()
    try:
        client.ask("subscribeRuns")
        client.until(lambda: any(row["live"] for rows in client.of("runs") for row in rows))
        answer = client.ask("evaluateCommand", {"code": "1"})
        assert not answer["success"]
        assert "--no-code" in answer["data"]
        assert client.ask("pauseTraining", True)["success"]
        assert [type(order.command).__name__ for order in session.orders] == ["PauseTraining"]
    finally:
        client.close()
        session.close()
        process.end()


def test_the_proof_tells_nothing_that_a_pretender_could_use(endpoint: Endpoint) -> None:
    first = json.loads(get(endpoint, "/bidviz/proof?nonce=1")[2])
    second = json.loads(get(endpoint, "/bidviz/proof?nonce=1")[2])
    assert first["proof"] != second["proof"]
    assert not set(first) & {"token", "tokens", "secret"}
