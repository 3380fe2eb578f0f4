"""A training for the pages' tests: a small net on random numbers, until its standard input ends."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from typing import Any

import torch

import bidviz_core as bidviz

#: Steps before the training says that it is there: whatever a test does with it, there is something to see.
FIRST = 5

#: The bundles whose panels the pages are to show, whatever else is installed.
PLUGINS = ("bidviz-registry", "bidviz-metric-gradnorm", "bidviz-policy-schedules")


def main(name: str, run_dir: str, dashboard: str, **more: Any) -> None:
    """Trains under a session, which is given what `more` says, and prints its id and its URL."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    criterion = torch.nn.CrossEntropyLoss()
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), name="wait-for-the-end", daemon=True).start()
    options = {"name": name, "run_dir": run_dir, "dashboard": dashboard, "plugins": PLUGINS, **more}
    with bidviz.watch(model, optimizer, loss_fn=criterion, **options) as session:
        for step in itertools.count():
            if step == FIRST:
                print(f"run {session.id} {session.url}", flush=True)
            elif step > FIRST and over.is_set():
                break
            inputs = torch.randn(16, 8)
            targets = (inputs[:, 0] > 0).long()
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
            session.log("weight norm", float(model[0].weight.norm()))
            time.sleep(0.025)  # a step takes time, as steps do; nothing waits for this


if __name__ == "__main__":
    main(*sys.argv[1:])
