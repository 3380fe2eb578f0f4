"""Runs pip in a process of its own and passes on what it says."""

from __future__ import annotations

import ast
import atexit
import contextlib
import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bidviz_core.errors import PluginError

#: Installing may fetch and build; past this it hangs.
MOST_SECONDS = 900.0
#: Never a question, never a look for pip's own updates, nothing that moves a cursor about.
_QUIET = ("--no-input", "--disable-pip-version-check", "--no-color")
_KEPT_LINES = 200


#: Of the person's own settings, those that say how to reach an index; which one is said each time.
_KEPT_SETTINGS = (
    "cache-dir",
    "cert",
    "client-cert",
    "default-timeout",
    "keyring-provider",
    "proxy",
    "retries",
    "timeout",
    "trusted-host",
)
#: Variables that pip takes as they are, and which change more often than files: they are read without asking it.
_READ_HERE = {
    "PIP_INDEX_URL": "index-url",
    "PIP_EXTRA_INDEX_URL": "extra-index-url",
    "PIP_FIND_LINKS": "find-links",
}
_SETTING = re.compile(r"^(?P<section>[^.]+)\.(?P<key>[a-z-]+)=(?P<value>.*)$")
#: A training that keeps every core busy goes before an installation.
_NICENESS = 5


def plan(
    wheel: Path, folder: Path, progress: Callable[[str], None], beside: Path | None = None
) -> list[dict[str, Any]]:
    """Asks pip what it would install to have a wheel, when it may take nothing but the wheels of a folder.

    It cannot build anything and asks no index.

    Args:
        wheel: the wheel.
        folder: where wheels lie that it may take besides what is installed.
        progress: is given each line as it comes.
        beside: a folder with the metadata of what is there besides what the environment has.

    Returns:
        For each distribution `{"name", "version", "requested"}`.

    Raises:
        PluginError: pip cannot make it fit.
    """
    with tempfile.TemporaryDirectory(prefix="bidviz-pip-") as place:
        report = Path(place, "report.json")
        limits = ("--only-binary", ":all:", "--no-index", "--find-links", str(folder))
        line = ("--dry-run", "--report", str(report), *limits, str(wheel))
        run("install", *line, progress=progress, beside=beside)
        items = json.loads(report.read_text("utf-8"))["install"]
    return [
        {
            "name": item["metadata"]["name"],
            "version": item["metadata"]["version"],
            "requested": bool(item.get("requested")),
        }
        for item in items
    ]


def settings() -> dict[str, str]:
    """pip's own settings for installing: configuration files, then the environment's variables.

    Raises:
        PluginError: there is no pip.
    """
    # What a person changes in pip's files meanwhile counts with the next run; a look costs half a second.
    given = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    read = {key: given.pop(name) for name, key in _READ_HERE.items() if name in given}
    return {**_settings(tuple(sorted(given.items()))), **read}


@functools.lru_cache(maxsize=8)
def _settings(variables: tuple[tuple[str, str], ...]) -> dict[str, str]:
    said = run("config", "list", progress=lambda line: None, seconds=60.0, own_settings=True)
    found: dict[str, dict[str, str]] = {}
    for line in said:
        match = _SETTING.match(line.strip())
        if match is not None:
            with contextlib.suppress(ValueError, SyntaxError):  # a value over several lines: none that is wanted here
                found.setdefault(match["section"], {})[match["key"]] = str(ast.literal_eval(match["value"]))
    variables_said = {key: one for key, one in found.get(":env:", {}).items() if key not in _READ_HERE.values()}
    return {**found.get("global", {}), **found.get("install", {}), **variables_said}


def run(
    command: str,
    *arguments: str,
    progress: Callable[[str], None],
    seconds: float | None = None,
    own_settings: bool = False,
    beside: Path | None = None,
) -> list[str]:
    """Runs one pip command for this interpreter's environment.

    Args:
        command: pip's own command.
        arguments: what follows it.
        progress: is given each line as it comes.
        seconds: after so many it is ended; `MOST_SECONDS` by default.
        own_settings: whether all of the person's settings of pip hold, or those alone that say how to reach an index.
        beside: a folder with the metadata of what is there besides what the environment has; without code.

    Returns:
        The last lines pip wrote.

    Raises:
        PluginError: pip is not there, failed, was killed, or took too long; the text ends with what pip said.
    """
    bar = ("--progress-bar", "off") if command in ("install", "download", "wheel") else ()
    line = [sys.executable, "-m", "pip", command, *_QUIET, *bar, *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"}
    if beside is not None:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(beside), environment.get("PYTHONPATH", ""))))
    if not own_settings:
        kept = {name: value for name, value in settings().items() if name in _KEPT_SETTINGS}
        environment = {name: value for name, value in environment.items() if not name.startswith("PIP_")}
        environment |= {f"PIP_{name.upper().replace('-', '_')}": value for name, value in kept.items()}
        environment["PIP_CONFIG_FILE"] = os.devnull
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
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):  # it has ended already
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
    atexit.register(process.kill)  # the run may end before it does: then nobody takes what it makes
    said: list[str] = []
    limit = MOST_SECONDS if seconds is None else seconds
    deadline = _Deadline(process, limit)
    with process, deadline:
        assert process.stdout is not None
        for text in process.stdout:
            if text.strip():
                said.append(text.rstrip())
                del said[:-_KEPT_LINES]
                if not said[-1].startswith("Requirement already satisfied"):  # a page of what nobody asked
                    progress(said[-1])
    atexit.unregister(process.kill)
    if deadline.passed:
        span = f"{limit:.0f} seconds" if 0 < limit < 60 else f"{limit / 60:.0f} minutes"
        raise PluginError(f"pip took more than {span} and was ended; it said last: {_last(said)}")
    if process.returncode < 0:
        raise PluginError(
            f"pip was killed (signal {-process.returncode}) before it had done its work. Nothing is changed; try again."
        )
    if process.returncode:
        raise PluginError(explain(said))
    return said


class _Deadline:
    """Ends a process that takes too long."""

    def __init__(self, process: subprocess.Popen[str], seconds: float) -> None:
        self.passed = False
        self._process = process
        self._timer = threading.Timer(seconds, self._end)
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
    if "DO NOT MATCH THE HASHES" in text:
        shown = [line.split() for line in said if re.search(r"\b(Expected|Got)\b", line)]
        hashes = {words[-2] if "sha256" in words else words[0]: words[-1] for words in shown if words}
        return (
            "The file is not what its index says: the hash changed on the way or on the server "
            f"({', '.join(f'{word} {value}' for word, value in hashes.items()) or _last(said)}). Nothing is kept."
        )
    errors = [line for line in said if line.lower().startswith("error:")]
    ends = [number for number, line in enumerate(said) if "[end of output]" in line]
    if ends and ends[0] > 0:  # what a build that failed said last
        return f"pip could not build it: {said[ends[0] - 1].strip()}"
    if errors and errors[-1].lower().strip() == "error: exception:":  # what went wrong stands at the traceback's end
        return f"pip could not install it: {said[-1].strip()}"
    return f"pip could not install it: {' '.join(line[6:].strip() for line in errors[-3:]) or _last(said)}"


def _last(said: list[str]) -> str:
    return " / ".join(said[-3:]) or "nothing"
