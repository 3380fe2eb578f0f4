"""Worlds for the system's tests: a state folder, dashboards and trainings, each in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
from support.dashboards import Browser, Dashboard, running_dashboard

from bidviz_core.endpoint import recorded
from bidviz_core.frames import unpack_frame
from bidviz_core.processes import is_alive

TRAININGS = Path(__file__).parent / "trainings"
#: Seconds for what happens at once on a machine that has nothing else to do.
PATIENCE = 60.0


class Program:
    """A process whose lines are read as they come.

    Args:
        command: what is run.
        environment: its environment.
        more: what `subprocess.Popen` takes.
    """

    def __init__(self, command: list[str], environment: dict[str, str], **more: Any) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._over = False
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self.process = subprocess.Popen(command, env=environment, text=True, bufsize=1, **pipes, **more)
        self._reader = threading.Thread(target=self._read, name="test-program", daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        """All that it has printed so far."""
        with self._news:
            return "\n".join(self.lines)

    def wait_for(self, pattern: str, timeout: float = PATIENCE) -> re.Match[str]:
        """Waits for a line in which the pattern is found; gives the first such line's match."""
        found: list[re.Match[str]] = []

        def look() -> bool:
            found[:] = [match for line in self.lines if (match := re.search(pattern, line))][:1]
            return bool(found) or self._over

        with self._news:
            self._news.wait_for(look, timeout)
        assert found, f"{pattern!r} was not printed; the end of what was: " + "\n".join(self.lines[-40:])
        return found[0]

    def tell(self, line: str) -> None:
        """Writes a line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def signal(self, number: int) -> None:
        """Sends a signal."""
        self.process.send_signal(number)

    def finish(self, timeout: float = PATIENCE) -> int:
        """Closes its standard input, upon which trainings end, and waits for the exit status."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # it has gone already
            self.process.stdin.close()
        return self.wait(timeout)

    def wait(self, timeout: float = PATIENCE) -> int:
        """Waits for the exit status, and for the last line."""
        status = self.process.wait(timeout)
        self._reader.join(timeout)
        return status

    def kill(self) -> None:
        """Ends it as an outside power does: at once and without a word."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def close(self) -> None:
        """Ends it, whatever it does."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError):  # closed by a child's death between two reads
            for line in self.process.stdout:
                with self._news:
                    self.lines.append(line.rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()


class Training(Program):
    """A training script that prints `run ID FOLDER` and goes on until its standard input ends."""

    def begun(self) -> Training:
        """Waits until it is watched."""
        match = self.wait_for(r"^run (\S+) (\S+) ?(\S*)$")
        self.run, self.folder, self.url = match[1], Path(match[2]), match[3]
        return self


class Follower(Browser):
    """A program that keeps what a page keeps: batches by number, history with its number, and when to ask again."""

    def __init__(self, address: str, token: str, run: str, since: int | None = None) -> None:
        self.batches: dict[int, dict[str, list[tuple[float, float]]]] = {}
        self.twice: list[int] = []
        self.answers: list[tuple[dict[str, Any], list[np.ndarray]]] = []
        super().__init__(address, token, run, version=1)
        assert self.ask("hello", {"versions": [2], "client": "test"})["success"]
        self.batches.clear()
        self.follow(since)

    @property
    def last(self) -> int:
        """The last batch that came."""
        return max(self.batches, default=0)

    def follow(self, since: int | None) -> None:
        """Subscribes."""
        assert self.ask("subscribe", {"run": self.run, "since": since})["success"]

    def history(self, series: str) -> tuple[int, dict[float, float]]:
        """Every record in the file: the number of the last batch in it, and values by step."""
        asked = len(self.answers)
        assert self.ask("history", {"run": self.run, "series": [series], "points": None})["success"]
        (header, columns) = next(answer for answer in self.answers[asked:] if answer[0]["series"] == series)
        steps = columns[0].tolist()
        assert len(set(steps)) == len(steps), "the file holds a step twice"
        return int(header["sequence"]), dict(zip(steps, columns[1].tolist(), strict=True))

    def joined(self, series: str, until: float) -> dict[float, float]:
        """The series as a page has it: the file up to its last batch, then live batches; asks again at a gap.

        Args:
            series: which.
            until: the step that has to have come live.
        """

        def come() -> bool:
            return any(step >= until for batch in self.batches.values() for step, _ in batch.get(series, ()))

        while True:
            sequence, values = self.history(series)
            with self._news:
                assert self._news.wait_for(come, PATIENCE), f"step {until} of {series} did not come"
                later = sorted(number for number in self.batches if number > sequence)
                if later and later != list(range(sequence + 1, sequence + 1 + len(later))):
                    self._news.wait(1.0)  # the file is half a second behind: its next commit closes the gap
                    continue
                for number in later:
                    for step, value in self.batches[number].get(series, ()):
                        assert step not in values, f"step {step} came live in batch {number} and is in the file"
                        values[step] = value
            return values

    def _take_frame(self, frame: bytes) -> None:
        header, buffers = unpack_frame(frame)
        if header["type"] == "history":
            self.answers.append((header, buffers))
            return
        super()._take_frame(frame)
        if header["type"] == "batch":
            if header["sequence"] in self.batches:
                self.twice.append(header["sequence"])
            batch = self.batches.setdefault(header["sequence"], {})
            for block in header["blocks"]:
                at = block["at"]
                for name, row in zip(block["names"], buffers[at + 2], strict=True):
                    batch.setdefault(name, []).extend(zip(buffers[at].tolist(), row.tolist(), strict=True))


class World:
    """A state folder, and all that is started in it.

    Args:
        folder: an empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.runs = folder / "runs"
        self.state = folder / "state"
        self.state.mkdir(mode=0o700)
        self._stack = contextlib.ExitStack()

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of its processes."""
        return {**os.environ, "BIDVIZ_STATE_DIR": str(self.state), "PYTHONUNBUFFERED": "1", **more}

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """What this process does meanwhile, it does in the world's state folder."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("BIDVIZ_STATE_DIR", str(self.state))
            yield

    def dashboard(self, *options: str) -> Dashboard:
        """Starts a dashboard; it ends with the world."""
        with self.inside():
            return self._stack.enter_context(running_dashboard(self.runs, *options))

    def start(self, script: str | Path, *arguments: str, **more: str) -> Training:
        """Starts a script of `trainings/`, or any other.

        Args:
            script: its name without `.py`, or a path.
            arguments: what it is given.
            more: environment variables.
        """
        path = TRAININGS / f"{script}.py" if isinstance(script, str) else script
        program = Training([sys.executable, str(path), *arguments], self.environment(**more))
        self._stack.callback(program.close)
        return program

    def start_module(self, name: str, *arguments: str) -> Program:
        """Starts `python -m` a module."""
        program = Program([sys.executable, "-m", name, *arguments], self.environment())
        self._stack.callback(program.close)
        return program

    def train(self, script: str = "steps", dashboard: Dashboard | None = None, /, **options: Any) -> Training:
        """Starts a training, and waits until it is watched and has joined the dashboard.

        Args:
            script: its name in `trainings/`.
            dashboard: which it joins, or none to run without.
            options: what the script hands to `watch`.
        """
        url = dashboard.url if dashboard is not None else None
        given = {"run_dir": str(self.runs), "dashboard": url, "plugins": [], **options}
        training = self.start(script, json.dumps(given)).begun()
        if dashboard is not None:
            self.wait_for_link(dashboard, training.run)
        return training

    def wait_for_link(self, dashboard: Dashboard, run: str) -> None:
        """Waits until a run's session has joined a dashboard."""

        def is_live(message: dict[str, Any]) -> bool:
            rows = message["content"] if message["msgType"] == "runs" else []
            return any(row["run"]["id"] == run and row["live"] for row in rows)

        with dashboard.browser(run, "view") as browser:
            assert browser.ask("subscribeRuns")["success"]
            browser.wait_for(is_live)

    def follow(self, dashboard: Dashboard, run: str, since: int | None = None) -> Follower:
        """A page's stand-in; closed with the world."""
        follower = Follower(dashboard.address, dashboard.tokens["code"], run, since)
        self._stack.callback(follower.close)
        return follower

    def browser(self, dashboard: Dashboard, run: str, right: str = "code", version: int = 2) -> Browser:
        """A program that follows a run; closed with the world."""
        return self._stack.enter_context(dashboard.browser(run, right, version))

    def joined(self, training: Training) -> Dashboard:
        """The dashboard whose URL a training has printed, once it answers."""
        with self.inside():
            dashboard = Dashboard(training.url, None)  # type: ignore[arg-type]
        with urlopen(f"{dashboard.url}/bidviz/healthy", timeout=PATIENCE) as answer:
            assert answer.status == 200
        self.wait_for_link(dashboard, training.run)
        return dashboard

    def secrets(self) -> list[bytes]:
        """What nobody else may ever see: the user's secret, and every token."""
        with self.inside():
            tokens = [token.encode() for record in recorded() for token in record.tokens.values()]
        secret = self.state / "secret"
        return [*tokens, *([secret.read_bytes()] if secret.exists() else [])]

    def started_dashboards(self) -> list[int]:
        """The processes of the dashboards that run now, by the records of the state folder."""
        with self.inside():
            return [record.pid for record in recorded() if is_alive(record.pid, record.started)]

    def on_close(self, function: Callable[[], object]) -> None:
        """Something to be done when the world ends."""
        self._stack.callback(function)

    def close(self) -> None:
        """Ends every process in it, also the dashboards that trainings have started."""
        pids = self.started_dashboards()
        self._stack.close()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def until(condition: Callable[[], bool], what: str) -> None:
    """Looks again and again at what nobody tells of: a file, a process, a port."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"it never came: {what}"
        threading.Event().wait(0.05)


def is_state(state: str) -> Callable[[dict[str, Any]], bool]:
    """Whether a message is a status of that state."""
    return lambda message: message["msgType"] == "status" and message["content"]["status"]["state"] == state


def is_kind(kind: str, text: str = "") -> Callable[[dict[str, Any]], bool]:
    """Whether a message is of a kind, and has a text in it."""
    return lambda message: message["msgType"] == kind and text in json.dumps(message)


def do(browser: Browser, method: str, content: Any = None) -> dict[str, Any]:
    """Sends a request that has to succeed; gives the answer."""
    answer = browser.ask(method, content, PATIENCE)
    assert answer["success"], f"{method}: {answer['data']}"
    return answer


def refused(browser: Browser, method: str, content: Any = None) -> str:
    """Sends a request that has to fail; gives the sentence, as text."""
    answer = browser.ask(method, content, PATIENCE)
    assert not answer["success"], f"{method} was carried out: {answer['data']}"
    return answer["data"] if isinstance(answer["data"], str) else str(answer["data"]["message"])
