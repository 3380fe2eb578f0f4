"""Clients that are too slow, too many or too loud, sessions that are killed, and a dashboard that ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from support.clients import Client, Process, wait_for_run
from support.scripted_session import ScriptedSession
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.uri import parse_uri

from bidviz_core.endpoint import Endpoint
from bidviz_core.frames import pack_frame
from bidviz_core.store import open_run

Join = Callable[..., Client]
Follow = Callable[..., Client]


@contextlib.contextmanager
def training(endpoint: Endpoint, folder: Path, name: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A session in a process of its own, to be killed; gives the process and the run's id."""
    script = Path(__file__).parents[1] / "support" / "scripted_session.py"
    command = [sys.executable, str(script), endpoint.url, "--name", name, "--folder", str(folder), "--seconds", "120"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().rsplit("run=", 1)[1].strip()
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def state_of(client: Client, run: str) -> str:
    states = [content["status"]["state"] for content in client.of("status") if content["run"] == run]
    return str(states[-1]) if states else ""


def test_a_killed_training_is_lost_and_its_history_is_there(endpoint: Endpoint, house: Path, join: Join) -> None:
    with training(endpoint, house / "runs", "killed") as (process, run):
        client = join("view").hello()
        wait_for_run(client, run)
        assert client.ask("subscribe", {"run": run})["success"]
        client.until(lambda: len(client.frames) > 40)
        process.send_signal(signal.SIGKILL)
        client.until(lambda: state_of(client, run) == "lost")
        lost = client.of("status")[-1]["status"]
        # The last half second never reached the file: whoever looked on is told the same as who comes later.
        stored = open_run(next((house / "runs").glob(f"*-{run}")))
        end = int(stored.history("loss").step[-1])
        assert (stored.state, stored.step, lost["step"]) == ("lost", end, end)
        assert f"without a word; its last step was {end}." in lost["detail"]
        later = join("view").hello()
        assert later.ask("subscribe", {"run": run})["success"]
        later.until(lambda: state_of(later, run) == "lost")
        assert later.of("status")[-1]["status"]["step"] == end
        assert all(header["step"] <= end for header, _ in later.frames if header["type"] == "batch")
        assert client.ask("history", {"run": run, "series": ["loss"]})["success"]
        assert len(client.frames[-1][1][0]) > 50


def test_a_process_that_is_stopped_by_force_is_stuck(endpoint: Endpoint, house: Path, join: Join) -> None:
    with training(endpoint, house / "runs", "frozen") as (process, run):
        client = join("view").hello()
        wait_for_run(client, run)
        assert client.ask("subscribe", {"run": run})["success"]
        client.until(lambda: state_of(client, run) == "running")
        process.send_signal(signal.SIGSTOP)
        client.until(lambda: state_of(client, run) == "stuck")
        process.send_signal(signal.SIGCONT)
        client.until(lambda: state_of(client, run) == "running")


def test_an_orderly_end_is_no_loss(endpoint: Endpoint, house: Path, join: Join) -> None:
    with training(endpoint, house / "runs", "ended") as (process, run):
        client = join("view").hello()
        wait_for_run(client, run)
        assert client.ask("subscribe", {"run": run})["success"]
        process.send_signal(signal.SIGINT)
        client.until(lambda: state_of(client, run) == "stopped")
        process.wait(20)
        other = join("view").hello()
        assert other.ask("subscribe", {"run": run})["success"]
        other.until(lambda: state_of(other, run) == "stopped")


def test_a_message_of_two_megabytes_is_refused_and_the_server_lives(session: ScriptedSession, follow: Follow) -> None:
    client = follow()
    client.send("x" * 2_000_000)
    client.until(lambda: client.closed)
    assert client.closed == (1009, "Message is too big")
    assert follow().ask("requestParam")["success"]


def test_a_client_that_stops_reading_holds_up_nobody(
    session: ScriptedSession, follow: Follow, dashboard: Process
) -> None:
    with _deaf(session, follow) as deaf:
        client = follow()
        head = {"type": "array", "run": session.info.id, "sequence": 1, "name": "big", "step": 1, "time": 0.0}
        big = pack_frame({**head, "value": {"kind": "array"}}, [np.zeros(130_000)])
        for count in range(1, 41):
            session.link.send_frame(big)
            client.until(lambda count=count: len([1 for header, _ in client.frames if "name" in header]) == count)
        # Given up after a while: the dashboard's end of it is closed, and others are answered all the time until then.
        while _open(dashboard, deaf):
            assert client.ask("requestParam")["success"]
        deaf.settimeout(20)
        with contextlib.suppress(ConnectionError):
            while deaf.recv(2**20):
                continue


def _open(dashboard: Process, client: socket.socket) -> bool:
    """Whether the dashboard still has its end of a connection open, as the kernel sees it."""
    connections = psutil.Process(dashboard.process.pid).net_connections("tcp")
    states = [one.status for one in connections if one.raddr == client.getsockname()]
    return psutil.CONN_ESTABLISHED in states


@contextlib.contextmanager
def _deaf(session: ScriptedSession, follow: Follow) -> Iterator[socket.socket]:
    """A client of version 1 that makes the handshake and never reads."""
    endpoint = session.link._endpoint
    wait = follow("view")
    wait.close()
    uri = parse_uri(f"ws://{endpoint.host}:{endpoint.port}/ws?run={session.info.id}")
    protocol = ClientProtocol(uri)
    request = protocol.connect()
    request.headers["Authorization"] = f"Bearer {endpoint.tokens['view']}"
    protocol.send_request(request)
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        deaf.connect((endpoint.host, endpoint.port))
        deaf.sendall(b"".join(protocol.data_to_send()))
        assert b"101" in deaf.recv(1024)
        yield deaf


def test_twenty_browsers_all_get_everything(session: ScriptedSession, follow: Follow) -> None:
    clients = [follow("view") for _ in range(20)]
    for _ in range(50):
        session.advance()
    for client in clients:
        client.until(lambda client=client: client.frames and client.frames[-1][0]["sequence"] == 50)  # type: ignore[misc]
        batches = [header["sequence"] for header, _ in client.frames if header["type"] == "batch"]
        assert batches == list(range(1, 51))
        assert not client.of("gap")


def test_stopping_the_dashboard_says_goodbye_and_sessions_come_back(house: Path) -> None:
    first = Process()
    port = first.endpoint.port
    session = ScriptedSession(first.endpoint, house / "runs", "survivor")
    session.link.start()
    client = Client(first.endpoint).hello()
    wait_for_run(client, session.info.id)
    first.end()
    client.until(lambda: client.closed)
    assert client.closed == (1001, "The dashboard is being stopped.")
    client.close()
    second = Process("--port", str(port))
    try:
        assert second.endpoint == first.endpoint  # with the same tokens
        again = Client(second.endpoint, "view", session.info.id).hello()
        assert again.ask("subscribe", {"run": session.info.id})["success"]
        # Subscribed perhaps before the session was back: it is followed as soon as it is.
        again.until(lambda: state_of(again, session.info.id) == "running")
        session.advance()
        again.until(lambda: any(header["type"] == "batch" for header, _ in again.frames))
        again.close()
    finally:
        session.close()
        second.end()


def test_it_ends_by_itself_without_runs_and_viewers(house: Path) -> None:
    process = Process("--idle", "1")
    _, errors = process.process.communicate(timeout=30)
    assert process.process.returncode == 0
    assert "neither runs nor viewers" in errors


def test_stacks_are_told_also_while_the_interpreter_lock_is_held(
    endpoint: Endpoint, house: Path, join: Join, tmp_path: Path
) -> None:
    script = tmp_path / "holds_the_lock.py"
    script.write_text(
        "import sys, re\n"
        "from pathlib import Path\n"
        "from support.scripted_session import ScriptedSession\n"
        "from bidviz_core import stacks\n"
        "from bidviz_core.endpoint import Endpoint\n"
        "def spins_in_c():\n"
        "    re.match(r'(a+)+b', 'a' * 40)\n"
        "session = ScriptedSession(Endpoint(sys.argv[1], int(sys.argv[2])), Path(sys.argv[3]), 'holder')\n"
        "assert stacks.arm()\n"
        "session.link.start()\n"
        "while not session.link.connected: pass\n"
        "print(session.info.id, flush=True)\n"
        "spins_in_c()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, str(script), endpoint.host, str(endpoint.port), str(house / "runs")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        run = process.stdout.readline().strip()
        client = join("view").hello()
        assert client.ask("subscribe", {"run": run})["success"]
        client.until(lambda: state_of(client, run) == "stuck")
        answer = client.ask("getStacks", {"run": run})
        assert answer["success"], answer
        assert "spins_in_c" in answer["data"]
        assert process.poll() is None
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def test_a_process_that_is_not_ready_to_tell_its_stacks_is_not_signalled(
    endpoint: Endpoint, house: Path, join: Join
) -> None:
    with training(endpoint, house / "runs", "unready") as (process, run):
        client = join("view").hello()
        wait_for_run(client, run)
        answer = client.ask("getStacks", {"run": run})
        assert "did not make itself ready" in answer["data"]
        assert process.poll() is None


@pytest.mark.parametrize("size", [10, 3000])
def test_a_flood_of_requests_ends_the_connection_or_is_answered(
    session: ScriptedSession, join: Join, size: int
) -> None:
    client = join("view").hello()
    with contextlib.suppress(ConnectionClosed):
        for number in range(size):
            request = {"methodName": "getLayout", "content": {"run": "x"}}
            client.send(json.dumps({"id": number, "content": request}))
    client.until(lambda: client.closed or len(client.of("callback")) == size + 1)
    if client.closed:
        assert client.closed == (1008, "More than 1000 messages are waiting to be answered")
    assert join("view").hello()


def test_a_frame_that_makes_no_sense_is_left_out(session: ScriptedSession, join: Join, follow: Follow) -> None:
    follow("view").close()
    client = join("view", session.info.id)
    client.ask("requestParam")
    session.link.send_frame(pack_frame({"type": "array", "run": session.info.id, "sequence": 1, "name": "odd"}))
    assert "could not be read" in client.wait("error_message")["msg"]
    session.advance()
    client.wait("data_point", lambda content: content["name"] == "loss")


def test_one_browser_too_many_is_told_so_and_the_others_stay(house: Path) -> None:
    process = Process("--most-clients", "3")
    clients = [Client(process.endpoint, "view").hello() for _ in range(3)]
    with pytest.raises(InvalidStatus, match="503"):
        Client(process.endpoint)
    clients.pop().close()
    waited = threading.Event()
    for _ in range(200):
        with contextlib.suppress(InvalidStatus):
            clients.append(Client(process.endpoint))
            break
        waited.wait(0.05)
    assert all(client.ask("hello", {"versions": [2]})["success"] for client in clients)
    for client in clients:
        client.close()
    process.end()
