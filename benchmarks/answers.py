"""How soon a change from the browser takes hold, and how soon its answer is back.

A program follows a run as a page does, from a process of its own, and sets the learning rate at moments of its own, two
hundred times; the training notes when each of its steps was over. A change takes hold at the first step boundary after
it has arrived, and its answer, which says what the next update used, has to be back 50 ms after that update at most.

    python benchmarks/answers.py                # steps of about a millisecond
    python benchmarks/answers.py --longer 100   # and each longer by so many milliseconds of matrix products
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import loop
import torch

BOUND = 50e-3

#: Sets the learning rate again and again, and says when it asked, when the answer came and for which step.
CHANGE = """
import json, random, sys, time
sys.path.insert(0, sys.argv[1])
from support.dashboards import Browser
chance, rows = random.Random(0), []
with Browser(*sys.argv[2:5]) as browser:
    for number in range(int(sys.argv[5])):
        time.sleep(chance.uniform(0.05, 0.15))  # a person's pause: each change comes at another moment of a step
        content = {"run": sys.argv[4], "name": "lr", "value": 1e-3 + 1e-6 * number}
        sent = time.time()
        answer = browser.ask("setHyperparameter", content)
        assert answer["success"], answer
        rows.append((sent, time.time(), answer["step"]))
print(json.dumps(rows))
"""


def main() -> None:
    """Prints both times, and fails where the bound is not kept in the middle."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--longer", type=float, default=0.0, help="milliseconds")
    parser.add_argument("--changes", type=int, default=200)
    options = parser.parse_args()
    torch.set_num_threads(1)
    from support.dashboards import running_dashboard

    work = loop.Work()
    square = torch.randn(256, 256)
    over: list[float] = [time.time()]  # when each step was over, from the 0th on

    def after(_: float) -> None:
        over.append(time.time())
        while (time.time() - over[-1]) * 1e3 < options.longer:
            square @ square

    with (
        tempfile.TemporaryDirectory() as folder,
        running_dashboard(Path(folder)) as dashboard,
        loop.attached(work, folder, dashboard=dashboard.url, plugins=()) as session,
    ):
        line = [sys.executable, "-c", CHANGE, loop.TESTS, dashboard.address, dashboard.tokens["tune"], session.id]
        with subprocess.Popen([*line, str(options.changes)], stdout=subprocess.PIPE, text=True) as changing:
            while changing.poll() is None:
                work.stretch(10, after)
            assert changing.stdout is not None
            rows = json.loads(changing.stdout.read())
    # A step that is on its way when a change is sent ends without it where the wire takes longer than the rest of it.
    held = [over[step] - sent for sent, _, step in rows]
    boundaries = [sum(sent < moment for moment in over[max(0, step - 50) : step + 1]) for sent, _, step in rows]
    answered = [received - over[step + 1] for _, received, step in rows]
    step_time = statistics.median(later - one for one, later in itertools.pairwise(over))
    print(f"{len(rows)} changes in steps of {step_time * 1e3:.1f} ms")
    _tell("sent until it takes hold", held)
    print(f"  step boundaries from sending on: median {statistics.median(boundaries):.0f}, most {max(boundaries)}")
    _tell("the update that shows it until the answer is back", answered)
    late = sum(one > BOUND for one in answered)
    print(f"  {late} of {len(rows)} later than {BOUND * 1e3:.0f} ms")
    if statistics.median(answered) > BOUND:
        raise SystemExit(1)


def _tell(what: str, seconds: list[float]) -> None:
    parts = sorted(seconds)
    middle, most = statistics.median(parts) * 1e3, parts[-1] * 1e3
    usual = parts[int(len(parts) * 0.95)] * 1e3
    print(f"{what}: median {middle:.1f} ms, 95 % within {usual:.1f} ms, most {most:.1f} ms")


if __name__ == "__main__":
    main()
