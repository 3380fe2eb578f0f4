"""Many who watch at once, one who does not read, and messages that are too large or make no sense."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.dashboards import Browser, Dashboard
from system.worlds import PATIENCE, Training, World, do, is_kind, is_state, refused, until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

VIEWERS = 20


@pytest.fixture(scope="module")
def dashboard(shared: World) -> Dashboard:
    return shared.dashboard()


@pytest.fixture(scope="module")
def training(shared: World, dashboard: Dashboard) -> Training:
    return shared.train("steps", dashboard)


@pytest.fixture
def viewer(dashboard: Dashboard, training: Training) -> Iterator[Browser]:
    with dashboard.browser(training.run) as viewer:
        yield viewer


def test_twenty_browsers_all_get_everything(shared: World, dashboard: Dashboard) -> None:
    training = shared.train("steps", dashboard)
    followers = [shared.follow(dashboard, training.run) for _ in range(VIEWERS)]
    first = max(follower.wait_for_values("loss", 1)[0][0] for follower in followers)
    do(followers[0], "addMetric", {"run": training.run, "name": "vector", "code": "np.arange(10.0) * loss"})
    for follower in followers:
        follower.wait_for_values("vector", 20)
    assert training.finish() == 0
    last = int(training.wait_for(r"finished after step (\d+)")[1])
    for follower in followers:
        follower.wait_for(is_state("ended"))
        # Everything that was sent since the last of them came has come to each, once and in order.
        steps = [int(step) for step, _ in follower.values["loss"] if step >= first]
        assert steps == list(range(int(first), last + 1))
        assert follower.twice == []
        assert follower.values["vector"][-1][0] == last
        follower.close()


class Deaf:
    """A browser that asks for everything and then reads nothing any more.

    Args:
        dashboard: where.
        run: the run.
    """

    def __init__(self, dashboard: Dashboard, run: str) -> None:
        host, port = dashboard.address.rsplit(":", 1)
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.socket.connect((host, int(port)))
        head = [
            f"GET /ws?run={run} HTTP/1.1",
            f"Host: {dashboard.address}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            f"Authorization: Bearer {dashboard.tokens['view']}",
            "\r\n",
        ]
        self.socket.sendall("\r\n".join(head).encode())
        assert b" 101 " in self.socket.recv(200)

    def is_given_up(self) -> bool:
        """Whether the dashboard has closed its end, which cannot reach this one that does not read."""
        ends = [f"0100007F:{port:04X}" for port in (self.socket.getpeername()[1], self.socket.getsockname()[1])]
        rows = [line.split()[1:4] for line in Path("/proc/net/tcp").read_text().splitlines()]
        return [*ends, "01"] not in rows  # 01 is a connection that stands


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells what the other end of a socket is")
def test_a_browser_that_stops_reading_slows_nobody_and_is_given_up(
    shared: World, dashboard: Dashboard, viewer: Browser, training: Training
) -> None:
    # 200 kB a step: what waits for the deaf one soon exceeds any buffer.
    loud = shared.train("steps", dashboard, pace=0.01)
    code = "np.zeros((160, 160)) + loss"
    with dashboard.browser(loud.run) as listener:
        do(listener, "addMetric", {"run": loud.run, "name": "matrix", "code": code})
        deaf = [Deaf(dashboard, loud.run) for _ in range(3)]
        until(lambda: all(one.is_given_up() for one in deaf), "the dashboard's patience ends")
        listener.wait_for_values("matrix", len(listener.values["matrix"]) + 20)
        status = listener.wait_for(is_kind("status"))["content"]["status"]
        assert status["state"] == "running"
        assert status["dropped"] == 0, "the session is not held up by them"
        assert not [one for one in listener.messages if one["msgType"] == "gap"], "nor is who reads"
        viewer.wait_for_values("loss", len(viewer.values.get("loss", ())) + 50)
        for one in deaf:
            one.socket.close()
    assert loud.finish() == 0


def read_to_the_end(connection: ClientConnection) -> None:
    while True:
        connection.recv(PATIENCE)


@pytest.mark.parametrize("kind", ["text", "binary"])
def test_a_message_of_two_megabytes_ends_that_connection_alone(
    dashboard: Dashboard, training: Training, viewer: Browser, kind: str
) -> None:
    text = json.dumps({"id": 1, "content": {"methodName": "evaluateCommand", "content": {"code": "#" * (2 << 20)}}})
    headers = {"Authorization": f"Bearer {dashboard.tokens['code']}"}
    with connect(f"ws://{dashboard.address}/ws?run={training.run}", additional_headers=headers) as large:
        with contextlib.suppress(ConnectionClosed):
            large.send(text if kind == "text" else text.encode())
        with pytest.raises(ConnectionClosed) as caught:
            read_to_the_end(large)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1009, "message too big"
    do(viewer, "requestParam")
    viewer.wait_for_values("loss", len(viewer.values.get("loss", ())) + 5)


def test_garbage_from_many_at_once_is_answered_and_the_server_lives(
    dashboard: Dashboard, training: Training, viewer: Browser
) -> None:
    garbage = ["{", "[]", '{"id": 1}', "\x00", '{"id": 2, "content": {"methodName": []}}', "[" * 100_000, "💥" * 1000]
    headers = {"Authorization": f"Bearer {dashboard.tokens['view']}"}
    answered: list[int] = []

    def rave() -> None:
        with connect(f"ws://{dashboard.address}/ws?run={training.run}", additional_headers=headers) as connection:
            for text in garbage:
                connection.send(text)
            count = 0
            for message in connection:
                count += str(message).count("was not understood") + str(message).count("is not known")
                if count >= len(garbage):
                    break
            answered.append(count)

    ravers = [threading.Thread(target=rave, name="test-raver") for _ in range(5)]
    for raver in ravers:
        raver.start()
    for raver in ravers:
        raver.join(PATIENCE)
    assert answered == [len(garbage)] * 5
    do(viewer, "requestParam")


def test_bytes_that_are_no_websocket_are_dropped(dashboard: Dashboard, viewer: Browser) -> None:
    host, port = dashboard.address.rsplit(":", 1)
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01", b"GET\r\n\r\n", b"\xff" * 70_000, b""):
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
            connection.sendall(data)
    do(viewer, "requestParam")


def test_a_run_that_is_not_there_is_named_with_those_that_are(dashboard: Dashboard, training: Training) -> None:
    with dashboard.browser(training.run) as browser:
        for method, content in [
            ("subscribe", {}),
            ("history", {"series": ["loss"]}),
            ("arrayHistory", {"series": "loss"}),
            ("getJournal", {}),
            ("getLayout", {}),
            ("getStacks", {}),
            ("addMetric", {"name": "a", "code": "1.0"}),
        ]:
            answer = refused(browser, method, {"run": "nowhere", **content})
            assert "There is no run 'nowhere' here; the newest are" in answer, method
            assert training.run in answer
        assert "There is no run" in refused(browser, "history", {"run": "../../etc", "series": ["loss"]})
        do(browser, "history", {"run": training.run, "series": ["never recorded"]})
    # A client of version 1 names its run in the address.
    with dashboard.browser("nowhere", version=1) as old:
        old.wait_for(is_kind("error_message", "There is no run 'nowhere' here"))


def test_more_viewers_than_the_dashboard_takes_are_told_so(dashboard: Dashboard, training: Training) -> None:
    headers = {"Authorization": f"Bearer {dashboard.tokens['view']}"}
    opened: list[ClientConnection] = []

    def crowd_in(count: int) -> None:
        for _ in range(count):
            connection = connect(f"ws://{dashboard.address}/ws?run={training.run}", additional_headers=headers)
            opened.append(connection.__enter__())

    try:
        with pytest.raises(InvalidStatus) as caught:
            crowd_in(200)
        assert caught.value.response.status_code == 503
        assert b"browsers are connected already" in (caught.value.response.body or b"")
        assert len(opened) >= VIEWERS
    finally:
        for connection in opened:
            connection.close()
