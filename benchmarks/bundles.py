"""What the bundles cost a training of 25 million parameters: all together at cadence 1, on defaults, and each metric.

Bare and watched stretches alternate within one process, in a random order; the figures are the median of the ratios of
neighbouring stretches with its 95 % interval (by bootstrap) and the spread of the single ratios between the 10th and
the 90th percentile. A control of two bare stretches, measured the same way, says what the machine's noise makes of no
difference at all. It takes whatever lies under `plugins/`.

    python benchmarks/bundles.py                       # the whole: cheap metrics at cadence 1, and all on defaults
    python benchmarks/bundles.py --only gradnorm health # these alone
    python benchmarks/bundles.py --what defaults --warm-up 302 --steps 20   # when nearly all first runs are over
    python benchmarks/bundles.py --what first --clock cpu   # the first steps one by one: first runs are guarded
    python benchmarks/bundles.py --each                # and each bundle by itself
    python benchmarks/bundles.py --table               # what each metric costs each time, in a table
    python benchmarks/bundles.py --clock cpu           # processor time in place of time: for a machine that is shared

Cheap is what needs no second pass of its own; what takes `second_pass` is left out at cadence 1.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from gradnorm import Transformer
from loop import compare, report
from torch import nn

import bidviz_core as bidviz

ROOT = Path(__file__).resolve().parents[1]
#: Steps that warm up: the first runs of a metric copy and compare the model.
WARM_UP = 12
FIRST_STEPS = 64
#: By name what the time is taken with; the processor's is that of all threads, the pump's among them.
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


class Classifier(nn.Module):
    """The transformer over random tokens, with a head for the last of them: 25 million parameters, 100 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(512, 512)
        self.body = Transformer()
        self.head = nn.Linear(512, 100)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Scores of 100 classes for `batch × 64` tokens."""
        return self.head(self.body(self.words(tokens))[:, -1])


class Work:
    """A training of the transformer; `stretch(n)` makes n steps."""

    def __init__(self, batch: int, clock: str) -> None:
        torch.manual_seed(0)
        self.clock = CLOCKS[clock]
        self.batch = batch
        self.model = Classifier()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-5)
        self.criterion = nn.CrossEntropyLoss()
        self.tokens = torch.randint(512, (64, 64))
        self.targets = torch.randint(100, (64,))

    def stretch(self, steps: int) -> float:
        """Seconds a step."""
        began = self.clock()
        for number in range(steps):
            at = number * self.batch % (len(self.tokens) - self.batch + 1)
            self.optimizer.zero_grad()
            outputs = self.model(self.tokens[at : at + self.batch])
            self.criterion(outputs, self.targets[at : at + self.batch]).backward()
            self.optimizer.step()
        return (self.clock() - began) / steps


def bundles(only: list[str]) -> dict[str, ModuleType]:
    """The bundles of metrics under `plugins/`, by name; those that do not import here are said and left out."""
    sys.path[:0] = [str(path) for path in ROOT.glob("plugins/*/src")]
    found = {}
    for source in sorted(ROOT.glob("plugins/bidviz-metric-*/src/bidviz_metric_*")):
        name = source.name.removeprefix("bidviz_metric_")
        if only and name not in only:
            continue
        try:
            found[name] = importlib.import_module(source.name)
        except ImportError as error:
            print(f"{name} is left out: {error}")
    return found


def is_cheap(metric: Any) -> bool:
    """Whether a metric needs no pass of its own."""
    return metric.where == "training" and "second_pass" not in metric.arguments


@contextlib.contextmanager
def watched(work: Work, modules: dict[str, ModuleType], folder: str, every: int | None) -> Iterator[Any]:
    """A session with these bundles: cheap metrics alone at a cadence, or all as they come.

    Args:
        work: the training.
        modules: the bundles.
        folder: where runs go.
        every: the cadence of cheap metrics; the others are then turned off.
    """
    session = bidviz.watch(
        work.model,
        work.optimizer,
        loss_fn=work.criterion,
        dashboard=None,
        run_dir=folder,
        plugins=(),
        name="bench",
        **({} if every is None else {"budget": None}),
    )
    try:
        for name, module in modules.items():
            try:
                session.plugins.register(module, f"bidviz-metric-{name}")
            except bidviz.PluginError as error:
                print(f"{name}: {error}")
        for metric in list(session.metrics):
            if every is not None and metric.origin != "built-in":
                if is_cheap(metric):
                    session.metrics.change(metric.name, every=every)
                else:
                    session.metrics.disable(metric.name)
        yield session
    finally:
        session.close()


def against_bare(options: argparse.Namespace, modules: dict[str, ModuleType], every: int | None, title: str) -> None:
    """Bare stretches, watched ones and a control in turn; the hooks of the watched one are on its own model alone."""
    bare, work = Work(options.batch, options.clock), Work(options.batch, options.clock)
    with tempfile.TemporaryDirectory() as folder, watched(work, modules, folder, every) as session:
        steps = options.steps
        work.stretch(options.warm_up)
        kinds: dict[str, Callable[[], float]] = {
            "bare": lambda: bare.stretch(steps),
            "control": lambda: bare.stretch(steps),
            "watched": lambda: work.stretch(steps),
        }
        seconds = compare(kinds, options.rounds)
        report("control: bare stretches again", seconds["bare"], seconds["control"])
        report(title, seconds["bare"], seconds["watched"])
        own, total = session.boundary.account
        print(f"  of the step {own / total:.1%} is spent at step boundaries; {len(session.failures)} failures")
        for failure in session.failures:
            print(f"  {failure.name}: {failure.message}")


def first_steps(options: argparse.Namespace, modules: dict[str, ModuleType]) -> None:
    """What the first steps take beside bare ones that alternate with them: each metric's first runs are guarded."""
    bare, work = Work(options.batch, options.clock), Work(options.batch, options.clock)
    bare.stretch(2)
    with tempfile.TemporaryDirectory() as folder, watched(work, modules, folder, None):
        pairs = [(work.stretch(1), bare.stretch(1)) for _ in range(FIRST_STEPS)]
    usual = statistics.median(one for _, one in pairs)
    more = [(step, seconds - usual) for step, (seconds, _) in enumerate(pairs, 1)]
    total = sum(seconds for _, seconds in more)
    longest = sorted(more, key=lambda one: one[1], reverse=True)[:6]
    print(
        f"first {FIRST_STEPS} steps on defaults: bare step {usual * 1e3:.0f} ms, {total:.2f} s more in all "
        f"({total / FIRST_STEPS / usual:.1%}); most at steps "
        + ", ".join(f"{step} ({seconds * 1e3:.0f} ms)" for step, seconds in longest)
    )


