"""What watching costs a training: the digits MLP with and without, in one run, as ratios.

Plain and watched stretches alternate within one process; each stretch is so many steps. The figures are the median of
the ratios of neighbouring stretches, its 95 % interval (by bootstrap), and the spread of the single ratios between the
10th and the 90th percentile. A control of two plain loops, measured the same way between the others, says what the
machine's noise makes of no difference at all. Whoever follows the run does so from a process of its own.

    python benchmarks/loop.py                  # 20 series logged each step, a program follows the run as a page does:
                                               # alone, and beside the metrics that watch brings (the loss, the rate)
    python benchmarks/loop.py --viewer page    # the same with the run's page open in a headless Chromium
    python benchmarks/loop.py --threads 2      # beside it: another process of the same load
    python benchmarks/loop.py --what attach    # watch with no metric and no dashboard
    python benchmarks/loop.py --what defaults  # watch as it comes, without a dashboard
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
os.environ.setdefault("BIDVIZ_STATE_DIR", tempfile.mkdtemp(prefix="bidviz-bench-"))

import torch
from sklearn.datasets import load_digits
from torch import nn

import bidviz_core as bidviz

TESTS = sys.path[0]

#: A program that follows a run as a page does, in a process of its own; it ends with its standard input.
FOLLOW = """
import sys
sys.path.insert(0, sys.argv[1])
from support.dashboards import Browser
with Browser(sys.argv[2], sys.argv[3], sys.argv[4]) as browser:
    print("ready", flush=True)
    sys.stdin.read()
    print(browser.frames, flush=True)
"""

#: The run's page in a Chromium, as a person has it open.
PAGE = """
import os, sys
from playwright.sync_api import sync_playwright
flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]
with sync_playwright() as playwright:
    path = os.environ.get("BIDVIZ_CHROMIUM", "/usr/bin/chromium")
    browser = playwright.chromium.launch(executable_path=path, args=flags)
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(sys.argv[1])
    page.wait_for_selector("canvas")
    print("ready", flush=True)
    sys.stdin.read()
    print(page.locator("canvas").count(), flush=True)
    browser.close()
"""

#: A process that computes as much on the device as following a run does at most: it spins for a share of the time.
LOAD = """
import sys, time
share = float(sys.argv[1])
print("ready", flush=True)
while True:
    began = time.perf_counter()
    while time.perf_counter() - began < 0.05 * share:
        pass
    time.sleep(0.05 * (1 - share))
"""


class Work:
    """The digits MLP: 64-256-256-10 with ReLU, cross entropy, batches of 64, Adam."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        data = load_digits()
        self.inputs = torch.tensor(data.data / 16, dtype=torch.float32)
        self.targets = torch.tensor(data.target)
        self.model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
        self.optimizer = torch.optim.Adam(self.model.parameters())

    def stretch(self, steps: int, after: Callable[[float], None] | None = None) -> float:
        """Seconds a step, over so many steps."""
        inputs, targets, model, optimizer = self.inputs, self.targets, self.model, self.optimizer
        count = len(inputs)
        began = time.perf_counter()
        for number in range(steps):
            start = (number * 64) % (count - 64)
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs[start : start + 64]), targets[start : start + 64])
            loss.backward()
            optimizer.step()
            if after is not None:
                after(float(number))
        return (time.perf_counter() - began) / steps


