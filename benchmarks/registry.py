"""A registry of 10,000 bundles: how long its search and the pages that pip reads take, and how it starts.

    python benchmarks/registry.py [--bundles 10000] [--rounds 100] [--folder DIR]

A real registry in a process of its own is asked over HTTP, each time with a new connection, as pip makes them. Printed
are medians with the least, the 95th percentile and the greatest, and the ratio to what each should reach: 50 ms for an
index page, 100 ms for a search. `bare` is the same server with an application that answers two bytes: what the
connection alone takes here.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from bidviz_core.description import FILE, DescribedMetric, Description, Sample, encode_description
from bidviz_core.specs import Line
from bidviz_registry.server.shelf import CACHE, Shelf

JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}
WORDS = """
    gradient weight norm layer noise scale curvature sharp flat hessian trace histogram quantile moment dead relu
    saturated entropy attention head accuracy calibration confusion cluster distance sparse row frequency throughput
    memory loss rate momentum update ratio vanishing exploding spike plateau batch epoch median variance
""".split()  # noqa: SIM905 - a list of them would be forty lines
_BARE = """
import sys
from cheroot.wsgi import Server
def answer(environ, start):
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]
server = Server(("127.0.0.1", 0), answer, numthreads=8)
server.prepare()
print(f"BIDViz registry: http://127.0.0.1:{server.bind_addr[1]}/", flush=True)
server.serve()
"""


def main() -> None:
    """Makes the bundles, runs every measurement and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundles", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="where to write; the disk under it is what is measured")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        os.environ["BIDVIZ_STATE_DIR"] = f"{folder}/state"
        shelf = Path(folder, "shelf")
        shelf.mkdir()
        for number in range(given.bundles):
            make_bundle(shelf, number)
        print(f"{given.bundles:,} bundles, {sum(path.stat().st_size for path in shelf.iterdir()) / 1e6:.0f} MB")
        start(shelf, given.bundles)
        asked(shelf, given.bundles, given.rounds)


