"""Other processes: workers, children, ranks, whoever else sits on the dashboard's port, and a disk that is full."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import resource
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.ports import free_port
from system.worlds import PATIENCE, Training, World, do, is_kind, is_state, refused, until
from websockets.sync.server import ServerConnection, serve

import bidviz_core as bidviz
from bidviz_core.launch import bind
from bidviz_core.processes import is_alive

# --- workers, children, ranks ------------------------------------------------------------------------------------


def test_workers_and_children_leave_the_session_alone(world: World) -> None:
    dashboard = world.dashboard()
    training = world.train("loader", dashboard)
    browser = world.browser(dashboard, training.run)
    left = training.wait_for(r"left (\d+) (\d+) behind", timeout=2 * PATIENCE)
    children = [int(left[1]), int(left[2])]

    def alive() -> list[int]:
        return [child for child in children if is_alive(child, time.time())]

    world.on_close(lambda: [os.kill(child, signal.SIGKILL) for child in alive()])
    assert training.wait_for(r"fork read up to step (\d+)")[1] == "4"
    assert training.wait_for(r"spawn read up to step (\d+)")[1] == "8"
    assert "threads of the session run" not in training.text
    # The spawned worker ran the script's `watch` again: it said so, once, and made no run of its own.
    assert len(re.findall(r"watch does nothing here: this is a child process", training.text)) == 1
    assert len(list(world.runs.iterdir())) == 1
    # A forked child that ends does not end the run.
    training.tell("")
    until(lambda: len(alive()) == 1, "the end of one child")
    step = browser.wait_for(is_kind("status"))["content"]["status"]["step"]
    browser.wait_for(lambda one: is_state("running")(one) and one["content"]["status"]["step"] >= step + 200)
    assert "Traceback" not in training.text
    # Nor does one that lives on hold anything that would keep a dead training alive.
    training.kill()
    browser.wait_for(is_state("lost"), timeout=5.0)
    assert len(alive()) == 1
    run = bidviz.open_run(training.folder)
    assert run.state == "lost"
    steps = run.history("loss").step.tolist()
    assert steps == list(range(1, len(steps) + 1))
    assert "made" not in run.series


def test_of_two_ranks_the_first_is_watched_and_none_is_steered(world: World) -> None:
    dashboard = world.dashboard()
    training = world.train("ranks", dashboard)
    first = training.wait_for(r"^rank 0: (.+), threads (\d+), hooks (\d+)")
    second = training.wait_for(r"^rank 1: (.+), threads (\d+), hooks (\d+)")
    assert first[1].startswith("<Session")
    assert (int(first[2]), int(first[3])) > (0, 0)
    assert second[1].startswith("<InertSession: rank 1 of 2 is not watched")
    assert (second[2], second[3]) == ("0", "0")
    assert len(re.findall("watch does nothing here: rank 1 of 2", training.text)) == 1
    browser = world.browser(dashboard, training.run)
    browser.wait_for_values("loss", 10)
    for method, content in [
        ("pauseTraining", True),
        ("modifyParam", {"lr": "0.5"}),
        ("evaluateCommand", {"code": "optimizer.param_groups[0]['lr']"}),
        ("addFunction", {"name": "norm", "code": "grads.norm()"}),
    ]:
        assert "This training has 2 ranks" in refused(browser, method, content)
    assert json.loads(do(browser, "getModelGraph")["data"])["layers"]
    (world.runs / "over").touch()
    assert training.wait() == 0
    browser.wait_for(is_state("ended"))
    for rank in (0, 1):
        training.wait_for(f"rank {rank}: the ranks' weights are equal: True")


# --- the dashboard's port ----------------------------------------------------------------------------------------


def start_at(world: World, port: int, **options: Any) -> Training:
    """A training whose dashboard is to be at a port, as the environment says."""
    given = {"run_dir": str(world.runs), "plugins": [], **options}
    return world.start("steps", json.dumps(given), BIDVIZ_DASHBOARD=f"http://127.0.0.1:{port}")


def is_free(port: int) -> bool:
    listener = bind("127.0.0.1", port)
    if listener is not None:
        listener.close()
    return listener is not None


def port_of(training: Training) -> int:
    return int(urlsplit(training.url).port or 0)


def test_the_dashboard_is_started_outlives_the_training_and_is_found_again(world: World) -> None:
    port = free_port()
    first = start_at(world, port).begun()
    assert port_of(first) == port
    dashboard = world.joined(first)
    assert first.finish() == 0
    [process] = world.started_dashboards()
    second = start_at(world, port).begun()
    assert port_of(second) == port
    world.joined(second)
    assert world.started_dashboards() == [process]
    browser = world.browser(dashboard, second.run)
    browser.wait_for_values("loss", 5)
    assert do(browser, "history", {"run": first.run, "series": ["loss"]})
    stopped = world.start_module("bidviz_dashboard", "--stop")
    assert stopped.wait() == 0
    assert "trainings go on" in stopped.text
    until(lambda: not world.started_dashboards(), "the dashboard's end")
    reached = int(second.lines[-1].split()[1])
    second.wait_for(f"^step {reached + 20} ")


def test_trainings_that_start_at_the_same_moment_share_one_dashboard(world: World) -> None:
    port = free_port()
    trainings = [start_at(world, port, wait=True, name=f"number {number}") for number in range(3)]
    for training in trainings:
        training.wait_for("^ready$")
    for training in trainings:
        training.tell("")
    for training in trainings:
        training.begun()
    assert {port_of(training) for training in trainings} == {port}
    dashboards = {world.joined(training).url for training in trainings}
    assert len(dashboards) == 1
    assert len(world.started_dashboards()) == 1


@pytest.fixture
def stranger() -> Iterator[int]:
    """A port at which somebody listens who never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield int(listener.getsockname()[1])


