"""A Chromium without a window that is told what to do over its DevTools protocol, through the websocket client that the
dashboard has anyway: a page is opened, waited for, and photographed.

Source: https://chromedevtools.github.io/devtools-protocol/ (the domains Target, Page, Runtime and Emulation).
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from simple_websocket import Client, ConnectionClosed

from bidviz_core.errors import BidvizError
from bidviz_dashboard.threads import socket_thread

#: What it is called on various systems, after what `BIDVIZ_CHROMIUM` says.
NAMES = (
    *("chromium", "chromium-headless-shell", "chromium-browser"),
    *("google-chrome", "google-chrome-stable", "chrome", "msedge"),
)
#: Seconds for all that is asked of it together; a busy machine takes a few for the start alone.
PATIENCE = 120.0

_LISTENING = re.compile(r"DevTools listening on (ws://\S+)")
_FLAGS = (
    "--headless",
    "--remote-debugging-port=0",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The address bar's popup, which each window makes ready in processes of its own.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    # A page that lies on the disk reads the module and the libraries that lie on the disk.
    "--allow-file-access-from-files",
)


class NoPicture(BidvizError):
    """There is no Chromium, or it did not draw."""


def find_chromium() -> str:
    """The path of a Chromium: `BIDVIZ_CHROMIUM` if set, else the first that is found.

    Raises:
        NoPicture: there is none.
    """
    named = os.environ.get("BIDVIZ_CHROMIUM")
    for name in (named,) if named else NAMES:
        if path := shutil.which(name):
            return path
    got = f"BIDVIZ_CHROMIUM is {named!r}, which cannot be run" if named else f"looked for {', '.join(NAMES)}"
    raise NoPicture(
        f"No picture can be made without a Chromium: {got}. Install one, or set BIDVIZ_CHROMIUM to its path."
    )


class Window:
    """A page in a Chromium.

    Args:
        socket: the browser's DevTools connection.
        patience: seconds for everything together.
    """

    def __init__(self, socket: Client, patience: float) -> None:
        self._socket = socket
        self._until = time.monotonic() + patience
        self._numbers = itertools.count(1)
        self._session: str | None = None
        #: What the page complained of: uncaught errors.
        self.complaints: list[str] = []
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._send("Runtime.enable")
        self._send("Page.enable")

    def open(self, url: str, width: int, height: int, scale: float = 1.0) -> None:
        """Goes to a page.

        Args:
            url: the page's.
            width: of the window, CSS pixels.
            height: of the window, CSS pixels.
            scale: device pixels for a CSS pixel.
        """
        self.resize(width, height, scale)
        answer = self._send("Page.navigate", url=url)
        if answer.get("errorText"):
            raise NoPicture(f"Chromium could not open {url}: {answer['errorText']}.")

    def resize(self, width: int, height: int, scale: float = 1.0) -> None:
        """Makes the window another size."""
        size = {"width": int(width), "height": int(height), "deviceScaleFactor": scale}
        self._send("Emulation.setDeviceMetricsOverride", mobile=False, **size)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, waited for if it is a promise.

        Raises:
            NoPicture: it raised; with its message.
        """
        answer = self._send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise NoPicture(f"The page failed: {_words(answer['exceptionDetails'])}")
        return answer["result"].get("value")

    def picture(self, clip: Mapping[str, float]) -> bytes:
        """A part of the page as a PNG.

        Args:
            clip: `x`, `y`, `width` and `height`, CSS pixels of the page.
        """
        shot = self._send("Page.captureScreenshot", format="png", clip={**clip, "scale": 1})
        return base64.b64decode(shot["data"])

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        try:
            self._socket.send(msgspec.json.encode(message).decode())
            while True:
                left = self._until - time.monotonic()
                text = self._socket.receive(timeout=left) if left > 0 else None
                if text is None:
                    raise NoPicture(f"Chromium did not answer in time ({method}): is the machine very busy?")
                answer = msgspec.json.decode(text)
                if answer.get("method") == "Runtime.exceptionThrown":
                    self.complaints.append(_words(answer["params"]["exceptionDetails"]))
                if answer.get("id") == number:
                    break
        except ConnectionClosed as error:
            raise NoPicture(f"Chromium went away ({method}).") from error
        if "error" in answer:
            raise NoPicture(f"Chromium refused {method}: {answer['error'].get('message')}.")
        result: dict[str, Any] = answer["result"]
        return result


@contextlib.contextmanager
def window(patience: float = PATIENCE) -> Iterator[Window]:
    """Starts a Chromium with an empty profile of its own, and ends it afterwards.

    Args:
        patience: seconds for everything together.

    Raises:
        NoPicture: there is none, or it does not start.
    """
    path = find_chromium()
    sandbox = [] if getattr(os, "geteuid", lambda: 1)() else ["--no-sandbox"]  # Chromium refuses its sandbox to root
    with tempfile.TemporaryDirectory(prefix="bidviz-chromium-", ignore_cleanup_errors=True) as profile:
        command = [path, *_FLAGS, *sandbox, f"--user-data-dir={profile}", "about:blank"]
        try:
            process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
            )
        except OSError as error:
            raise NoPicture(f"{path} could not be started: {error}.") from error
        watchdog = threading.Timer(patience, _kill, [process])
        watchdog.daemon = True
        watchdog.start()
        assert process.stderr is not None
        # What else it says must be read, or it would wait for that at some time.
        reader = threading.Thread(target=process.stderr.read, name="bidviz-chromium", daemon=True)
        socket: Client | None = None
        try:
            socket = Client(_address(process.stderr, path), thread_class=socket_thread)
            reader.start()
            yield Window(socket, patience)
        finally:
            if socket is not None:
                with contextlib.suppress(ConnectionClosed, OSError):
                    socket.close()
            watchdog.cancel()
            _kill(process)
            process.wait()
            if socket is not None:
                reader.join()
            process.stderr.close()


def _kill(process: subprocess.Popen[str]) -> None:
    """Ends a Chromium, also where the program of that name is a script that starts it and waits."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its own group, from its start in a session of its own
    process.kill()


def _address(lines: Any, path: str) -> str:
    said = []
    for line in lines:
        if found := _LISTENING.search(line):
            return found[1]
        said.append(line.strip())
    raise NoPicture(f"{path} did not start: {' '.join(said)[-500:] or 'it said nothing'}.")


def _words(details: Mapping[str, Any]) -> str:
    raised = details.get("exception", {}).get("description") or details.get("text", "")
    return str(raised).split("\n    at ", 1)[0]
