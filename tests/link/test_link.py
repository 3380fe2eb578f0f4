"""The session's end of the link: never waiting, coming back, saying goodbye, forgotten in forked children."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.clients import Client, Process, wait_for_run
from support.scripted_session import ScriptedSession

from bidviz_core import link as link_module
from bidviz_core import outbox
from bidviz_core.endpoint import Endpoint
from bidviz_core.frames import pack_frame
from bidviz_core.link import Link
from bidviz_core.messages.notifications import ErrorContent, ErrorMessage, RunInfo, Status, StatusContent, StatusMessage
from bidviz_core.outbox import Frame, Outbox

INFO = RunInfo(id="r", name="r", folder="/nowhere", started=0.0, pid=1, host="h")


def link_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("bidviz-link")]


@pytest.fixture
def process() -> Iterator[Process]:
    """A dashboard of this test's own."""
    process = Process()
    yield process
    process.end()


def test_nothing_waits_while_nobody_is_there(free_port: int) -> None:
    link = Link(Endpoint("127.0.0.1", free_port), INFO, list, lambda order: None)
    link.start()
    for _ in range(100):
        link.send_frame(b"x" * 2**20)
    for number in range(10_000):
        link.send(ErrorMessage(ErrorContent(str(number))))
    assert link.dropped >= 68 + 10_000 - outbox.NOTICES
    link.close(0.2)
    assert not link.connected
    assert "No dashboard answers" in link.problem
    assert not link_threads()


def test_frames_are_let_go_oldest_first_and_counted() -> None:
    box = Outbox()
    for number in range(40):
        box.put_frame(bytes([number]) * 2**20)
        box.put(ErrorMessage(ErrorContent(str(number))))
    taken = box.take(1000)
    frames = [one.data[0] for one in taken if isinstance(one, Frame)]
    assert frames == list(range(40 - len(frames), 40))
    assert box.dropped == 40 - len(frames)
    assert [one.content.msg for one in taken if isinstance(one, ErrorMessage)] == [str(number) for number in range(40)]


def test_of_the_status_only_the_newest_waits() -> None:
    box = Outbox()
    for step in range(100):
        box.put(StatusMessage(StatusContent("r", Status(step=step))))
        box.put_frame(b"x")
    taken = box.take(1000)
    assert [one.content.status.step for one in taken if isinstance(one, StatusMessage)] == [99]
    assert box.dropped == 0


def test_close_sends_what_waits_and_joins(process: Process, tmp_path: Path) -> None:
    session = ScriptedSession(process.endpoint, tmp_path)
    session.link.start()
    client = Client(process.endpoint).hello()
    wait_for_run(client, session.info.id)
    assert client.ask("subscribe", {"run": session.info.id})["success"]
    for _ in range(300):
        session.advance()
    session.close("ended")
    assert not link_threads()
    client.until(lambda: client.frames and client.frames[-1][0]["sequence"] == 300)
    client.wait("status", lambda content: content["status"]["state"] == "ended")
    assert not client.of("gap")
    client.close()


def test_one_wake_sends_all_that_waits_and_each_wake_counts(process: Process, tmp_path: Path) -> None:
    session = ScriptedSession(process.endpoint, tmp_path)
    session.link.start()
    client = Client(process.endpoint, run=session.info.id).hello()
    wait_for_run(client, session.info.id)
    assert client.ask("subscribe", {"run": session.info.id})["success"]
    head = {"type": "array", "run": session.info.id, "sequence": 1, "name": "small", "step": 1, "time": 0.0}
    frame = pack_frame({**head, "value": {"kind": "array"}}, [np.zeros(3)])
    for _ in range(2_500):  # many times more than is taken at once, and each wait would be of five seconds
        session.link.send_frame(frame, wake=False)
    session.link.wake()
    assert client.ask("requestParam")["success"]  # the answer comes behind all of them
    session.close()
    client.close()


def test_close_is_over_soon_when_the_other_side_does_not_read(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        link = Link(Endpoint("127.0.0.1", deaf.getsockname()[1]), INFO, list, lambda order: None)
        link.start()
        link.send_frame(b"x" * 2**20)
        link.close(0.3)
        assert not link_threads()


def test_a_dashboard_that_does_not_know_the_secret_gets_nothing(
    process: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path_factory.mktemp("another-user")))
    asked = threading.Event()
    link = Link(process.endpoint, INFO, lambda: asked.set() or [], lambda order: None)  # type: ignore[func-returns-value]
    link.start()
    refused = threading.Event()

    def watch() -> None:
        while "does not know your secret" not in link.problem:
            refused.wait(0.01)
        refused.set()

    threading.Thread(target=watch, name="test-watch", daemon=True).start()
    assert refused.wait(20)
    assert not asked.is_set()
    link.close(0.2)