def test_a_port_that_somebody_else_has_is_left_to_them(world: World, stranger: int) -> None:
    training = start_at(world, stranger).begun()
    assert f"Somebody else's program is at 127.0.0.1:{stranger}" in training.text
    assert "The dashboard is at another port" in training.text
    assert port_of(training) not in (stranger, 0)
    world.browser(world.joined(training), training.run).wait_for_values("loss", 5)


class Impostor:
    """Listens at a port, answers as a dashboard would whose secret it does not know, and keeps all that it is told.

    Args:
        relay: the port of the real dashboard, which it asks for the proof; none to make one up.
    """

    def __init__(self, relay: int | None = None) -> None:
        self.heard = b""
        impostor = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                impostor.heard += f"{self.requestline}\n{self.headers}".encode() + self.rfile.read(length)
                body = impostor.proof(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._relay = relay
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), name="test-impostor", daemon=True
        )
        self._thread.start()

    def proof(self, path: str) -> bytes:
        if self._relay is None:
            about = {"product": "bidviz", "version": 1, "nonce": "a" * 32, "pid": os.getpid(), "proof": "b" * 64}
            return json.dumps(about).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self._relay, timeout=PATIENCE)
        connection.request("GET", path)
        answer = connection.getresponse().read()
        connection.close()
        return answer

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)


@pytest.mark.parametrize("relaying", [False, True], ids=["makes one up", "asks the real one"])
def test_an_impostor_gets_no_token_and_no_run(world: World, relaying: bool) -> None:
    relay = int(world.dashboard().address.rsplit(":", 1)[1]) if relaying else None
    with contextlib.closing(Impostor(relay)) as impostor:
        automatic = start_at(world, impostor.port).begun()
        assert "pretends to be a dashboard of yours" in automatic.text
        assert port_of(automatic) not in (impostor.port, 0)
        named = start_at(world, 0, dashboard=f"http://127.0.0.1:{impostor.port}").begun()
        assert named.url == ""
        assert "goes on without a dashboard" in named.text
        named.wait_for("^step 20 ")
        assert impostor.heard
        for word in [*world.secrets(), automatic.run.encode(), named.run.encode(), b"oken", b"/session"]:
            assert word not in impostor.heard
    world.browser(world.joined(automatic), automatic.run).wait_for_values("loss", 5)


