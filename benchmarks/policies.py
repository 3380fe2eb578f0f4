"""What ten formula policies and five dependencies cost a step, and that nothing is left when none is armed.

    python benchmarks/policies.py [--steps 300] [--rounds 30]

Three loops of the same training alternate within one run, a few hundred steps at a time: bare, watched with nothing
armed, and watched with fifteen policies armed over exposed values. Printed are medians of the rounds' wall time
and of the training thread's own processor time a step, which other programs on the machine disturb less. What the
policies alone take is measured in place as well: around them at step boundaries, where the caches are as cold.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from typing import Any

os.environ.setdefault("BIDVIZ_STATE_DIR", tempfile.mkdtemp(prefix="bidviz-bench-"))

import torch
from torch import nn

import bidviz_core as bidviz

FORMULAS = (
    "0.1 * 0.5 ** (step / 1000)",
    "0.1 * (1 + cos(pi * step / 10000)) / 2",
    "clip(step / 500, 0, 1)",
    "0.1 / sqrt(1 + step)",
    "0.1 if step < 1000 else 0.01",
    'mean("loss", 100)',
    'ewma("loss", 0.99)',
    'best("loss") + 0.001 * since_best("loss")',
    'last("loss") * 0.5',
    "exp(-step / 5000)",
)


class Loop:
    """A small training; `run(n)` gives the seconds of a step.

    Args:
        kind: `"bare"`, `"watched"` or `"armed"`.
        folder: where the run's folder is made.
    """

    def __init__(self, kind: str, folder: str) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)
        self.inputs, self.targets = torch.randn(64, 64), torch.randint(0, 10, (64,))
        self.session: Any = None
        if kind == "bare":
            return
        self.session = bidviz.watch(self.model, self.optimizer, name=kind, dashboard=None, plugins=(), run_dir=folder)
        values = {f"{part}{number}": 0.0 for part, count in (("f", 10), ("d", 5)) for number in range(count)}
        for name in values:
            self.session.expose(
                name, lambda name=name: values[name], lambda value, name=name: values.__setitem__(name, value)
            )
        if kind == "armed":
            for number, formula in enumerate(FORMULAS):
                self.session.policies.add(f"f{number}", formula)
            for number in range(5):
                self.session.policies.add(f"d{number}", f"0.1 * f{number} + f{number + 5}")

    def run(self, steps: int) -> tuple[float, float]:
        """Trains, and gives the seconds of a step on the wall and on the processor."""
        began, busy = time.perf_counter(), time.thread_time()
        for _ in range(steps):
            self.optimizer.zero_grad()
            nn.functional.cross_entropy(self.model(self.inputs), self.targets).backward()
            self.optimizer.step()
        return (time.perf_counter() - began) / steps, (time.thread_time() - busy) / steps


def in_place(loop: Loop, steps: int) -> list[float]:
    """Seconds that the policies take at each calm step, measured around them where the caches are as cold."""
    policies, boundary = loop.session.policies, loop.session.boundary
    beside = policies.beside
    taken: list[float] = []

    def timed_beside(watchers: Any) -> Any:
        advance = beside(watchers)
        if advance is None:
            return None

        def timed(step: int, moment: float) -> bool:
            began = time.perf_counter()
            well: bool = advance(step, moment)
            taken.append(time.perf_counter() - began)
            return well

        return timed

    policies.beside = timed_beside
    loop.run(steps)
    del policies.beside
    boundary.call(lambda: None)  # prepares anew
    return taken


def main() -> None:
    """Alternates the loops and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=30)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        loops = {kind: Loop(kind, folder) for kind in ("bare", "watched", "armed")}
        for loop in loops.values():
            loop.run(300)
        seconds: dict[str, list[tuple[float, float]]] = {kind: [] for kind in loops}
        for _ in range(arguments.rounds):
            for kind, loop in loops.items():
                seconds[kind].append(loop.run(arguments.steps))
        for number, clock in enumerate(("wall", "processor")):
            bare = [one[number] for one in seconds["bare"]]
            for kind, both in seconds.items():
                times = [one[number] for one in both]
                more = statistics.median([one - other for one, other in zip(times, bare, strict=True)])
                print(
                    f"{clock:9} {kind:8} {statistics.median(times) * 1e6:8.1f} µs a step [least {min(times) * 1e6:.1f}]"
                    f"  {statistics.median(times) / statistics.median(bare):.3f} of bare  {more * 1e6:+7.1f} µs"
                )
        armed = sorted(in_place(loops["armed"], 10 * arguments.steps))
        print(
            f"fifteen policies in place: median {armed[len(armed) // 2] * 1e6:.1f} µs, "
            f"least {armed[0] * 1e6:.1f} µs, 90 % within {armed[len(armed) * 9 // 10] * 1e6:.1f} µs (at most 25)"
        )
        left = loops["watched"].session.boundary._watchers
        print(f"watchers of step boundaries where nothing is armed: {len(left)}")
        for loop in loops.values():
            if loop.session is not None:
                loop.session.close()


if __name__ == "__main__":
    main()