def make_bundle(folder: Path, number: int) -> None:
    """Writes a bundle of six metrics with help texts, charts and samples, its words drawn by chance."""
    chance = random.Random(number)

    def text(words: int) -> str:
        return " ".join(chance.choice(WORDS) for _ in range(words))

    name = f"bidviz-metric-{chance.choice(WORDS)}-{number}"
    metrics = [
        DescribedMetric(
            name=f"{chance.choice(WORDS)}_{place}",
            help=f"{text(12)}.",
            arguments=("grads",),
            charts=(Line(title=text(2), help=f"Healthy: {text(15)}. Sick: {text(15)}."),),
            cost=12.0,
            share=0.002,
            cost_on="mlp",
            code="def metric(grads):\n    return grads.norm()\n",
        )
        for place in range(6)
    ]
    samples = {
        one.name: Sample("scalar", tuple(range(50)), tuple(chance.random() for _ in range(50))) for one in metrics
    }
    description = Description(1, name, "0.1.0", summary=text(8), metrics=tuple(metrics), samples=samples)
    stem = name.replace("-", "_")
    info = f"{stem}-0.1.0.dist-info"
    with zipfile.ZipFile(folder / f"{stem}-0.1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(f"{stem}/__init__.py", "# " + text(200))
        wheel.writestr(f"{stem}/{FILE}", encode_description(description))
        about = f"Metadata-Version: 2.4\nName: {name}\nVersion: 0.1.0\nSummary: {description.summary}\n"
        wheel.writestr(
            f"{info}/METADATA", f"{about}Requires-Python: >=3.11\nRequires-Dist: bidviz-core>=0.1\n\n{text(300)}"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\n")
        wheel.writestr(f"{info}/RECORD", "")
        wheel.writestr(f"{info}/entry_points.txt", f"[bidviz]\nbundle = {stem}\n")


def start(folder: Path, bundles: int) -> None:
    """What the first start takes, that reads every file, and what a later one takes."""
    (folder / CACHE).unlink(missing_ok=True)
    for name in ("first start, every file read", "later start, from the cache"):
        began = time.perf_counter()
        shelf = Shelf(folder, lambda line: None)
        seconds = time.perf_counter() - began
        assert len(shelf.snapshot().projects) == bundles
        shelf.close()
        print(f"{name:44} {seconds:8.2f} s  {seconds / bundles * 1e6:8.0f} µs a bundle")


def asked(folder: Path, bundles: int, rounds: int) -> None:
    """Asks a registry in a process of its own, and a bare server beside it, in turns."""
    command = [sys.executable, "-c", "from bidviz_core.cli import main; main()", "registry", "serve", str(folder)]
    registry, port = launch([*command, "--port", "0"])
    bare, bare_port = launch([sys.executable, "-c", _BARE])
    names = sorted(path.name for path in folder.glob("*.whl"))
    chance = random.Random(0)

    def project() -> str:
        return f"/simple/{chance.choice(names).split('-')[0].replace('_', '-')}/"

    def words(number: int) -> str:
        return "+".join(chance.choice(WORDS) for _ in range(number))

    ways: list[tuple[str, int, Callable[[], str], dict[str, str], float]] = [
        ("bare", bare_port, lambda: "/", {}, 0.0),
        ("index page of a project, JSON", port, project, JSON, 50.0),
        ("index page of a project, HTML", port, project, {}, 50.0),
        ("metadata of a wheel", port, lambda: f"/files/{chance.choice(names)}.metadata", {}, 50.0),
        ("wheel", port, lambda: f"/files/{chance.choice(names)}", {}, 50.0),
        ("index of all projects, JSON", port, lambda: "/simple/", JSON, 50.0),
        ("search, one word", port, lambda: f"/api/search?q={words(1)}", {}, 100.0),
        ("search, three words", port, lambda: f"/api/search?q={words(3)}", {}, 100.0),
        ("search, a word that nothing has", port, lambda: "/api/search?q=zzzz", {}, 100.0),
        ("search, with samples", port, lambda: f"/api/search?q={words(1)}&samples=1", {}, 100.0),
        ("gallery, cards of a search", port, lambda: f"/cards?q={words(2)}", {}, 100.0),
        ("gallery, first page", port, lambda: "/", {}, 100.0),
    ]
    taken: dict[str, list[float]] = {name: [] for name, *_ in ways}
    try:
        for _ in range(rounds):
            for name, at, path, headers, _ in ways:
                taken[name].append(ask(at, path(), headers))
        ways.append(("index page just after a new bundle", port, project, JSON, 50.0))
        ways.append(("search just after a new bundle", port, lambda: f"/api/search?q={words(1)}", {}, 100.0))
        taken |= {name: [] for name, *_ in ways[-2:]}
        for number in range(max(10, rounds // 4)):
            for name, at, path, headers, _ in ways[-2:]:
                make_bundle(folder, bundles + 2 * number + (name == ways[-1][0]))
                taken[name].append(ask(at, path(), headers))
    finally:
        for process in (registry, bare):
            process.kill()
            process.wait(30)
    for name, *_, most in ways:
        print(figure(name, taken[name], most))


def launch(command: list[str]) -> tuple[subprocess.Popen[str], int]:
    """Starts a server and waits until it listens."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("BIDViz registry: "):
            return process, int(line.rstrip("/\n").rsplit(":", 1)[1])
    raise SystemExit(f"{command} ended with {process.wait()}")


def ask(port: int, path: str, headers: dict[str, str]) -> float:
    """Milliseconds from the connection to the last byte of an answer."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    seconds = time.perf_counter() - began
    connection.close()
    assert answer.status == 200, (path, answer.status)
    return seconds * 1e3


def figure(name: str, taken: list[float], most: float) -> str:
    """The median, the least, the 95th percentile, the greatest, and the ratio of the median to what it should be."""
    tail = statistics.quantiles(taken, n=20)[-1]
    line = f"{name:44} {statistics.median(taken):8.1f} ms  [{min(taken):.1f}, {tail:.1f}, {max(taken):.1f}]"
    return f"{line}  {statistics.median(taken) / most:.2f} of {most:.0f} ms" if most else line


if __name__ == "__main__":
    main()