def test_who_takes_the_port_of_a_dashboard_that_died_gets_nothing(world: World) -> None:
    port = free_port()
    training = start_at(world, port).begun()
    world.joined(training)
    [process] = world.started_dashboards()
    os.kill(process, signal.SIGKILL)
    until(lambda: is_free(port), "the dashboard's end")
    heard: list[str | bytes] = []
    tried = threading.Semaphore(0)

    def pretend(connection: ServerConnection) -> None:
        heard.append(str(connection.request))
        with contextlib.suppress(Exception):
            heard.append(connection.recv())
            connection.send(json.dumps({"product": "bidviz", "version": 1, "nonce": "a" * 32, "proof": "b" * 64}))
            heard.extend(connection)
        tried.release()

    with serve(pretend, "127.0.0.1", port, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever, name="test-impostor", daemon=True)
        thread.start()
        for _ in range(2):
            assert tried.acquire(timeout=PATIENCE), "the session did not try"
        server.shutdown()
        thread.join(PATIENCE)
    everything = b"".join(one.encode() if isinstance(one, str) else one for one in heard)
    assert b"nonce" in everything
    for word in [*world.secrets(), training.run.encode(), b"catalogue", b"steps"]:
        assert word not in everything
    # The user's own dashboard is let in again.
    again = world.dashboard("--port", str(port))
    world.wait_for_link(again, training.run)


def test_without_a_dashboard_installed_training_goes_on_and_the_history_is_kept(world: World, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Without:\n"
        "    def __init__(self, finder): self.finder = finder\n"
        "    def __getattr__(self, name): return getattr(self.finder, name)\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'bidviz_dashboard': return None\n"
        "        return self.finder.find_spec(name, path, target)\n"
        "sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]\n"
    )
    given = json.dumps({"run_dir": str(world.runs), "plugins": []})
    address = f"http://127.0.0.1:{free_port()}"
    training = world.start("steps", given, BIDVIZ_DASHBOARD=address, PYTHONPATH=str(tmp_path)).begun()
    assert training.url == ""
    assert "`pip install bidviz-dashboard` brings it" in training.text
    training.wait_for("^step 20 ")
    assert training.finish() == 0
    assert "Traceback" not in training.text
    last = int(training.wait_for(r"finished after step (\d+)")[1])
    assert bidviz.open_run(training.folder).history("loss").value.tolist() == list(range(1, last + 1))
    assert world.started_dashboards() == []


# --- a full disk -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """A disk of two megabytes: what fills it, and what frees it. Each is given the training's process."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.decode().strip()}")
    filler = folder / "filler"

    def fill(_: int) -> None:
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"\0" * 4096):
                continue  # until there is no room

    try:
        yield fill, lambda _: filler.unlink()
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def limited_files(folder: Path) -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """Files that may not grow any more: stands for a full disk where none can be mounted."""
    everything = resource.RLIM_INFINITY

    def fill(process: int) -> None:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (4096, everything))

    yield fill, lambda process: resource.prlimit(process, resource.RLIMIT_FSIZE, (everything, everything)) and None


@pytest.mark.parametrize("disk", [small_disk, limited_files], ids=["disk", "limit"])
def test_a_full_disk_is_told_of_stops_nobody_and_loses_nothing(world: World, disk: Any) -> None:
    dashboard = world.dashboard()
    with disk(world.runs) as (fill, free):
        training = world.train("steps", dashboard, pace=0.001)
        follower = world.follow(dashboard, training.run)
        until(lambda: bool(follower.history("loss")[1]), "the first records in the file")
        fill(training.process.pid)
        failure = follower.wait_for(is_kind("failure", '"store"'), PATIENCE)["content"]["failure"]
        assert "It is tried again; the training goes on" in failure["message"]
        training.wait_for(r"It is tried again; the training goes on")
        _, before = follower.history("loss")
        missing = int(max(before)) + 100
        training.wait_for(f"^step {missing} ")
        assert max(follower.history("loss")[1]) < missing
        live = len(follower.values["loss"])
        follower.wait_for_values("loss", min(live + 100, 4500))
        free(training.process.pid)
        until(lambda: max(follower.history("loss")[1]) > missing, "the records that waited for room")
        assert training.finish() == 0
        follower.wait_for(is_state("ended"))
        assert len(re.findall("tried again", training.text)) == 1, "it is said once"
        assert "Traceback" not in training.text
        last = int(training.wait_for(r"finished after step (\d+)")[1])
        run = bidviz.open_run(training.folder)
        assert run.history("loss").value.tolist() == list(range(1, last + 1))
        assert run.state == "ended"
        assert [one.source for one in run.failures] == ["store"]
