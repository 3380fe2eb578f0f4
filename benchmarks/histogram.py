"""What a histogram of 100,000 elements at each step costs a loop: the digits MLP with and without, as ratios.

Plain and logged stretches alternate within one process. The figures are the median of the stretches' ratios and the
interval between their 10th and 90th percentiles. Counts are compared with the definition in float64; records that were
dropped are told.

    python benchmarks/histogram.py                  # one torch thread
    python benchmarks/histogram.py --threads 2
    python benchmarks/histogram.py --what call      # the parts alone: the copy, the counting
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable

import numpy as np
import torch
from loop import Work, attached, compare, report

from bidviz_core.binning import by_definition
from bidviz_core.histograms import histogram, resolve_together
from bidviz_core.values import Histogram

ELEMENTS = 100_000


def measure_loop(rounds: int, steps: int, threads: int) -> None:
    """The whole loop, by `session.log` of one histogram each step; store on, no dashboard."""
    bare, work = Work(), Work()
    values = torch.randn(ELEMENTS)
    with tempfile.TemporaryDirectory() as folder, attached(work, folder, dashboard=None, plugins=()) as session:
        for metric in list(session.metrics):
            session.metrics.remove(metric.name)

        def after(number: float) -> None:
            session.log("weights", Histogram.of(values, 64))

        def logged() -> float:
            seconds = work.stretch(steps, after)
            session.pump.flush()  # what a stretch leaves to the pump is not to fall on the next one
            return seconds

        seconds = compare({"plain": lambda: bare.stretch(steps), "logged": logged}, rounds)
        report(f"{ELEMENTS:,} elements each step, {threads} torch thread(s)", seconds["plain"], seconds["logged"])
        records = session.step
        print(f"steps {records:,}, dropped {session.channel.dropped}")


def check_counts(rounds: int) -> None:
    """Counts of many tensors against the definition: each by itself, and together, as the pump counts what waits."""
    made = [torch.randn(ELEMENTS, generator=torch.Generator().manual_seed(seed)) for seed in range(rounds)]
    waiting = [Histogram.of(values, 64) for values in made]
    resolve_together(waiting)
    for how, counted in (("each by itself", [histogram(values) for values in made]), ("together", waiting)):
        different = sum(
            int((one.counts != by_definition(values.numpy(), one.edges)).sum())
            for values, one in zip(made, counted, strict=True)
        )
        print(f"counts that differ from the definition in float64, {rounds} histograms {how}: {different}")


def measure_parts(repeats: int) -> None:
    """The copy on the training thread, and the counting by the pump."""
    values = torch.randn(ELEMENTS)
    for name, work in {
        "copy": lambda: _copied(values),
        "count": lambda: histogram(values),
        "by comparing with the edges": lambda: by_definition(values.numpy(), np.linspace(-6, 6, 65)),
        "np.histogram": lambda: np.histogram(values.numpy(), 64),
    }.items():
        times = sorted(_seconds(work) for _ in range(repeats))
        print(f"{name}: median {statistics.median(times) * 1e6:.0f} µs, least {times[0] * 1e6:.0f} µs")


def _copied(values: torch.Tensor) -> None:
    waiting = Histogram.of(values)
    assert waiting._release is not None
    waiting._release(waiting._copied)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Runs what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=("loop", "call"), default="loop")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--steps", type=int, default=400)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.what == "call":
        measure_parts(1000)
        return
    measure_loop(options.rounds, options.steps, options.threads)
    check_counts(200)


if __name__ == "__main__":
    main()