def compare(kinds: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Runs one stretch of each kind a round, in a random order, after one round that warms up."""
    for stretch in kinds.values():
        stretch()
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    order = list(kinds)
    chance = random.Random(0)
    for _ in range(rounds):
        chance.shuffle(order)
        for name in order:
            seconds[name].append(kinds[name]())
    return seconds


def report(name: str, plain: list[float], watched: list[float]) -> None:
    """Prints medians, the median ratio, its interval, and how single ratios spread."""
    pairs = [other / one for one, other in zip(plain, watched, strict=True)]
    chance = random.Random(0)
    medians = sorted(statistics.median(chance.choices(pairs, k=len(pairs))) for _ in range(2000))
    low, high = medians[50], medians[-51]
    spread = sorted(pairs)
    one, other = statistics.median(plain), statistics.median(watched)
    print(
        f"{name}: plain {one * 1e6:.0f} µs, {other * 1e6:.0f} µs, "
        f"ratio {statistics.median(pairs):.3f} (95 % {low:.3f} to {high:.3f}; single {spread[len(pairs) // 10]:.3f} to "
        f"{spread[-1 - len(pairs) // 10]:.3f}, {len(pairs)} rounds)",
        flush=True,
    )


@contextlib.contextmanager
def beside(program: str, *arguments: str) -> Iterator[list[str]]:
    """Runs a program in a process of its own until the end of the block; gives what it says last."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    said: list[str] = []
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == "ready"
        yield said
    finally:
        process.stdin.close()
        try:
            process.wait(10 if program is not LOAD else 0.1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        said.append(process.stdout.read().strip())
        process.stdout.close()


@contextlib.contextmanager
def attached(work: Work, folder: str, **options: Any) -> Iterator[Any]:
    """Watches for the length of a stretch's setting."""
    session = bidviz.watch(work.model, work.optimizer, run_dir=folder, name="bench", **options)
    try:
        yield session
    finally:
        session.close()


def logging(options: argparse.Namespace, folder: str, stack: contextlib.ExitStack) -> None:
    """20 series each step, with somebody who follows them."""
    from support.dashboards import running_dashboard

    bare, control = Work(), Work()
    dashboard = stack.enter_context(running_dashboard(Path(folder)))
    names = [f"series{number}" for number in range(20)]
    kinds = {"plain": lambda: bare.stretch(options.steps), "control": lambda: control.stretch(options.steps)}
    sessions = {}

    def add(kind: str, with_metrics: bool) -> None:
        work = Work()
        session = stack.enter_context(attached(work, str(Path(folder) / kind), dashboard=dashboard.url, plugins=()))
        for metric in [] if with_metrics else list(session.metrics):
            session.metrics.remove(metric.name)

        def after(number: float) -> None:
            session.log(dict.fromkeys(names, number))

        work.stretch(50, after)
        sessions[kind] = session
        kinds[kind] = lambda: work.stretch(options.steps, after)

    add("20 series each step", with_metrics=False)
    add("20 series each step and the built-in metrics", with_metrics=True)
    said = []
    with contextlib.ExitStack() as inner:
        for session in sessions.values() if options.viewer != "none" else []:
            program, *arguments = (
                (PAGE, session.url)
                if options.viewer == "page"
                else (FOLLOW, TESTS, dashboard.address, dashboard.tokens["view"], session.id)
            )
            said.append(inner.enter_context(beside(program, *arguments)))
        seconds = compare(kinds, options.rounds)
    threads = f"{options.threads} torch thread(s)"
    report(f"control: a second plain loop, {threads}", seconds["plain"], seconds["control"])
    for kind in sessions:
        report(f"{kind}, viewer: {options.viewer}, {threads}", seconds["plain"], seconds[kind])
    dropped = sum(session.channel.dropped for session in sessions.values())
    print(f"dropped: {dropped}; viewers saw {' and '.join(one[-1] for one in said) or 'no'} frames or charts")
    if options.threads > 1:
        loaded: list[float] = []
        without: list[float] = []
        for _ in range(max(3, options.rounds // 10)):
            with beside(LOAD, str(options.share)):
                loaded += [bare.stretch(options.steps) for _ in range(5)]
            without += [bare.stretch(options.steps) for _ in range(5)]
        report(f"beside it: another process that takes {options.share:.0%} of a core", without, loaded)


def watching(options: argparse.Namespace, folder: str, stack: contextlib.ExitStack) -> None:
    """Watch alone, with no dashboard."""
    bare, control, work = Work(), Work(), Work()
    session = stack.enter_context(attached(work, folder, dashboard=None, plugins=()))
    if options.what == "attach":
        for metric in list(session.metrics):
            session.metrics.remove(metric.name)
    kinds = {
        "plain": lambda: bare.stretch(options.steps),
        "control": lambda: control.stretch(options.steps),
        "watched": lambda: work.stretch(options.steps),
    }
    seconds = compare(kinds, options.rounds)
    report("control: a second plain loop", seconds["plain"], seconds["control"])
    report(f"watch, {options.what}, {options.threads} torch thread(s)", seconds["plain"], seconds["watched"])


def main() -> None:
    """Runs what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=("log", "attach", "defaults"), default="log")
    parser.add_argument("--viewer", choices=("program", "page", "none"), default="program")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.2, help="of a core, for the process beside two threads")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        (logging if options.what == "log" else watching)(options, folder, stack)


if __name__ == "__main__":
    main()