def test_a_session_that_does_not_know_the_secret_is_refused(process: Process) -> None:
    from websockets.sync.client import connect

    with connect(f"ws://{process.endpoint.host}:{process.endpoint.port}/session", compression=None) as stranger:
        stranger.send('{"product": "bidviz", "version": 1, "nonce": "abc"}')
        assert "proof" in str(stranger.recv(timeout=20))
        stranger.send('{"proof": "0000"}')
        with pytest.raises(Exception, match="The proof failed"):
            stranger.recv(timeout=20)


@pytest.mark.parametrize(
    "hello", ["{}", "no json", '{"product": "other", "nonce": "x"}', '{"product": "bidviz"}', "[]"]
)
def test_a_wrong_greeting_is_told_what_was_expected(process: Process, hello: str) -> None:
    from websockets.sync.client import connect

    with connect(f"ws://{process.endpoint.host}:{process.endpoint.port}/session", compression=None) as stranger:
        stranger.send(hello)
        with pytest.raises(Exception, match="Expected"):
            stranger.recv(timeout=20)


def test_it_comes_back_after_the_dashboard_was_killed(process: Process, tmp_path: Path) -> None:
    session = ScriptedSession(process.endpoint, tmp_path)
    session.link.start()
    client = Client(process.endpoint).hello()
    wait_for_run(client, session.info.id)
    process.process.kill()
    client.until(lambda: client.closed)
    client.close()
    for _ in range(5):
        session.advance()
    second = Process("--port", str(process.endpoint.port))
    again = Client(second.endpoint).hello()
    wait_for_run(again, session.info.id)
    assert again.ask("subscribe", {"run": session.info.id, "since": 0})["success"]
    session.advance()
    again.until(lambda: again.frames and again.frames[-1][0]["sequence"] == 6)
    again.close()
    session.close()
    second.end()


def test_an_order_that_a_session_fails_on_is_answered(process: Process, tmp_path: Path) -> None:
    session = ScriptedSession(process.endpoint, tmp_path)

    def fail(order: object) -> None:
        raise ValueError("the handler is broken")

    session.answer = fail
    session.link.start()
    client = Client(process.endpoint, "code", session.info.id).hello()
    wait_for_run(client, session.info.id)
    answer = client.ask("requestParam")
    assert (answer["success"], answer["data"]) == (False, "ValueError: the handler is broken")
    client.close()
    session.close()


def test_a_forked_child_forgets_the_link_and_the_parent_keeps_it(process: Process, tmp_path: Path) -> None:
    session = ScriptedSession(process.endpoint, tmp_path)
    session.link.start()
    client = Client(process.endpoint, "code", session.info.id).hello()
    wait_for_run(client, session.info.id)
    assert client.ask("subscribe", {"run": session.info.id})["success"]
    assert session.link._wire is not None
    number = session.link._wire.socket.fileno()
    child = os.fork()
    if child == 0:
        link = session.link
        link.send_frame(b"from the child")
        link.close(1.0)
        try:
            os.fstat(number)
        except OSError:
            os._exit(0 if not link.connected else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert client.ask("requestParam")["success"]
    session.advance()
    client.until(lambda: any(header["type"] == "batch" for header, _ in client.frames))
    client.close()
    session.close()


def test_a_dashboard_that_reads_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(link_module, "READ_WITHIN", 0.5)
    process = Process()
    session = ScriptedSession(process.endpoint, tmp_path)
    session.link.start()
    client = Client(process.endpoint).hello()
    wait_for_run(client, session.info.id)
    process.process.send_signal(19)
    given_up = threading.Event()

    def watch() -> None:
        while "has read nothing" not in session.link.problem:
            session.link.send_frame(b"x" * 2**18)
            given_up.wait(0.01)
        given_up.set()

    threading.Thread(target=watch, name="test-watch", daemon=True).start()
    assert given_up.wait(20)
    process.process.send_signal(18)
    client.close()
    session.close()
    process.end()
