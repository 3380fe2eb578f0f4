"""What watching costs a training: the digits MLP with and without, in one run, as ratios.

Plain and watched stretches alternate within one process; each stretch is so many steps, and the figures are the median
of the stretches' ratios with the interval between the 10th and the 90th percentile.

    python benchmarks/loop.py                  # 20 series logged each step, one browser watching
    python benchmarks/loop.py --threads 2
    python benchmarks/loop.py --what attach    # watch with no metric and no dashboard
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
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


def compare(plain: Callable[[], float], watched: Callable[[], float], rounds: int) -> tuple[list[float], list[float]]:
    """Alternates, each round in the other order, after one round that warms up."""
    plain(), watched()
    ones, others = [], []
    for number in range(rounds):
        if number % 2:
            ones.append(plain())
            others.append(watched())
        else:
            others.append(watched())
            ones.append(plain())
    return ones, others


def report(name: str, plain: list[float], watched: list[float]) -> None:
    """Prints medians, the median ratio, and how it spreads."""
    ratios = sorted(other / one for one, other in zip(plain, watched, strict=True))
    low, high = ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]
    one, other = statistics.median(plain), statistics.median(watched)
    print(
        f"{name}: plain {one * 1e6:.0f} µs, watched {other * 1e6:.0f} µs, added {(other - one) * 1e6:+.1f} µs a step, "
        f"ratio {statistics.median(ratios):.3f} ({low:.3f} to {high:.3f}, {len(ratios)} rounds)"
    )


@contextlib.contextmanager
def attached(work: Work, folder: str, **options: Any) -> Iterator[Any]:
    """Watches for the length of a stretch's setting."""
    session = bidviz.watch(work.model, work.optimizer, run_dir=folder, name="bench", **options)
    try:
        yield session
    finally:
        session.close()


def main() -> None:
    """Runs what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=("log", "attach", "defaults"), default="log")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--steps", type=int, default=400)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    bare, work = Work(), Work()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        if options.what == "log":
            from support.dashboards import running_dashboard

            dashboard = stack.enter_context(running_dashboard(Path(folder)))
            session = stack.enter_context(attached(work, folder, dashboard=dashboard.url, plugins=()))
            browser = stack.enter_context(dashboard.browser(session.id))
            names = [f"series{number}" for number in range(20)]

            def after(number: float) -> None:
                session.log(dict.fromkeys(names, number))

            plain, watched = compare(
                lambda: bare.stretch(options.steps), lambda: work.stretch(options.steps, after), options.rounds
            )
            report(f"20 series each step, one browser, {options.threads} torch thread(s)", plain, watched)
            print(f"dropped: {session.channel.dropped}; the browser got {browser.frames} frames")
            return
        session = stack.enter_context(attached(work, folder, dashboard=None, plugins=()))
        if options.what == "attach":
            for metric in list(session.metrics):
                session.metrics.remove(metric.name)
        plain, watched = compare(
            lambda: bare.stretch(options.steps), lambda: work.stretch(options.steps), options.rounds
        )
        report(f"watch, {options.what}, {options.threads} torch thread(s)", plain, watched)


if __name__ == "__main__":
    main()
