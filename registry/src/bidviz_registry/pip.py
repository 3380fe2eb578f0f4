"""Runs pip in a process of its own and passes on what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bidviz_core.errors import PluginError

#: Installing may fetch and build; past this it hangs.
MOST_SECONDS = 900.0
#: Never a question, never a look for pip's own updates, nothing that moves a cursor about.
_QUIET = ("--no-input", "--disable-pip-version-check", "--no-color")
_KEPT_LINES = 200


def plan(requirement: str, options: Sequence[str], progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """Asks pip what it would install.

    Returns:
        For each distribution `{"name", "version", "requested"}`.

    Raises:
        PluginError: pip cannot find it or cannot make it fit.
    """
    with tempfile.TemporaryDirectory(prefix="bidviz-pip-") as folder:
        report = Path(folder, "report.json")
        run("install", "--dry-run", "--report", str(report), *options, requirement, progress=progress)
        items = json.loads(report.read_text("utf-8"))["install"]
    return [
        {
            "name": item["metadata"]["name"],
            "version": item["metadata"]["version"],
            "requested": bool(item.get("requested")),
        }
        for item in items
    ]


def run(command: str, *arguments: str, progress: Callable[[str], None]) -> list[str]:
    """Runs one pip command for this interpreter's environment.

    Args:
        command: pip's own command.
        arguments: what follows it.
        progress: is given each line as it comes.

    Returns:
        The last lines pip wrote.

    Raises:
        PluginError: pip is not there, failed, or took too long; the text ends with what pip said.
    """
    bar = ("--progress-bar", "off") if command == "install" else ()
    line = [sys.executable, "-m", "pip", command, *_QUIET, *bar, *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"}
    # A session of its own: Ctrl-C at the training's terminal is meant for the training.
    process = subprocess.Popen(
        line,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    said: list[str] = []
    deadline = _Deadline(process)
    with process, deadline:
        assert process.stdout is not None
        for text in process.stdout:
            if text.strip():
                said.append(text.rstrip())
                del said[:-_KEPT_LINES]
                progress(said[-1])
    if deadline.passed:
        raise PluginError(
            f"pip took more than {MOST_SECONDS / 60:.0f} minutes and was ended; it said last: {_last(said)}"
        )
    if process.returncode:
        raise PluginError(explain(said))
    return said


class _Deadline:
    """Ends a process that takes too long."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.passed = False
        self._process = process
        self._timer = threading.Timer(MOST_SECONDS, self._end)
        self._timer.name = "bidviz-install-deadline"
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()
        self._timer.join()

    def _end(self) -> None:
        self.passed = True
        self._process.kill()


def explain(said: list[str]) -> str:
    """The sentence for a person, from what pip said when it failed."""
    text = "\n".join(said)
    if "No module named pip" in text:
        return (
            f"There is no pip in the training's environment ({sys.executable}): python -m ensurepip, "
            "or install the bundle in a terminal; it is offered as soon as it is there."
        )
    errors = [line for line in said if line.lower().startswith("error:")]
    return f"pip could not install it: {' '.join(line[6:].strip() for line in errors[-3:]) or _last(said)}"


def _last(said: list[str]) -> str:
    return " / ".join(said[-3:]) or "nothing"
