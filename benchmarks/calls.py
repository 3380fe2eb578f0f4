"""What single things cost: a logging call, an import.

    python benchmarks/calls.py

The call is timed alone, each time with the clock read before and after and that reading taken off; medians, with the
10th and the 90th percentile. The import is timed in fresh interpreters that have torch and numpy already.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

os.environ["BIDVIZ_STATE_DIR"] = tempfile.mkdtemp(prefix="bidviz-bench-")

import bidviz_core as bidviz

CALLS = 20_000
IMPORT = (
    "import time, torch, numpy; began = time.perf_counter(); import bidviz_core{}; print(time.perf_counter() - began)"
)


def each(call: Callable[[], object]) -> list[float]:
    """Seconds of every call, less what reading the clock takes."""
    clock = time.perf_counter
    empty = statistics.median([-(clock() - clock()) for _ in range(CALLS)])
    seconds = []
    for _ in range(CALLS):
        began = clock()
        call()
        seconds.append(clock() - began - empty)
    return sorted(seconds)


def show(name: str, seconds: list[float]) -> None:
    """Prints the median and its spread in microseconds."""
    low, middle, high = (seconds[len(seconds) * part // 10] * 1e6 for part in (1, 5, 9))
    print(f"{name}: median {middle:.2f} µs ({low:.2f} to {high:.2f})")


def main() -> None:
    """Times the calls and the import."""
    with tempfile.TemporaryDirectory() as folder:
        session = bidviz.watch(name="calls", dashboard=None, plugins=(), run_dir=folder)
        twenty = {f"series{number}": float(number) for number in range(20)}
        show("session.log of 1 float", each(lambda: session.log("series", 1.0)))
        show("session.log of 20 floats", each(lambda: session.log(twenty)))
        session.close()
    for what in ("", "; bidviz_core.watch"):
        times = sorted(
            float(subprocess.run([sys.executable, "-c", IMPORT.format(what)], capture_output=True, text=True).stdout)
            for _ in range(7)
        )
        print(
            f"import bidviz_core{what}: median {times[3] * 1e3:.0f} ms ({times[0] * 1e3:.0f} to {times[-1] * 1e3:.0f})"
        )


if __name__ == "__main__":
    main()
