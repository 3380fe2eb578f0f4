"""The memory of the training process over a million steps, watched and bare.

    python benchmarks/memory.py --steps 1000000

Two processes of the same loop (a small linear model, five values logged each step); the resident memory is read ten
times on the way.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile

LOOP = """
import os, sys, tempfile, torch
os.environ["BIDVIZ_STATE_DIR"] = tempfile.mkdtemp()
torch.set_num_threads(1)
import bidviz_core as bidviz
model = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
watched, steps, folder = sys.argv[1] == "watched", int(sys.argv[2]), sys.argv[3]
session = bidviz.watch(model, optimizer, dashboard=None, plugins=(), run_dir=folder) if watched else None
inputs = torch.ones(4, 8)
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
for number in range(1, steps + 1):
    optimizer.zero_grad()
    model(inputs).sum().backward()
    optimizer.step()
    if watched:
        session.log({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": float(number)})
    if number % (steps // 10) == 0 or number == 1000:
        print(f"{resident():.1f}", end=" ", flush=True)
if watched:
    print("| dropped", session.channel.dropped, end=" ")
    session.close()
"""


def main() -> None:
    """Runs both and prints MB at the 1000th step and then after each tenth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000_000)
    steps = parser.parse_args().steps
    for kind in ("bare", "watched"):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-c", LOOP, kind, str(steps), folder]
            answer = subprocess.run(command, capture_output=True, text=True)
        print(f"{kind}: {answer.stdout.strip()} MB {answer.stderr.strip()[-300:]}")


if __name__ == "__main__":
    main()
