"""Seconds from Install to the first recorded point of a bundle, and what the training loses meanwhile.

A bundle's wheel is made, served from an index on this machine and installed into a training as the page does it, the
first time and as an upgrade; the speed while that goes on is compared with plain stretches of the same training before
and after. The bounds: 10 s to the first point, and a speed within the spread of the plain stretches. On a machine that
does other things at the same time both figures say more about those.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import os
import statistics
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

import bidviz_core as bidviz
from bidviz_core.messages.commands import InstallBundle, Order
from bidviz_core.messages.contents import InstallBundleContent

NAME = "bidviz-metric-timed"
BOUND = 10.0
STRETCH = 4.0
CODE = """
import bidviz_core as bidviz


@bidviz.metric(chart=bidviz.Line(title="Timed"))
def timed(params):
    return params.norm()


@bidviz.hookimpl
def register_metrics():
    return [timed]
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *about: object) -> None:
        """The terminal is the benchmark's."""


def make_wheel(folder: Path, version: str) -> Path:
    """Makes the wheel of a bundle with one metric and lists it on the index."""
    package = NAME.replace("-", "_")
    info = f"{package}-{version}.dist-info"
    path = folder / f"{package}-{version}-py3-none-any.whl"
    files = {
        f"{package}/__init__.py": CODE,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version}\nRequires-Dist: bidviz-core\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[bidviz]\ntimed = {package}\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    page = folder / "simple" / NAME / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    with page.open("a") as file:
        file.write(f'<a href="/{path.name}">{path.name}</a>\n')
    return path


class Watched:
    """A training on this thread that counts its steps in stretches, and a page that asks it things from another."""

    def __init__(self, session: Any, step: Any) -> None:
        self.session, self._step = session, step
        self.answer: Any = None

    def speed(self, seconds: float) -> float:
        """Steps a second over a plain stretch."""
        began, steps = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            self._step()
            steps += 1
        return steps / (time.perf_counter() - began)

    def install(self) -> tuple[float, float]:
        """Installs the newest version: seconds to its first point, and steps a second until then."""
        self.answer = None
        self.session.pump.latest.pop("timed", None)
        self.session.service._installing.put(self._carry_out)
        began, steps = time.perf_counter(), 0
        while self.answer is None or "timed" not in self.session.pump.latest:
            self._step()
            steps += 1
            if self.answer is not None and not self.answer.success:
                raise SystemExit(f"not installed: {self.answer.data}")
        seconds = time.perf_counter() - began
        return seconds, steps / seconds

    def _carry_out(self) -> None:
        command = InstallBundle(InstallBundleContent(NAME, load=True))
        answer = self.session.dispatcher.carry_out(Order(1, "benchmark", "code", command))
        self.answer = answer


def measure(rounds: int, threads: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds to the first point, speeds of plain stretches, and of those in which a bundle is installed."""
    torch.set_num_threads(threads)
    model = nn.Sequential(*(nn.Linear(512, 512) for _ in range(8)))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    batch = torch.randn(256, 512)

    def step() -> None:
        optimizer.zero_grad()
        model(batch).square().mean().backward()
        optimizer.step()

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "index")
        folder.mkdir()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name in [name for name in os.environ if name.startswith("PIP_")]:
            del os.environ[name]
        os.environ["PIP_CONFIG_FILE"] = os.devnull
        os.environ["PIP_INDEX_URL"] = f"http://127.0.0.1:{server.server_port}/simple/"
        os.environ["BIDVIZ_STATE_DIR"] = os.environ["BIDVIZ_CONFIG_DIR"] = str(Path(place, "state"))
        waits, plain, busy = [], [], []
        with bidviz.watch(
            model, optimizer, dashboard=None, run_dir=Path(place, "runs"), plugins=["bidviz-registry"]
        ) as session:
            watched = Watched(session, step)
            watched.speed(1.0)
            plain.append(watched.speed(STRETCH))
            for number in range(rounds):
                make_wheel(folder, f"0.{number}.0")
                seconds, speed = watched.install()
                waits.append(seconds)
                busy.append(speed)
                plain.append(watched.speed(max(STRETCH, seconds)))
        server.shutdown()
        server.server_close()
    return waits, plain, busy


def main() -> None:
    """Prints what was found, and fails where the first point takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    given = parser.parse_args()
    waits, plain, busy = measure(given.rounds, given.threads)
    print(f"from Install to the first recorded point: {statistics.median(waits):.1f} s (worst {max(waits):.1f} s)")
    ratio = statistics.median(busy) / statistics.median(plain)
    print(f"speed while a bundle is installed: {ratio:.3f} of plain stretches' {statistics.median(plain):.1f} steps/s")
    print(f"plain stretches lie between {min(plain):.1f} and {max(plain):.1f} steps/s, installing ones between "
          f"{min(busy):.1f} and {max(busy):.1f}")  # fmt: skip
    if statistics.median(waits) > BOUND:
        sys.exit(1)


if __name__ == "__main__":
    main()
