"""Finding a dashboard, starting one, and what else may be at its port."""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from support.clients import Client, wait_for_run
from support.scripted_session import ScriptedSession

from bidviz_core.endpoint import Endpoint, load_record
from bidviz_core.launch import find_or_start
from bidviz_core.probe import probe

FIND = (
    "import sys, json; from pathlib import Path; from bidviz_core.launch import find_or_start; "
    "found, why = find_or_start('auto', Path(sys.argv[1])); "
    "print(json.dumps([found.page_url() if found else None, why]))"
)


class Pretender(http.server.BaseHTTPRequestHandler):
    """Somebody else's server: answers everything, and knows no secret."""

    asked: ClassVar[list[tuple[str, dict[str, str]]]] = []
    body: ClassVar[bytes] = b"hello"

    def do_GET(self) -> None:
        type(self).asked.append((self.path, dict(self.headers)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(type(self).body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def occupy(free_port: int) -> Iterator[Callable[[bytes], type[Pretender]]]:
    """Puts somebody else's server on the port."""
    servers: list[http.server.HTTPServer] = []

    def start(body: bytes) -> type[Pretender]:
        kind = type("Somebody", (Pretender,), {"asked": [], "body": body})
        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", free_port), kind))
        threading.Thread(target=servers[0].serve_forever, args=(0.01,), name="test-pretender", daemon=True).start()
        return kind

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def healthy(endpoint: Endpoint) -> bool:
    """Asks until it answers: a connection waits in the queue of the socket while the process starts."""
    with urllib.request.urlopen(f"{endpoint.url}/bidviz/healthy", timeout=30) as answer:
        return bool(answer.read() == b"yes\n")


def test_off_and_none_run_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert find_or_start(None, tmp_path) == (None, "")
    monkeypatch.setenv("BIDVIZ_DASHBOARD", "off")
    assert find_or_start("auto", tmp_path) == (None, "")


def test_one_is_started_and_then_joined(at: str, tmp_path: Path) -> None:
    first, said = find_or_start("auto", tmp_path)
    assert said == ""
    assert first is not None
    assert first.url == at
    assert healthy(first)
    second, said = find_or_start("auto", tmp_path)
    assert (second, said) == (first, "")
    assert probe(first.host, first.port, 5).pid == load_record(first.host, first.port).pid


def test_tokens_are_nowhere_on_a_command_line_and_in_no_log(at: str, tmp_path: Path, state_dir: Path) -> None:
    endpoint, _ = find_or_start("auto", tmp_path)
    assert endpoint is not None
    assert healthy(endpoint)
    with_cookies = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with with_cookies.open(endpoint.page_url(), timeout=30) as page:
        assert page.status == 200
    pid = load_record(endpoint.host, endpoint.port).pid
    shown = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
    shown += b"".join(path.read_bytes() for path in (state_dir / "logs").iterdir())
    assert not [right for right, token in endpoint.tokens.items() if token.encode() in shown]


def test_it_outlives_the_training_that_started_it(at: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIND, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    url, said = json.loads(done.stdout)
    assert (said, done.stderr) == ("", "")
    endpoint, _ = find_or_start("auto", tmp_path)
    assert endpoint is not None
    assert endpoint.page_url() == url
    assert healthy(endpoint)
    record = load_record(endpoint.host, endpoint.port)
    assert os.getsid(record.pid) == record.pid


def test_two_trainings_that_start_together_share_one(at: str, tmp_path: Path, state_dir: Path) -> None:
    command = [sys.executable, "-c", FIND, str(tmp_path)]
    together = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(5)]
    found = [json.loads(process.communicate(timeout=120)[0]) for process in together]
    assert len({url for url, _ in found}) == 1
    assert {said for _, said in found} == {""}
    assert len(list((state_dir / "dashboards").iterdir())) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>a program of somebody else's</html>", "Somebody else's program is at"),
        (b"[]", "Somebody else's program is at"),
        (b'{"product": "bidviz", "version": 1, "nonce": "x", "pid": 1, "proof": "00"}', "pretends to be a dashboard"),
        (b'{"product": "bidviz", "version": "one"}', "pretends to be a dashboard"),
    ],
)
def test_somebody_elses_program_on_the_port_is_passed_by(
    at: str, occupy: Callable[[bytes], type[Pretender]], body: bytes, said: str, tmp_path: Path
) -> None:
    somebody = occupy(body)
    endpoint, sentence = find_or_start("auto", tmp_path)
    assert endpoint is not None
    assert endpoint.url != at
    assert said in sentence
    assert sentence.endswith("The dashboard is at another port.")
    assert healthy(endpoint)
    again, _ = find_or_start("auto", tmp_path)
    assert again == endpoint
    told = json.dumps(somebody.asked)
    assert not [token for token in endpoint.tokens.values() if token in told]


def test_one_that_accepts_and_says_nothing_is_passed_by(at: str, free_port: int, tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", free_port)):
        endpoint, sentence = find_or_start("auto", tmp_path)
    assert endpoint is not None
    assert endpoint.port != free_port
    assert "does not answer" in sentence or "Somebody else's" in sentence


def test_a_proof_that_is_passed_on_from_another_port_is_refused(at: str, free_port: int, tmp_path: Path) -> None:
    real, _ = find_or_start("auto", tmp_path)
    assert real is not None
    assert healthy(real)

    class Relay(Pretender):
        def do_GET(self) -> None:
            assert real is not None
            with urllib.request.urlopen(f"{real.url}{self.path}", timeout=30) as answer:
                type(self).body = answer.read()
            super().do_GET()

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay) as relay:
        threading.Thread(target=relay.serve_forever, args=(0.01,), name="test-relay", daemon=True).start()
        answer = probe("127.0.0.1", relay.server_address[1], 20)
        relay.shutdown()
    assert answer.kind == "stranger"
    assert "pretends" in answer.why


def test_a_dashboard_of_another_secret_is_a_stranger(
    at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first, _ = find_or_start("auto", tmp_path)
    assert first is not None
    assert healthy(first)
    with monkeypatch.context() as patch:
        patch.setenv("BIDVIZ_STATE_DIR", str(tmp_path_factory.mktemp("other")))
        assert "pretends" in probe(first.host, first.port, 5).why


def test_an_address_that_nobody_answers_is_joined_later(tmp_path: Path, free_port: int) -> None:
    endpoint, said = find_or_start(f"http://127.0.0.1:{free_port}", tmp_path)
    assert endpoint is not None
    assert "joins it as soon as one does" in said


def test_a_wrong_address_is_said_and_nothing_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint, said = find_or_start("ws://nonsense", tmp_path)
    assert endpoint is None
    assert re.search(r"There is no dashboard: .*http://host:port.*The training goes on", said)
    monkeypatch.setenv("BIDVIZ_DASHBOARD", "nonsense://")
    assert find_or_start("auto", tmp_path)[0] is None


def test_a_secret_that_leaked_is_said_and_nothing_is_raised(at: str, tmp_path: Path, state_dir: Path) -> None:
    (state_dir / "secret").write_bytes(b"x" * 32)
    (state_dir / "secret").chmod(0o644)
    endpoint, said = find_or_start("auto", tmp_path)
    assert endpoint is None
    assert "Others can read" in said


def test_without_the_dashboard_installed_the_sentence_says_how(at: str, tmp_path: Path) -> None:
    hide = "import sys; sys.modules['bidviz_dashboard'] = None; "
    done = subprocess.run(
        [sys.executable, "-c", hide + FIND, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    url, said = json.loads(done.stdout)
    assert url is None
    assert "pip install bidviz-dashboard" in said


def test_a_training_streams_to_the_dashboard_it_started(at: str, tmp_path: Path) -> None:
    endpoint, _ = find_or_start("auto", tmp_path)
    assert endpoint is not None
    session = ScriptedSession(endpoint, tmp_path)
    session.link.start()
    assert healthy(endpoint)
    client = Client(endpoint, "view").hello()
    wait_for_run(client, session.info.id)
    assert client.ask("subscribe", {"run": session.info.id})["success"]
    session.advance(3)
    client.until(lambda: client.frames)
    client.close()
    session.close()


def test_stop_stops_what_is_recorded(at: str, tmp_path: Path) -> None:
    endpoint, _ = find_or_start("auto", tmp_path)
    assert endpoint is not None
    assert healthy(endpoint)
    command = [sys.executable, "-m", "bidviz_dashboard", "--stop"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, f"The dashboard at {at} is stopped; trainings go on.\n")
    assert probe(endpoint.host, endpoint.port, 5).kind == "nobody"
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "No dashboard of yours is running.\n")


def test_serving_where_one_runs_already_prints_its_url(at: str, tmp_path: Path) -> None:
    endpoint, _ = find_or_start("auto", tmp_path)
    assert endpoint is not None
    assert healthy(endpoint)
    command = [sys.executable, "-m", "bidviz_dashboard"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, f"Your dashboard is running already: {endpoint.page_url()}\n")


def test_serving_on_a_strangers_port_says_what_to_do(
    at: str, free_port: int, occupy: Callable[[bytes], type[Pretender]]
) -> None:
    occupy(b"somebody")
    command = [sys.executable, "-m", "bidviz_dashboard"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"bidviz dashboard --port {free_port + 1}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("wrong", [["--port", "x"], ["--port", "70000"], ["--nonsense"]])
def test_wrong_use_ends_with_two(wrong: list[str]) -> None:
    command = [sys.executable, "-m", "bidviz_dashboard", *wrong]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