def table(options: argparse.Namespace, modules: dict[str, ModuleType]) -> None:
    """What each metric costs each time that it runs, and as a share of the step on its default cadence."""
    work = Work(options.batch, options.clock)
    seconds = statistics.median(work.stretch(1) for _ in range(max(5, options.steps)))
    print(f"\nbare step: {seconds * 1e3:.1f} ms\n")
    print("| bundle | metric | every | each time, ms | share of the step on its default | pass of its own |")
    print("|---|---|---|---|---|---|")
    for name, module in modules.items():
        with tempfile.TemporaryDirectory() as folder, watched(work, {name: module}, folder, None) as session:
            slots = [slot for slot in session.engine.slots.values() if slot.metric.origin != "built-in"]
            if not slots:
                continue  # it has nothing for this learner, and has said so
            defaults = {slot.metric.name: slot.metric.every for slot in slots}
            for slot in slots:
                session.metrics.change(slot.metric.name, every=1)
            spent: dict[str, list[float]] = {slot.metric.name: [] for slot in slots}
            run = session.engine._run

            def timed(slot: Any, *given: Any, run: Any = run, spent: Any = spent) -> None:
                began = work.clock()
                run(slot, *given)
                spent.setdefault(slot.metric.name, []).append(work.clock() - began)

            session.engine._run = timed
            session.engine.budget = None
            work.stretch(WARM_UP if any(map(is_cheap, (slot.metric for slot in slots))) else 4)
            for slot in slots:
                costs = spent[slot.metric.name][3:] or spent[slot.metric.name]  # without the runs under every guard
                if not costs:
                    print(f"| {name} | `{slot.metric.name}` | {defaults[slot.metric.name]} | gave nothing here | | |")
                    continue
                each, every = statistics.median(costs), defaults[slot.metric.name]
                passes = "no" if is_cheap(slot.metric) else "yes"
                share = each / (every * seconds)
                print(f"| {name} | `{slot.metric.name}` | {every} | {each * 1e3:.2f} | {share:.2%} | {passes} |")


def main() -> None:
    """Runs what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], metavar="BUNDLE")
    parser.add_argument("--each", action="store_true", help="each bundle by itself, too")
    parser.add_argument("--table", action="store_true", help="only what each metric costs each time")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=tuple(CLOCKS), default="wall")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--what", nargs="*", choices=("cheap", "defaults", "first"), default=("cheap", "defaults"))
    parser.add_argument("--warm-up", type=int, default=WARM_UP, help="watched steps before")
    parser.add_argument("--batch", type=int, default=8, help="sequences of 64 tokens in a step")
    options = parser.parse_args()
    random.seed(0)
    torch.set_num_threads(options.threads)
    modules = bundles(options.only)
    print(f"bundles: {', '.join(modules) or 'none'}; {options.threads} torch thread(s), batch {options.batch}")
    if not options.table:
        if "cheap" in options.what:
            against_bare(options, modules, 1, "cheap metrics of all at cadence 1 (target 1.15)")
        if "defaults" in options.what:
            against_bare(options, modules, None, "all on their defaults (target 1.03)")
        if "first" in options.what:
            first_steps(options, modules)
        if options.each:
            for name, module in modules.items():
                against_bare(options, {name: module}, 1, f"{name} at cadence 1")
                against_bare(options, {name: module}, None, f"{name} on defaults")
    if options.table or len(options.what) == 2:
        table(options, modules)


if __name__ == "__main__":
    main()
